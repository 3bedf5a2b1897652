"""Rows of tokens for the training loop: packed, with no attention across examples.

All chat examples begin with the same tokens (the template's system message). A row holds that
prefix once; each example of the row attends to the prefix and to itself, at the positions that
it would have alone. Gradients are those of the unpacked examples exactly, and the prefix is
paid for once a row instead of once an example. Plain-text examples attend to themselves only.
"""

from __future__ import annotations

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
    """Shuffle the examples and group them into rows of at most `budget` tokens.

    Args:
        examples: What to pack.
        budget: Tokens a row; an example longer than that gets a row of its own, uncut.
        prefix: Length of the shared prefix, counted once a row.
        seed: Order of the epoch.

    Returns:
        Indices into `examples`, a list for each row; each example stands in exactly one row.
    """
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    rows: list[list[int]] = []
    room: list[int] = []
    open_rows: list[int] = []
    for index in order:
        cost = _cost(examples[index], prefix)
        # First fit among the last few open rows: near-full rows, and the order stays random.
        for slot in open_rows:
            if cost <= room[slot]:
                rows[slot].append(index)
                room[slot] -= cost
                break
        else:
            rows.append([index])
            room.append(budget - prefix - cost)
            open_rows = [*open_rows[-3:], len(rows) - 1]
    return rows


def build_row(examples: Sequence[Tokens], prefix: Sequence[int]) -> Row:
    """Lay examples out in one row behind their shared prefix."""
    share = any(example.prompt for example in examples)
    ids: list[int] = list(prefix) if share else []
    positions: list[int] = list(range(len(ids)))
    segments: list[int] = [PREFIX] * len(ids)
    sharing: list[bool] = [True] * len(ids)
    sources: list[int] = []
    targets: list[int] = []
    for number, example in enumerate(examples, start=1):
        skip = len(prefix) if example.prompt else 0
        tokens = [*example.prompt[skip:], *example.target]
        start = len(ids)
        ids += tokens
        positions += range(skip, skip + len(tokens))
        segments += [number] * len(tokens)
        sharing += [bool(example.prompt)] * len(tokens)
        first = start + len(example.prompt) - skip
        # A plain text's first token has nothing before it that could predict it.
        for place in range(max(first, start + (0 if example.prompt else 1)), len(ids)):
            sources.append(place - 1)
            targets.append(ids[place])
    return Row(
        ids_T=torch.tensor(ids),
        positions_T=torch.tensor(positions),
        mask_TT=_mask(segments, sharing),
        sources_N=torch.tensor(sources, dtype=torch.long),
        targets_N=torch.tensor(targets, dtype=torch.long),
        weights_N=torch.ones(len(targets)),
    )


def _cost(example: Tokens, prefix: int) -> int:
    return len(example) - (prefix if example.prompt else 0)


def _mask(segments: Sequence[int], sharing: Sequence[bool]) -> Tensor:
    segment_T = torch.tensor(segments)
    same_TT = segment_T[:, None] == segment_T[None, :]
    prefix_TT = torch.tensor(sharing)[:, None] & (segment_T == PREFIX)[None, :]
    return torch.tril(same_TT | prefix_TT)
