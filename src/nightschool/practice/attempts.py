"""Attempts at tasks: several at each, all side by side, with the tokens that were drawn and what a verifier said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightschool.config import PracticeConfig
from nightschool.practice.rollouts import MOST_TURNS, Going, drive
from nightschool.protocols import Environment, Policy
from nightschool.types import Drawn, Message, Score, Task, Verdict

SEED_STEP = 100_000
"""Tasks that lie between those of two seeds of practice."""
RESERVED = range(5_000_000, 8_000_000)
"""Seeds of tasks that are shown or imitated with their solutions, and never practised."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of an attempt."""

    prompt: tuple[Message, ...]
    """All that the model saw, worked examples included."""
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Played:
    """One attempt, with the tokens that were drawn in it."""

    said: tuple[Said, ...]
    score: Score
    info: dict[str, float] = field(default_factory=dict)
    """Sums of the counts of its steps."""

    @property
    def cut(self) -> bool:
        """Whether any of its turns was cut off at the bound on tokens."""
        return any(not turn.drawn.ended for turn in self.said)

    @property
    def tokens(self) -> int:
        """Tokens drawn in it."""
        return sum(len(turn.drawn.tokens) for turn in self.said)

    @property
    def right(self) -> bool:
        """Whether it earned full marks."""
        return self.score.verdict is Verdict.CORRECT


@dataclass(frozen=True, slots=True)
class Group:
    """All attempts at one task in one round."""

    task: Task
    attempts: tuple[Played, ...]

    @property
    def scored(self) -> list[Played]:
        """The attempts that its verifier could grade."""
        return [one for one in self.attempts if one.score.value is not None]

    @property
    def best(self) -> Played | None:
        """The shortest right attempt; None where there is none."""
        right = [one for one in self.attempts if one.right]
        return min(right, key=lambda one: one.tokens) if right else None


def first_task(seed: int) -> int:
    """Return the seed of the first task that a seed of practice attempts; none comes from what is reserved."""
    begin = seed * SEED_STEP
    return begin if begin < RESERVED.start else begin + len(RESERVED)


def attempted(
    environment: Environment,
    policy: Policy,
    config: PracticeConfig,
    tasks: Sequence[Task],
    shown: tuple[Message, ...] = (),
    number: int = 0,
) -> list[Group]:
    """Attempt each task as often as a group is large, all side by side.

    Args:
        environment: Whose tasks these are.
        policy: Draws the attempts.
        config: Size of a group, temperature, bound on tokens.
        tasks: What is attempted.
        shown: Goes before every prompt.
        number: Of the round; it decides the choices of the attempts.
    """
    going = [Going(environment, task, shown) for task in tasks for _ in range(config.group)]
    said: dict[Going, list[Said]] = {one: [] for one in going}

    def answer(live: Sequence[Going], turn: int) -> list[str]:
        drawn = policy.draw(
            [one.prompt for one in live], max_tokens=config.max_tokens, temperature=config.temperature,
            seed=(config.seed * SEED_STEP + number) * MOST_TURNS + turn,
        )  # fmt: skip
        for one, found in zip(live, drawn, strict=True):
            said[one].append(Said(one.prompt, found))
        return [found.text for found in drawn]

    drive(going, answer)
    played = [Played(tuple(said[one]), one.score, _sums(one)) for one in going]
    return [
        Group(task, tuple(played[k * config.group : (k + 1) * config.group]))
        for k, task in enumerate(tasks)
    ]


def _sums(one: Going) -> dict[str, float]:
    """Sum the counts of an attempt's steps."""
    sums: dict[str, float] = {}
    for move in one.moves:
        for name, count in move.step.info.items():
            sums[name] = sums.get(name, 0.0) + count
    return sums
