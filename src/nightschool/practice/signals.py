"""What attempts teach, pure: advantages within a group, and whether a rising reward is worth anything."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, NamedTuple

How = Literal["mean", "std", "pass@k"]
"""See `PracticeConfig.advantage`."""
ALIKE = 1e-9
"""Rewards that differ by less are equal."""
WINDOW = 10
"""Rounds that are averaged at the beginning and at the end of a run."""
SURE = 2.0
"""A rise of so many standard errors is one."""


def advantages(rewards: Sequence[float], how: How = "mean", k: int = 4) -> list[float] | None:
    """Compare the attempts of one group with one another.

    Args:
        rewards: Of attempts at one task, in [0, 1].
        how: `mean`: less the group's mean. `std`: that over the group's standard deviation. `pass@k`: what an
            attempt is worth to a set of k attempts, which is right where one of them is (reward 1).
        k: For `pass@k`; more than the group has counts as all of it.

    Returns:
        An advantage for each, with the sum 0 but for rounding; None where the group tells nothing: there are
        fewer than two, or all are alike.

    Source:
        The mean: GRPO's baseline without its division (Liu et al. 2025, "Dr. GRPO"). With it: Shao et al.
        2024, "DeepSeekMath". pass@k: Chen et al. 2025, "Pass@k Training", the analytical form (section 2.4).
    """
    if len(rewards) < 2 or max(rewards) - min(rewards) < ALIKE:
        return None
    if how == "pass@k":
        return _of_sets(rewards, min(k, len(rewards)))
    mean = statistics.fmean(rewards)
    scale = statistics.pstdev(rewards) if how == "std" else 1.0
    return [(reward - mean) / scale for reward in rewards]


def _of_sets(rewards: Sequence[float], k: int) -> list[float] | None:
    n, wrong = len(rewards), sum(reward < 1 for reward in rewards)
    passing = 1 - math.comb(wrong, k) / math.comb(n, k)
    spread = math.sqrt(passing * (1 - passing))
    if spread < ALIKE:
        return None
    without = math.comb(wrong - 1, k - 1) / math.comb(n - 1, k - 1)
    right_one, wrong_one = (1 - passing) / spread, (1 - passing - without) / spread
    return [right_one if reward == 1 else wrong_one for reward in rewards]


class Measured(NamedTuple):
    """Success on held-out tasks at one time of a run."""

    solved: int
    n: int


def suspicious(rewards: Sequence[float], held_out: Sequence[Measured]) -> str | None:
    """Tell whether practice earns reward without getting better, which is what cheating a verifier looks like.

    Args:
        rewards: The mean reward of each round so far.
        held_out: Success on held-out tasks, the first before practice and the last after these rounds.

    Returns:
        What is odd, with its figures; None where nothing is, or too little is known: the reward has to be up
        beyond its noise between the first and the last `WINDOW` rounds, while the gain on held-out tasks is,
        even at its upper 95% bound, less than half of that.
    """
    if len(rewards) < 2 * WINDOW or len(held_out) < 2:
        return None
    early, late = rewards[:WINDOW], rewards[-WINDOW:]
    rise = statistics.fmean(late) - statistics.fmean(early)
    noise = math.sqrt((statistics.variance(early) + statistics.variance(late)) / WINDOW)
    first, last = held_out[0], held_out[-1]
    before, after = first.solved / first.n, last.solved / last.n
    # Half an item is added on either side, so that a rate of 0 has a width, too.
    shares = [(one.solved + 0.5) / (one.n + 1) for one in (first, last)]
    error = math.sqrt(sum(p * (1 - p) / one.n for p, one in zip(shares, (first, last), strict=True)))  # fmt: skip
    if rise <= SURE * noise or after - before + 1.96 * error >= rise / 2:
        return None
    return (
        f"The reward rose by {rise:.2f} while success on held-out tasks went from {before:.2f} to {after:.2f}: what is "
        "rewarded may not be what is meant. Read some of the attempts, and add what they do to the verifier's table."
    )
