"""Losses of the training loop: pure functions of logits and targets. Pluggable through `Loss`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

TINY = 1e-6
"""Least probability of what is left over: below it float32 has lost the difference to 1."""

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


def kl_to_kept(logits_NV: Tensor, top_NK: Tensor, log_NK: Tensor) -> Tensor:
    """Sum KL(teacher || student) over places, where of the teacher only its likeliest tokens are known.

    For each place: sum over k of p_k (log p_k - log q_k), plus the same for one more event, "any
    other token". Merging events can only lower a divergence, so this is a lower bound of the true one.

    Args:
        logits_NV: The student's scores before softmax, over the vocabulary.
        top_NK: The teacher's likeliest tokens.
        log_NK: Their log-probabilities, in nats.

    Returns:
        A scalar in nats, in float32.

    Source:
        Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), at temperature 1. Differs:
        only the likeliest tokens are cached, and the rest counts as one event.
    """
    student_NK = logits_NV.float().log_softmax(-1).gather(-1, top_NK)
    teacher_NK = log_NK.exp()
    rest_N = (1 - teacher_NK.sum(-1)).clamp(min=TINY)
    missed_N = (1 - student_NK.exp().sum(-1)).clamp(min=TINY)
    kept_N = (teacher_NK * (log_NK - student_NK)).sum(-1)
    return (kept_N + rest_N * (rest_N.log() - missed_N.log())).sum()
