"""Sparse updates: a night trains the neurons of the MLPs that its material uses and the background does not.

A neuron is a row of `gate_proj` and `up_proj` and the column of `down_proj` that it feeds; those are trained for the chosen
neurons, and nothing else is.

Source:
    Lin et al. 2025, "Continual Learning via Sparse Memory Finetuning", section 3: slots of a memory layer ranked by
    TF-IDF(i) = c(i) / sum_j c(j) * log((|B| + 1) / (sum_b 1[c_b(i) > 0] + 1)). Differs: the slots are the neurons of the MLPs that
    a model has anyway (key-value memories: Geva et al. 2021), so no memory layers have to be pretrained; a neuron is used
    by a token where it is among the most active ones of its layer; they are chosen once a night, not at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from nightschool.errors import TrainError

ACTIVE = 32
"""So many of a layer's neurons are used by a token: the most active ones."""
OUTPUT, INPUTS = "down_proj", ("gate_proj", "up_proj")


class Rows:
    """The mask of one night."""

    def __init__(self, neurons: Mapping[str, Tensor]) -> None:
        """Make the masks.

        Args:
            neurons: Name of an MLP -> which of its I neurons are trained, as booleans.
        """
        self._masks: dict[str, Tensor] = {}
        for name, chosen_I in neurons.items():
            self._masks[f"{name}.{OUTPUT}.weight"] = chosen_I[None, :]
            self._masks |= {f"{name}.{part}.weight": chosen_I[:, None] for part in INPUTS}

    @torch.no_grad()
    def __call__(self, trained: Mapping[str, Parameter]) -> None:
        """Leave of a step's gradients those of the chosen neurons."""
        for name, p in trained.items():
            mask = self._masks.get(name)
            if mask is None:
                p.grad = None  # the optimizer leaves it alone
            elif p.grad is not None:
                p.grad.mul_(mask)


@torch.no_grad()
def choose(
    model: Any,
    share: float,
    news: Sequence[Callable[[], object]],
    background: Sequence[Callable[[], object]],
) -> dict[str, Tensor]:
    """Return which neurons a night trains.

    Args:
        model: The network.
        share: Of all neurons, above 0 and at most 1.
        news: Each runs one text of the new material through the network.
        background: Each runs one of what is known already.

    Returns:
        Name of an MLP -> booleans over its I neurons.

    Raises:
        TrainError: The network has no MLPs of that kind, or they are wrapped in adapters.
    """
    with _counted(model) as counts:
        for run in news:
            run()
        if not counts:
            raise TrainError(
                f"train.sparse trains neurons of {', '.join(INPUTS)} and {OUTPUT}; this model, with train.method as it is, "
                "has none. Leave train.sparse out, or take train.method=full."
            )
        used = {name: count_I.clone() for name, count_I in counts.items()}
        seen = {name: torch.zeros_like(count_I) for name, count_I in counts.items()}
        for run in background:
            for count_I in counts.values():
                count_I.zero_()
            run()
            for name, count_I in counts.items():
                seen[name] += count_I > 0
    total = sum(float(count_I.sum()) for count_I in used.values())
    scores = {
        name: used[name] / total * ((len(background) + 1) / (seen[name] + 1)).log() for name in used
    }
    every = torch.cat(list(scores.values()))
    chosen = torch.zeros(len(every), dtype=torch.bool, device=every.device)
    chosen[every.topk(max(1, round(share * len(every)))).indices] = True
    parts = chosen.split([len(score_I) for score_I in scores.values()])
    return dict(zip(scores, parts, strict=True))


@contextmanager
def _counted(model: Any) -> Iterator[dict[str, Tensor]]:
    """Count, for each MLP, how many tokens use each neuron while the block runs."""
    counts: dict[str, Tensor] = {}

    def count(name: str, _: torch.nn.Module, args: tuple[Tensor, ...]) -> None:
        act_TI = args[0].flatten(0, -2).abs()
        top_TK = act_TI.topk(min(ACTIVE, act_TI.shape[-1]), dim=-1).indices
        found_I = torch.bincount(top_TK.flatten(), minlength=act_TI.shape[-1]).float()
        counts[name] = counts[name] + found_I if name in counts else found_I

    handles = [
        module.register_forward_pre_hook(partial(count, name.removesuffix(f".{OUTPUT}")))
        for name, module in model.named_modules()
        if name.endswith(f".{OUTPUT}") and type(module) is torch.nn.Linear
    ]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()
