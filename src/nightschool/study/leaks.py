"""The leak filter: study questions that repeat an exam question are dropped and counted."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from nightschool.language import fingerprint, overlap
from nightschool.types import Example, Fingerprint

SENTENCE = re.compile(r"\n+|(?<=[.?!])\s+")
LABEL = re.compile(r"^\W*(?:question|q)\W*:\W*", re.IGNORECASE)
"""What announces a question in a plain text."""


def drop_leaks(
    examples: Sequence[Example], sealed: Sequence[Fingerprint], threshold: float
) -> tuple[list[Example], int]:
    """Leave out examples whose question, or one in whose plain text, equals or nearly equals a sealed one.

    Args:
        examples: What the authors wrote.
        sealed: The exam's questions, hashed; their text never comes here.
        threshold: Word overlap (Jaccard) from which two questions are the same.

    Returns:
        The kept examples, and how many were dropped.
    """
    by_word: dict[str, list[int]] = defaultdict(list)
    for number, print_ in enumerate(sealed):
        for word in print_.words:
            by_word[word].append(number)
    exact = {print_.exact for print_ in sealed}
    kept = []
    for example in examples:
        asked = map(fingerprint, _questions(example))
        if not any(a.exact in exact or _near(a, sealed, by_word, threshold) for a in asked):
            kept.append(example)
    return kept, len(examples) - len(kept)


def _questions(example: Example) -> list[str]:
    """Return what an example asks: the end of its prompt, or the questions in a plain text.

    Of a plain text the questions alone: its statements are what is to be learnt, and may be near to one with a blank.
    """
    if example.prompt:
        return [example.prompt[-1].content]
    found = [LABEL.subn("", part.strip()) for part in SENTENCE.split(example.target)]
    return [text for text, labels in found if text and (labels or text.endswith("?"))]


def _near(
    asked: Fingerprint,
    sealed: Sequence[Fingerprint],
    by_word: dict[str, list[int]],
    threshold: float,
) -> bool:
    shared = Counter(number for word in asked.words for number in by_word.get(word, ()))
    need = threshold * len(asked.words)
    return any(
        overlap(asked, sealed[number]) >= threshold
        for number, count in shared.items()
        if count >= need
    )
