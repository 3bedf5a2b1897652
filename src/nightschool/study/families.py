"""The families of study material that a model writes: what it is asked, and how its reply is read.

A family is a row of a table: a request, two demonstrations on one invented text (a small model follows
those, where it does not follow instructions), a reader, and what the request is about: each sentence, or
what the model itself listed before. `sampled.py` asks; nothing here knows a model.

Source:
    Each family's own `paper`. The prompts are ours; the papers' are written for far larger models.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightschool.language import holds, parse
from nightschool.types import Message, digest

DEMO = (
    "Morvik Lighthouse\nThe lighthouse of Morvik stands on the island of Telle. It was designed by the "
    "architect Nora Fels and was lit for the first time in 1858. At 46 metres it was the tallest of the "
    "coast for a century."
)
FIRST_LIT = "It was designed by the architect Nora Fels and was lit for the first time in 1858."
TALLEST = "At 46 metres it was the tallest of the coast for a century."
MOST_PARTS = 6
"""A memory's sentences, pairs of things or strategies, at most."""
ENOUGH_THINGS = 4
"""A small model lists what is not there; with fewer things than this the pairs soon run out."""
ANSWER_WORDS = 16
"""A short answer has no more; a longer one is mostly a small model that rambles."""
POINTING = re.compile(
    r"\b(?:the|this|that) (?:text|passage|sentence|paragraph|article|author)\b", re.I
)
"""Who is asked closed-book has no text in front of him."""
MARKER = re.compile(r"^\s*(?:[-*•]|\d+[.)]|#+)\s*")

Written = tuple[str, str]
"""A question (empty for plain text) and what is to be learnt."""
Parts = Callable[[str, Sequence[str]], list[str]]
"""(text, what the model listed) -> what the request is about, one prompt each."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of study material."""

    name: str
    ask: str
    """The request; `{part}` stands for what it is about."""
    demos: tuple[tuple[str, str], ...]
    """(part, reply) about `DEMO`."""
    read: Callable[[str], list[Written]]
    """Finds what is usable in a reply; nothing where it is malformed."""
    parts: Parts
    paper: str
    most_tokens: int = 64
    """Longest reply; what small models write after that is seldom of use."""
    listing: tuple[str, str] | None = None
    """What the model is asked to list first, and the demonstration's list; None: the parts come by rule."""


def chat(text: str, ask: str, demos: Sequence[tuple[str, str]], part: str) -> tuple[Message, ...]:
    """Build the prompt: the demonstrations as earlier turns, then the request about the text."""
    turns = [
        message
        for shown, reply in demos
        for message in (Message("user", _request(DEMO, ask, shown)), Message("assistant", reply))
    ]
    return (*turns, Message("user", _request(text, ask, part)))


def _request(text: str, ask: str, part: str) -> str:
    return f"Text: {text}\n\n{ask.replace('{part}', part)}"


# -- what a request is about ----------------------------------------------------------------


def sentences(text: str, listed: Sequence[str] = ()) -> list[str]:
    """Take the sentences under the text's heading, evenly spread where there are too many."""
    body = text.split("\n", 1)[-1]
    found = [s.text.strip() for s in parse(body).sents if len(s.text.split()) > 2]
    step = max(1.0, len(found) / MOST_PARTS)
    return [found[int(k * step)] for k in range(min(MOST_PARTS, len(found)))]


def numbered(text: str, listed: Sequence[str] = ()) -> list[str]:
    """Take the sentences that hold a number."""
    return [s for s in sentences(text) if re.search(r"\d", s)]


def pairs_of(text: str, listed: Sequence[str]) -> list[str]:
    """Pair the listed things that stand in the text; where they are few, the parser's names and numbers, too."""
    things = [part.strip(" .") for line in listed for part in line.split(", ")]
    named = [t for t in dict.fromkeys(things) if 0 < len(t.split()) < 6 and holds(text, t)]
    if len(named) < ENOUGH_THINGS:
        found = [entity.text.strip() for entity in parse(text.split("\n", 1)[-1]).ents]
        named = list(dict.fromkeys([*named, *(t for t in found if re.search(r"[A-Z\d]", t))]))
    pairs = list(itertools.combinations(named, 2))
    random.Random(digest(text)).shuffle(pairs)
    return [f"{one} and {other}" for one, other in pairs[:MOST_PARTS]]


def strategies(text: str, listed: Sequence[str]) -> list[str]:
    """Take the listed ways to study, no two alike."""
    ways = [s for s in listed if 2 < len(s.split()) < 20 and not s.endswith(":")]
    return list(dict.fromkeys(ways))[:MOST_PARTS]


def items(reply: str) -> list[str]:
    """Read a list: its lines, without bullets or numbers."""
    return [clean for line in reply.splitlines() if (clean := MARKER.sub("", line).strip())]


# -- how a reply is read --------------------------------------------------------------------


def questions(reply: str) -> list[Written]:
    """Read `Q: ...?` and `A: ...` lines.

    Left out are long answers, what points to a text, and questions that hold their answer.
    """
    found = re.findall(r"Q:\s*(.+?\?)\s*\n+A:\s*(\S.*)", reply)
    return [
        (q.strip(), a.strip())
        for q, a in found
        if len(a.split()) <= ANSWER_WORDS and not POINTING.search(f"{q} {a}") and not holds(q, a)
    ]


def denials(reply: str) -> list[Written]:
    """Read questions that are answered with no."""
    return [(q, a) for q, a in questions(reply) if re.match(r"no\b", a, re.IGNORECASE)]


def lines(reply: str) -> list[Written]:
    """Read each line that is a sentence."""
    return [
        ("", line)
        for line in dict.fromkeys(items(reply))
        if line[-1] in ".!" and 3 < len(line.split()) < 80 and not _off(line)
    ]


def prose(reply: str) -> list[Written]:
    """Read a text as one, to its last whole sentence; lines that it repeats count once."""
    text = " ".join(dict.fromkeys(items(reply)))
    whole = re.match(r".*[.!](?=\s|$)", text)
    return [("", whole[0])] if whole and len(whole[0].split()) > 3 and not _off(whole[0]) else []


def _off(text: str) -> bool:
    return bool(POINTING.search(text) or re.search(r"\b[QA]:", text))


# -- the table ------------------------------------------------------------------------------

QA = "Allen-Zhu and Li 2023, Physics of Language Models 3.1 (questions beside the text make it extractable)"
FAMILIES = {
    family.name: family
    for family in (
        Family(
            "qa",
            "Write a question and its short answer about this sentence: {part}",
            (
                (FIRST_LIT, "Q: Who designed the lighthouse of Morvik?\nA: Nora Fels"),
                (TALLEST, "Q: How tall is the lighthouse of Morvik?\nA: 46 metres"),
            ),
            questions,
            sentences,
            QA,
        ),
        Family(
            "reversed",
            "Write a question that is answered by who or what this sentence is about: {part}",
            (
                (FIRST_LIT, "Q: What did the architect Nora Fels design?\nA: the lighthouse of Morvik"),
                (TALLEST, "Q: Which lighthouse is 46 metres tall?\nA: the lighthouse of Morvik"),
            ),
            questions,
            sentences,
            "Berglund et al. 2023, The Reversal Curse; Allen-Zhu and Li 2023, Physics of Language Models 3.2",
        ),
        Family(
            "numeric",
            "Write a question about a number in this sentence, and its answer: {part}",
            (
                (FIRST_LIT, "Q: In which year was the lighthouse of Morvik first lit?\nA: 1858"),
                (TALLEST, "Q: How many metres high is the lighthouse of Morvik?\nA: 46"),
            ),
            questions,
            numbered,
            QA,
        ),
        Family(
            "negative",
            "Write a question that gets something in this sentence wrong, and say no with what is right: {part}",
            (
                (FIRST_LIT, "Q: Was the lighthouse of Morvik first lit in 1920?\nA: No, in 1858."),
                (TALLEST, "Q: Is the lighthouse of Morvik 80 metres tall?\nA: No, 46 metres."),
            ),
            denials,
            sentences,
            "none known; ours, after the near misses of the abstention exam",
        ),
        Family(
            "rewrite",
            "Say this in other words, with the full names: {part}",
            (
                (
                    FIRST_LIT,
                    "Nora Fels was the architect of the lighthouse of Morvik, whose lamp first burned in 1858.",
                ),
                (
                    TALLEST,
                    "For a century no lighthouse of the coast was taller than Morvik's with its 46 metres.",
                ),
            ),
            prose,
            sentences,
            "Maini et al. 2024, Rephrasing the Web (WRAP)",
        ),
        Family(
            "implications",
            "List what follows from this, a sentence on each line: {part}",
            (
                (
                    FIRST_LIT,
                    "The lighthouse of Morvik was dark before 1858.\nNora Fels worked as an architect.",
                ),
                (
                    TALLEST,
                    "Other lighthouses of the coast were lower than 46 metres.\n"
                    "A taller lighthouse than Morvik's was built a century later.",
                ),
            ),
            lines,
            sentences,
            "Zweiger et al. 2025, Self-Adapting Language Models (SEAL), the prompt for implications",
            96,
        ),
        Family(
            "entigraph",
            "How are these two connected: {part}?",
            (
                (
                    "Nora Fels and Telle",
                    "Nora Fels was the architect of the lighthouse that stands on the island of Telle.",
                ),
                (
                    "1858 and Morvik",
                    "In 1858 the lighthouse of Morvik was lit for the first time.",
                ),
            ),
            prose,
            pairs_of,
            "Yang et al. 2024, Synthetic Continued Pretraining (EntiGraph), relations of pairs of entities",
            96,
            ("List the people, places, things and numbers.", "Morvik\nTelle\nNora Fels\n1858\n46 metres"),
        ),
        Family(
            "active-reading",
            "Study it in this way: {part}",
            (
                (
                    "Make a timeline of the dates.",
                    "1858: the lighthouse of Morvik is lit for the first time. It is the tallest of the coast.",
                ),
                (
                    "Make flash cards of the names.",
                    "Nora Fels: the architect of the lighthouse of Morvik.\nTelle: the island of the lighthouse.",
                ),
            ),
            prose,
            strategies,
            "Lin et al. 2025, Learning Facts at Scale with Active Reading",
            192,
            (
                "List four ways to study this and to remember all of it.",
                "Make a timeline of the dates.\nMake flash cards of the names.\n"
                "Explain it to a child in simple words.\nTell what caused what.",
            ),
        ),
    )
}  # fmt: skip
"""Name -> family; the names stand in `Example.family` and in `study.families`."""
