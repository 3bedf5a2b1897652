"""Losses of the training loop: pure functions of logits and targets. Pluggable through `Loss`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits_NV, targets_N, weights_N) -> summed loss in nats; the loop divides by the step's weight."""


def cross_entropy(logits_NV: Tensor, targets_N: Tensor, weights_N: Tensor) -> Tensor:
    """Sum the weighted negative log-likelihood of the labelled tokens.

    Args:
        logits_NV: Scores before softmax; a row for each labelled token.
        targets_N: The token that should have come.
        weights_N: How much each token counts, at least 0.

    Returns:
        A scalar in nats, in float32.
    """
    nll_N = functional.cross_entropy(logits_NV.float(), targets_N, reduction="none")
    return torch.dot(nll_N, weights_N)
