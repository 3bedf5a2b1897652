"""The morning: from the stored records of the nights to the report that a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from nightschool.codec import from_json
from nightschool.exam.reuse import near_duplicates, whole
from nightschool.exam.riddles import gap_change, mark, widened
from nightschool.exam.stats import Mean, accuracy_matrix, rate, risk_coverage, transfer
from nightschool.exam.stats import Rate as Measured
from nightschool.prompts import CHARACTERS_PER_TOKEN, recall_prompt
from nightschool.registry.nights import Night, nights, practices
from nightschool.report.gather import NightRecord, make_morning
from nightschool.report.morning import (
    Continual,
    Contrast,
    Morning,
    PracticeRun,
    Rate,
    RiddleRow,
    Riddles,
    Span,
)
from nightschool.report.page import build_page
from nightschool.report.png import draw_png
from nightschool.skills import Summary
from nightschool.types import Bank, BankKind, Material, Memory, Report, now
from nightschool.wire import School
from nightschool.workspace import write_atomic


def gather_morning(school: School, extra: tuple[Contrast, ...] = ()) -> Morning:
    """Read every finished night's records and count.

    Args:
        school: The wired workspace.
        extra: Contrasts measured elsewhere, such as probes of forgotten facts.
    """
    tenant = school.settings.tenant
    records = _told(school, [_record(school, n) for n in nights(school.workspace, tenant)])
    if records and records[-1].version:
        school = school.on(records[-1].version.base)
    banks = [*school.exams.banks(tenant), *general(school)]
    live = {memory.id for memory in school.store.memories(tenant)}
    banks = [
        replace(b, items=tuple(i for i in b.items if live.issuperset(i.memory_ids))) for b in banks
    ]
    texts = {memory.id: memory.text for memory in school.store.memories(tenant)}
    material = records[-1].material if records else None
    morning = make_morning(
        tenant=tenant,
        workspace=school.workspace.root.resolve().name,
        at=now(),
        base=school.base,
        base_report=base_report(school, banks),
        banks=banks,
        nights=records,
        interval=rate,
        uncovered=tuple(
            texts[i] for i in _uncovered(material, banks, records[-1].night) if i in texts
        )
        if material
        else None,
        extra_groups=extra,
        tokens_saved=_tokens_saved(school, banks),
        continual=_continual(records, banks, school),
        risk=risk_coverage(records[-1].report) if records and records[-1].report else (),
        places=_places(school.store.memories(tenant)),
        riddles=_riddles(school, banks, records[-1]) if records else None,
        near=frozenset(near_duplicates(banks, _studied(material))) if material else None,
    )
    return replace(morning, practice=tuple(_practised(school)))


def _practised(school: School) -> Iterator[PracticeRun]:
    """Return the finished practice runs, oldest first."""
    for run in practices(school.workspace, school.settings.tenant):
        stored = run.stored("facts.json") if run.outcome else None
        if stored:
            s = from_json(Summary, stored)
            yield PracticeRun(
                s.run, s.environment, s.version, s.before, s.after, s.tasks, s.p, s.seconds / 60,
                s.promoted,
            )  # fmt: skip


def write_morning(school: School, extra: tuple[Contrast, ...] = ()) -> Path:
    """Render the report of the last night as a page and a picture; return the page."""
    morning = gather_morning(school, extra)
    name = morning.tonight.id if morning.tonight else "night-none"
    folder = school.workspace.reports / school.settings.tenant
    write_atomic(folder / f"{name}.png", draw_png(morning))
    write_atomic(folder / f"{name}.json", json.dumps(asdict(morning), indent=1, default=str))
    page = folder / f"{name}.html"
    write_atomic(page, build_page(morning))
    return page


def _places(memories: Sequence[Memory]) -> dict[str, tuple[str, str]]:
    """Tell of which module or tool a memory is; memory id -> (kind, name), without those of neither."""
    found = {}
    for memory in memories:
        f = memory.facets
        if memory.form.startswith("code.") and f.get("file"):
            # Python's files are named from their package on; others from the repository on.
            found[memory.id] = (
                "module",
                f"{f['package']}/{f['file']}" if "language" in f else f["file"],
            )
        elif memory.form == "tool":
            found[memory.id] = ("tool", f["name"])
    return found


def _continual(records: list[NightRecord], banks: list[Bank], school: School) -> Continual | None:
    """Compute ACC, BWT, FWT and forgetting over the candidates of all examined nights."""
    every = school.exams.reports(school.settings.tenant)
    reports = [whole(record.report, every) for record in records if record.report]
    if len(reports) < 2:
        return None
    found = transfer(accuracy_matrix(reports, banks, base_report(school, banks)))
    return Continual(found.acc, found.bwt, found.fwt, found.forgetting)


def _riddles(school: School, banks: Sequence[Bank], tonight: NightRecord) -> Riddles | None:
    """Compare tonight's version on the riddles with the one that was served; None where they were not asked."""
    found = [b for b in banks if b.kind is BankKind.RIDDLES and b.night == tonight.night]
    night = Night(tonight.night, school.workspace.nights / school.settings.tenant / tonight.night)
    stored = night.stored("report-live.json") or night.stored("report-base.json")
    if not found or tonight.report is None or stored is None:
        return None
    reference = from_json(Report, stored)
    before, after = mark(reference, found[0]), mark(tonight.report, found[0])
    if after.gap is None:
        return None
    change = gap_change(tonight.report, reference, found[0])
    rows = [
        RiddleRow(
            name,
            *(_shown(section.right) for section in (before.sections[name], after.sections[name])),
            *(_shown(section.alike) for section in (before.sections[name], after.sections[name])),
        )
        for name in after.sections
    ]
    forms = [
        RiddleRow("familiar", _shown(before.familiar), _shown(after.familiar), None, None),
        RiddleRow("altered", _shown(before.altered), _shown(after.altered), None, None),
    ]
    return Riddles(
        reference.version_id,
        (*rows, *forms),
        _span(before.gap),
        _span(after.gap),
        _span(change),
        widened(change),
        before.unscored + after.unscored,
    )


def _shown(rate: Measured) -> Rate | None:
    return None if rate.value is None else Rate(rate.value, rate.n, rate.low, rate.high)


def _span(mean: Mean | None) -> Span | None:
    return Span(mean.value, mean.low, mean.high, mean.n) if mean else None


def _studied(material: Material) -> list[str]:
    return [m.content for e in material.all for m in e.prompt if m.role == "user"]


def _uncovered(material: Material, banks: Sequence[Bank], night: str) -> list[str]:
    """Return the ids of tonight's new memories that got no study material, or no question of the exam."""
    sealed = [b for b in banks if b.night == night and b.kind is BankKind.ACQUIRED]
    asked = {memory_id for b in sealed for item in b.items for memory_id in item.memory_ids}
    taught = dict.fromkeys(memory_id for e in material.examples for memory_id in e.memory_ids)
    missed = [memory_id for memory_id in taught if memory_id not in asked] if sealed else []
    return [*material.uncovered, *missed]


def _tokens_saved(school: School, banks: list[Bank]) -> float | None:
    """Estimate the prompt tokens that a question needs less since memories graduated.

    The mean over the exam's questions of what recall would put into the prompt, with and without
    what the served version holds; None while the base is served.
    """
    tenant, budget = school.settings.tenant, school.settings.recall.budget_tokens
    live = school.registry.alias(tenant, "live")
    asked = [i.question for b in banks if b.kind is BankKind.ACQUIRED for i in b.items]
    if live == "base" or not asked:
        return None
    saved = 0
    for question in asked:
        found = school.recall(question)
        left = [memory for memory in found if live not in memory.graduated]
        whole, pruned = (recall_prompt(question, m, budget)[0].content for m in (found, left))
        saved += len(whole) - len(pruned)
    return saved / len(asked) / CHARACTERS_PER_TOKEN


def _record(school: School, night: Night) -> NightRecord:
    version_id = night.stored("version.txt")
    known = {v.id: v for v in school.registry.versions(school.settings.tenant)}
    report, material, facts = (
        night.stored(name) for name in ("report-candidate.json", "material.json", "facts.json")
    )
    seen = json.loads(facts) if facts else {}
    return NightRecord(
        night.id,
        known.get(version_id or ""),
        school.registry.decision(version_id) if version_id else None,
        from_json(Report, report) if report else None,
        from_json(Material, material) if material else None,
        seen.get("minutes"),
        seen.get("taught"),
    )


def _told(school: School, records: list[NightRecord]) -> list[NightRecord]:
    """Leave out the nights that taught another base to which nobody has switched."""
    served = school.registry.served(school.settings.tenant)
    return [
        r
        for r in records
        if r.version is None or r.version.base == school.base or r.version.id in served
    ]


def base_report(school: School, banks: Sequence[Bank]) -> Report | None:
    """Return all that the base model has answered of some banks, as one report; None where it sat none."""
    reports = school.reports("base")
    if not reports:
        return None
    items = {item.id for bank in banks for item in bank.items}
    found = {
        (r.item_id, r.mode): r for report in reports for r in report.results if r.item_id in items
    }
    # An exam that somebody sits by day measures no plain text; what a night measured still holds.
    read = [report for report in reports if report.perplexity is not None]
    newest = replace(reports[-1], results=tuple(found.values()))
    if not read:
        return newest
    return replace(newest, perplexity=read[-1].perplexity, bits_per_byte=read[-1].bits_per_byte)


def general(school: School) -> list[Bank]:
    """Return the general bank as far as this school's exams ask it."""
    from nightschool.exam.general import general_bank

    return [general_bank(school.settings.exam.general_items, school.settings.tenant)]
