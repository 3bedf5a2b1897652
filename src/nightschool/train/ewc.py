"""Elastic weight consolidation: what matters to earlier material is pulled back to where the night began.

At every step the gradient of

    weight / 2 * sum over parameters i of F_i (w_i - w*_i)^2

is added, where w* are the weights that the night starts from and F_i says how much the background's likelihood
depends on parameter i. F is scaled to a mean of one, so that one weight of it fits models of all sizes.

Source:
    Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting in neural networks" (PNAS 114), equation 3. Differs: one
    pull to the last version, not one to each earlier task, as in Schwarz et al. 2018 (online EWC), section 3.1; F is
    taken anew from a sample of what is known, by the labels of that (the empirical Fisher information), and scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter


class Consolidation:
    """The pull of one night."""

    def __init__(
        self, trained: Mapping[str, Parameter], information: Mapping[str, Tensor], weight: float
    ) -> None:
        """Remember where the weights are.

        Args:
            trained: The weights, before the first step.
            information: Name -> F, in the shape of the weight; see `fisher`.
            weight: Of the penalty.
        """
        self._start = {name: p.detach().clone() for name, p in trained.items()}
        self._information, self._weight = information, weight

    @torch.no_grad()
    def __call__(self, trained: Mapping[str, Parameter]) -> None:
        """Add the penalty's gradient to that of the step."""
        for name, p in trained.items():
            pull = (p - self._start[name]).mul_(self._information[name]).mul_(self._weight)
            p.grad = pull if p.grad is None else p.grad.add_(pull)


def fisher(
    trained: Mapping[str, Parameter],
    losses: Sequence[Callable[[], Tensor]],
    collect: Callable[[], None],
) -> dict[str, Tensor]:
    """Return the diagonal of the empirical Fisher information, scaled to a mean of one.

    Args:
        trained: The weights; their gradients are empty before and after.
        losses: Each returns the summed loss of one example in nats.
        collect: Completes the gradients after a backward pass.
    """
    found = {name: torch.zeros_like(p) for name, p in trained.items()}
    for loss in losses:
        loss().backward()
        collect()
        for name, p in trained.items():
            if p.grad is not None:
                found[name].addcmul_(p.grad, p.grad)
                p.grad = None
    mean = sum(float(f.sum()) for f in found.values()) / sum(f.numel() for f in found.values())
    for f in found.values():
        f.div_(mean or 1.0)
    return found
