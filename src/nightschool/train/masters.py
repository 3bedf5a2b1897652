"""Float32 weights behind a network that multiplies in bfloat16.

Autocast rounds every weight anew at each step and its gradient back. Here the rounded weights
stay in the network, and the float32 ones, the masters, with the optimizer: the same products and
the same updates, so that an update too small for bfloat16 is not lost. Not covered: which
precision to take (`run.py`), and weights that are not those of plain linear layers, which
are left to autocast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter, functional


class Masters:
    """The weights that are trained, in float32, whatever the network computes with."""

    def __init__(self, model: Any, precision: torch.dtype) -> None:
        """Round the network's linear weights to `precision`, and keep the trained ones as they were.

        With float32 the network is left as it is and its own parameters are the masters.
        """
        self.trained: dict[str, Parameter] = {}
        self._rounded: list[tuple[Parameter, Parameter]] = []
        self._handles: list[Any] = []
        linear = set() if precision == torch.float32 else _linear_weights(model)
        tied = _tied_embedding(model)
        self._embedding: _Embedding | None = None
        for name, weight in model.named_parameters():
            master = weight
            if weight in linear:
                master = Parameter(weight.data, requires_grad=weight.requires_grad)
                weight.data = weight.data.to(precision)
                if weight.requires_grad:
                    self._rounded.append((weight, master))
                    self._handles.append(weight.register_post_accumulate_grad_hook(_Widen(master)))
            if tied is not None and tied.weight is weight:
                self._embedding = _Embedding(tied, master)
            if weight.requires_grad:
                self.trained[name] = master

    def collect(self) -> None:
        """Complete the masters' gradients after a backward pass."""
        if self._embedding:
            self._embedding.collect()

    @torch.no_grad()
    def publish(self) -> None:
        """Round the masters into the network, after they changed."""
        for weight, master in self._rounded:
            weight.copy_(master)

    def restore(self) -> None:
        """Put the masters themselves into the network; frozen weights stay rounded."""
        for handle in self._handles:
            handle.remove()
        for weight, master in self._rounded:
            weight.data = master.data
        if self._embedding:
            self._embedding.remove()


class _Widen:
    """Moves a rounded weight's gradient to its master as soon as it is there, while in cache."""

    def __init__(self, master: Parameter) -> None:
        self.master = master
        self.store: Tensor | None = None
        """Memory of the gradient, kept from step to step."""

    def __call__(self, weight: Tensor) -> None:
        grad, weight.grad = weight.grad, None
        if grad is None:
            return
        if self.master.grad is not None:
            self.master.grad += grad
            return
        if self.store is None:
            self.store = torch.empty_like(self.master.data)
        self.store.copy_(grad)
        self.master.grad = self.store


class _Embedding:
    """Lookups in the float32 master of an embedding that is the output layer too.

    The gradient of the few rows looked up is added to that of the output layer; autograd would
    make a second gradient of the size of the vocabulary, nearly all zeros.
    """

    def __init__(self, module: nn.Embedding, master: Parameter) -> None:
        self.master, self.padding = master, module.padding_idx
        self.looked_up: list[tuple[Tensor, Tensor]] = []
        self._handle = module.register_forward_hook(self._look_up)

    def _look_up(self, module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        found = functional.embedding(args[0], self.master.detach())
        if self.master.requires_grad and torch.is_grad_enabled():
            self.looked_up.append((args[0], found.requires_grad_()))
        return found

    @torch.no_grad()
    def collect(self) -> None:
        for ids, found in self.looked_up:
            if found.grad is None:
                continue
            if self.master.grad is None:
                self.master.grad = torch.zeros_like(self.master)
            kept = torch.ones_like(ids, dtype=torch.bool)
            if self.padding is not None:
                kept = ids != self.padding
            self.master.grad.index_add_(0, ids[kept], found.grad[kept])
        self.looked_up.clear()

    def remove(self) -> None:
        self._handle.remove()


def _tied_embedding(model: Any) -> nn.Embedding | None:
    """Return the input embedding if it is a plain one that shares its weight with the output."""
    source: nn.Module | None = model.get_input_embeddings()
    output: nn.Module | None = model.get_output_embeddings()
    if type(source) is not nn.Embedding or type(output) is not nn.Linear:
        return None
    special = source.max_norm is not None or source.sparse or source.scale_grad_by_freq
    return source if source.weight is output.weight and not special else None


def _linear_weights(model: Any) -> set[Tensor]:
    """Return the float32 parameters that only plain linear layers use, or a tied embedding."""
    tied = _tied_embedding(model)
    inside: set[Tensor] = set()
    outside: set[Tensor] = set()
    for module in model.modules():
        found = inside if type(module) is nn.Linear or module is tied else outside
        found.update(module.parameters(recurse=False))
    return {weight for weight in inside - outside if weight.dtype == torch.float32}
