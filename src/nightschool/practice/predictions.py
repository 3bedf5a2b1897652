"""What the learner says beforehand, will I succeed?, and how well that turned out.

A prediction is made for each task before it is attempted, from two things: how often the arm was solved lately,
and how sure the model is of one answer that it gives and that nobody grades. How much the second counts is fitted
on earlier predictions and their outcomes, from nothing: confidence counts as much as it has been right before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.practice.curiosity import RECENT
from nightschool.protocols import Policy, Prompt

LOOK_TEMPERATURE = 0.5
"""Of the answer whose likelihood is the model's confidence: nearly its likeliest one."""
FITTED = 400
"""The weight of confidence is fitted on the latest predictions alone: the model changes."""
STEPS = 20
"""Of Newton's method; it stands still after a few."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Prediction:
    """One prediction, and what came of it."""

    round: int
    task: str
    arm: str
    chance: float
    """That an attempt at the task is right, as the learner saw it before."""
    running: float
    """The same by the arm's earlier success alone."""
    look: float | None
    """Mean log-probability (nats a token) of the answer looked at; None: none was."""
    surer: float
    """That, above the mean of the arm's earlier ones; 0 where there are none."""
    attempts: int = 0
    """Scored attempts at the task; 0 before it was attempted."""
    solved: int = 0


@dataclass(frozen=True, slots=True)
class Bin:
    """The attempts that were given a chance from `low` to below `low + 1 / BINS`."""

    low: float
    attempts: int
    chance: float
    """Mean of what was said."""
    solved: float
    """Share that came true."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How good the predictions of a run were; over attempts, all of a task with the same prediction."""

    attempts: int
    base_rate: float
    """Share that was solved."""
    brier: float
    """Mean squared error of the chances; 0 is perfect."""
    brier_base: float
    """The same of always saying the base rate, which nobody knows beforehand."""
    brier_running: float
    """The same of the arms' earlier success alone: what looking at an answer adds."""
    error: float
    """Expected calibration error: mean distance of what was said from what came true, over bins."""
    bins: tuple[Bin, ...]
    """Those that hold an attempt."""

    @property
    def skill(self) -> float | None:
        """1 is perfect, 0 as good as the base rate, below 0 worse; None where all or nothing was solved."""
        return 1 - self.brier / self.brier_base if self.brier_base else None


def looks(policy: Policy, prompts: Sequence[Prompt], *, max_tokens: int, seed: int) -> list[float]:
    """Let the model answer each prompt once, ungraded, and return how likely it found its own answer.

    Costs one answer a task, beside the group of attempts.

    Returns:
        Mean log-probability of the tokens, in nats at `LOOK_TEMPERATURE`; 0 for an answer without any.
    """
    drawn = policy.draw(
        prompts, max_tokens=max_tokens, temperature=LOOK_TEMPERATURE, seed=seed
    )  # fmt: skip
    return [sum(one.logs) / len(one.logs) if one.logs else 0.0 for one in drawn]


def foretell(
    past: Sequence[Prediction], number: int, tasks: Sequence[tuple[str, str, float | None]]
) -> list[Prediction]:
    """Predict the success of a round's attempts from earlier rounds alone.

    Args:
        past: Earlier predictions with their outcomes.
        number: Of the round.
        tasks: (id of the task, its arm, the look at it or None) of each.
    """
    known = [one for one in past if one.attempts]
    weight = _weight(known[-FITTED:])
    found = []
    for task, arm, look in tasks:
        mine = [one for one in known if one.arm == arm][-RECENT:]
        solved, attempts = sum(one.solved for one in mine), sum(one.attempts for one in mine)
        running = (solved + 1) / (attempts + 2)
        before = [one.look for one in mine if one.look is not None]
        surer = look - sum(before) / len(before) if look is not None and before else 0.0
        chance = _logistic(_logit(running) + weight * surer)
        found.append(Prediction(number, task, arm, chance, running, look, surer))
    return found


def _weight(known: Sequence[Prediction]) -> float:
    """Fit how much one nat of confidence moves the log-odds of success; a prior of one task says: not at all."""
    weight = 0.0
    for _ in range(STEPS):
        slope, curve = -weight, -1.0
        for one in known:
            chance = _logistic(_logit(one.running) + weight * one.surer)
            slope += one.surer * (one.solved / one.attempts - chance)
            curve -= one.surer**2 * chance * (1 - chance)
        weight -= max(-1.0, min(1.0, slope / curve))
    return weight


def calibration(predictions: Sequence[Prediction]) -> Calibration | None:
    """Compare what was said with what came true; None where nothing was attempted.

    Source:
        Brier, Verification of forecasts expressed in terms of probability (1950); the expected calibration error over ten
        equal bins: Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    known = [one for one in predictions if one.attempts]
    attempts = sum(one.attempts for one in known)
    if not attempts:
        return None
    rate = sum(one.solved for one in known) / attempts
    bins = _bins(known)
    return Calibration(
        attempts=attempts,
        base_rate=rate,
        brier=brier([(one.chance, one.attempts, one.solved) for one in known]),
        brier_base=rate * (1 - rate),
        brier_running=brier([(one.running, one.attempts, one.solved) for one in known]),
        error=sum(one.attempts * abs(one.chance - one.solved) for one in bins) / attempts,
        bins=bins,
    )


def brier(said: Sequence[tuple[float, int, int]]) -> float:
    """Return the mean squared error of chances over attempts, each given as (chance, attempts, solved)."""
    total = sum(solved * (1 - p) ** 2 + (n - solved) * p**2 for p, n, solved in said)
    return total / sum(n for _, n, _ in said)


def _bins(known: Sequence[Prediction]) -> tuple[Bin, ...]:
    parts: dict[int, list[Prediction]] = {}
    for one in known:
        parts.setdefault(min(int(one.chance * BINS), BINS - 1), []).append(one)
    found = []
    for place, part in sorted(parts.items()):
        n = sum(one.attempts for one in part)
        said = sum(one.chance * one.attempts for one in part) / n
        found.append(Bin(place / BINS, n, said, sum(one.solved for one in part) / n))
    return tuple(found)


def told(found: Calibration | None) -> list[str]:
    """Write the calibration of a run for its end."""
    if found is None:
        return ["Predictions: nothing that was predicted has been attempted."]
    skill = "not defined" if found.skill is None else f"{found.skill:+.2f}"
    lines = [
        f"Predictions of {found.attempts} attempts: Brier score {found.brier:.3f}, skill against the base rate "
        f"({found.base_rate:.2f}) {skill}, calibration error {found.error:.3f}; by earlier success alone {found.brier_running:.3f}.",
        "  said  came true  attempts",
    ]
    return lines + [f"  {b.chance:4.2f}  {b.solved:9.2f}  {b.attempts:8d}" for b in found.bins]


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _logistic(odds: float) -> float:
    if odds < 0:
        return math.exp(odds) / (1 + math.exp(odds))
    return 1 / (1 + math.exp(-odds))
