"""The rounds of one practice run until its time is spent, kept so that a kill loses one round at most.

The file `state.json` is what counts: it is written after the policy's checkpoint of the same round, and names it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nightschool.codec import from_plain, to_plain
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.practice.attempts import RESERVED
from nightschool.practice.curriculum import Curriculum, Mixture
from nightschool.practice.examples import solutions, worked_examples
from nightschool.practice.learner import Round
from nightschool.practice.learner import practise as rounds_of
from nightschool.practice.predictions import looks
from nightschool.protocols import Environment, Policy, Progress
from nightschool.registry.nights import Night
from nightschool.skills import solved
from nightschool.types import Example, Task
from nightschool.workspace import write_atomic

PolicyMaker = Callable[[Path, PracticeConfig], Policy]
LESSONS = "curriculum.json"
"""In a checkpoint: what the choice of tasks goes on from, where several environments are practised."""
WARM_SEEDS = RESERVED.start
"""Seed of the first task whose solution is imitated."""
CHOICES = "curriculum.txt"
"""In the run's folder: where the time of such a run went, and how its predictions turned out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run was asked for; a resumed one keeps it."""

    environment: str
    budget_seconds: float
    """For the rounds alone; exams come on top."""
    how: dict[str, Any]
    """Its `PracticeConfig`, as JSON."""

    @property
    def config(self) -> PracticeConfig:
        """How it practises."""
        return PracticeConfig.model_validate(self.how)


class State(NamedTuple):
    """How far the rounds have come."""

    rounds: list[dict[str, float]]
    solved: dict[str, tuple[Example, ...]]

    @property
    def seconds(self) -> float:
        """What the rounds have taken, over all processes."""
        return sum(one["seconds"] for one in self.rounds)

    def save(self, folder: Path) -> None:
        """Keep it; that is what makes the checkpoint of its last round the one in force, and older ones waste."""
        plain = {key: [to_plain(move) for move in moves] for key, moves in self.solved.items()}
        write_atomic(folder / "state.json", json.dumps({"rounds": self.rounds, "solved": plain}))
        for old in folder.iterdir():
            if old.is_dir() and old.name != str(len(self.rounds)):
                shutil.rmtree(old)

    @classmethod
    def load(cls, folder: Path) -> State:
        """Return what was kept; nothing where nothing was."""
        path = folder / "state.json"
        if not path.exists():
            return cls([], {})
        plain = json.loads(path.read_text("utf-8"))
        moves = {k: tuple(from_plain(Example, e) for e in v) for k, v in plain["solved"].items()}
        return cls(plain["rounds"], moves)


def practise_rounds(
    state: State, policy: Policy, run: Night, plan: Plan, folder: Path, kept: Path, progress: Progress, tenant: str,
) -> State:  # fmt: skip
    """Practise until the budget is spent, with a checkpoint after each round, and leave the weights in `folder`."""
    found = environment(plan.environment)
    lessons = _lessons(found, policy, plan.config)
    checkpoint = kept / str(len(state.rounds))
    if state.rounds and not policy.restore(checkpoint):
        run.note("the checkpoint does not fit; practice begins anew")
        state = State([], {})
    elif state.rounds and lessons:
        lessons.resume((checkpoint / LESSONS).read_text("utf-8"), environment)

    def keep(done: Round) -> None:
        state.rounds.append(figures_of(done))
        state.solved.update(solved(done, run, tenant))
        policy.keep(kept / str(len(state.rounds)))
        if lessons:
            lessons.close(done)
            lessons.extend(done.number, environment)
            write_atomic(kept / str(len(state.rounds)) / LESSONS, lessons.state())
        state.save(kept)
        loss = done.update.loss if done.update else None
        progress(min(round(state.seconds), round(plan.budget_seconds)), round(plan.budget_seconds), loss)  # fmt: skip

    progress(round(state.seconds), round(plan.budget_seconds))
    if not state.rounds:
        warm_up(found, policy, plan.config)
    rounds_of(
        found, policy, plan.config, choose=lessons.choose if lessons else None,
        until=lambda: state.seconds >= plan.budget_seconds, on_round=keep, first=len(state.rounds),
    )  # fmt: skip
    policy.save(folder)
    if lessons:
        write_atomic(run.folder / CHOICES, "\n".join(lessons.report()))
    return state


def warm_up(found: Environment, policy: Policy, config: PracticeConfig) -> None:
    """Imitate so many tasks' own solutions as the settings want, once each, before the first round."""
    tasks = [found.task("train", seed) for seed in range(WARM_SEEDS, WARM_SEEDS + config.warm_up)]
    examples = solutions(found, tasks, worked_examples(found, config.shots))
    if examples:
        policy.imitate(examples, epochs=1, seed=config.seed)


def _lessons(found: Environment, policy: Policy, config: PracticeConfig) -> Curriculum | None:
    """Return what chooses the tasks of rounds in several environments; None where there is one alone."""
    if not isinstance(found, Mixture):
        return None
    shown = worked_examples(found, config.shots)

    def look(tasks: Sequence[Task]) -> list[float]:
        prompts = [(*shown, *task.prompt) for task in tasks]
        return looks(policy, prompts, max_tokens=config.max_tokens, seed=config.seed)

    return Curriculum(found, config.chooser, tasks=config.tasks, seed=config.seed, look=look)


def figures_of(done: Round) -> dict[str, float]:
    """Return what the journal keeps of a round: figures, no text."""
    update = done.update
    figures = {
        "round": done.number, "mean_reward": done.mean_reward, "solved": done.solved,
        "used_groups": done.used_groups, "dropped": done.dropped, "cut": done.cut,
        "tokens_mean": done.tokens_mean, "drawn": done.drawn, "seconds": done.seconds, **done.info,
    }  # fmt: skip
    return {**figures, "loss": update.loss, "grad_norm": update.grad_norm} if update else figures
