"""Losses of practice: pure functions of log-probabilities. One number for each token that was drawn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Surrogate(NamedTuple):
    """What tokens teach, and how many of them no longer do."""

    loss: Tensor
    """A scalar, summed over tokens."""
    clipped: int
    """Tokens outside of the clip range on the side to which they are pushed: they have no gradient."""


def clipped_surrogate(log_N: Tensor, old_N: Tensor, advantage_N: Tensor, clip: float) -> Surrogate:
    """Sum the clipped policy-gradient loss over tokens: -min(r A, clip(r, 1 - clip, 1 + clip) A), r = exp(log - old).

    Args:
        log_N: Log-probability of each drawn token under the weights that are trained.
        old_N: The same under the weights that drew it; no gradient flows into it.
        advantage_N: Of the attempt that each token belongs to.
        clip: Share by which a probability may move.

    Returns:
        The summed loss, to be divided by all tokens of a step, and the count of clipped ones.

    Source:
        PPO (Schulman et al. 2017, equation 7); token-level sum over a whole step as in DAPO (Yu et al.
        2025, section 3.3), so that a long answer's tokens count as much as a short one's.
    """
    ratio_N = (log_N - old_N).exp()
    plain_N = ratio_N * advantage_N
    held_N = ratio_N.clamp(1 - clip, 1 + clip) * advantage_N
    loss_N = -torch.minimum(plain_N, held_N)
    return Surrogate(loss_N.sum(), int((held_N < plain_N).sum()))


def divergence(log_N: Tensor, reference_N: Tensor) -> Tensor:
    """Sum an estimate of KL(policy || reference) over drawn tokens: exp(d) - d - 1, d = reference - log.

    Each term is at least 0, and unbiased where the token was drawn from the policy.

    Args:
        log_N: Log-probability of each drawn token under the weights that are trained.
        reference_N: The same under the reference; no gradient flows into it.

    Returns:
        A scalar in nats.

    Source:
        The estimator k3 of Schulman, "Approximating KL Divergence" (2020), as in GRPO (Shao et al. 2024,
        equation 4).
    """
    away_N = reference_N - log_N
    return (away_N.exp() - away_N - 1).sum()
