"""The leak filter: study questions that repeat an exam question are dropped and counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from nightschool.language import fingerprint, overlap
from nightschool.types import Example, Fingerprint


def drop_leaks(
    examples: Sequence[Example], sealed: Sequence[Fingerprint], threshold: float
) -> tuple[list[Example], int]:
    """Leave out examples whose question equals or nearly equals a sealed one.

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
        asked = fingerprint(example.prompt[-1].content) if example.prompt else None
        if asked is None or not (asked.exact in exact or _near(asked, sealed, by_word, threshold)):
            kept.append(example)
    return kept, len(examples) - len(kept)


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
