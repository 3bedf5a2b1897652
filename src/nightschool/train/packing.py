"""Rows of tokens for the training loop: packed, with no attention across examples.

All chat examples begin with the same tokens (the template's system message). A row holds that
prefix once; each example of the row attends to the prefix and to itself, at the positions that
it would have alone. Gradients are those of the unpacked examples exactly, and the prefix is
paid for once a row instead of once an example. Plain-text examples attend to themselves only.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PREFIX = 0
"""Segment number of the shared prefix."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One example in tokens."""

    prompt: tuple[int, ...]
    """Context tokens; empty for plain text."""
    target: tuple[int, ...]
    """Tokens that the loss covers."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


@dataclass(frozen=True, slots=True)
class Row:
    """One packed sequence of the network."""

    ids_T: Tensor
    positions_T: Tensor
    mask_TT: Tensor
    """True where token i may look at token j."""
    sources_N: Tensor
    """Positions whose output predicts a labelled token."""
    targets_N: Tensor
    """Those labelled tokens."""
    weights_N: Tensor
    """Weight of each labelled token in the loss."""
    lengths: tuple[int, ...]
    """Tokens of the prefix (0 if nobody shares it), then of each example behind it."""
    sharing: tuple[bool, ...]
    """Whether each of those looks at the prefix as something before it."""


def shared_prefix(examples: Sequence[Tokens]) -> tuple[int, ...]:
    """Return the longest token prefix that all chat prompts share, short of a whole prompt."""
    prompts = [example.prompt for example in examples if example.prompt]
    if not prompts:
        return ()
    low, high = min(prompts), max(prompts)
    length = 0
    limit = min(len(prompt) for prompt in prompts) - 1
    while length < limit and low[length] == high[length]:
        length += 1
    return low[:length]


def plan_rows(examples: Sequence[Tokens], budget: int, prefix: int, seed: int) -> list[list[int]]:
    """Shuffle the examples and deal them into rows of like size, at most `budget` tokens each.

    Like size, because a step with a few left-over tokens would move the weights as far as a full
    one.

    Args:
        examples: What to pack.
        budget: Tokens a row; an example longer than that gets a row of its own, uncut.
        prefix: Length of the shared prefix, counted once a row.
        seed: Order of the epoch.

    Returns:
        Indices into `examples`, a list for each row; each example stands in exactly one row.
    """
    shuffle = random.Random(seed)
    order = list(range(len(examples)))
    shuffle.shuffle(order)
    costs = [_cost(example, prefix) for example in examples]
    room = budget - prefix
    fitting = [index for index in order if costs[index] <= room]
    rows = [[index] for index in order if costs[index] > room]
    count = math.ceil(sum(costs[index] for index in fitting) / room) if fitting else 0
    while (dealt := _deal(fitting, costs, count, room)) is None:
        count += 1
    rows += dealt
    shuffle.shuffle(rows)
    return rows


def _deal(
    order: Sequence[int], costs: Sequence[int], count: int, room: int
) -> list[list[int]] | None:
    """Give each example to the emptiest of `count` rows; None if one does not fit."""
    rows: list[list[int]] = [[] for _ in range(count)]
    fill = [(0, row) for row in range(count)]
    for index in order:
        tokens, row = fill[0]
        if tokens + costs[index] > room:
            return None
        rows[row].append(index)
        heapq.heapreplace(fill, (tokens + costs[index], row))
    return rows


def build_row(examples: Sequence[Tokens], prefix: Sequence[int]) -> Row:
    """Lay examples out in one row behind their shared prefix."""
    share = any(example.prompt for example in examples)
    ids: list[int] = list(prefix) if share else []
    positions: list[int] = list(range(len(ids)))
    lengths = [len(ids)]
    sharing = [False]
    sources: list[int] = []
    targets: list[int] = []
    for example in examples:
        skip = len(prefix) if example.prompt else 0
        tokens = [*example.prompt[skip:], *example.target]
        start = len(ids)
        ids += tokens
        positions += range(skip, skip + len(tokens))
        lengths.append(len(tokens))
        sharing.append(bool(example.prompt))
        first = start + len(example.prompt) - skip
        # A plain text's first token has nothing before it that could predict it.
        for place in range(max(first, start + (0 if example.prompt else 1)), len(ids)):
            sources.append(place - 1)
            targets.append(ids[place])
    return Row(
        ids_T=torch.tensor(ids),
        positions_T=torch.tensor(positions),
        mask_TT=_mask(lengths, sharing),
        sources_N=torch.tensor(sources, dtype=torch.long),
        targets_N=torch.tensor(targets, dtype=torch.long),
        weights_N=torch.ones(len(targets)),
        lengths=tuple(lengths),
        sharing=tuple(sharing),
    )


def _cost(example: Tokens, prefix: int) -> int:
    return len(example) - (prefix if example.prompt else 0)


def _mask(lengths: Sequence[int], sharing: Sequence[bool]) -> Tensor:
    segment_T = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    same_TT = segment_T[:, None] == segment_T[None, :]
    prefix_TT = torch.tensor(sharing)[segment_T][:, None] & (segment_T == PREFIX)[None, :]
    return torch.tril(same_TT | prefix_TT)
