"""Attempts laid out as trees of tokens: what several begin with is computed once, the prompt of a group above all.

Each token looks at its ancestors only, at its own depth, so that scores and gradients are those of the attempts
alone. Equal attempts of a group share all their tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TREE_TOKENS = 1024
"""Tokens of one tree beyond what all prompts begin with; attention costs grow with their square."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One row of the network, and where in it the drawn tokens are predicted."""

    ids_T: Tensor
    positions_T: Tensor
    mask_TT: Tensor
    """True where token i may look at token j."""
    places_M: Tensor
    """Where anything is predicted, each place once."""
    at_N: Tensor
    """For each drawn token of each attempt, in order: which of those places predicts it."""
    targets_N: Tensor
    """Those tokens."""
    attempts: tuple[int, ...]
    """Which attempts are in it, as numbers of the list that was laid out."""


def lay_trees(attempts: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Tree]:
    """Lay out pairs of prompt tokens and drawn tokens.

    Args:
        attempts: The pairs; no prompt is empty.

    Returns:
        Trees of at most `TREE_TOKENS` tokens and what all prompts begin with (worked examples, which each tree
        computes again), but for a longer attempt, which has one of its own. Each attempt is in exactly one of
        them, beside those of its prompt where they fit.
    """
    order = sorted(range(len(attempts)), key=lambda k: (tuple(attempts[k][0]), k))
    most = TREE_TOKENS + _alike([prompt for prompt, _ in attempts])
    trees, growing = [], _Growing()
    for k in order:
        prompt, drawn = attempts[k]
        if growing.attempts and growing.more(prompt, drawn) + len(growing.ids) > most:
            trees.append(growing.done())
            growing = _Growing()
        growing.add(k, prompt, drawn)
    return [*trees, growing.done()] if growing.attempts else trees


def _alike(prompts: Sequence[Sequence[int]]) -> int:
    """Count the tokens that all prompts begin with."""
    if not prompts:
        return 0
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    return next(
        (k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )


class _Growing:
    """A tree in the making."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.attempts: list[int] = []
        self._depths: list[int] = []
        self._parents: list[int] = []
        self._nodes: dict[tuple[int, int], int] = {}
        self._sources: list[int] = []
        self._targets: list[int] = []

    def more(self, prompt: Sequence[int], drawn: Sequence[int]) -> int:
        """Count the tokens that an attempt would add."""
        node, shared = -1, 0
        for token in (*prompt, *drawn):
            found = self._nodes.get((node, token))
            if found is None:
                break
            node, shared = found, shared + 1
        return len(prompt) + len(drawn) - shared

    def add(self, number: int, prompt: Sequence[int], drawn: Sequence[int]) -> None:
        """Lay one attempt into it."""
        node = -1
        for depth, token in enumerate((*prompt, *drawn)):
            if depth >= len(prompt):
                self._sources.append(node)
                self._targets.append(token)
            child = self._nodes.get((node, token))
            if child is None:
                child = self._nodes[node, token] = len(self.ids)
                self.ids.append(token)
                self._depths.append(depth)
                self._parents.append(node)
            node = child
        self.attempts.append(number)

    def done(self) -> Tree:
        """Return it as tensors."""
        mask_TT = np.eye(len(self.ids), dtype=bool)
        for node, parent in enumerate(self._parents):
            if parent >= 0:
                mask_TT[node] |= mask_TT[parent]
        places = sorted(set(self._sources))
        index = {node: m for m, node in enumerate(places)}
        return Tree(
            ids_T=torch.tensor(self.ids),
            positions_T=torch.tensor(self._depths),
            mask_TT=torch.from_numpy(mask_TT),
            places_M=torch.tensor(places, dtype=torch.long),
            at_N=torch.tensor([index[node] for node in self._sources], dtype=torch.long),
            targets_N=torch.tensor(self._targets, dtype=torch.long),
            attempts=tuple(self.attempts),
        )
