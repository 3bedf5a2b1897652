"""How much of a night's update is kept: the share that does best on examples which the night did not train on.

Weights between the start's and the night's often know nearly all of what is new and lost less of what was known. Which share
is best is tried on held-out wordings of the new material, and on a sample of what is known; never on the exam.

Source:
    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), equation 1. Differs: the mixing coefficient is chosen
    each night, by the nats a token that the training's own losses come to on what was held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import Parameter

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Tried, from the whole update down."""
HELD_OUT = 12
"""One in so many new examples is held out for the choice."""


@torch.no_grad()
def blend(
    start: Mapping[str, Tensor], trained: Mapping[str, Parameter], cost: Callable[[], float]
) -> float:
    """Move the weights back toward the start as far as that pays, and return the share of the update that is kept.

    Args:
        start: Name -> the weight before the first step.
        trained: The weights after the last step; they are left at the best mixture, the larger share of equals.
        cost: Returns what the weights as they are cost on what was held out, in nats.
    """
    end = {name: p.detach().clone() for name, p in trained.items()}

    def move(share: float) -> None:
        for name, p in trained.items():
            p.copy_(torch.lerp(start[name], end[name], share))

    costs: dict[float, float] = {}
    for share in SHARES:
        move(share)
        costs[share] = cost()
    best = min(SHARES, key=lambda share: (costs[share], -share))
    move(best)
    return best
