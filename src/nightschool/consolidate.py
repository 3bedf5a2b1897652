"""The night, top to bottom: memories -> study material -> training -> exam -> gate -> morning.

The database is backed up before the first step and after the last.
Every step leaves an artifact in the night's folder before the next begins. A night killed at any
moment is taken up again at the step that it was in; `live` moves only in the last step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nightschool.aside import aside
from nightschool.bases import tried
from nightschool.codec import to_json
from nightschool.course import Course, chart, drop, refuse_rebase
from nightschool.errors import ConfigError, LeakError, ModelUnfit, StudyError
from nightschool.exam.questions import Question
from nightschool.exam.reuse import examined, graduates
from nightschool.examine import examine, judge
from nightschool.morning import write_morning
from nightschool.prepare import gather, new_tonight, outdated, seal, study
from nightschool.protocols import Bar
from nightschool.registry.nights import TRAINING, Night, open_night, upcoming_night
from nightschool.skills import quoted
from nightschool.surprise import surprise_since
from nightschool.train.rate import peak_rate
from nightschool.types import (
    BankKind,
    Decision,
    Effort,
    Example,
    Material,
    Memory,
    NightKind,
    Report,
    Version,
    digest,
    new_id,
    now,
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
    kind: NightKind | None = None,
    questions: Sequence[Question] = (),
    imported: Sequence[Example] = (),
    bar: Bar,
) -> NightOutcome:
    """Live one night: study, train, examine, decide.

    Args:
        school: The wired workspace.
        effort: The one dial; None takes the settings'.
        kind: Built anew from the base, or going on from the served version; None takes the settings'.
        questions: The owner's exam questions; rules write one for each memory without any.
        imported: Ready-made study material, used beside the authors'.
        bar: Shows the progress of each step.

    Raises:
        StudyError: There is nothing to learn, or nothing that the version to continue from does not know.
        WorkspaceLocked: Another process holds the workspace.
        WorkspaceCorrupt: The database is damaged; nothing is trained on it.
        LeakError: Too much of the study material repeats exam questions.
        ConfigError: It is to continue, and there is no version of full weights to continue from.
        ConfigError: It is to continue, and adapters are to be trained.
        ModelUnfit: The base is not of a kind that can be taught.
        NightUnfinished: The interrupted night teaches another base model.
        Diverged: Training failed; the night can be run again with other settings.
    """
    school = school.at_effort(effort)
    with school.workspace.lock("a night"):
        school.back_up()
        night = open_night(school.workspace, school.settings.tenant)
        refuse_rebase(night)
        if outdated(school, night):
            drop(school, night)
            night = open_night(school.workspace, school.settings.tenant)
        night.take_up()
        try:
            memories = gather(school, night)
            surprise_since(school)
            course = chart(school, night, memories, kind)
            school = school.on(course.base or school.base)  # also where that was switched since
            if course.kind == "rebuild" and not (tried(school.base) or night.stored("banks.json")):
                school.check_base()  # takes seconds, and saves a night from being trained wrongly
            new = new_tonight(memories, night)
            banks = seal(school, night, course, new, questions, bar)
            material = study(school, night, course, memories, banks, imported, bar)
        except (StudyError, LeakError, ConfigError, ModelUnfit):
            drop(school, night)  # what it has kept would fail again, whatever is changed
            raise
        version = train(school, night, course, memories, material, bar)
        report, live = examine(school, night, version, banks, bar)
        decision = judge(school, night, version, report, live, banks, material, bool(new), bar)
        settle(school, night, course, version, decision, report, new)
        school.back_up()  # what took hours: the version, and what it was shown to hold
        night.artifact("facts.json", lambda: json.dumps(night_facts(night, version, new)))
        night.finish("promoted" if decision.promote else "refused")
        page = write_morning(school)
        return NightOutcome(night.id, version, decision, report, page)


def give_up(school: School) -> str | None:
    """Drop an interrupted night with its checkpoints; return its name, None where there is none.

    Raises:
        NightUnfinished: It teaches another base model.
        NightUnfinished: Its version is served already, and only its records are missing.
        WorkspaceLocked: Another process holds the workspace.
    """
    with school.workspace.lock("giving up a night"):
        night = upcoming_night(school.workspace, school.settings.tenant)
        if not night.folder.exists():
            return None
        refuse_rebase(night)
        drop(school, night)
        return night.id


def train(
    school: School,
    night: Night,
    course: Course,
    memories: Sequence[Memory],
    material: Material,
    bar: Bar,
) -> Version:
    """Train a new version from where the night starts; it is registered, but nobody is served by it yet."""
    settings = school.settings
    version_id = night.artifact("version.txt", lambda: new_id("ver"))
    folder = school.workspace.versions / version_id
    parent = school.registry.resolve(settings.tenant, course.start)
    start = school.registry.weights(parent) if parent else school.base_folder()
    if not folder.exists():
        night.note(TRAINING)
    rate = peak_rate(school.base_folder(), settings.train)
    if parent:
        rate *= settings.night.continued_rate
    config = settings.train.model_copy(update={"learning_rate": rate})
    trainer = school.trainer(bar)
    with bar("training") as progress:
        learn = partial(trainer.train, start, material.examples, config, folder)
        result = aside(partial(learn, review=material.review, progress=progress))
    version = Version(
        id=version_id,
        tenant=settings.tenant,
        night=night.id,
        kind=result.kind,
        base=school.base,
        parent=course.start,
        # What its start was trained on it knows, too: a deletion must reach it.
        memory_ids=tuple(
            dict.fromkeys(
                [
                    *course.known,
                    *(memory.id for memory in memories),
                    # Study material may be of what has been corrected since, or was not live tonight.
                    *(i for example in material.all for i in example.memory_ids),
                    *quoted(school, material.all),
                ]
            )
        ),
        example_ids=tuple(dict.fromkeys(example.id for example in material.all)),
        data_digest=digest(*(to_json(example) for example in material.all)),
        seed=settings.train.seed,
        config={
            **settings.model_dump(mode="json"),
            "model": {"base": school.base},
            "train": config.model_dump(mode="json"),  # with the rate that was taken
        },
        created=night.artifact("created.txt", now),
        train=result,
    )
    school.registry.add(version)
    return version


def night_facts(night: Night, version: Version, new: Sequence[Memory]) -> dict[str, float]:
    """Return what the reports tell of a night: how long it took, pauses left out, and how many memories it taught."""
    trained = version.train.seconds if version.train else 0.0
    return {"minutes": night.seconds(trained) / 60, "taught": len(new)}


def settle(
    school: School,
    night: Night,
    course: Course,
    version: Version,
    decision: Decision,
    report: Report,
    new: Sequence[Memory],
) -> None:
    """Carry the decision out: move `live`, and let the memories that the weights hold graduate.

    What a night that continues did not ask again counts as held where its start had shown it: the
    gate bounds what the sample lost.
    """
    tenant = school.settings.tenant
    school.store.studied([memory.id for memory in new], night.id)
    if not decision.promote:
        return
    if version.id not in school.registry.served(
        tenant
    ):  # else the owner has gone back from it since
        school.registry.promote(tenant, version.id, decision, "gate")
    banks = school.exams.banks(tenant, BankKind.ACQUIRED)
    held = graduates(report, banks)
    unasked = {m.id for m in school.store.memories(tenant) if course.start in m.graduated}
    held |= unasked - examined(report, banks)
    school.store.examined(tenant, version.id, held, night.id)
