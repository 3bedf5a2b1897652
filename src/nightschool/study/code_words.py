"""How a thing in code is called and described: by name, in spoken words, in other words for its purpose."""

from __future__ import annotations

import random
import re
from functools import cache

from nightschool.language import parse
from nightschool.study.wordings import synonyms, whole
from nightschool.types import Memory

FEWEST_WORDS = 4
"""A docstring's first clause of so many words says enough to name the thing by it."""
PLAIN = 0.4
"""How often a name is written as people type it, without backticks; half as often it is spoken."""
REFERENCE = range(FEWEST_WORDS, 12)
"""Words of a purpose by which a thing can be called instead of by its name."""


def kind_of(memory: Memory) -> str:
    """Say what sort of thing it is: function, class, property or module, or what its language calls it."""
    return memory.facets.get("kind") or memory.form.removeprefix("code.")


def called(memory: Memory, rng: random.Random) -> str:
    """Call a thing by its full name, by its name in spoken words, or by what it is for."""
    f, kind = memory.facets, kind_of(memory)
    words, purpose = spoken(f["short"]), clause_of(f["purpose"])
    turn = rng.random()
    if turn < PLAIN / 2 and len(words.split()) > 1:
        return f"the {words} {kind} of {f['package']}"
    if turn > 1 - PLAIN / 2 and is_imperative(purpose) and len(purpose.split()) in REFERENCE:
        return f"the {f['package']} {kind} to {purpose}"
    return f["name"] if rng.random() < PLAIN else f"`{f['name']}`"


def called_shortly(memory: Memory, rng: random.Random) -> str:
    """Call a thing by its short name, as code, as plain text or in spoken words."""
    short = memory.facets["short"]
    words = spoken(short)
    if rng.random() < PLAIN / 2 and len(words.split()) > 1:
        return words
    return short if rng.random() < PLAIN else f"`{short}`"


def spoken(name: str) -> str:
    """Say an identifier as words: `PluginManager` -> "plugin manager"."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return " ".join(w if len(w) > 1 and w.isupper() else w.lower() for w in words)


def clause_of(purpose: str) -> str:
    """Cut a docstring's sentence at its first mark, where enough is left to name the thing by it."""
    clause = lower(purpose.rstrip("."))
    short = re.split(r"[,;](?![^(]*\))|\([^)]*\)$", clause)[0].strip()
    return short if len(short.split()) >= FEWEST_WORDS else clause


def reworded(clause: str, imperative: bool, rng: random.Random) -> list[str]:
    """Say a docstring's sentence in other words: its verb, and then every other word that has a synonym."""
    groups = sorted(synonyms("code_synonyms.txt").items(), key=lambda one: -len(one[0][1]))
    found = []
    for _ in range(8):
        said, opened = clause, False  # the verb it opens with is exchanged once
        for (kind, word), others in groups:
            place = whole(word, "`.-", "`-").search(said)
            opens = place is not None and not place.start()
            if not place or (kind == "v" and not (opens and imperative)) or (opens and kind != "v"):
                continue
            if opens and opened:
                continue
            opened = opened or opens
            if opens or rng.random() < 0.6:
                said = said[: place.start()] + rng.choice(others) + said[place.end() :]
        said = re.sub(r"\b(an?)(?= (\w))", _article, said)
        found.append(said)
    return [one for one in dict.fromkeys(found) if one != clause]


def _article(match: re.Match[str]) -> str:
    return "an" if match[2].lower() in "aeio" else "a"


def catchwords(clause: str, rng: random.Random) -> list[str]:
    """Keep a few of the words that carry the meaning, in order."""
    kept = [t.text for t in parse(clause) if t.pos_ in ("NOUN", "PROPN", "VERB", "ADJ", "NUM")]
    some = sorted(rng.sample(range(len(kept)), min(len(kept), rng.randint(2, 5))))
    return [kept[k] for k in some] or [clause]


def lower(text: str) -> str:
    """Write a sentence so that it can stand within another; acronyms keep their case."""
    second = text[1:2]
    return text if second.isupper() else text[:1].lower() + text[1:]


def bare_noun(doc: str) -> str:
    """Take the noun phrase that a parameter's description begins with; empty where it is none."""
    words = re.split(r"[,;(]| which | that ", lower(doc.rstrip(".")))[0].strip()
    if words.split(" ")[0] in ("if", "whether", "when", "is", "same", "see"):
        return ""
    return words.split(" ", 1)[-1] if words.split(" ")[0] in ("a", "an", "the") else words


def effect_of(doc: str) -> str:
    """Take what a parameter brings about from "If true, ...", "Whether ..."; empty for other descriptions."""
    words = re.sub(r" \([^)]*\)", "", lower(doc.rstrip(".")))
    if words.split(" ")[0] not in ("if", "whether", "when"):
        return ""
    condition, comma, effect = words.partition(", ")
    short = len(condition.split()) <= FEWEST_WORDS
    return effect if comma and short and condition.startswith(("if", "when")) else words


@cache
def is_imperative(purpose: str) -> bool:
    """Tell whether a docstring says what the thing does ("Return the name"), and not what it is."""
    words = purpose.split()
    if not words or not words[0].isalpha():
        return False
    ordered = list(parse(f"They told me to {lower(purpose)}"))[4]
    alone = next(iter(parse(words[0].capitalize() + purpose[len(words[0]) :])))
    noun = alone.tag_ != "VB" and {"for", "of", "that", "which"} & set(
        words[1 : 3 if alone.tag_ == "NN" else 2]
    )
    return ordered.tag_ == "VB" and not noun
