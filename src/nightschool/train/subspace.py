"""Updates at right angles to what is known: a linear layer answers the inputs of review and plain text as before.

A layer's weight W changes its answer to an input x by (W - W*) x, where W* is what the night starts from. Let the columns of P
be the main directions of the inputs that known texts bring to that layer. The night keeps

    (W - W*) P = 0

so that what a layer makes of known inputs stays, up to the directions that P leaves out. Linear layers but the output one are
trained; embeddings and norms are left as they are.

Source:
    Saha et al. 2021, "Gradient Projection Memory for Continual Learning" (GPM), section 5, and equation 6 for the share
    of the inputs that is kept. Differs: the directions are found anew each night from a sample of what is known, not added up
    task by task; inputs count by direction, not by length, since a few tokens of language models are a hundred times as long as
    the rest; and Adam's step is projected as well as its gradient, because Adam would turn it out of the complement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Linear, Parameter

from nightschool.errors import TrainError


class Known(NamedTuple):
    """Orthonormal directions of a layer's inputs, of which the first `held` are those of what is known."""

    directions_II: Tensor
    held: int

    def taken_out_of(self, x_OI: Tensor) -> Tensor:
        """Return the part of a matrix at right angles to what is known, by the fewer of the two kinds of directions."""
        if 2 * self.held < len(self.directions_II):
            known_IK = self.directions_II[:, : self.held]
            return x_OI - (x_OI @ known_IK) @ known_IK.T
        free_IF = self.directions_II[:, self.held :]
        return (x_OI @ free_IF) @ free_IF.T


class Complement:
    """What one night may change."""

    def __init__(self, trained: Mapping[str, Parameter], directions: Mapping[str, Known]) -> None:
        """Remember where the weights are.

        Args:
            trained: The weights, before the first step.
            directions: Name of a weight (O, I) -> the directions of its inputs.
        """
        self._directions = directions
        self._start = {name: trained[name].detach().clone() for name in directions}

    @torch.no_grad()
    def before(self, trained: Mapping[str, Parameter]) -> None:
        """Take known directions out of a step's gradients; other weights get none."""
        for name, p in trained.items():
            known = self._directions.get(name)
            if known is None:
                p.grad = None  # the optimizer leaves it alone
            elif p.grad is not None:
                p.grad.copy_(known.taken_out_of(p.grad))

    @torch.no_grad()
    def after(self, trained: Mapping[str, Parameter]) -> None:
        """Take known directions out of what the weights have moved since the start."""
        for name, known in self._directions.items():
            p = trained[name]
            p.copy_(self._start[name] + known.taken_out_of(p - self._start[name]))


@torch.no_grad()
def known_inputs(
    model: Any, share: float, known: Sequence[Callable[[], object]]
) -> dict[str, Known]:
    """Return the main directions of what known texts bring to each linear layer but the output one.

    Args:
        model: The network.
        share: Of the squared, normalised inputs that the directions account for, above 0 and below 1.
        known: Each runs one known text through the network.

    Returns:
        Name of a weight -> the directions of its inputs; as few are known as account for that share.

    Raises:
        TrainError: There is nothing known to stay at right angles to.
        TrainError: The network is wrapped in adapters.
    """
    if any(name.endswith("lora_A.default") for name, _ in model.named_modules()):
        raise TrainError(
            "train.subspace holds full weights. Leave it out, or take train.method=full."
        )
    with _gathered(model) as sums:
        for run in known:
            run()
    if not sums:
        raise TrainError(
            "train.subspace keeps a night at right angles to what is known: there is neither review nor plain text. "
            "Leave it out, or set train.anchor_weight above 0."
        )
    found: dict[str, Known] = {}
    for name, sum_II in sums.items():
        values_I, vectors_II = torch.linalg.eigh(sum_II)
        values_I, vectors_II = values_I.flip(0).clamp(min=0), vectors_II.flip(1)
        reached_I = values_I.cumsum(0) / values_I.sum()
        count = int((reached_I < share).sum()) + 1
        found[f"{name}.weight"] = Known(vectors_II.contiguous(), count)
    return found


@contextmanager
def _gathered(model: Any) -> Iterator[dict[str, Tensor]]:
    """Sum the outer products of each linear layer's normalised inputs while the block runs."""
    sums: dict[str, Tensor] = {}

    def gather(name: str, _: torch.nn.Module, args: tuple[Tensor, ...]) -> None:
        # The network runs in bfloat16 where it can, which has no eigenvalues.
        with torch.autocast(args[0].device.type, enabled=False):
            unit_TI = torch.nn.functional.normalize(args[0].flatten(0, -2).float(), dim=-1)
            sum_II = unit_TI.T @ unit_TI
        sums[name] = sums[name] + sum_II if name in sums else sum_II

    head = model.get_output_embeddings()
    handles = [
        module.register_forward_pre_hook(partial(gather, name))
        for name, module in model.named_modules()
        if type(module) is Linear and module is not head
    ]
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()
