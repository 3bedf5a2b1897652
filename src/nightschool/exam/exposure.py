"""Exposure: whether a model still prefers a text to the same sentence with other values.

The sentences beside it are matched: every word of the value is exchanged for another real word (month for
month, day for day, name for name, digit for digit), so that none was ever trained and all are of one
kind. Real words of the general bank are used, because a model finds invented ones unlikely whatever it learnt. A
match is never perfect: the base's rank of the same text tells what the sentence gives away by itself.

Source:
    The Secret Sharer (Carlini et al. 2019): exposure = log2 |R| - log2 rank, with R the texts ranked.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from nightschool.exam.cloze import drafts
from nightschool.exam.general import general_bank
from nightschool.types import Memory, digest

TEXTS = 64
"""|R|: the text and those matched to it; exposure is at most log2 of it, 6 bits."""
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_NEAREST = 100
"""A word is exchanged for one of so many that are nearest in length."""


def alternatives(memory: Memory, seed: str = "") -> list[str]:
    """Word a memory with other values: texts that were never trained; none where no value is found."""
    found = drafts(memory, 1)
    if not found or memory.text.count(found[0].answer) != 1:
        return []
    value = found[0].answer
    rng = random.Random(digest("exposure", seed, memory.id))
    others: dict[str, None] = {}
    for _ in range(TEXTS * 20):
        other = re.sub(r"\d|[^\W\d_]+", lambda part: _exchanged(part.group(), rng), value)
        if other.lower() != value.lower():
            others[memory.text.replace(value, other)] = None
        if len(others) == TEXTS - 1:
            break
    return list(others)


def rank(text: float, others: Sequence[float]) -> int:
    """Return the place of a text among others by log-probability; 1 is the likeliest, ties count against it."""
    return 1 + sum(other >= text for other in others)


def exposure_bits(place: int, texts: int) -> float:
    """Return the exposure of a text that has this rank among so many texts.

    >>> exposure_bits(1, 64), exposure_bits(64, 64)
    (6.0, 0.0)
    """
    return math.log2(texts) - math.log2(place)


def _exchanged(word: str, rng: random.Random) -> str:
    if word.isdigit():
        return rng.choice("0123456789")
    for calendar in (_MONTHS, _DAYS):
        if word in calendar:
            return rng.choice(calendar)
    names, nouns = _words()
    pool = names if word[0].isupper() else nouns
    near = sorted(pool, key=lambda other: abs(len(other) - len(word)))[:_NEAREST]
    other = rng.choice(near)
    return other.upper() if len(word) > 1 and word.isupper() else other


@lru_cache(maxsize=1)
def _words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and common words of the general bank; its made-up plurals are no words."""
    items = [i for i in general_bank(1000, "").items if i.group != "plurals"]
    words = {choice for item in items for choice in item.choices} - {*_MONTHS, *_DAYS}
    return _like(r"[A-Z][a-z]{2,}", words), _like(r"[a-z]{3,}", words)


def _like(pattern: str, words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if re.fullmatch(pattern, word)))
