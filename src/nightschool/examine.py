"""Who sits the exam: the candidate, the version served now and the base; and what the gate says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from nightschool.codec import from_json, to_json
from nightschool.exam.gate import decide
from nightschool.exam.general import bits_per_byte, general_bank, kl_nats, perplexity
from nightschool.exam.reuse import (
    answered,
    first_since,
    merged,
    sample,
    unanswered,
    untaught,
    without_riddles,
)
from nightschool.exam.seal import follow
from nightschool.exam.sit import sit
from nightschool.protocols import Bar
from nightschool.registry.nights import Night
from nightschool.skills import attempt
from nightschool.types import Bank, BankKind, Decision, Material, Report, Version
from nightschool.verify.judge import grade
from nightschool.wire import School

AIDED_ITEMS = 40
"""About so many new items are also answered by the base open-book and with recall, for comparison."""
PROBE_EXAMPLES = 8
PROBE_GAIN_NATS = 0.05
"""The probe: log-probability per token that trained targets must have gained."""


def examine(
    school: School, night: Night, version: Version, banks: Sequence[Bank], bar: Bar
) -> tuple[Report, Report]:
    """Examine the candidate, the version that is served now, and the base, on the same questions.

    The riddles are for the candidate and the version that it is compared with.
    """
    live_id = rival(school, night, version)
    of_base = banks if live_id == "base" else without_riddles(banks)
    base = completed(school, night, "base", "base", of_base, bar)
    few = sample(banks, night.id, AIDED_ITEMS)
    aided = sitting(school, night, "aided", "base", few, bar, ("open", "retrieval"))
    candidate = sitting(school, night, "candidate", version.id, banks, bar, sure=True)
    if live_id == "base":
        return candidate, replace(base, results=merged(base.results, aided.results))
    return candidate, completed(school, night, "live", live_id, banks, bar)


def rival(school: School, night: Night, version: Version) -> str:
    """Return the version that the candidate is to be compared with: the one that is served.

    Where an interrupted night was compared with another one, that comparison is taken back.
    """
    live = school.registry.alias(school.settings.tenant, "live")
    stored = night.stored("rival.txt")
    if stored and live not in (stored, version.id):
        night.take_back("decision.json", "report-live.json", "rival.txt")
    return night.artifact("rival.txt", lambda: live)


def sitting(
    school: School,
    night: Night,
    name: str,
    who: str,
    banks: Sequence[Bank],
    bar: Bar,
    modes: tuple[str, ...] = ("closed",),
    sure: bool = False,
) -> Report:
    """Let one version sit, or take the report of a night that got there before.

    A report of another version is none, and a decision that was taken before a report was made does not rest on it:
    both are left where an earlier program was killed while it deleted a night.

    Args:
        school: The wired workspace; what `base` means comes from it.
        night: Tonight.
        name: Of the report's file.
        who: A version id, or `base`.
        banks: What is asked.
        bar: Shows the progress.
        modes: As in `exam.sit`.
        sure: Whether answers get a confidence, for the candidate's curve; the others' are shown nowhere.
    """

    step = f"report-{name}.json"

    def write() -> str:
        night.take_back("decision.json")
        with bar(f"exam: {name}") as progress:
            report = sit(
                school.sampler(who),
                [bank for bank in banks if bank.kind is not BankKind.SKILLS],
                version_id=who,
                night=night.id,
                tenant=school.settings.tenant,
                config=school.settings.exam,
                grade=grade,
                modes=modes,
                recall=school.recall,
                confident=sure,
                progress=progress,
            )
            attempted = attempt(school, school.sampler(who), banks, progress)
            report = replace(report, results=(*report.results, *attempted))
        return to_json(drift(school, report))

    stored = night.stored(step)
    if stored and from_json(Report, stored).version_id != who:
        night.take_back("decision.json", step)
    report = from_json(Report, night.artifact(step, write))
    school.exams.save_report(report)
    return report


def completed(
    school: School, night: Night, name: str, who: str, banks: Sequence[Bank], bar: Bar
) -> Report:
    """Let a version sit what it has never answered closed-book; its earlier answers count for the rest.

    Those of another engine do not: what is examined is what is served.
    """
    engine = school.settings.model.answers
    known = answered([r for r in school.reports(who) if r.engine == engine], banks)
    report = sitting(school, night, name, who, unanswered(banks, known), bar)
    return replace(report, results=merged(known, report.results))


def drift(school: School, report: Report) -> Report:
    """Measure how far a version moved from its own base on general prompts, and how well it reads plain text."""
    sampler = school.sampler(report.version_id)
    base = school.base_of(report.version_id)
    away = None
    if report.version_id != "base":
        length = school.settings.exam.answer_tokens
        away = kl_nats(sampler, school.on(base).sampler("base"), answer_tokens=length)
    return replace(
        report,
        kl_nats=away,
        perplexity=perplexity(sampler),
        base=base,
        bits_per_byte=bits_per_byte(sampler),
        engine=school.settings.model.answers,
    )


def judge(
    school: School,
    night: Night,
    version: Version,
    report: Report,
    live: Report,
    banks: Sequence[Bank],
    material: Material,
    expect_new: bool,
    bar: Bar,
) -> Decision:
    """Let the gate decide on the reports and on a probe of the weights that sat the exam."""
    tenant = school.settings.tenant

    def write() -> str:
        with bar("gate"):
            attempt = school.registry.attempts(tenant, version.base, besides=version.id) + 1
            probe_ok = probe(school, version, material)
            ever = school.registry.served(tenant)
            served = [v for v in school.registry.versions(tenant) if v.id in ever]
            first = first_since(school.exams.reports(tenant), served, banks)
            return to_json(
                decide(
                    report,
                    live,
                    first,
                    banks,
                    school.settings.gate,
                    attempt,
                    probe_ok,
                    expect_new=expect_new,
                    untaught=untaught(served, banks),
                )
            )

    decision = from_json(Decision, night.artifact("decision.json", write))
    school.registry.record_decision(night.id, version.id, decision)
    return decision


def probe(school: School, version: Version, material: Material) -> bool:
    """Show that the examined weights are the trained ones: they hold their own lessons better than the start does.

    Lessons of what the start had not learnt tell most, and of these questions; a night of plain passages has none.
    """
    start = school.registry.resolve(school.settings.tenant, version.parent)
    known = set(start.memory_ids) if start else set[str]()
    lessons = [example for example in material.examples if example.memory_ids] or list(
        material.examples
    )
    lessons.sort(key=lambda e: (known.issuperset(e.memory_ids), not e.prompt))
    pairs = [(example.prompt, example.target) for example in lessons[:PROBE_EXAMPLES]]
    before = school.on(version.base).sampler(version.parent).score(pairs)
    after = school.sampler(version.id).score(pairs)
    gains = [b - a for x, y in zip(before, after, strict=True) for a, b in zip(x, y, strict=True)]
    return bool(gains) and mean(gains) > PROBE_GAIN_NATS


def hold_exam(school: School, version: str, bar: Bar) -> Report:
    """Examine one version on every bank, closed-book, outside any night.

    Without the riddles: what tells there is a comparison with another version on the same ones.

    Raises:
        UnknownVersion: There is no such version.
    """
    tenant = school.settings.tenant
    found = school.registry.resolve(tenant, version)
    banks = follow(school.exams.banks(tenant), school.store.memories(tenant))
    with bar(f"exam: {version}") as progress:
        report = sit(
            school.sampler(version),
            [
                *(b for b in without_riddles(banks) if b.items),
                general_bank(school.settings.exam.general_items, tenant),
            ],
            version_id=found.id if found else "base",
            night="",
            tenant=tenant,
            config=school.settings.exam,
            grade=grade,
            progress=progress,
        )
    engine = school.settings.model.answers
    report = replace(report, base=school.base_of(version), engine=engine)
    school.exams.save_report(report)
    return report
