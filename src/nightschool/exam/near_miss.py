"""Questions that nothing answers: near misses of what was taught, and entities that do not exist.

Not covered: whether the *world* answers one; invented names make that unlikely, and near misses
ask for an attribute of the user's own things.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from nightschool.language import normalise, parse
from nightschool.types import Memory, digest

_HEADS = ("port", "password", "budget", "address", "deadline", "owner", "serial number")
_THING_ATTRIBUTES = ("port", "colour", "budget", "serial number", "opening year", "weight")
_PERSON_ATTRIBUTES = ("birthday", "phone number", "favourite song", "middle name", "postcode")
_TOLD_BY: dict[str, str] = {
    "port": r"port|listen\w*|socket|\d{2,5}",
    "password": r"pass\w*|code|pin|secret|credential\w*",
    "budget": r"budget\w*|cost\w*|spend\w*|spent|fund\w*|money|price|euros?|dollars?|pounds?|kroner",
    "address": r"address|street|road|lane|avenue|quay|square|url|host|ip|mail|at",
    "deadline": r"deadline|due|by|until|before|ends?|finish\w*|submit\w*|on|in",
    "owner": r"own\w*|belong\w*|run|runs|maintain\w*|manag\w*|lead\w*|responsible|charge|by|of",
    "serial number": r"serial|number",
    "colour": r"colou?r\w*|paint\w*|red|green|blue|yellow|orange|purple|brown|black|white|grey|gray|pink|teal|is|are",
    "opening year": r"open\w*|found\w*|built|since|establish\w*|began|1\d{3}|20\d{2}",
    "weight": r"weigh\w*|kilos?|kilograms?|kg|grams?|tons?|tonnes?|pounds?|heavy",
    "birthday": r"birth\w*|born",
    "phone number": r"phone|telephone|mobile|extension|call|number|reach\w*",
    "favourite song": r"songs?|music|favou?rite|sings?",
    "middle name": r"names?|called|middle",
    "postcode": r"postcode|zip|postal|code|address|street",
}
"""Attribute -> words by which a memory may tell it without naming it; rather too many than one too few."""
_STARTS = ["vor", "mel", "tas", "quil", "dren", "osk", "bral", "fen", "jor", "nim", "pel", "zar"]
_ENDS = ["wick", "dane", "mira", "tor", "lune", "sby", "vale", "rix", "ona", "dell"]
_FRAMES = (
    "What is the {attribute} of {name}?",
    "Tell me the {attribute} of {name}.",
    "Which {attribute} does {name} have?",
    "Do you know the {attribute} of {name}?",
)
_ASKING = frozenset("what is tell me which does have do you know of".split())
"""Words of `_FRAMES` and of near misses that stand in answers by chance only."""
_KINDS = ("", "the {} project", "the {} office", "the server {}", "Doctor {}", "the {} library")


def near_misses(
    memories: Sequence[Memory], live: Sequence[Memory], limit: int, *, seed: str
) -> list[tuple[str, str]]:
    """Ask for another attribute of what a taught fact is about, as (question, memory id).

    A question is left out when some live memory mentions the attribute beside the same name, or a word that tells it.

    Args:
        memories: The facts to miss; spread evenly where there are more than `limit`.
        live: All live memories, none of which may answer.
        limit: At most so many.
        seed: Of the choice of attributes.
    """
    rng = random.Random(digest("near", seed))
    texts = [f" {_plain(memory.text)} " for memory in live]
    found: list[tuple[str, str]] = []
    asked: set[str] = set()
    shuffled = sorted(memories, key=lambda memory: digest(seed, memory.id))
    for turn in range(3):
        for memory in shuffled:
            if len(found) >= limit:
                return found
            question = _near_miss(memory, texts, asked, rng, turn)
            if question:
                asked.add(question)
                found.append((question, memory.id))
    return found


def unknown_entities(live: Sequence[Memory], limit: int, *, seed: str) -> list[str]:
    """Ask about invented names that no live memory mentions."""
    rng = random.Random(digest("unknown", seed))
    text = " ".join(memory.text.lower() for memory in live)
    names = [start + end for start in _STARTS for end in _ENDS if start + end not in text]
    rng.shuffle(names)
    questions = []
    for k, name in enumerate(names[:limit]):
        kind = _KINDS[k % len(_KINDS)]
        proper = kind.format(name.capitalize()) if kind else f"{name.capitalize()} {_surname(name)}"
        person = not kind or kind.startswith("Doctor")
        attribute = rng.choice(_PERSON_ATTRIBUTES if person else _THING_ATTRIBUTES)
        frame = _FRAMES[rng.randrange(len(_FRAMES))]
        questions.append(frame.format(attribute=attribute, name=proper))
    return questions


def answerable(questions: Sequence[str], live: Sequence[Memory]) -> set[str]:
    """Return those of some questions that nothing answered, and that a memory may answer by now: it holds all their words,
    or a word that tells the attribute in place of its name.

    Words that ask (`_ASKING`) do not count, nor does an owner's apostrophe.
    """
    wanted = {question: _words(question) - _ASKING for question in questions}
    rows: dict[str, set[int]] = {word: set() for words in wanted.values() for word in words}
    for number, memory in enumerate(live):
        for word in _words(memory.text) & rows.keys():
            rows[word].add(number)

    def said(question: str, words: set[str]) -> bool:
        attribute = next((a for a in _TOLD_BY if f" {a} " in f" {normalise(question)} "), "")
        about = words - set(attribute.split()) or words
        named = set[int].intersection(*[rows[word] for word in about]) if about else set[int]()
        if about == words:
            return bool(named)
        return any(_tells(attribute, normalise(live[number].text)) for number in named)

    return {question for question, words in wanted.items() if said(question, words)}


def _tells(attribute: str, text: str) -> bool:
    """Tell whether a memory's words may tell an attribute of what it is about."""
    return re.search(rf"\b(?:{attribute}|{_TOLD_BY[attribute]})\b", text) is not None


def _words(text: str) -> set[str]:
    return set(_plain(text).split())


def _plain(text: str) -> str:
    """Normalise a text, and leave out the owner's apostrophe."""
    return " ".join(word.removesuffix("'s").removesuffix("’s") for word in normalise(text).split())


def _surname(name: str) -> str:
    return (name[::-1][:4] + "en").capitalize()


def _near_miss(
    memory: Memory, texts: Sequence[str], asked: set[str], rng: random.Random, turn: int
) -> str | None:
    if memory.form == "tool" or memory.form.startswith("code."):
        return _code_miss(memory, texts, asked, turn)
    about = _subject(memory.text)
    if about is None:
        return None
    head, modifier, person = about
    pool = list(_PERSON_ATTRIBUTES if person else _HEADS if modifier else _THING_ATTRIBUTES)
    rng.shuffle(pool)
    key = _plain(modifier or head)
    for attribute in pool:
        if any(f" {key} " in text and _tells(attribute, text) for text in texts):
            continue
        if modifier and not person:
            question = f"What is the {modifier} {attribute}?"
        else:
            question = (
                f"What is {head}'s {attribute}?"
                if person
                else (f"What is the {attribute} of {head}?")
            )
        if question not in asked:
            return question
    return None


def _subject(text: str) -> tuple[str, str, bool] | None:
    """Find what a statement is about, as (noun phrase, its modifier, whether it is a person)."""
    doc = parse(text)
    people = {token.i for entity in doc.ents if entity.label_ == "PERSON" for token in entity}
    for chunk in doc.noun_chunks:
        root = chunk.root
        if root.dep_ not in {"nsubj", "nsubjpass", "ROOT"} or root.pos_ == "PRON":
            continue
        # "Ana's dog": the near miss is about Ana.
        owner = next((t for t in chunk if t.dep_ == "poss" and t.pos_ == "PROPN"), None)
        if owner is not None:
            return owner.text, "", True
        if root.i in people:
            return chunk.text, "", True
        words = [t.text for t in chunk if t.i < root.i and t.pos_ in {"NOUN", "PROPN", "ADJ"}]
        if all(t.pos_ == "ADJ" for t in chunk if t.text in words):
            words = []  # "the front door" is no door of somebody called "front"
        return re.sub(r"^(A|An|The)\b", "the", chunk.text), " ".join(words), False
    return None


def _code_miss(memory: Memory, texts: Sequence[str], asked: set[str], turn: int) -> str | None:
    name = memory.facets.get("name") or memory.key.split(":")[-1]
    if not name or memory.form == "code.module":
        return None
    options = ("retry_colour", "lunar_offset", "fallback_tenor")
    parameter = options[turn % len(options)]
    kind = "argument" if memory.form == "tool" else "parameter"
    question = f"What is the default of the {kind} `{parameter}` of `{name}`?"
    if question in asked or any(parameter in text for text in texts):
        return None
    return question
