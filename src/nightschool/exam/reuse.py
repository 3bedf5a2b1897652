"""What earlier sittings already tell: results are reused, merged, and compared over nights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nightschool.exam.stats import outcomes
from nightschool.language import fingerprint, overlap
from nightschool.types import Bank, BankKind, Report, Result, Verdict, Version

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


def whole(report: Report, reports: Iterable[Report]) -> Report:
    """Return a night's report with what its version answered in other nights, as the one that was served.

    That tells what it knew of facts that later nights were to teach. Its own answers count where there are both.

    Args:
        report: Of the candidate of a night.
        reports: All reports of a school.
    """
    others = [r.results for r in reports if r.version_id == report.version_id]
    return replace(report, results=merged(*others, report.results))


def unanswered(banks: Sequence[Bank], results: Sequence[Result]) -> list[Bank]:
    """Return the banks without the items that have a verdict; empty banks are left out.

    What a broken verifier could not grade is asked again: by then it may have been mended.
    """
    done = {r.item_id for r in results if r.score.verdict is not Verdict.UNSCORED}
    left = [replace(b, items=tuple(i for i in b.items if i.id not in done)) for b in banks]
    return [bank for bank in left if bank.items]


def without_riddles(banks: Sequence[Bank]) -> list[Bank]:
    """Return the banks without those of riddles and of skills, which tell something in a comparison only."""
    return [bank for bank in banks if bank.kind not in (BankKind.RIDDLES, BankKind.SKILLS)]


def sample(banks: Sequence[Bank], night: str, count: int) -> list[Bank]:
    """Take about `count` of a night's new items, evenly spread."""
    tonight = [b for b in banks if b.night == night and b.kind is BankKind.ACQUIRED]
    step = max(1, sum(len(b.items) for b in tonight) // count)
    return [replace(b, items=b.items[::step]) for b in tonight]


def first_since(
    reports: Iterable[Report], served: Iterable[Version], banks: Sequence[Bank]
) -> dict[str, float]:
    """Return what the first served version that had learnt an item's fact or practised its skill answered, by item id.

    A version was trained on what its `memory_ids` name, and practised the skill of the bank that its run
    sealed. What earlier ones answered is left out: they could not know. So are items whose fact no served
    version has learnt.

    Args:
        reports: Oldest first; the first answer that could be graded counts.
        served: The versions that were ever live.
        banks: The exam.
    """
    versions = {version.id: version for version in served}
    known = {version.id: set(version.memory_ids) for version in versions.values()}
    sealed = {
        item.id: bank.night for bank in banks if bank.kind is BankKind.SKILLS for item in bank.items
    }
    acquired = [bank for bank in banks if bank.kind is BankKind.ACQUIRED]
    facts = {item.id: item.memory_ids for bank in acquired for item in bank.items}
    first: dict[str, float] = {}
    for report in reports:
        learnt = known.get(report.version_id, set())
        for item_id, right in outcomes(report).items():
            if item_id not in first and item_id in facts and learnt.issuperset(facts[item_id]):
                first[item_id] = right
            made = versions.get(report.version_id)
            if made and sealed.get(item_id) == made.night:
                first.setdefault(item_id, right)
    return first


def untaught(served: Iterable[Version], banks: Sequence[Bank]) -> set[str]:
    """Return the acquired items of which no served version has learnt the fact.

    Args:
        served: The versions that were ever live.
        banks: The exam.
    """
    learnt = {memory_id for version in served for memory_id in version.memory_ids}
    acquired = [bank for bank in banks if bank.kind is BankKind.ACQUIRED]
    return {i.id for bank in acquired for i in bank.items if not learnt.issuperset(i.memory_ids)}


def examined(report: Report, banks: Sequence[Bank]) -> set[str]:
    """Return the memories that a report has a closed-book answer about."""
    memories = {item.id: item.memory_ids for bank in banks for item in bank.items}
    asked = [memories.get(r.item_id, ()) for r in report.results if r.mode == "closed"]
    return {memory_id for ids in asked for memory_id in ids}


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
