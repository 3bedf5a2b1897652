"""Teach the edge of knowledge: questions that no memory answers, beside those that one does."""

from __future__ import annotations

import random
from collections.abc import Sequence

from nightschool.language import normalise
from nightschool.study.statements import questions
from nightschool.types import Memory

REFUSALS = ("I don't know.", "I don't know that.", "I haven't been told.")
NAMES = (
    "Ulrika",
    "Benoit",
    "Farida",
    "Oswald",
    "Linnea",
    "Tariq",
    "Mirela",
    "Casimir",
    "Yuki",
    "Rosalind",
)
THINGS = (
    "printer queue", "fallback server", "archive room", "spring meeting", "test licence", "spare badge",
    "delivery gate", "guest house", "old warehouse", "night shift", "reserve budget", "roof antenna",
)  # fmt: skip


def near_misses(memories: Sequence[Memory], count: int, seed: int) -> list[tuple[str, str, str]]:
    """Write questions with a taught form about something untaught.

    Args:
        memories: Told facts whose questions are borrowed.
        count: How many are wanted.
        seed: Of the choice.

    Returns:
        (memory id, question, refusal); a question that names a known subject is left out.
    """
    rng = random.Random(seed)
    known = normalise(" ".join(memory.text for memory in memories))
    found: list[tuple[str, str, str]] = []
    told = [memory for memory in memories if memory.form == "said"]
    rng.shuffle(told)
    for memory in told:
        for asked in questions(memory.text):
            if not asked.main or len(found) >= count:
                break
            person = asked.subject[:1].isupper() and " " not in asked.subject
            other = rng.choice(
                [n for n in (NAMES if person else THINGS) if normalise(n) not in known] or ["Zed"]
            )
            swapped = asked.question.replace(asked.subject, other if person else f"the {other}")
            if swapped != asked.question:
                found.append((memory.id, swapped, rng.choice(REFUSALS)))
                break
    return found
