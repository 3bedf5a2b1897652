"""Exams that no model sat: verdicts drawn by chance, written down as the product's own banks and reports.

An item is held, not held, or a *near-tie*, whose verdict every training draws anew. So two equally good versions differ
on a share of the items, the *flips*, half of them each way. Items are independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict

Marks = np.ndarray[Any, np.dtype[np.bool_]]
"""Which items of a bank were answered right."""

KINDS = {
    "new": (BankKind.ACQUIRED, "tonight"),
    "retained": (BankKind.ACQUIRED, "before"),
    "general": (BankKind.GENERAL, ""),
    "abstention": (BankKind.ABSTENTION, "tonight"),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What a line of versions holds of one bank, as arrays over its items."""

    held: Marks
    ties: Marks
    level: float
    """Accuracy of a version that lost nothing, in the mean."""
    luck: np.ndarray[Any, Any]
    """In [0, 1): the items with the least luck are the first that are lost."""

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, level: float, flips: float) -> Truth:
        """Draw a bank of n items; twice the flips are near-ties."""
        ties = rng.random(n) < 2 * flips
        held = rng.random(n) < (level - flips) / (1 - 2 * flips)
        return cls(held, ties, level, rng.random(n))

    def sit(self, rng: np.random.Generator, lost: float = 0.0) -> Marks:
        """Let a version sit the bank that has lost so much accuracy since (a rate)."""
        answered = np.where(self.ties, rng.random(len(self.ties)) < 0.5, self.held)
        return np.asarray(answered & (self.luck >= lost / self.level), bool)


@cache
def bank(name: str, facts: int, each: int = 1) -> Bank:
    """Make a bank of so many facts, with so many items for each."""
    kind, night = KINDS[name]
    items = tuple(
        Item(f"{name}-{k}", f"Question {k}?", ("answer",), (f"memory-{name}-{k // each}",))
        for k in range(facts * each)
    )
    return Bank(name, "bench", kind, night, items, "")


def report(version: str, marks: Mapping[str, Marks]) -> Report:
    """Write verdicts down as the report of an exam."""
    found = tuple(
        pair[right]
        for name, row in marks.items()
        for pair, right in zip(_results(name, len(row)), row.tolist(), strict=True)
    )
    return Report(f"report-{version}", "bench", version, "tonight", found)


def by_item(name: str, marks: Marks) -> dict[str, float]:
    """Return verdicts by item id, as a night hands those of the first served version to the gate."""
    return {f"{name}-{k}": float(right) for k, right in enumerate(marks.tolist())}


@cache
def _results(name: str, n: int) -> tuple[tuple[Result, Result], ...]:
    """Return for each item its result when wrong, and when right."""
    mode = "choice" if name == "general" else "closed"

    def result(k: int, verdict: Verdict) -> Result:
        return Result(f"{name}-{k}", name, mode, "", Score(verdict), None, None, None, None)

    return tuple((result(k, Verdict.WRONG), result(k, Verdict.CORRECT)) for k in range(n))
