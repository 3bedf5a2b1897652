"""The night, top to bottom: memories -> study material -> training -> exam -> gate -> morning.

Every step leaves an artifact in the night's folder before the next begins. A night killed at any
moment is taken up again at the step that it was in; `live` moves only in the last step.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from nightschool.config import Effort
from nightschool.errors import StudyError
from nightschool.exam.gate import decide
from nightschool.exam.general import general_bank, kl_nats, perplexity
from nightschool.exam.questions import Question
from nightschool.exam.reuse import answered, best_since, graduates, merged, sample, unanswered
from nightschool.exam.seal import consistent, fingerprints, follow, seal_abstention, seal_acquired
from nightschool.exam.sit import sit
from nightschool.morning import write_morning
from nightschool.protocols import Author, Progress
from nightschool.registry.nights import Night, open_night
from nightschool.study.general import general_examples
from nightschool.study.mixture import compose
from nightschool.types import (
    Bank,
    BankKind,
    Decision,
    Example,
    Material,
    Memory,
    Report,
    Result,
    Version,
    digest,
    from_json,
    from_plain,
    new_id,
    now,
    to_json,
    to_plain,
)
from nightschool.verify.judge import grade
from nightschool.wire import School

Bar = Callable[[str], AbstractContextManager[Progress]]
"""Label -> a progress bar for one step."""
AIDED_ITEMS = 40
"""About so many new items are also answered by the base open-book and with recall, for comparison."""
PROBE_EXAMPLES = 8
PROBE_GAIN_NATS = 0.05
"""The probe: log-probability per token that trained targets must have gained."""


@dataclass(frozen=True, slots=True)
class NightOutcome:
    """What a night came to."""

    night_id: str
    version: Version
    decision: Decision
    report: Report
    page: Path
    """The morning report."""


def consolidate(
    school: School,
    *,
    effort: Effort | None = None,
    questions: Sequence[Question] = (),
    imported: Sequence[Example] = (),
    bar: Bar,
) -> NightOutcome:
    """Live one night: rebuild from the base on the union of all live memories, examine, decide.

    Args:
        school: The wired workspace.
        effort: The one dial; None takes the settings'.
        questions: The owner's exam questions; rules write one for each memory without any.
        imported: Ready-made study material, used beside the authors'.
        bar: Shows the progress of each step.

    Raises:
        StudyError: There is nothing to learn.
        WorkspaceLocked: Another process holds the workspace.
        LeakError: Too much of the study material repeats exam questions.
        Diverged: Training failed; the night can be run again with other settings.
    """
    school = replace(school, settings=school.settings.with_effort(effort or school.settings.effort))
    with school.workspace.lock("a night"):
        night = open_night(school.workspace, school.settings.tenant)
        begun = time.monotonic()
        memories = gather(school, night)
        new = [memory for memory in memories if memory.learnt_in in (None, night.id)]
        banks = seal(school, night, new, questions, bar)
        material = study(school, night, memories, banks, imported, bar)
        version = train(school, night, memories, material, bar)
        report, live = examine(school, night, version, banks, bar)
        decision = judge(school, night, version, report, live, banks, material, bool(new), bar)
        settle(school, night, version, decision, report, new)
        minutes = (time.monotonic() - begun) / 60
        night.artifact("facts.json", lambda: json.dumps({"minutes": minutes, "taught": len(new)}))
        night.finish("promoted" if decision.promote else "refused")
        page = write_morning(school)
        return NightOutcome(night.id, version, decision, report, page)


def gather(school: School, night: Night) -> list[Memory]:
    """Take the live memories as they are now; a resumed night keeps its first snapshot."""
    tenant = school.settings.tenant

    def snapshot() -> str:
        return json.dumps([memory.id for memory in school.store.memories(tenant)])

    ids = set(json.loads(night.artifact("memories.json", snapshot)))
    memories = [memory for memory in school.store.memories(tenant) if memory.id in ids]
    if not memories:
        raise StudyError(
            "There is nothing to learn: no live memories. Use `nightschool learn` first."
        )
    return memories


def seal(
    school: School, night: Night, new: Sequence[Memory], questions: Sequence[Question], bar: Bar
) -> list[Bank]:
    """Write tonight's exam before any study material exists, and fetch the earlier ones."""
    settings, tenant = school.settings, school.settings.tenant
    live = school.store.memories(tenant)
    retired = {m.id: m for m in school.store.memories(tenant, include_retired=True)}

    def write() -> str:
        with bar("sealing the exam"):
            acquired = seal_acquired(
                night.id, tenant, new, questions, settings.exam, earlier=retired
            )
            # What even the open book does not answer is a bad question, not a gap in learning.
            acquired = consistent(school.sampler("base"), acquired, settings.exam).bank
            near = seal_abstention(night.id, tenant, new, settings.exam, live=live)
        return json.dumps([to_plain(bank) for bank in (acquired, near) if bank.items])

    for plain in json.loads(night.artifact("banks.json", write)):
        school.exams.save_bank(from_plain(Bank, plain))
    return [
        *(bank for bank in follow(school.exams.banks(tenant), live) if bank.items),
        general_bank(settings.exam.general_items, tenant),
    ]


def study(
    school: School,
    night: Night,
    memories: Sequence[Memory],
    banks: Sequence[Bank],
    imported: Sequence[Example],
    bar: Bar,
) -> Material:
    """Have the authors write, mix in general replay, and drop what is unsupported or leaks."""
    settings = school.settings

    def write() -> str:
        authors: list[Author] = [school.author(name) for name in settings.study.authors]
        with bar("general replay") as progress:
            general = general_examples(
                school.sampler("base"),
                _general_count(school, memories),
                settings.tenant,
                settings.train.seed,
                progress,
            )
        with bar("writing study material") as progress:
            material = compose(
                memories,
                authors,
                general,
                imported,
                fingerprints(banks),
                settings.study,
                progress,
            )
        return to_json(material)

    return from_json(Material, night.artifact("material.json", write))


def _general_count(school: School, memories: Sequence[Memory]) -> int:
    study = school.settings.study
    return round(
        len(memories) * study.expressions * study.general_share / (1 - study.general_share)
    )


def train(
    school: School, night: Night, memories: Sequence[Memory], material: Material, bar: Bar
) -> Version:
    """Train a new version from the base; it is registered, but nobody is served by it yet."""
    settings = school.settings
    version_id = night.artifact("version.txt", lambda: new_id("ver"))
    folder = school.workspace.versions / version_id
    start = school.base_folder()
    if not folder.exists():
        night.note("training")
    with bar("training") as progress:
        result = school.trainer().train(
            start, material.examples, settings.train, folder, progress=progress
        )
    version = Version(
        id=version_id,
        tenant=settings.tenant,
        night=night.id,
        kind=result.kind,
        base=settings.model.base,
        parent="base",
        memory_ids=tuple(memory.id for memory in memories),
        example_ids=tuple(example.id for example in material.examples),
        data_digest=digest(*(to_json(example) for example in material.examples)),
        seed=settings.train.seed,
        config=settings.model_dump(mode="json"),
        created=night.artifact("created.txt", now),
        train=result,
    )
    school.registry.add(version)
    return version


def examine(
    school: School, night: Night, version: Version, banks: Sequence[Bank], bar: Bar
) -> tuple[Report, Report]:
    """Examine the candidate, the version that is served now, and the base, on the same questions."""
    live_id = school.registry.alias(school.settings.tenant, "live")

    def sat(name: str, who: str, which: Sequence[Bank], modes: tuple[str, ...]) -> Report:
        def write() -> str:
            with bar(f"exam: {name}") as progress:
                report = sit(
                    school.sampler(who),
                    which,
                    version_id=who,
                    night=night.id,
                    tenant=school.settings.tenant,
                    config=school.settings.exam,
                    grade=grade,
                    modes=modes,
                    recall=school.recall,
                    progress=progress,
                )
            return to_json(drift(school, report))

        report = from_json(Report, night.artifact(f"report-{name}.json", write))
        school.exams.save_report(report)
        return report

    def before(version_id: str) -> tuple[Result, ...]:
        return answered(school.exams.reports(school.settings.tenant, version_id), banks)

    known = before("base")
    base = sat("base", "base", unanswered(banks, known), ("closed",))
    aided = sat("aided", "base", sample(banks, night.id, AIDED_ITEMS), ("open", "retrieval"))
    base = replace(base, results=merged(known, base.results, aided.results))
    candidate = sat("candidate", version.id, banks, ("closed",))
    if live_id == "base":
        return candidate, base
    stored = before(live_id)
    live = sat("live", live_id, unanswered(banks, stored), ("closed",))
    return candidate, replace(live, results=merged(stored, live.results))


def drift(school: School, report: Report) -> Report:
    """Measure how far a version moved from the base on general prompts and on plain text."""
    sampler = school.sampler(report.version_id)
    away = None
    if report.version_id != "base":
        length = school.settings.exam.answer_tokens
        away = kl_nats(sampler, school.sampler("base"), answer_tokens=length)
    return replace(report, kl_nats=away, perplexity=perplexity(sampler))


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
            attempt = school.registry.attempts(tenant) + 1
            probe_ok = probe(school, version, material)
            best = best_since(school.exams.reports(tenant), school.registry.served(tenant))
            return to_json(
                decide(
                    report,
                    live,
                    best,
                    banks,
                    school.settings.gate,
                    attempt,
                    probe_ok,
                    expect_new=expect_new,
                )
            )

    decision = from_json(Decision, night.artifact("decision.json", write))
    school.registry.record_decision(night.id, version.id, decision)
    return decision


def probe(school: School, version: Version, material: Material) -> bool:
    """Show that the examined weights are the trained ones: they have learnt their own lessons."""
    taught = [example for example in material.examples if example.prompt and example.memory_ids]
    pairs = [(example.prompt, example.target) for example in taught[:PROBE_EXAMPLES]]
    before = _mean(school.sampler("base").score(pairs))
    after = _mean(school.sampler(version.id).score(pairs))
    return after - before > PROBE_GAIN_NATS


def _mean(scores: Sequence[Sequence[float]]) -> float:
    flat = [value for line in scores for value in line]
    return sum(flat) / len(flat)


def settle(
    school: School,
    night: Night,
    version: Version,
    decision: Decision,
    report: Report,
    new: Sequence[Memory],
) -> None:
    """Carry the decision out: move `live`, and let the memories that the weights hold graduate."""
    for memory in new:
        if memory.learnt_in is None:
            school.store.replace(replace(memory, learnt_in=night.id))
    if not decision.promote:
        return
    school.registry.promote(school.settings.tenant, version.id, decision, "gate")
    held = graduates(report, school.exams.banks(school.settings.tenant, BankKind.ACQUIRED))
    for memory in school.store.memories(school.settings.tenant):
        graduated = version.id if memory.id in held else None
        if graduated != memory.graduated:
            school.store.replace(
                replace(memory, graduated=graduated, learnt_in=memory.learnt_in or night.id)
            )


def hold_exam(school: School, version: str, bar: Bar) -> Report:
    """Examine one version on every bank, closed-book, outside any night.

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
                *(b for b in banks if b.items),
                general_bank(school.settings.exam.general_items, tenant),
            ],
            version_id=found.id if found else "base",
            night="",
            tenant=tenant,
            config=school.settings.exam,
            grade=grade,
            progress=progress,
        )
    school.exams.save_report(report)
    return report
