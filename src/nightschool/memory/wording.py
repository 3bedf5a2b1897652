"""How near a sentence's wording is to orders about talk: a linear score over its words and kinds of words.

Beside the parse rule of `directives`, which knows verbs and moods, it weighs many weak signs at once, so it
needs no word to be listed and no parse to be right. The weights were fitted by `bench/order_weights.py`; they read
English, and what a sentence is about (names, numbers, codes, capitals) is one word to them.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from nightschool.memory import talk

BUCKETS = 8192
"""Places of the weights; features that fall together share one."""
KINDS = (
    "DUTIES BINDING ANSWERS QUESTIONS REPLIES SPEAKERS MACHINES ANYBODY PUBLIC ASKING SAYING SHOWING BELIEVING SEEKING "
    "MOVING VALUED ERASED"
).split()
"""Sets of `talk`, each the kind of its words; a word's first counts."""
KIND: dict[str, str] = {}
for _kind in reversed(KINDS):
    KIND.update(dict.fromkeys(getattr(talk, _kind), _kind))
IRREGULAR = dict(
    pair.split(":")
    for pair in (
        "said:say told:tell gave:give given:give heard:hear shown:show spoken:speak sent:send known:know knew:know "
        "sought:seek written:write"
    ).split()
)
KEPT = frozenset(
    """
    a an the i you he she it we they me him her us them my your his its our their this that these those who whom whose
    which what whoever whatever when whenever where wherever while until once if unless as than then so and or but nor
    not no never always only ever all any each every both either neither none some such other another anything nothing
    something everything else to of in on at by for with from into about after before upon over under up out off is are
    was were be been being am has have had having do does did done will would shall should may might can could must let
    please kindly there here how why just very more most one first next same instead rather yes
    """.split()
)
"""Words that are their own kind."""
SIGNS = frozenset("you who whoever if when whenever always never only any every them they # : \" ' ?".split())  # fmt: skip
"""Kinds that count beside those of talk wherever both stand in a sentence."""
ENDINGS = (("ies", "y"), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("es", ""), ("s", ""))
WORD = re.compile(r"\w+(?:[-_./@']\w+)*|\S")
SUBJECT = "#"
"""Stands for names, numbers and codes."""
REACH = 5
"""Words between which a pair of kinds is seen with its order."""


class Weights(NamedTuple):
    """A fitted score."""

    bias: float
    threshold: float
    """What lies above is taken for an order."""
    weights: tuple[float, ...]
    """One a bucket."""


@lru_cache(maxsize=4096)
def ordering(sentence: str) -> bool:
    """Tell whether a sentence is worded like an order about what to say."""
    return score(sentence) > _fitted().threshold


def score(sentence: str) -> float:
    """Return how near a sentence's wording is to orders; the higher, the nearer."""
    fitted = _fitted()
    found = buckets(sentence)
    return sum(fitted.weights[at] for at in found) / math.sqrt(max(len(found), 1)) + fitted.bias


def buckets(sentence: str) -> list[int]:
    """Return where a sentence's features lie, each once and in order; each weighs one over the root of their number."""
    return sorted({crc32(feature.encode()) % BUCKETS for feature in _features(sentence)})


@lru_cache(maxsize=1)
def _fitted() -> Weights:
    body = json.loads(files("nightschool.memory").joinpath("order_weights.json").read_text("utf-8"))
    return Weights(body["bias"], body["threshold"], tuple(body["weights"]))


def _features(sentence: str) -> set[str]:
    """Return words, word pairs, runs of 2 to 4 kinds, and pairs of kinds near by and anywhere."""
    read = _words(sentence)
    words = [word for word, _ in read]
    kinds = ["^", *(kind for _, kind in read), "$"]
    found = {f"word {word}" for word in words}
    found |= {f"pair {left} {right}" for left, right in pairwise(words)}
    for size in (2, 3, 4):
        found |= {f"run {kinds[at : at + size]}" for at in range(len(kinds) - size + 1)}
    for at, kind in enumerate(kinds):
        found |= {f"near {kind} {other}" for other in kinds[at + 2 : at + 1 + REACH]}
    signs = sorted({kind for kind in kinds if kind.isupper() or kind in SIGNS})
    found |= {f"sign {kind}" for kind in signs}
    found |= {f"both {a} {b}" for at, a in enumerate(signs) for b in signs[at + 1 :]}
    found.add(f"length {min(len(words) // 6, 6)}")
    return found


def _words(sentence: str) -> list[tuple[str, str]]:
    """Return each word's stem and kind; a run of names, numbers and codes is one."""
    read: list[tuple[str, str]] = []
    for match in WORD.finditer(sentence):
        pair = _read(match.group(), match.start() == 0)
        if pair[0] != SUBJECT or not read or read[-1][0] != SUBJECT:
            read.append(pair)
    return read


def _read(word: str, first: bool) -> tuple[str, str]:
    low = word.lower()
    if not word[0].isalnum() or low in KEPT:
        return low, low
    if re.search(r"[\d_./@-]", word):
        return SUBJECT, SUBJECT
    stem = _stem(low)
    if stem in KIND:
        return stem, KIND[stem]
    if word[0].isupper() and not first:
        return SUBJECT, SUBJECT
    return low, next((f"*{end}" for end in ("ing", "ed", "ly", "s") if low.endswith(end)), "*")


def _stem(word: str) -> str:
    """Return a word of talk without its ending; every other word as it is."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    stems = (word[: -len(end)] + put for end, put in ENDINGS if word.endswith(end))
    return next((stem for stem in stems if stem in KIND), word)
