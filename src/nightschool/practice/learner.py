"""Rounds of practice: tasks are chosen, each is attempted several times, and the model moves towards what was better.

Not here: how weights move (`protocols.Policy`), which tasks are worth practising (a `Chooser`), and what becomes of the
practised model.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightschool.config import PracticeConfig
from nightschool.errors import PracticeError
from nightschool.practice.attempts import Group, attempted, first_task
from nightschool.practice.examples import demonstrations, worked_examples
from nightschool.practice.signals import advantages
from nightschool.protocols import Environment, Policy
from nightschool.types import (
    Credit,
    Split,
    Task,
    Update,
)

Chooser = Callable[[int], Sequence[Task]]
"""Number of a round, from 0 -> its tasks."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round; means are over scored attempts, and 0 where there are none."""

    number: int
    groups: tuple[Group, ...]
    mean_reward: float
    solved: float
    """Share of right attempts."""
    used_groups: int
    """Groups whose attempts differed, so that they taught something."""
    dropped: int
    """Attempts that were unscored."""
    cut: float
    """Share of all attempts that were cut off at the bound on tokens."""
    tokens_mean: float
    """Tokens of an attempt."""
    drawn: int
    """Tokens of all attempts, whether they taught something or not."""
    info: dict[str, float]
    """Mean over all attempts of each count that the environment keeps, such as valid calls."""
    update: Update | None
    """None: no group told anything, and nothing moved."""
    seconds: float


def practise(
    environment: Environment,
    policy: Policy,
    config: PracticeConfig,
    *,
    choose: Chooser | None = None,
    rounds: int | None = None,
    until: Callable[[], bool] | None = None,
    on_round: Callable[[Round], None] | None = None,
    first: int = 0,
) -> list[Round]:
    """Practise in rounds.

    A round depends on its number, the settings and the weights alone: begun again at round `first` with the weights
    that were kept before it, a run goes on as if it had not been stopped.

    Args:
        environment: What is practised.
        policy: The model, which is changed.
        config: How.
        choose: Picks the tasks of each round; None: new ones each time, in order.
        rounds: Stop before the round of this number; None: no such bound.
        until: Asked before each round; True ends the run. None: never.
        on_round: Told each round once its update is done.
        first: Number of the first round.

    Returns:
        The rounds.

    Raises:
        PracticeError: Neither `rounds` nor `until` bounds the run.
        PracticeError: Worked examples are wanted and the environment has none.
        Diverged: The loss is not finite.
    """
    if rounds is None and until is None:
        raise PracticeError("Practice has no end. Give `rounds` or `until`.")
    chosen = choose or in_order(environment, config)
    shown = worked_examples(environment, config.shots)
    done: list[Round] = []
    number = first
    while (rounds is None or number < rounds) and not (until and until()):
        begun = time.monotonic()
        groups = attempted(environment, policy, config, chosen(number), shown, number)
        lessons = [_lesson(group, config, number) for group in groups]
        update = _learnt(policy, config, groups, lessons, number)
        done.append(_told(number, groups, lessons, update, time.monotonic() - begun))
        if on_round:
            on_round(done[-1])
        number += 1
    return done


def in_order(environment: Environment, config: PracticeConfig, split: Split = "train") -> Chooser:
    """Choose new tasks each round: those of the next seeds."""

    def choose(number: int) -> list[Task]:
        begin = first_task(config.seed) + number * config.tasks
        return [environment.task(split, seed) for seed in range(begin, begin + config.tasks)]

    return choose


def _lesson(group: Group, config: PracticeConfig, number: int) -> list[Credit] | None:
    """Return the credits of a group's turns; None where it tells nothing."""
    dense = config.dense_rounds is None or number < config.dense_rounds
    rewards = [(one.score.value or 0.0) if dense else float(one.right) for one in group.scored]
    worth = advantages(rewards, config.advantage, config.pass_k)
    if worth is None:
        return None
    return [
        Credit(turn.drawn, advantage)
        for one, advantage in zip(group.scored, worth, strict=True)
        for turn in one.said
        if turn.drawn.ended or not config.mask_cut
    ]


def _learnt(
    policy: Policy,
    config: PracticeConfig,
    groups: Sequence[Group],
    lessons: Sequence[list[Credit] | None],
    number: int,
) -> Update | None:
    """Move the weights by the groups that tell something; None where none does."""
    if config.method == "expert":
        told = [group for group, lesson in zip(groups, lessons, strict=True) if lesson is not None]
        examples = [example for group in told for example in demonstrations(group)]
        return policy.imitate(examples, epochs=1, seed=number) if examples else None
    teaching = [lesson for lesson in lessons if lesson]
    if not teaching:
        return None
    drawn = sum(one.tokens for group in groups for one in group.scored)
    parts = [teaching[k :: config.steps] for k in range(min(config.steps, len(teaching)))]
    share = drawn / len(parts)
    return _joined([policy.update([c for lesson in part for c in lesson], share) for part in parts])


def _joined(updates: Sequence[Update]) -> Update:
    """Put the steps of one round into one account; means are over their tokens."""
    tokens = sum(one.tokens for one in updates)

    def mean(of: Callable[[Update], float]) -> float:
        return sum(of(one) * one.tokens for one in updates) / max(1, tokens)

    known = all(one.kl is not None for one in updates)
    return Update(
        loss=mean(lambda one: one.loss),
        kl=mean(lambda one: one.kl or 0.0) if known else None,
        clipped=mean(lambda one: one.clipped),
        grad_norm=mean(lambda one: one.grad_norm),
        tokens=tokens,
        seconds=sum(one.seconds for one in updates),
    )


def _told(
    number: int,
    groups: Sequence[Group],
    lessons: Sequence[list[Credit] | None],
    update: Update | None,
    seconds: float,
) -> Round:
    """Put a round together."""
    played = [one for group in groups for one in group.attempts]
    scored = [one for group in groups for one in group.scored]
    names = sorted({name for one in played for name in one.info})
    return Round(
        number=number,
        groups=tuple(groups),
        mean_reward=_mean([one.score.value or 0.0 for one in scored]),
        solved=_mean([float(one.right) for one in scored]),
        used_groups=sum(lesson is not None for lesson in lessons),
        dropped=len(played) - len(scored),
        cut=_mean([float(one.cut) for one in played]),
        tokens_mean=_mean([float(one.tokens) for one in played]),
        drawn=sum(one.tokens for one in played),
        info={name: _mean([one.info.get(name, 0.0) for one in played]) for name in names},
        update=update,
        seconds=seconds,
    )


def _mean(figures: Sequence[float]) -> float:
    return statistics.fmean(figures) if figures else 0.0
