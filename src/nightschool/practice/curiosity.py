"""What to practise next, of several environments: where practice changes something. Pure functions of a log.

The environments that are chosen from are called arms; an arm may be another setting of the same environment. A choice is made
for each task of a round, and what is known of an arm is the log of the groups of attempts at its tasks.

Not here: tasks and attempts (`curriculum.py`), new settings (`frontier.py`), predictions (`predictions.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightschool.config import ChooserKind
from nightschool.practice.base import random_for

CHOOSERS: tuple[ChooserKind, ...] = ("progress", "uniform", "easiest")

FLOOR = 0.2
"""Share of the tasks that is spread over all arms whatever is known, so that a change is noticed in any of them."""
WINDOW = 64
"""Most groups of a window; two windows are compared. Wider ones see slower learning, and see later that it has ended."""
FEWEST = 8
"""Fewest groups of a window; an arm with less than two such windows is unknown."""
RECENT = 16
"""The present success of an arm is that of so many groups."""
NOISE = 1.64
"""A change counts for what is above so many of its standard errors: one in ten that is chance alone passes."""
MASTERED = 0.95
"""From this success on, an arm has nothing left to learn."""
PATIENCE = 64
"""An arm that has not moved in so many groups is not hoped for any longer; its part of the floor still finds it changed."""
SURE = 2.0
"""An arm has moved when its success is off that of its beginning by so many standard errors."""


@dataclass(frozen=True, slots=True)
class Practised:
    """What came of one task: a group of attempts."""

    round: int
    arm: str
    attempts: int
    """Those that could be scored; 0: none, and the group says nothing."""
    solved: int
    new: int
    """Verified solutions that had not been seen in this arm before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an arm."""

    arm: str
    groups: int
    attempts: int
    success: float | None
    """Share of the recent attempts that was solved; None where there was none."""
    progress: float | None
    """Change of success a group, either way, above what chance may have done; None: too little is known."""
    moved: bool
    """Whether its success is another than at its beginning: a slow change, which windows side by side may not show."""
    novelty: float
    """Share of the recent verified solutions that was new."""

    @property
    def mastered(self) -> bool:
        """Whether there is nothing left to learn."""
        return self.groups >= FEWEST and (self.success or 0.0) >= MASTERED

    @property
    def hopeful(self) -> bool:
        """Whether an arm without progress may still be about to begin."""
        return not self.mastered and (self.moved or self.groups < PATIENCE)


def standings(arms: Sequence[str], log: Sequence[Practised]) -> list[Standing]:
    """Say what the log tells of each arm."""
    by_arm: dict[str, list[Practised]] = {arm: [] for arm in arms}
    for group in log:
        if group.attempts and group.arm in by_arm:
            by_arm[group.arm].append(group)
    return [_standing(arm, groups) for arm, groups in by_arm.items()]


def _standing(arm: str, groups: Sequence[Practised]) -> Standing:
    recent = groups[-RECENT:]
    success = [g.solved / g.attempts for g in groups]
    attempts, solved = sum(g.attempts for g in recent), sum(g.solved for g in recent)
    return Standing(
        arm=arm,
        groups=len(groups),
        attempts=sum(g.attempts for g in groups),
        success=solved / attempts if attempts else None,
        progress=learning_progress(success),
        moved=_moved(success),
        novelty=sum(g.new for g in recent) / solved if solved else 0.0,
    )


def learning_progress(success: Sequence[float], noise: float = NOISE) -> float | None:
    """Measure how fast success changes: the difference of two windows, less what chance may have done.

    The windows are the last groups and as many before them. Either direction counts: what is being forgotten is
    worth practice, too. The difference of a random environment is all chance, that of an impossible or a mastered one is nothing.
    The attempts of a group share their task, so the group is the unit of the standard error.

    Args:
        success: Share solved of each group, oldest first.
        noise: How many standard errors are taken off; 0: none, as in the sources.

    Returns:
        Change of success a group, from 0; None with fewer than two windows of `FEWEST`.

    Source:
        The absolute change of an error between two windows: Oudeyer, Kaplan and Hafner, Intrinsic Motivation Systems for
        Autonomous Mental Development (2007). Of a success rate, for choosing tasks: Matiisen et al., Teacher-Student
        Curriculum Learning (2017). As a bandit's reward: Graves et al., Automated Curriculum Learning for Neural
        Networks (2017). The standard errors are ours: without them noise counts as progress (bench/curiosity.py).
    """
    size = min(len(success) // 2, WINDOW)
    if size < FEWEST:
        return None
    return _above(success[-2 * size : -size], success[-size:], noise) / size


def _moved(success: Sequence[float]) -> bool:
    size = min(len(success) // 2, WINDOW)
    return size >= FEWEST and _above(success[:size], success[-size:], SURE) > 0


def _above(before: Sequence[float], after: Sequence[float], errors: float) -> float:
    """Return the difference of two windows of one size, less so many of its standard errors; 0 where it is below."""
    mean_before, spread_before = _moments(before)
    mean_after, spread_after = _moments(after)
    error = math.sqrt((spread_before + spread_after) / len(before))
    return max(0.0, abs(mean_after - mean_before) - errors * error)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def flat(known: Sequence[Standing]) -> bool:
    """Tell whether no arm shows progress, with enough known of all of them."""
    return all(one.progress is not None and (one.mastered or not one.progress) for one in known)


def shares(kind: ChooserKind, known: Sequence[Standing], floor: float = FLOOR) -> dict[str, float]:
    """Share the tasks of a round out.

    Args:
        kind: Of the chooser.
        known: The standing of each arm.
        floor: Share that is spread evenly whatever is known; the uniform chooser has no need of it.

    Returns:
        Share of each arm; they sum to 1. Where nothing tells arms apart, all get the same.
    """
    weights = {"progress": _by_progress, "uniform": _alike, "easiest": _easiest}[kind](known)
    total = sum(weights)
    if not total:
        weights, total = _alike(known), float(len(known))
    return {
        one.arm: floor / len(known) + (1 - floor) * weight / total
        for one, weight in zip(known, weights, strict=True)
    }


def _alike(known: Sequence[Standing]) -> list[float]:
    return [1.0] * len(known)


def _easiest(known: Sequence[Standing]) -> list[float]:
    if any(one.progress is None for one in known):
        return [float(one.progress is None) for one in known]
    best = max((one.success or 0.0 for one in known if not one.mastered), default=None)
    return [float(not one.mastered and (one.success or 0.0) == best) for one in known]


def _by_progress(known: Sequence[Standing]) -> list[float]:
    """Weigh by progress, and more where solutions are new; new ones alone count for nothing.

    A random environment that lets any text pass would give new solutions for ever.
    """
    seen = [0.0 if one.mastered else (one.progress or 0.0) * (1 + one.novelty) for one in known]
    if any(one.progress is None for one in known):
        # Optimistic: what is unknown is as good as the best that is known.
        best = max(seen) or 1.0
        return [
            best if one.progress is None else mine for one, mine in zip(known, seen, strict=True)
        ]
    return seen if any(seen) else [float(one.hopeful) for one in known]


def picks(shared: Mapping[str, float], count: int, number: int, seed: int) -> list[str]:
    """Draw the arm of each task of a round, each as often as its share says, give or take one.

    Args:
        shared: Share of each arm.
        count: Tasks of the round.
        number: Of the round; the same number draws the same arms.
        seed: Of the run.

    Source:
        Systematic sampling: one random offset, then equal steps.
    """
    offset = random_for("curiosity", "train", seed, number).random()
    drawn: list[str] = []
    reached = 0.0
    for arm, share in shared.items():
        reached += share * count
        # A sum of shares falls short of 1 by rounding; the offset is below 1, so no arm is drawn too often.
        while len(drawn) < count and len(drawn) + offset < reached:
            drawn.append(arm)
    last = list(shared)[-1]
    return drawn + [last] * (count - len(drawn))
