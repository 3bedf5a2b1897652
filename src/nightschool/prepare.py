"""Before a night trains: which memories it studies, its sealed exam, and its study material.

`plan` tells the same of a night that has not begun, from the memories alone: it writes nothing and
loads no model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.codec import from_json, from_plain, to_json, to_plain
from nightschool.config import TrainConfig
from nightschool.course import (
    Course,
    charted,
    choose,
    earlier_material,
    fresh,
    lacks_its_end,
    overtaken,
    refuse_rebase,
    reviewed,
)
from nightschool.errors import StudyError
from nightschool.exam.general import general_bank
from nightschool.exam.questions import Question, match_questions
from nightschool.exam.riddles import riddle_bank
from nightschool.exam.seal import (
    consistent,
    fingerprints,
    follow,
    seal_abstention,
    seal_acquired,
    thinned,
)
from nightschool.protocols import Author, Bar
from nightschool.registry.nights import Night, nights, upcoming_night
from nightschool.skills import skill_banks, skill_material
from nightschool.study.general import PROMPTS, general_examples
from nightschool.study.leaks import drop_leaks
from nightschool.study.mixture import compose
from nightschool.study.review import size
from nightschool.train.speed import seconds_as_before, training_bytes, training_seconds
from nightschool.trust import trainable, waits
from nightschool.types import Bank, Effort, Example, Material, Memory, NightKind, Version
from nightschool.wire import School

# -- the steps ----------------------------------------------------------------------------


def gather(school: School, night: Night) -> list[Memory]:
    """Take the live memories as they are now; a resumed night keeps its first snapshot.

    A night that only lacks its end gets there although none is left.

    Raises:
        StudyError: There is nothing to learn.
    """
    tenant = school.settings.tenant

    def snapshot() -> str:
        live = school.store.memories(tenant)
        return json.dumps([memory.id for memory in live if trainable(memory)])

    return _still_live(school, night, night.artifact("memories.json", snapshot))


def outdated(school: School, night: Night) -> bool:
    """Tell whether an interrupted night is to be begun anew: its start is not served any more, or nothing it began with is left.

    One that only lacks its end is not.
    """
    snapshot = night.stored("memories.json")
    if snapshot is None or lacks_its_end(school, night):
        return False
    if overtaken(school, night):
        return True
    begun = set(json.loads(snapshot))
    live = school.store.memories(school.settings.tenant)
    return not any(memory.id in begun and trainable(memory) for memory in live)


def _still_live(school: School, night: Night, snapshot: str | None) -> list[Memory]:
    """Return the live memories of a snapshot that may be trained; all such where there is none yet."""
    ids = None if snapshot is None else set(json.loads(snapshot))
    live = school.store.memories(school.settings.tenant)
    memories = [m for m in live if trainable(m) and (ids is None or m.id in ids)]
    if not memories and not lacks_its_end(school, night):
        waiting = sum(waits(memory) for memory in live)
        raise StudyError(
            f"There is nothing to learn: {waiting} memories wait for approval, see `nightschool memory "
            "pending`."
            if waiting
            else "There is nothing to learn: no live memories. Use `nightschool learn` first."
        )
    return memories


def new_tonight(memories: Sequence[Memory], night: Night) -> list[Memory]:
    """Return the memories that no night before this one studied."""
    return [memory for memory in memories if memory.learnt_in in (None, night.id)]


def seal(
    school: School,
    night: Night,
    course: Course,
    new: Sequence[Memory],
    questions: Sequence[Question],
    bar: Bar,
) -> list[Bank]:
    """Write tonight's exam before any study material exists, and fetch the earlier ones.

    A rebuild is asked all that earlier nights asked, a night that continues a sample; riddles are drawn anew. Of
    practised skills both attempt the same few held-out tasks.
    """
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
            riddles = riddle_bank(night.id, settings.exam.riddle_items, tenant)
        return json.dumps([to_plain(bank) for bank in (acquired, near, riddles) if bank.items])

    for plain in json.loads(night.artifact("banks.json", write)):
        school.exams.save_bank(from_plain(Bank, plain))
    banks = follow(school.exams.banks(tenant), live)
    earlier = settings.exam.earlier_items if course.known else None
    asked = thinned(banks, night.id, settings.exam.abstention_items, earlier)
    return [
        *(bank for bank in asked if bank.items),
        general_bank(settings.exam.general_items, tenant),
        *skill_banks(school, night),
    ]


def study(
    school: School,
    night: Night,
    course: Course,
    memories: Sequence[Memory],
    banks: Sequence[Bank],
    imported: Sequence[Example],
    bar: Bar,
) -> Material:
    """Have the authors write of what is new to the start, add review and general replay, drop what leaks.

    Successes of practice are added as they are: their exam's tasks are held out by the environment.

    Raises:
        StudyError: Nothing was written.
        LeakError: Too much of it repeats exam questions.
    """
    settings = school.settings

    def write() -> str:
        authors: list[Author] = [school.author(name) for name in settings.study.authors]
        earlier = earlier_material(school, night, memories) if course.known else []
        # A night that continues asks a sample of the earlier questions; none of them may be studied.
        sealed = fingerprints([*banks, *school.exams.banks(settings.tenant)])
        with bar("writing study material") as progress:
            written = compose(
                fresh(course, memories, earlier),
                authors,
                imported,
                sealed,
                settings.study,
                progress,
            )
        again = reviewed(school, course, earlier, written.examples, bar)
        again, leaks = drop_leaks(again, sealed, settings.study.leak_overlap)
        skills = skill_material(school, course.start, written.examples)
        with bar("general replay") as progress:
            general = general_examples(
                school.sampler("base"),
                _general_count(
                    school,
                    len(fresh(course, memories, earlier)),
                    round(len(again) / settings.train.epochs),
                ),
                settings.tenant,
                settings.train.seed,
                progress,
            )
        dropped = {**written.dropped, "leak": written.dropped["leak"] + leaks}
        news = (*written.examples, *skills, *general)
        if not news:
            raise StudyError(
                f"There is nothing to study: {course.start} knows all that is to be learnt, or the authors wrote nothing of it. "
                "Learn something first, or take --kind rebuild."
            )
        return to_json(Material(news, dropped, written.uncovered, tuple(again)))

    return from_json(Material, night.artifact("material.json", write))


def _general_count(school: School, memories: int, reviewed: int = 0) -> int:
    study = school.settings.study
    beside = memories * study.expressions + reviewed
    return round(beside * study.general_share / (1 - study.general_share))


# -- the plan -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next night would learn."""

    night: str
    kind: str
    """`rebuild` or `continue`."""
    start: str
    """The version that training would start from, or `base`."""
    reason: str
    """Why this kind."""
    resumed: bool
    """Whether an interrupted night would go on; it keeps the memories that it began with."""
    effort: Effort
    base: str
    method: str
    """`full` or `lora`."""
    epochs: int
    """Passes over the study material; a small night makes more (`train.min_steps`)."""
    memories: dict[str, int]
    """Kind of source -> how many live memories would be studied."""
    new: dict[str, int]
    """The same of those that no night has studied."""
    questions: int | None
    """How many of the owner's exam questions examine a new memory; None where none were given."""
    authors: tuple[str, ...]
    rule_examples: int | None
    """What the rules write of memories that the start does not know, before repeats of exam questions are
    dropped; None without the rules."""
    review: int
    """About so many characters of earlier material would be studied again."""
    waiting: int
    """Memories that wait for the owner's approval; they are not studied."""
    imported: int
    least: int
    """So many new facts the gate needs to promote anything; those that refused nights were to teach count."""
    general: int
    """At most so many examples of general replay."""
    training_minutes: float
    """About how long the training would take."""
    minutes: float | None
    """The same of the whole night, by what the last one took beside its training; None before the first."""
    peak_gb: float
    """About how much memory the training needs."""


def plan(
    school: School,
    *,
    effort: Effort | None = None,
    kind: NightKind | None = None,
    questions: Sequence[Question] = (),
    imported: Sequence[Example] = (),
    bar: Bar,
) -> Plan:
    """Say what `consolidate` would learn with the same arguments; nothing is written.

    Raises:
        StudyError: There is nothing to learn.
        NightUnfinished: The interrupted night teaches another base model.
    """
    school = school.at_effort(effort)
    settings = school.settings
    night = upcoming_night(school.workspace, settings.tenant)
    refuse_rebase(night)
    resumed = night.folder.exists() and not outdated(school, night)
    memories = _still_live(school, night, night.stored("memories.json") if resumed else None)
    new = new_tonight(memories, night)
    course = (charted(night) if resumed else None) or choose(school, memories, kind)
    school = school.on(course.base or school.base)
    earlier = earlier_material(school, night, memories) if course.known else []
    unknown = fresh(course, memories, earlier)
    written = _by_rule(school, unknown, bar)
    share = settings.study.review_share if course.known else 0.0
    length = size([*(written or ()), *imported])
    seconds, beside = _time(school, round(length * (1 + share)))
    return Plan(
        night=night.id,
        kind=course.kind,
        start=course.start,
        reason=course.reason,
        resumed=resumed,
        effort=settings.effort,
        base=course.base or school.base,
        method=settings.train.method,
        epochs=settings.train.epochs,
        memories=_by_kind(memories),
        new=_by_kind(new),
        questions=len(match_questions(questions, new).pairs) if questions else None,
        authors=settings.study.authors,
        waiting=sum(waits(m) for m in school.store.memories(settings.tenant)),
        rule_examples=None if written is None else len(written),
        review=round(share * length),
        imported=len(imported),
        least=settings.gate.min_items,
        general=min(_general_count(school, len(unknown)), len(PROMPTS)),
        training_minutes=round(seconds / 60, 1),
        minutes=None if beside is None else round((seconds + beside) / 60, 1),
        peak_gb=round(training_bytes(school.base_folder()) / 1e9, 1),
    )


def _time(school: School, length: int) -> tuple[float, float | None]:
    """Estimate a night's training, and what it takes beside that, in seconds.

    By the newest night that was lived on this base; before the first by the speed of this machine's matrix product.
    """
    tenant = school.settings.tenant
    versions = school.registry.versions(tenant)
    trained = {v.night: v for v in versions if v.train and v.base == school.base}
    config = school.settings.train
    for night in reversed(nights(school.workspace, tenant)):
        facts, stored = night.stored("facts.json"), night.stored("material.json")
        last = trained.get(night.id)
        if facts and stored and last and last.train:
            material = from_json(Material, stored)
            then = _trained_with(last, config)
            read = size([*material.examples, *material.review[:: then.epochs]])
            seconds = seconds_as_before(last.train.seconds, read, then, length, config)
            return seconds, max(0.0, json.loads(facts)["minutes"] * 60 - last.train.seconds)
    return training_seconds(school.base_folder(), length, config), None


def _trained_with(version: Version, config: TrainConfig) -> TrainConfig:
    """Return how a version's material was read; where it does not say, as now."""
    stored = version.config.get("train")
    said: dict[str, object] = stored if isinstance(stored, dict) else {}
    wanted = ("epochs", "min_steps", "tokens_per_step")
    return config.model_copy(update={name: said[name] for name in wanted if name in said})


def _by_kind(memories: Sequence[Memory]) -> dict[str, int]:
    return dict(Counter(memory.source_kind.value for memory in memories).most_common())


def _by_rule(school: School, memories: Sequence[Memory], bar: Bar) -> list[Example] | None:
    """Return what the rules write: they need no model, and write the same again at night."""
    if "rules" not in school.settings.study.authors:
        return None
    with bar("counting study material") as progress:
        written = school.author("rules").write(memories, progress=progress)
    return list({(example.prompt, example.target): example for example in written}.values())
