"""A practice run, top to bottom: held-out success -> rounds of practice -> held-out success -> exam -> gate.

It goes on from the version that is served, and what comes of it is a version like any other. Every step leaves an
artifact in the run's folder before the next begins, and practice itself a checkpoint after every round, so that a run
killed at any moment is taken up where it was; `live` moves only in the last step. What lasts between runs is in
`skills.py`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from nightschool.codec import from_json, to_json
from nightschool.consolidate import settle
from nightschool.course import Course, charted, drop
from nightschool.engines import own_policy, policy_for
from nightschool.errors import ConfigError, NightUnfinished
from nightschool.exam.stats import outcomes, paired
from nightschool.examine import completed, sitting
from nightschool.practice_exam import judge, others, successes
from nightschool.protocols import Bar
from nightschool.registry.nights import PRACTICE, Night, open_night, upcoming_night
from nightschool.registry.versions import BASE
from nightschool.rounds import CHOICES, Plan, PolicyMaker, State, practise_rounds
from nightschool.skills import (
    Skill,
    Summary,
    chosen,
    lasting_name,
    seal_skill,
)
from nightschool.train.rate import peak_rate
from nightschool.types import (
    Decision,
    Material,
    Report,
    TrainResult,
    Version,
    digest,
    new_id,
    now,
)
from nightschool.wire import School
from nightschool.workspace import write_atomic


class Practised(NamedTuple):
    """What a practice run came to."""

    version: Version
    decision: Decision
    summary: Summary


def practise(
    school: School,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    budget_seconds: float,
    seed: int | None = None,
    policy: PolicyMaker | None = None,
    bar: Bar,
) -> Practised:
    """Practise in an environment until the budget is spent, examine, decide.

    Args:
        school: The wired workspace.
        name: Of the environment, as `nightschool practise --list` shows it.
        settings: Of the environment. None: as its name says.
        budget_seconds: For the rounds of practice; an interrupted run keeps its own.
        seed: Of tasks and attempts; None takes the settings'.
        policy: Makes what is trained, from a folder of full weights; None: torch.
        bar: Shows the progress of each step.

    Raises:
        UnknownEnvironment: Nothing has this name.
        EnvironmentBroken: A setting of it is wrong, or it has too few tasks.
        NightUnfinished: A night or a run in another environment was interrupted, or what is served has changed since.
        ConfigError: An adapter is served.
        WorkspaceLocked: Another process holds the workspace.
        Diverged: Training failed; the run can be given up and begun with other settings.
    """
    spec = lasting_name(name, dict(settings or {}))
    with school.workspace.lock("a practice run"):
        refuse_interrupted(school, spec)
        school.back_up()
        run = open_night(school.workspace, school.settings.tenant, PRACTICE)
        plan, course, skill = set_out(school, run, spec, budget_seconds, seed)
        school = school.on(course.base)
        before = sitting(school, run, "before", course.start, [skill.bank], bar)
        version = train(school, run, course, plan, policy or partial(policy_for, school), bar)
        banks = [skill.bank, *others(school, run, spec)]
        report = sitting(school, run, "candidate", version.id, banks, bar)
        live = completed(school, run, "live", course.start, banks, bar)
        decision = judge(school, run, version, report, live, banks, bar)
        settle(school, run, course, version, decision, report, [])
        school.back_up()
        done = summed_up(run, skill, before, report, version, decision)
        run.artifact("facts.json", lambda: to_json(done))
        run.finish("promoted" if decision.promote else "refused")
        return Practised(version, decision, done)


# -- the steps ----------------------------------------------------------------------------


def refuse_interrupted(school: School, spec: str) -> None:
    """See that nothing which was interrupted stands in the way.

    Raises:
        NightUnfinished: A night was interrupted: what it makes would not go on from what practice makes.
        NightUnfinished: A practice run in another environment was.
        NightUnfinished: This one was, and another version is served since.
    """
    workspace, tenant = school.workspace, school.settings.tenant
    night = upcoming_night(workspace, tenant)
    if night.folder.exists():
        raise NightUnfinished(
            f"{night.id} was interrupted, and goes first. Finish it with `nightschool consolidate`."
        )
    run = upcoming_night(workspace, tenant, PRACTICE)
    stored, course = run.stored("plan.json"), charted(run)
    drop = "drop it with `nightschool practise give-up`"
    if stored and from_json(Plan, stored).environment != spec:
        asked = from_json(Plan, stored).environment
        raise NightUnfinished(
            f"{run.id} practises {asked} and was interrupted. Finish it with `nightschool practise {asked}`, or {drop}."
        )
    live = school.registry.alias(tenant, "live")
    if course and live not in (course.start, run.stored("version.txt")):
        raise NightUnfinished(
            f"{run.id} was interrupted and goes on from {course.start}, but {live} is served by now. Begin anew: {drop}."
        )


def set_out(
    school: School, run: Night, spec: str, budget_seconds: float, seed: int | None
) -> tuple[Plan, Course, Skill]:
    """Keep what is to be done, from which version, and the exam of it; a resumed run keeps what it began with.

    Where that fails, nothing is left of the run. Runs practise on different tasks unless told a seed.

    Raises:
        ConfigError: An adapter is served.
        EnvironmentBroken: It has too few tasks.
    """

    def write() -> str:
        config = school.settings.practice
        own = config.seed + int(run.id.split("-")[1]) - 1 if seed is None else seed
        rate = peak_rate(school.on(school.base_of("live")).base_folder(), config)
        how = config.model_copy(update={"seed": own, "learning_rate": rate})
        return to_json(Plan(spec, budget_seconds, how.model_dump(mode="json")))

    try:
        plan = from_json(Plan, run.artifact("plan.json", write))
        course = chart(school, run, spec)
        return plan, course, seal(school, run, plan)
    except Exception:  # a user's environment may raise anything
        if run.stored("version.txt") is None:
            run.discard()
        raise


def chart(school: School, run: Night, spec: str) -> Course:
    """Keep from which version the run goes on: the one that is served.

    Raises:
        ConfigError: That is an adapter.
    """

    def write() -> str:
        live = school.registry.resolve(school.settings.tenant, "live")
        if live and live.kind != "full":
            raise ConfigError(
                f"{live.id} is served, an adapter; practice goes on from full weights. Set train.method=full and run "
                "`nightschool consolidate --kind rebuild`, or `nightschool rollback`."
            )
        known = live.memory_ids if live else ()
        start, base = (live.id, live.base) if live else (BASE, school.base)
        return to_json(Course(PRACTICE, start, known, spec, base))

    return from_json(Course, run.artifact("course.json", write))


def seal(school: School, run: Night, plan: Plan) -> Skill:
    """Choose the held-out tasks before anything is practised."""

    def write() -> str:
        return to_json(seal_skill(run, school.settings.tenant, plan.environment, plan.config))

    return from_json(Skill, run.artifact("skill.json", write))


def train(
    school: School, run: Night, course: Course, plan: Plan, make: PolicyMaker, bar: Bar
) -> Version:
    """Practise, and register what came of it; nobody is served by it yet."""
    settings = school.settings
    version_id = run.artifact("version.txt", lambda: new_id("ver"))
    folder = school.workspace.versions / version_id
    parent = school.registry.resolve(settings.tenant, course.start)
    start = school.registry.weights(parent) if parent else school.base_folder()
    kept = folder.with_name(f"{version_id}.practice")

    def write() -> str:
        state = State.load(kept)
        if not folder.exists():
            with bar("practising (seconds)") as progress:
                state = practise_rounds(state, make(start, plan.config), run, plan, folder, kept, progress, settings.tenant)  # fmt: skip
        write_atomic(run.folder / "material.json", to_json(Material(tuple(chosen(state.solved)), {}, ())))  # fmt: skip
        return json.dumps(state.rounds)

    run.artifact("rounds.json", write)
    shutil.rmtree(kept, ignore_errors=True)
    examples = successes(run)
    version = Version(
        id=version_id,
        tenant=settings.tenant,
        night=run.id,
        kind="full",
        base=course.base,
        parent=course.start,
        # What its start was trained on it knows, too: a deletion must reach it.
        memory_ids=course.known,
        example_ids=tuple(example.id for example in examples),
        data_digest=digest(*(to_json(example) for example in examples)),
        seed=plan.config.seed,
        config={
            **settings.model_dump(mode="json"),
            "model": {"base": course.base},
            "practice": {**plan.config.model_dump(mode="json"), "environment": plan.environment},
        },
        created=run.artifact("created.txt", now),
        train=from_json(TrainResult, (folder / "train.json").read_text("utf-8")),
    )
    school.registry.add(version)
    return version


def summed_up(
    run: Night, skill: Skill, before: Report, after: Report, version: Version, decision: Decision
) -> Summary:
    """Count what the run came to."""
    old, new = outcomes(before), outcomes(after)
    test = paired(new, old, skill.bank.items, 0.05)
    rounds = json.loads(run.stored("rounds.json") or "[]")
    both = [item.id for item in skill.bank.items if item.id in old and item.id in new]
    return Summary(
        run.id, skill.environment, version.id,
        sum(old[i] for i in both) / len(both) if both else None,
        sum(new[i] for i in both) / len(both) if both else None,
        len(both), test.gained if test else 0, test.lost if test else 0, test.p_gain if test else None,
        len(rounds), sum(one["seconds"] for one in rounds), len(successes(run)), decision.promote,
        tuple((run.stored(CHOICES) or "").splitlines()),
    )  # fmt: skip


# -- beside a run -------------------------------------------------------------------------


def give_up(school: School) -> str | None:
    """Drop an interrupted practice run with its checkpoints; return its name, None where there is none.

    Raises:
        NightUnfinished: Its version is served already, and only its records are missing.
        WorkspaceLocked: Another process holds the workspace.
    """
    with school.workspace.lock("giving up a practice run"):
        run = upcoming_night(school.workspace, school.settings.tenant, PRACTICE)
        if not run.folder.exists():
            return None
        shutil.rmtree(school.handed_over, ignore_errors=True)
        drop(school, run)
        return run.id


def practise_nightly(school: School, bar: Bar) -> list[Practised]:
    """Practise what the settings name, after a night. What was interrupted is finished, or begun anew on a new version.

    Raises: see `practise`.
    """
    config = school.settings.practice
    run = upcoming_night(school.workspace, school.settings.tenant, PRACTICE)
    stored = run.stored("plan.json")
    names = list(config.nightly)
    if stored:
        asked = from_json(Plan, stored).environment
        course = charted(run)
        live = school.registry.alias(school.settings.tenant, "live")
        if course and live not in (course.start, run.stored("version.txt")):
            give_up(school)
        elif asked not in [lasting_name(name, {}) for name in names]:
            return []
        else:
            names.sort(key=lambda name: lasting_name(name, {}) != asked)
    # An engine elsewhere holds the version before the night.
    own, seconds = partial(own_policy, school), 60 * config.nightly_minutes
    return [practise(school, n, budget_seconds=seconds, policy=own, bar=bar) for n in names]
