"""Draw tokens from a network: batched, with their log-probabilities; a prompt that is asked often is read once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nightschool import shared_prefix
from nightschool.attention import window
from nightschool.protocols import Progress
from nightschool.types import Continuation

ROWS = 64
"""Sequences decoded together, at most."""
ROW_TOKENS = 20_000
"""Tokens, padding and answers included, of the sequences decoded together: each keeps its keys and values."""


def draw(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    end: int,
    max_tokens: int,
    temperature: float,
    seed: int,
    precision: torch.dtype,
    row_tokens: int = ROW_TOKENS,
    progress: Progress | None = None,
) -> list[Continuation]:
    """Continue prompts until the end-of-turn token.

    Args:
        model: A causal language model of transformers, on its device.
        prompts: Tokens, none empty. Equal ones side by side are read once.
        end: The end-of-turn token.
        max_tokens: Bound of an answer, with that token.
        temperature: 0 takes the likeliest token each time; its log-probability is then at temperature 1.
        seed: Of the choices; the same prompts and seed give the same tokens.
        precision: Of the matrix products.
        row_tokens: Bound of the tokens of a batch, padding and answers included.
        progress: Told after each batch how many prompts are answered.
    """
    device = next(model.parameters()).device
    chance = torch.Generator().manual_seed(seed)
    order = sorted(range(len(prompts)), key=lambda k: (len(prompts[k]), tuple(prompts[k])))
    found: list[Continuation | None] = [None] * len(prompts)
    with (
        torch.no_grad(),
        torch.autocast(device.type, precision, enabled=precision != torch.float32),
    ):
        done = 0
        for batch in _batches(order, prompts, max_tokens, row_tokens, shared_prefix.taken(model)):
            drawn = _Batch(model, [prompts[k] for k in batch], end, temperature, chance)
            for k, one in zip(batch, drawn.go(max_tokens), strict=True):
                found[k] = one
            done += len(batch)
            if progress:
                progress(done, len(prompts))
    return [one for one in found if one is not None]


def _batches(
    order: Sequence[int], prompts: Sequence[Sequence[int]], max_tokens: int, most: int, once: bool
) -> list[list[int]]:
    """Cut prompts, shortest first, into batches that fit; `once`: equal ones side by side take the room of one."""
    batches: list[list[int]] = []
    read = 0
    for k in order:
        last = batches[-1] if batches else []
        another = not (once and last and tuple(prompts[k]) == tuple(prompts[last[-1]]))
        room = (read + another) * len(prompts[k]) + (len(last) + 1) * max_tokens
        if not last or len(last) >= ROWS or room > most:
            batches.append([])
            read, another = 0, True
        batches[-1].append(k)
        read += another
    return batches


class _Batch:
    """Prompts that are continued side by side; a row leaves with its last token."""

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], end: int, temperature: float, chance: torch.Generator
    ) -> None:  # fmt: skip
        self._model, self._end, self._temperature, self._chance = model, end, temperature, chance
        self._device = next(model.parameters()).device
        self._prompts = prompts
        self._tokens: list[list[int]] = [[] for _ in prompts]
        self._logs: list[list[float]] = [[] for _ in prompts]
        self._ended = [False] * len(prompts)
        self._begun: list[shared_prefix.Beginning] = []
        """What prompts begin with, where it is kept apart from the rows' own keys and values."""
        self._before_B1 = torch.zeros(1, 1, dtype=torch.long)
        """Its tokens, of each row."""
        self._own_B: list[int] = []
        """Which prompt each row goes on from, where prompts are kept apart."""

    def go(self, max_tokens: int) -> list[Continuation]:
        """Continue all of them."""
        different = list(dict.fromkeys(map(tuple, self._prompts)))
        columns = zip(*(prompt[:-1] for prompt in different), strict=False)
        shared = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
        often = len(different) < len(self._prompts)
        apart = shared_prefix.taken(self._model) and (often or shared >= shared_prefix.WORTH)
        back = window(self._model.config)
        if back is not None and max(map(len, different)) + max_tokens > back:
            # transformers measures windows by places in the cache: no padding may lie behind what is shared.
            shared = 0
        with shared_prefix.shared_attention(self._model) if apart else contextlib.nullcontext():
            return self._going(different, shared, apart, max_tokens)

    def _going(
        self, different: Sequence[tuple[int, ...]], shared: int, apart: bool, max_tokens: int
    ) -> list[Continuation]:
        from transformers import DynamicCache

        self._cache = DynamicCache()
        going = list(range(len(self._prompts)))
        scores_BV, mask_BT = self._read(different, shared, apart)
        for left in range(max_tokens, 0, -1):
            next_B, logs_B = _choose(scores_BV.float(), self._temperature, self._chance)
            stay = []
            for row, (k, token, log) in enumerate(
                zip(going, next_B.tolist(), logs_B.tolist(), strict=True)
            ):
                self._tokens[k].append(token)
                self._logs[k].append(log)
                self._ended[k] = token == self._end
                if not self._ended[k]:
                    stay.append(row)
            if not stay or left == 1:
                break
            if len(stay) < len(going):
                self._leave(stay)
                going = [going[row] for row in stay]
                mask_BT, next_B = mask_BT[stay], next_B[stay]
            mask_BT = torch.cat([mask_BT, torch.ones(len(going), 1, dtype=torch.long)], dim=-1)
            scores_BV = self._step(next_B[:, None], mask_BT)
        return [
            Continuation(tuple(tokens), tuple(logs), ended)
            for tokens, logs, ended in zip(self._tokens, self._logs, self._ended, strict=True)
        ]

    def _read(
        self, different: Sequence[tuple[int, ...]], shared: int, apart: bool
    ) -> tuple[Tensor, Tensor]:
        """Read what all prompts begin with, then the rest of each different prompt, then hand it to its rows."""
        from transformers import DynamicCache

        if shared:
            prefix_1P = torch.tensor([different[0][:shared]], device=self._device)
            self._model.base_model(input_ids=prefix_1P, past_key_values=self._cache, use_cache=True)
            if apart and shared >= shared_prefix.WORTH:
                self._begun = [shared_prefix.Beginning(shared_prefix.kept(self._cache))]
                self._before_B1, self._cache = self._before_B1 + shared, DynamicCache()
            elif len(different) > 1:
                self._cache.batch_repeat_interleave(len(different))
        width = max(map(len, different)) - shared
        rests = [list(prompt[shared:]) for prompt in different]
        gaps = [width - len(rest) for rest in rests]
        ids_UT = torch.tensor([[self._end] * gap + rest for gap, rest in zip(gaps, rests, strict=True)])  # fmt: skip
        seen = shared - int(self._before_B1)
        mask_UT = torch.tensor([[1] * seen + [0] * gap + [1] * (width - gap) for gap in gaps])
        scores_UV = self._step(ids_UT, mask_UT)
        if len(different) == len(self._prompts):
            return scores_UV, mask_UT
        place = {prompt: k for k, prompt in enumerate(different)}
        rows_B = torch.tensor([place[tuple(prompt)] for prompt in self._prompts])
        scores_BV = scores_UV[rows_B.to(self._device)]
        if not apart or seen + width < shared_prefix.WORTH:
            self._cache.batch_select_indices(rows_B.to(self._device))
            return scores_BV, mask_UT[rows_B]
        layers = shared_prefix.kept(self._cache)
        self._begun.append(shared_prefix.Beginning(layers, mask_UT.to(self._device)))
        self._begun[-1].share_out(rows_B.tolist())
        self._own_B, self._cache = rows_B.tolist(), DynamicCache()
        self._before_B1 = self._before_B1 + mask_UT.sum(-1, keepdim=True)[rows_B]
        return scores_BV, mask_UT[rows_B, :0]

    def _leave(self, stay: list[int]) -> None:
        """Go on with some of the rows."""
        if self._own_B:
            self._own_B = [self._own_B[row] for row in stay]
            self._begun[-1].share_out(self._own_B)
            self._before_B1 = self._before_B1[stay]
        self._cache.batch_select_indices(torch.tensor(stay, device=self._device))

    def _step(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        places_BT = (mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -ids_BT.shape[1] :] + self._before_B1
        scores_BV: Tensor = self._model(
            input_ids=ids_BT.to(self._device),
            attention_mask=mask_BT.to(self._device),
            position_ids=places_BT.to(self._device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            **({shared_prefix.ARGUMENT: self._begun} if self._begun else {}),
        ).logits[:, -1]
        return scores_BV


def _choose(
    scores_BV: Tensor, temperature: float, chance: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pick each row's next token, and return its log-probability beside it."""
    log_BV = (scores_BV / (temperature or 1.0)).log_softmax(-1)
    if temperature:
        # One uniform number a row against the running sum: a number for each token costs ten times as much.
        sums_BV = log_BV.exp().cumsum(-1)
        at_B1 = torch.rand(len(log_BV), 1, generator=chance).to(log_BV.device)
        next_B1 = torch.searchsorted(sums_BV, at_B1 * sums_BV[:, -1:], right=True)
        next_B1 = next_B1.clamp(max=log_BV.shape[-1] - 1)
    else:
        next_B1 = log_BV.argmax(-1, keepdim=True)
    return next_B1[:, 0].cpu(), log_BV.gather(-1, next_B1)[:, 0].cpu()
