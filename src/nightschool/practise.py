"""A practice run, top to bottom: held-out success -> rounds of practice -> held-out success -> exam -> gate.

It goes on from the version that is served, and what comes of it is a version like any other. Every step leaves an
artifact in the run's folder before the next begins, and practice itself a checkpoint after every round, so that a run
killed at any moment is taken up where it was; `live` moves only in the last step. What lasts between runs is in
`skills.py`, and why a skill is judged as it is in `docs/design/0011-practice-runs.md`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nightschool.codec import from_json, to_json
from nightschool.config import PracticeConfig
from nightschool.consolidate import settle
from nightschool.course import Course, charted
from nightschool.engines import policy_on
from nightschool.environments import environment
from nightschool.errors import ConfigError, NightUnfinished
from nightschool.exam.gate import PRACTISED, decide
from nightschool.exam.general import general_bank
from nightschool.exam.reuse import first_since
from nightschool.exam.seal import follow, seal_abstention, thinned
from nightschool.exam.stats import outcomes, paired
from nightschool.examine import completed, sitting
from nightschool.practice.learner import Round
from nightschool.practice.learner import practise as rounds_of
from nightschool.protocols import Bar, Policy, Progress
from nightschool.registry.nights import PRACTICE, Night, open_night, practices, upcoming_night
from nightschool.registry.versions import BASE, erase_folders
from nightschool.skills import (
    AUTHOR,
    Skill,
    Watched,
    attempt,
    chosen,
    lasting_name,
    seal_skill,
    skill_banks,
    stored_skill,
)
from nightschool.types import (
    Bank,
    BankKind,
    Decision,
    Example,
    Material,
    Report,
    Task,
    TrainResult,
    Version,
    digest,
    new_id,
    now,
)
from nightschool.wire import School
from nightschool.workspace import write_atomic

PolicyMaker = Callable[[Path, PracticeConfig], Policy]
PROBE_EXAMPLES = 32
PROBE_NATS = 1e-4
"""The probe: how far the likelihood of its own successes must have moved (nats a token), or nothing was trained."""
EXAMINED = (BankKind.ACQUIRED, BankKind.ABSTENTION)
"""Banks of nights that a practice run sits, too; riddles are drawn anew by nights alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run was asked for; a resumed one keeps it."""

    environment: str
    budget_seconds: float
    """For the rounds alone; exams come on top."""
    config: PracticeConfig


@dataclass(frozen=True, slots=True)
class Practised:
    """What a practice run came to."""

    run_id: str
    environment: str
    version: Version
    decision: Decision
    before: float
    """Share of held-out tasks that the version solved from which practice started, greedily."""
    after: float
    """The same of the version that practice made."""
    tasks: int
    gained: int
    """Tasks that only the new version solved."""
    lost: int
    """Tasks that only the old one solved."""
    p: float
    """One-sided exact p-value of no gain, over the tasks that only one of them solved."""
    rounds: int
    seconds: float
    """Of the rounds."""
    successes: int
    """Study examples that were kept."""


def practise(
    school: School,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    budget_seconds: float,
    seed: int | None = None,
    policy: PolicyMaker = policy_on,
    bar: Bar,
) -> Practised:
    """Practise in an environment until the budget is spent, examine, decide.

    Args:
        school: The wired workspace.
        name: Of the environment, as `nightschool practise --list` shows it.
        settings: Of the environment. None: as its name says.
        budget_seconds: For the rounds of practice; an interrupted run keeps its own.
        seed: Of tasks and attempts; None takes the settings'.
        policy: Makes what is trained, from a folder of weights.
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
        plan = set_out(school, run, spec, budget_seconds, seed)
        course = chart(school, run, spec)
        school = school.on(course.base).practising(plan.config)
        skill = from_json(Skill, run.artifact("skill.json", lambda: to_json(seal(school, run, plan))))  # fmt: skip
        before = sitting(school, run, "before", course.start, [skill.bank], bar)
        version, material = train(school, run, course, plan, policy, bar)
        banks = [skill.bank, *kept(school, run, spec)]
        report = sitting(school, run, "candidate", version.id, banks, bar)
        live = completed(school, run, "live", course.start, banks, bar)
        decision = judge(school, run, version, report, live, banks, material, bar)
        settle(school, run, course, version, decision, report, [])
        school.back_up()
        done = told(run, plan, version, decision, before, report, skill, material)
        run.artifact("facts.json", lambda: json.dumps({**asdict(replace(done, version=None, decision=None)), "at": now()}))  # fmt: skip
        run.finish("promoted" if decision.promote else "refused")
        return done
