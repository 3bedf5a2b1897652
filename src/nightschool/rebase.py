"""Another base model: taught all that is remembered, examined beside what is served, and only then switched to.

A rebase is a night that trains from another base: the same steps leave the same artifacts in the same
folders, so that killing, forgetting and restoring reach it as they reach any other. It differs in three
things. Nobody is served by its version until `switch` says so, whatever the gate said. Its exam has a
third candidate, the new base untouched. And an ordinary night does not go on with it.

Why the base in force is that of the version served last: `docs/design/0004-another-base.md`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.bases import model_facts, named
from nightschool.codec import from_json, to_json
from nightschool.consolidate import night_facts, train
from nightschool.course import REBASE, Course, charted, drop
from nightschool.errors import ConfigError, NightUnfinished
from nightschool.exam.reuse import graduates, without_riddles
from nightschool.exam.stats import Rate, outcomes, rate
from nightschool.examine import completed, judge, sitting
from nightschool.prepare import gather, new_tonight, seal, study
from nightschool.protocols import Bar
from nightschool.registry.nights import Night, nights, open_night, upcoming_night
from nightschool.registry.versions import BASE
from nightschool.trust import trainable
from nightschool.types import (
    Bank,
    BankKind,
    Decision,
    Effort,
    Example,
    Material,
    Memory,
    Report,
    Version,
)
from nightschool.wire import School


@dataclass(frozen=True, slots=True)
class Standing:
    """How one model did in the exam, and what it is; rates are None where nothing was scored."""

    version: str
    """A version id, or `base`."""
    base: str
    acquired: Rate
    """Facts of all nights, closed-book."""
    abstention: Rate
    general: Rate
    bits_per_byte: float | None
    """On held-out plain text; comparable between tokenizers."""
    perplexity: float | None
    """On the same text, per token: only comparable where the tokenizer is the same."""
    kl_nats: float | None
    """Drift from its own base, per token; None for a base."""
    parameters: int | None
    size_bytes: int | None
    """Of the base's weights; None where the base is not on this machine any more."""
    licence: str | None
    """None where it is not known here."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is served, what it would be switched to, and that model before it was taught."""

    served: Standing
    taught: Standing
    untouched: Standing


@dataclass(frozen=True, slots=True)
class Rebased:
    """What a rebase came to."""

    night_id: str
    version: Version
    decision: Decision
    comparison: Comparison
    left_out: int
    """Imported examples of earlier nights that could not be taken over: they name no memory, and something
    of their night has been forgotten since."""
    switched: bool


def rebase(
    school: School,
    base: str,
    *,
    effort: Effort | None = None,
    again: bool = False,
    switch: bool = False,
    actor: str = "owner",
    bar: Bar,
) -> Rebased:
    """Teach another base model, examine it beside what is served, and switch to it if that is asked for.

    One that stands ready, taught the very memories that are live, is not taught anew.

    Args:
        school: The wired workspace.
        base: A name, an id or a folder, as in `model.base`.
        effort: The one dial; None takes the settings'.
        again: Teach anew although a taught version stands ready.
        switch: Serve the taught version from now on, if the gate (or an owner over it) passed it.
        actor: Who switches.
        bar: Shows the progress of each step.

    Raises:
        ConfigError: It is the base already.
        NightUnfinished: An interrupted night goes first.
        ModelMissing: The model has not been pulled.
        ModelUnfit: It is not of a kind that can be taught.
        StudyError: There is nothing to learn.
        WorkspaceLocked: Another process holds the workspace.
        Diverged: Training failed; the same command again goes on from its last checkpoint.
    """
    school = school.at_effort(effort)
    tenant = school.settings.tenant
    other = school.on(named(base))
    if other.base == named(school.base):
        raise ConfigError(
            f"{base} is the base already. Name another with --model, or build anew on this one with "
            "`nightschool consolidate --kind rebuild`."
        )
    with school.workspace.lock("a rebase"):
        ready = None if again else _ready(school, other.base)
        night = ready or _teach(school, other, bar)
        version = school.registry.version(night.stored("version.txt") or "")
        decision = school.registry.decision(version.id)
        assert decision is not None  # a night that is over has one
        passed = decision.promote or decision.overridden_by is not None
        if switch and passed:
            school.registry.promote(tenant, version.id, decision, actor)
        comparison = from_json(Comparison, night.stored("comparison.json") or "")
        left_out = json.loads(night.stored("facts.json") or "{}").get("left_out", 0)
        return Rebased(night.id, version, decision, comparison, left_out, switch and passed)


def give_up(school: School) -> str | None:
    """Drop an interrupted rebase with its checkpoints; return its night, None where there is none.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    with school.workspace.lock("giving up a rebase"):
        night = upcoming_night(school.workspace, school.settings.tenant)
        course = charted(night)
        if course is None or course.kind != REBASE:
            return None
        drop(school, night)
        return night.id


def _ready(school: School, base: str) -> Night | None:
    """Return the last night, if it taught this base the very memories that are live now."""
    past = nights(school.workspace, school.settings.tenant)
    course = charted(past[-1]) if past and past[-1].outcome else None
    if course is None or course.kind != REBASE or course.base != base:
        return None
    live = school.store.memories(school.settings.tenant)
    taught = set(json.loads(past[-1].stored("memories.json") or "[]"))
    version = school.registry.resolve(
        school.settings.tenant, past[-1].stored("version.txt") or BASE
    )
    same = taught == {memory.id for memory in live if trainable(memory)}
    return past[-1] if same and version and not version.tainted_by else None


def _teach(school: School, other: School, bar: Bar) -> Night:
    """Live the night: study, train, examine three, let the gate speak; nobody is served by it yet."""
    other.check_base()
    school.back_up()
    night = open_night(school.workspace, school.settings.tenant)
    _refuse_another(night, other.base)
    night.take_up()
    memories = gather(school, night)
    charting = Course(REBASE, BASE, (), f"to another base, {other.base}", other.base)
    course = from_json(Course, night.artifact("course.json", lambda: to_json(charting)))
    new = new_tonight(memories, night)
    banks = seal(other, night, course, new, (), bar)
    given, left_out = imported_before(school, night, memories)
    material = study(other, night, course, memories, banks, given, bar)
    version = train(other, night, course, memories, material, bar)
    _examine(school, other, night, version, banks, material, bool(new), bar)
    school.store.studied([memory.id for memory in new], night.id)
    school.back_up()
    night.artifact(
        "facts.json", lambda: json.dumps({**night_facts(night, version, new), "left_out": left_out})
    )
    decision = school.registry.decision(version.id)
    night.finish("passed" if decision and decision.promote else "refused")
    return night


def _examine(
    school: School,
    other: School,
    night: Night,
    version: Version,
    banks: Sequence[Bank],
    material: Material,
    expect_new: bool,
    bar: Bar,
) -> None:
    """Let the three sit the same exam, and keep what came of it."""
    tenant = school.settings.tenant
    served_id = school.registry.alias(tenant, "live")
    untouched = completed(other, night, "base", BASE, without_riddles(banks), bar)
    taught = sitting(other, night, "candidate", version.id, banks, bar, sure=True)
    served = completed(school, night, "live", served_id, banks, bar)
    judge(other, night, version, taught, served, banks, material, expect_new, bar)
    held = graduates(taught, school.exams.banks(tenant, BankKind.ACQUIRED))
    school.store.examined(tenant, version.id, held, night.id)
    three = Comparison(*(_standing(report, banks) for report in (served, taught, untouched)))
    night.artifact("comparison.json", lambda: to_json(three))


def _refuse_another(night: Night, base: str) -> None:
    """Refuse to take up a night that does something else."""
    course = charted(night)
    if course is None or (course.kind == REBASE and course.base == base):
        return
    what, how = (
        (f"teaches another base, {course.base},", f"`nightschool rebase --model {course.base}`")
        if course.kind == REBASE
        else ("is an ordinary night", "`nightschool consolidate`")
    )
    drop = ", or drop it with `nightschool rebase --give-up`" if course.kind == REBASE else ""
    raise NightUnfinished(f"{night.id} {what} and was interrupted. Finish it with {how}{drop}.")


def imported_before(
    school: School, night: Night, memories: Sequence[Memory]
) -> tuple[list[Example], int]:
    """Return the ready-made material of earlier nights, each example once, and how many are left out.

    Left out is what was derived from a memory that is not live any more. An example that names no
    memory may hold what has been forgotten since its night; where something has, it is left out and counted.
    """
    live = {memory.id for memory in memories}
    versions = school.registry.versions(school.settings.tenant)
    reached = {version.night for version in versions if version.tainted_by}
    found: dict[tuple[object, str], Example] = {}
    left: set[tuple[object, str]] = set()
    for other in nights(school.workspace, school.settings.tenant):
        stored = other.stored("material.json") if other.id != night.id else None
        for example in from_json(Material, stored).examples if stored else ():
            if example.author != "imported" or not live.issuperset(example.memory_ids):
                continue
            if example.memory_ids or other.id not in reached:
                found.setdefault((example.prompt, example.target), example)
            else:
                left.add((example.prompt, example.target))
    return list(found.values()), len(left - set(found))


def _standing(report: Report, banks: Sequence[Bank]) -> Standing:
    right = outcomes(report)
    rates = {
        kind: rate(right, [item for bank in banks if bank.kind is kind for item in bank.items])
        for kind in BankKind
    }
    facts = model_facts(report.base)
    return Standing(
        report.version_id,
        report.base,
        rates[BankKind.ACQUIRED],
        rates[BankKind.ABSTENTION],
        rates[BankKind.GENERAL],
        report.bits_per_byte,
        report.perplexity,
        report.kl_nats,
        facts.parameters if facts else None,
        facts.size_bytes if facts else None,
        facts.licence if facts else None,
    )
