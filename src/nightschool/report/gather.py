"""From the records of the nights to a `Morning`: counting only.

The 95% intervals come from a function that the caller passes in, so that this room holds no
statistics of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nightschool.report.morning import (
    Answer,
    Continual,
    Contrast,
    Guard,
    Morning,
    Night,
    Part,
    Rate,
    Receipt,
    Returns,
    Riddles,
    Tally,
)
from nightschool.types import (
    Bank,
    BankKind,
    Decision,
    Item,
    Material,
    Report,
    Result,
    Verdict,
    Version,
)


class Bounds(Protocol):
    """A 95% interval."""

    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


Interval = Callable[[Mapping[str, float], Sequence[Item]], Bounds]
"""(item id -> 1 right or 0 wrong, the items) -> 95% interval of the mean, clustered by fact."""

GROUPS = ("told", "code", "document", "changed", "forgotten")
MODES = ("closed", "open", "retrieval")


@dataclass(frozen=True, slots=True)
class NightRecord:
    """What the rooms wrote down about one night; None for what did not happen."""

    night: str
    version: Version | None = None
    decision: Decision | None = None
    report: Report | None = None
    material: Material | None = None
    minutes: float | None = None
    """The whole night, from study to gate."""
    taught: int | None = None
    """Memories that were new this night."""


def make_morning(
    *,
    tenant: str,
    workspace: str,
    at: str,
    base: str,
    base_report: Report | None,
    banks: Sequence[Bank],
    nights: Sequence[NightRecord],
    interval: Interval | None = None,
    uncovered: tuple[str, ...] | None = None,
    receipts: Sequence[Receipt] = (),
    tokens_saved: float | None = None,
    extra_groups: Sequence[Contrast] = (),
    continual: Continual | None = None,
    risk: Sequence[tuple[float, float]] = (),
    near: frozenset[str] | None = None,
    places: Mapping[str, tuple[str, str]] | None = None,
    riddles: Riddles | None = None,
    answers: int = 12,
) -> Morning:
    """Build the morning report's data from plain records.

    Args:
        tenant: Whose nights these are.
        workspace: Name to show for the workspace.
        at: This moment, ISO 8601.
        base: Name of the base model.
        base_report: The untouched base model on the same banks; None: not run.
        banks: The banks as they stand now; results of retired items are left out.
        nights: Oldest first; the last is tonight.
        interval: Where intervals come from (such as `exam.stats.rate`); None shows rates without intervals.
        uncovered: Texts of memories without material or question; None: taken from tonight's
            material, as ids.
        receipts: Probes of forgotten memories.
        tokens_saved: Prompt tokens saved a question; None: not measured.
        extra_groups: Contrasts measured elsewhere (such as `forgotten`); they replace a group of
            the same name.
        continual: ACC, BWT, FWT and forgetting; None where there is only one night.
        risk: The risk-coverage curve of tonight's version.
        near: Ids of items that nearly repeat a study question; None: not counted.
        places: Live memory id -> (`module` or `tool`, its name), for what is counted by part; None: nothing is.
        riddles: The riddle section; None: not run.
        answers: At most so many example answers.
    """
    last = nights[-1] if nights else None
    report = last.report if last else None
    sheet = _Sheet(banks, interval)
    material = last.material if last else None
    train = last.version.train if last and last.version else None
    extra = {contrast.name: contrast for contrast in extra_groups}
    return Morning(
        tenant=tenant,
        workspace=workspace,
        at=at,
        base=base,
        nights=tuple(_night(record) for record in nights),
        matrix=tuple(
            tuple(sheet.accuracy(row.report, column.night) for column in nights) for row in nights
        ),
        learnt=sheet.known(report, last.night) if last else None,
        lost=_lost(sheet, nights),
        groups=tuple(
            extra.get(name)
            or Contrast(name, sheet.group(base_report, name), sheet.group(report, name))
            for name in [*GROUPS, *(group for group in sheet.groups if group not in GROUPS)]
        ),
        parts=tuple(_parts(sheet, base_report, report, places or {})),
        modes=tuple(
            Contrast(mode, sheet.mode(base_report, mode), sheet.mode(report, mode))
            for mode in MODES
        ),
        guards=tuple(
            _guard(sheet, kind, base_report, report, last.decision if last else None)
            for kind in (BankKind.GENERAL, BankKind.ABSTENTION)
        ),
        decision=last.decision if last else None,
        dropped=dict(material.dropped) if material else None,
        uncovered=uncovered if uncovered is not None else material.uncovered if material else None,
        answers=_answers(sheet, base_report, report, answers),
        receipts=tuple(receipts),
        returns=Returns(train.tokens if train else None, tokens_saved),
        kl_nats=report.kl_nats if report else None,
        perplexity_base=base_report.perplexity if base_report else None,
        perplexity=report.perplexity if report else None,
        continual=continual,
        risk=tuple(risk),
        distinct=sheet.rate(
            row for row in sheet.rows(report, BankKind.ACQUIRED) if row[1].id not in near
        )
        if near is not None
        else None,
        near=len(near) if near is not None else None,
        riddles=riddles,
    )


class _Sheet:
    """The banks by item, and the ways in which the report counts over them."""

    def __init__(self, banks: Sequence[Bank], interval: Interval | None) -> None:
        self.items: dict[tuple[str, str], tuple[Bank, Item]] = {
            (bank.id, item.id): (bank, item) for bank in banks for item in bank.items
        }
        self.interval = interval
        acquired = [bank for bank in banks if _acquired(bank)]
        self.groups = list(
            dict.fromkeys(item.group for bank in acquired for item in bank.items if item.group)
        )

    def rows(
        self, report: Report | None, kind: BankKind, modes: tuple[str, ...] = ("closed",)
    ) -> Iterable[tuple[Bank, Item, Result]]:
        for result in report.results if report else ():
            found = self.items.get((result.bank_id, result.item_id))
            if found and found[0].kind is kind and result.mode in modes:
                yield *found, result

    def rate(self, rows: Iterable[tuple[Bank, Item, Result]]) -> Rate | None:
        scored = [row for row in rows if row[2].score.verdict is not Verdict.UNSCORED]
        if not scored:
            return None
        values = {row[1].id: float(row[2].score.verdict is Verdict.CORRECT) for row in scored}
        mean = sum(values.values()) / len(values)
        if self.interval is None:
            return Rate(mean, len(values))
        bounds = self.interval(values, [item for _, item, _ in scored])
        return Rate(mean, len(values), bounds.low, bounds.high)

    def accuracy(self, report: Report | None, night: str) -> float | None:
        rows = self.rows(report, BankKind.ACQUIRED)
        rate = self.rate(row for row in rows if row[0].night == night)
        return rate.value if rate else None

    def group(self, report: Report | None, group: str) -> Rate | None:
        rows = self.rows(report, BankKind.ACQUIRED)
        return self.rate(row for row in rows if row[1].group == group)

    def mode(self, report: Report | None, mode: str) -> Rate | None:
        return self.rate(self.rows(report, BankKind.ACQUIRED, (mode,)))

    def facts(self, report: Report | None) -> dict[str, tuple[bool, set[str]]]:
        """Return each examined fact: whether every scored question is right, and its banks' nights."""
        facts: dict[str, tuple[bool, set[str]]] = {}
        for fact, right, night in self.marks(report).values():
            known, nights = facts.get(fact, (True, set()))
            facts[fact] = (known and right, nights | {night})
        return facts

    def marks(self, report: Report | None) -> dict[str, tuple[str, bool, str]]:
        """Return each scored question about a fact: item id -> the fact, whether it was answered right, its bank's night."""
        return {
            item.id: (_fact(item), result.score.verdict is Verdict.CORRECT, bank.night)
            for bank, item, result in self.rows(report, BankKind.ACQUIRED)
            if result.score.verdict is not Verdict.UNSCORED
        }

    def known(self, report: Report | None, night: str) -> Tally | None:
        """Count the facts of a night that the report shows known; None where it examined none of them."""
        tonight = [known for known, nights in self.facts(report).values() if night in nights]
        sealed = any(bank.night == night for bank, _ in self.items.values() if _acquired(bank))
        if report is None or (sealed and not tonight):
            return None
        return Tally(sum(tonight), len(tonight))


def _parts(
    sheet: _Sheet,
    base: Report | None,
    version: Report | None,
    places: Mapping[str, tuple[str, str]],
) -> Iterator[Part]:
    """Count by module and by tool; no intervals, since a part has few questions."""
    facts = Counter(places.values())
    right: dict[tuple[str, str, bool], list[bool]] = defaultdict(list)
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for tonight, report in ((False, base), (True, version)):
        for _, item, result in sheet.rows(report, BankKind.ACQUIRED):
            if result.score.verdict is Verdict.UNSCORED:
                continue
            for place in {places[memory] for memory in item.memory_ids if memory in places}:
                right[(*place, tonight)].append(result.score.verdict is Verdict.CORRECT)
                asked[place].update(item.memory_ids if tonight else ())
    for kind, name in sorted(facts):
        before, after = (
            Rate(sum(rows) / len(rows), len(rows)) if rows else None
            for rows in (right[kind, name, False], right[kind, name, True])
        )
        yield Part(name, kind, facts[kind, name], len(asked[kind, name]), before, after)


def _acquired(bank: Bank) -> bool:
    return bank.kind is BankKind.ACQUIRED


def _fact(item: Item) -> str:
    return "+".join(sorted(item.memory_ids)) or item.id


def _night(record: NightRecord) -> Night:
    train = record.version.train if record.version else None
    return Night(
        id=record.night,
        version_id=record.version.id if record.version else None,
        promoted=record.decision.promote if record.decision else None,
        overridden=bool(record.decision and record.decision.overridden_by),
        minutes=record.minutes,
        peak_gb=train.peak_bytes / 1e9 if train else None,
        tokens=train.tokens if train else None,
        examples=len(record.material.examples) if record.material else None,
        taught=record.taught,
    )


def _lost(sheet: _Sheet, nights: Sequence[NightRecord]) -> Tally | None:
    """Compare tonight with the newest earlier night that was served and examined, on the questions that both were asked."""
    before = [
        record.report
        for record in nights[:-1]
        if record.report
        and record.decision
        and (record.decision.promote or record.decision.overridden_by)
    ]
    if not before or nights[-1].report is None:
        return None
    was, now = (sheet.marks(report) for report in (before[-1], nights[-1].report))
    facts: dict[str, list[str]] = defaultdict(list)
    for item_id in was.keys() & now.keys():
        facts[was[item_id][0]].append(item_id)
    knew = [items for items in facts.values() if all(was[i][1] for i in items)]
    return Tally(sum(not all(now[i][1] for i in items) for items in knew), len(knew))


def _guard(
    sheet: _Sheet,
    kind: BankKind,
    base: Report | None,
    version: Report | None,
    decision: Decision | None,
) -> Guard:
    checks = [check for check in decision.checks if check.name == kind.value] if decision else []
    check = checks[0] if checks else None
    return Guard(
        kind.value,
        sheet.rate(sheet.rows(base, kind, ("closed", "choice"))),
        sheet.rate(sheet.rows(version, kind, ("closed", "choice"))),
        check.difference if check else None,
        check.low if check else None,
        check.margin if check else None,
    )


def _answers(
    sheet: _Sheet, base: Report | None, version: Report | None, limit: int
) -> tuple[Answer, ...]:
    """Pick examples evenly over groups, in exam order, a third of them misses where there are any."""
    before = {
        (result.bank_id, result.item_id): result.answer
        for _, _, result in sheet.rows(base, BankKind.ACQUIRED)
    }
    right: list[Answer] = []
    missed: list[Answer] = []
    for bank, item, result in sheet.rows(version, BankKind.ACQUIRED):
        answer = Answer(
            item.question,
            before.get((bank.id, item.id)),
            result.answer,
            item.answers[0] if item.answers else "",
            result.score.verdict.value,
            item.group,
        )
        (right if result.score.verdict is Verdict.CORRECT else missed).append(answer)
    misses = _spread(missed, max(limit // 3, limit - len(right)))
    return (*_spread(right, limit - len(misses)), *misses)


def _spread(answers: Sequence[Answer], count: int) -> list[Answer]:
    if len(answers) <= count:
        return list(answers)
    return [answers[index * len(answers) // count] for index in range(count)]
