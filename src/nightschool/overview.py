"""What a school has come to, for those who look at it from outside: versions with their exams, the matrix, sizes.

Counting only; the statistics are `exam.stats`'s. What is shown is of the tenant's own nights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nightschool.codec import from_json
from nightschool.exam.reuse import whole
from nightschool.exam.stats import (
    AccuracyMatrix,
    Transfer,
    accuracy_matrix,
    outcomes,
    rate,
    transfer,
)
from nightschool.morning import base_report, general
from nightschool.registry.nights import nights
from nightschool.registry.versions import ALIASES
from nightschool.schedule import tenant_bytes
from nightschool.types import Bank, BankKind, Decision, Item, Report, Version
from nightschool.wire import School

SCORES = ("new", "earlier", "general", "abstention")
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A version with what is known of it."""

    version: Version
    aliases: tuple[str, ...]
    decision: Decision | None
    """None where it has not been before the gate."""
    scores: dict[str, float | None]
    """Share right of `SCORES`, closed-book; None where none was asked."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of an exam."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Standings:
    """Puts versions together with their exams; the banks are read once."""

    def __init__(self, school: School) -> None:
        self._school = school
        self._banks = [*school.exams.banks(school.settings.tenant), *general(school)]
        self._aliases = {
            name: school.registry.alias(school.settings.tenant, name) for name in ALIASES
        }

    def of(self, version: Version) -> Standing:
        """Return where a version stands."""
        report = self._report(version)
        values = outcomes(report) if report else {}
        return Standing(
            version,
            tuple(name for name in ALIASES if self._aliases[name] == version.id),
            self._school.registry.decision(version.id),
            {name: _mean(values, items) for name, items in self._parts(version).items()},
        )

    def tables(self, version: Version) -> list[Table]:
        """Return the tables of a version's exam, with 95% intervals and the base beside it; none where it sat none."""
        report = self._report(version)
        if report is None:
            return []
        base = base_report(self._school.on(version.base), self._banks)
        sat, known = outcomes(report), outcomes(base) if base else {}
        groups: dict[str, list[Item]] = {}
        for bank in self._banks:
            for item in bank.items if bank.kind is BankKind.ACQUIRED else ():
                groups.setdefault(item.group or "other", []).append(item)
        return [
            _table("Exam", self._parts(version), sat, known),
            _table("Facts by kind", groups, sat, known),
        ]

    def _report(self, version: Version) -> Report | None:
        """Return the exam of a version's own night; where there was none, its last."""
        found = self._school.exams.reports(self._school.settings.tenant, version.id)
        own = [report for report in found if report.night == version.night]
        return (own or found)[-1] if found else None

    def _parts(self, version: Version) -> dict[str, list[Item]]:
        """Return the items by what they tell of a version."""
        parts: dict[str, list[Item]] = {name: [] for name in SCORES}
        for bank in self._banks:
            own = "new" if bank.night == version.night else "earlier"
            name = own if bank.kind is BankKind.ACQUIRED else bank.kind.value
            if name in parts:
                parts[name] += bank.items
        return parts


def _table(
    title: str,
    parts: Mapping[str, Sequence[Item]],
    sat: Mapping[str, float],
    base: Mapping[str, float],
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, items in parts.items():
        told = rate(sat, items)
        if told.n:
            rows.append((name, told.n, told.value, told.low, told.high, _mean(base, items)))
    return Table(title, ("questions", "asked", "right", "low", "high", "base"), tuple(rows))


def _mean(values: Mapping[str, float], items: Iterable[Item]) -> float | None:
    found = [values[item.id] for item in items if item.id in values]
    return sum(found) / len(found) if found else None


def matrix(school: School) -> tuple[AccuracyMatrix, Transfer]:
    """Return accuracy over nights, and what follows from it; the candidates of refused nights count, too.

    Questions about what is not live any more are left out, and so are the nights that taught another base to which
    nobody has switched.
    """
    tenant = school.settings.tenant
    known = {version.id: version for version in school.registry.versions(tenant)}
    served = school.registry.served(tenant)
    every = school.exams.reports(tenant)
    reports: list[Report] = []
    for night in nights(school.workspace, tenant):
        stored = night.stored("report-candidate.json")
        version = known.get(night.stored("version.txt") or "")
        own = version is None or version.base == school.base or version.id in served
        if stored and own and night.outcome:
            reports.append(whole(from_json(Report, stored), every))
    sealed = school.exams.banks(tenant, BankKind.ACQUIRED)
    live = school.store.live_among(
        tenant, {name for bank in sealed for item in bank.items for name in item.memory_ids}
    )
    banks: list[Bank] = [
        replace(b, items=tuple(i for i in b.items if live.issuperset(i.memory_ids))) for b in sealed
    ]
    found = accuracy_matrix(reports, banks, base_report(school, banks))
    return found, transfer(found)


def disk_bytes(school: School) -> int:
    """Return how many bytes the tenant's files take, the database that all tenants share not among them."""
    return tenant_bytes(school.workspace, school.registry, school.settings.tenant)
