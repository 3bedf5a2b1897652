"""The night, top to bottom: memories -> study material -> training -> exam -> gate -> morning.

Every step leaves an artifact in the night's folder before the next begins. A night killed at any
moment is taken up again at the step that it was in; `live` moves only in the last step.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nightschool.config import Effort
from nightschool.errors import StudyError
from nightschool.exam.gate import decide
from nightschool.exam.general import general_bank
from nightschool.exam.questions import Question
from nightschool.exam.reuse import best_since, graduates
from nightschool.exam.seal import consistent, fingerprints, follow, seal_abstention, seal_acquired
from nightschool.examine import examine, probe
from nightschool.morning import write_morning
from nightschool.protocols import Author, Bar
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
    Version,
    digest,
    from_json,
    from_plain,
    new_id,
    now,
    to_json,
    to_plain,
)
from nightschool.wire import School


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
