"""What earlier sittings already tell: results are reused, merged, and compared over nights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nightschool.language import fingerprint, overlap
from nightschool.types import Bank, BankKind, Report, Result, Verdict

NEAR = 0.6
"""Word overlap with a study question from which an exam question counts as a near-duplicate."""


def answered(reports: Iterable[Report], banks: Sequence[Bank]) -> tuple[Result, ...]:
    """Return what one version already answered of these banks; the latest answer counts."""
    items = {item.id for bank in banks for item in bank.items}
    return merged([r for report in reports for r in report.results if r.item_id in items])


def merged(*parts: Sequence[Result]) -> tuple[Result, ...]:
    """Join results; a later one on the same item and mode counts (a resumed night has it twice)."""
    found = {(result.item_id, result.mode): result for part in parts for result in part}
    return tuple(found.values())


def unanswered(banks: Sequence[Bank], results: Sequence[Result]) -> list[Bank]:
    """Return the banks without the items that have a result; empty banks are left out."""
    done = {result.item_id for result in results}
    left = [replace(b, items=tuple(i for i in b.items if i.id not in done)) for b in banks]
    return [bank for bank in left if bank.items]


def sample(banks: Sequence[Bank], night: str, count: int) -> list[Bank]:
    """Take about `count` of a night's new items, evenly spread."""
    tonight = [b for b in banks if b.night == night and b.kind is BankKind.ACQUIRED]
    step = max(1, sum(len(b.items) for b in tonight) // count)
    return [replace(b, items=b.items[::step]) for b in tonight]


def best_since(reports: Sequence[Report], versions: set[str]) -> dict[str, float]:
    """Return each item's best outcome under any of these versions (those ever served)."""
    best: dict[str, float] = {}
    for report in reports:
        if report.version_id not in versions:
            continue
        for result in report.results:
            if result.mode in ("closed", "choice") and result.score.verdict != Verdict.UNSCORED:
                right = float(result.score.verdict == Verdict.CORRECT)
                best[result.item_id] = max(best.get(result.item_id, 0.0), right)
    return best


def graduates(report: Report, banks: Sequence[Bank]) -> set[str]:
    """Return the memories whose every closed-book item was answered right."""
    memories = {item.id: item.memory_ids for bank in banks for item in bank.items}
    passed: dict[str, bool] = {}
    for result in report.results:
        if result.mode == "closed":
            for memory_id in memories.get(result.item_id, ()):
                right = result.score.verdict == Verdict.CORRECT
                passed[memory_id] = passed.get(memory_id, True) and right
    return {memory_id for memory_id, held in passed.items() if held}


def near_duplicates(banks: Sequence[Bank], studied: Iterable[str]) -> set[str]:
    """Find the acquired items whose question shares most words with a question that was studied.

    Args:
        banks: The exam.
        studied: The questions of the study material (leaks are already gone from it).
    """
    prints = [fingerprint(question) for question in set(studied)]
    return {
        item.id
        for bank in banks
        if bank.kind is BankKind.ACQUIRED
        for item in bank.items
        if any(overlap(fingerprint(item.question), known) >= NEAR for known in prints)
    }
