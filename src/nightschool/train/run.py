"""One training run: its plan, its steps, what holds it to what is known, and its checkpoints.

What bends a step toward keeping what is known is made once, before the first step, and nothing by default: elastic weight
consolidation (`ewc.py`), sparse updates (`sparse.py`), updates at right angles to what is known (`subspace.py`) and, after the last
step, a mixture with the start (`blend.py`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import Parameter

from nightschool.config import TrainConfig
from nightschool.errors import Diverged
from nightschool.protocols import Progress
from nightschool.train import blocks
from nightschool.train.anchors import Anchors
from nightschool.train.blend import HELD_OUT, blend
from nightschool.train.checkpoint import Checkpoint
from nightschool.train.ewc import Consolidation, fisher
from nightschool.train.footprint import peak_bytes, trim
from nightschool.train.forward import bare, scores_at, with_adapters
from nightschool.train.losses import Loss, kl_to_kept
from nightschool.train.masters import Masters
from nightschool.train.packing import Row, Tokens, build_row, plan_rows, shared_prefix
from nightschool.train.recollection import ask_start, labelled, loss_beside_review
from nightschool.train.sparse import Rows, choose
from nightschool.train.subspace import Complement, known_inputs
from nightschool.types import TrainResult, digest

MOST_PASSES = 4
"""A small night may go over its material so many times its epochs, to get its steps."""
ROW_TOKENS = 512
"""Tokens of one row; attention costs grow with its square, the shared prefix shrinks with it."""
BACKGROUND = 48
"""Examples of review, and as many anchors at most, that stand for what is known; and so many for what is new."""
TRIM_STEPS = 8
"""Steps after which freed memory goes back to the system: a tenth of a second each time. Rows differ in
size, and the holes that they leave in the heap otherwise add up to a gigabyte in a night."""
EXPLODED, LEAST_FIRST = 3.0, 1.4
"""A running loss that many times the first ones has diverged; these count at least so much, in nats a token, since review begins near
nothing. Even odds on 49 thousand tokens are 10.8 nats, and chats begin at about three: a collapse to that is told."""

T = TypeVar("T")
Bend = Callable[[Mapping[str, Parameter]], None]
"""Changes the gradients of a step before the optimizer sees them, or the weights after it moved them."""


def pick_precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """Choose the arithmetic of matrix products: bfloat16 only where hardware multiplies it.

    Without such hardware a CPU emulates bfloat16, hundreds of times slower than float32.
    """
    if config.precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def _spread(all_: Sequence[T]) -> Sequence[T]:
    """Return at most `BACKGROUND` of some examples, from all over."""
    return all_[:: math.ceil(len(all_) / BACKGROUND) or 1]


class Run:
    """One training run in progress."""

    def __init__(
        self,
        model: Any,
        tokens: Sequence[Tokens],
        news: int,
        config: TrainConfig,
        loss: Loss,
        anchors: Anchors | None,
        name: str,
    ) -> None:
        """Take the tokens of every example; those from number `news` on are review."""
        self.config, self.tokens, self.loss, self.anchors = config, tokens, loss, anchors
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = pick_precision(config, self.device)
        torch.manual_seed(config.seed)
        self.model = with_adapters(model, config.lora_rank) if config.method == "lora" else model
        self.model.to(self.device).train()
        self.masters = Masters(self.model, self.precision)
        # A GPU does the whole square faster than it starts many small products.
        self.heads = blocks.key_heads(bare(self.model)) if self.device.type == "cpu" else None
        self.optimizer = torch.optim.AdamW(
            self.masters.trained.values(),
            lr=config.resolved_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.prefix = shared_prefix(tokens)
        self.news = news
        self.held = range(HELD_OUT - 1, news, HELD_OUT) if config.blend else range(0)
        self.steps = self._plan()
        self.name = digest(name, str(self.precision), json.dumps(self.steps))
        self.done = 0
        self.losses: list[float] = []
        self.seen = self.labelled = 0
        self.seconds = 0.0
        self.kept = ask_start(
            self._logits, tokens, range(news, len(tokens)), self.prefix, config.lost_nats
        )
        self.before, self.after = self._retention()
        self.start = (
            {n: p.detach().clone() for n, p in self.masters.trained.items()} if self.held else {}
        )

    def _retention(self) -> tuple[list[Bend], list[Bend]]:
        """Make what bends each step, before and after the optimizer, so that what is known is kept; nothing by default."""
        config, trained = self.config, self.masters.trained
        if not config.ewc and config.sparse is None and config.subspace is None:
            return [], []
        known = [build_row([t], ()) for t in _spread(self.tokens[self.news :])]
        if self.anchors:
            plain = [Tokens((), tuple(ids_S.tolist())) for ids_S in self.anchors.ids_AS]
            known += [build_row([t], ()) for t in _spread(plain)]
        made: list[Bend] = []
        after: list[Bend] = []
        if config.ewc:
            losses = [partial(self._told, row) for row in known]
            information = fisher(trained, losses, self.masters.collect)
            made.append(Consolidation(trained, information, config.ewc))
        if config.sparse is not None:
            new = [build_row([t], ()) for t in _spread(self.tokens[: self.news])]
            runs = [[partial(self._logits, row) for row in rows] for rows in (new, known)]
            made.append(Rows(choose(bare(self.model), config.sparse, *runs)))
        if config.subspace is not None:
            texts = [partial(self._logits, row) for row in known]
            held = Complement(trained, known_inputs(bare(self.model), config.subspace, texts))
            made.append(held.before)
            after.append(held.after)
        return made, after

    def _told(self, row: Row) -> Tensor:
        """Return the loss of a row by its labels."""
        targets_N, weights_N = (x.to(self.device) for x in (row.targets_N, row.weights_N))
        return self.loss(self._logits(row), targets_N, weights_N)

    def _plan(self) -> list[list[list[int]]]:
        """Lay out every step of every epoch beforehand: a step is a few rows of example indices.

        An epoch reads everything that is new, and its own part of the review.
        """
        size = min(ROW_TOKENS, self.config.tokens_per_step)
        rows_per_step = max(1, self.config.tokens_per_step // size)
        steps: list[list[list[int]]] = []
        for epoch in range(self.config.epochs * MOST_PASSES):
            if epoch >= self.config.epochs and len(steps) >= self.config.min_steps:
                break
            part = self.news + epoch % self.config.epochs
            new = [i for i in range(self.news) if i not in self.held]
            read = [*new, *range(part, len(self.tokens), self.config.epochs)]
            chosen = [self.tokens[i] for i in read]
            rows = plan_rows(chosen, size, len(self.prefix), self.config.seed * 1000 + epoch)
            rows = [[read[i] for i in row] for row in rows]
            count = math.ceil(len(rows) / rows_per_step)
            steps += [rows[step::count] for step in range(count)]
        return steps

    def go(self, checkpoint: Checkpoint, progress: Progress | None) -> TrainResult:
        """Take all steps that are left, and leave the weights in `model`.

        Raises:
            Diverged: The loss is not finite, or three times what it began with.
        """
        self._resume(checkpoint)
        begun = last_saved = time.monotonic()
        earlier = self.seconds
        while self.done < len(self.steps):
            self._step(self.steps[self.done])
            self.done += 1
            self.seconds = earlier + time.monotonic() - begun
            self._check()
            if progress:
                progress(self.done, len(self.steps), self.losses[-1])
            if self.done % TRIM_STEPS == 0:
                trim()
            if time.monotonic() - last_saved > self.config.checkpoint_seconds:
                self._save(checkpoint)
                last_saved = time.monotonic()
        kept = blend(self.start, self.masters.trained, self._cost) if self.held else None
        self.masters.restore()
        blocks.release(bare(self.model))
        self.model.eval()
        return TrainResult(
            kind=self.config.method,
            steps=len(self.steps),
            tokens=self.seen,
            labelled_tokens=self.labelled,
            seconds=self.seconds,
            peak_bytes=peak_bytes(),
            first_loss=self.losses[0],
            last_loss=sum(self.losses[-5:]) / len(self.losses[-5:]),
            losses=tuple(round(loss, 4) for loss in self.losses),
            kept=kept,
        )

    def _step(self, rows: Sequence[Sequence[int]]) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.resolved_rate * self._schedule()
        built = [build_row([self.tokens[i] for i in row], self.prefix) for row in rows]
        weight = sum(float(row.weights_N.sum()) for row in built)
        total = 0.0
        for numbers, row in zip(rows, built, strict=True):
            part = self._row_loss(numbers, row) / weight
            part.backward()
            self.masters.collect()
            total += float(part.detach())
            self.seen += len(row.ids_T)
            self.labelled += len(row.targets_N)
        if self.anchors:
            self._hold(self.anchors)
        for bend in self.before:
            bend(self.masters.trained)
        torch.nn.utils.clip_grad_norm_(self.masters.trained.values(), self.config.clip_norm)
        self.optimizer.step()
        for bend in self.after:
            bend(self.masters.trained)
        self.optimizer.zero_grad(set_to_none=True)
        self.masters.publish()
        self.losses.append(total)

    def _hold(self, anchors: Anchors) -> None:
        """Add the gradient of the distance from the base on one anchor; the losses do not count it."""
        distance = self._distance(anchors, self.done % len(anchors.ids_AS))
        (self.config.anchor_weight * distance).backward()
        self.masters.collect()
        self.seen += anchors.ids_AS.shape[1]

    def _distance(self, anchors: Anchors, number: int) -> Tensor:
        """Return how far the weights are from the base on one anchor, in nats a token."""
        row = build_row([Tokens((), tuple(anchors.ids_AS[number].tolist()))], ())
        top_NK, log_NK = (
            x_ASK[number, :-1].to(self.device) for x_ASK in (anchors.top_ASK, anchors.log_ASK)
        )
        return kl_to_kept(self._logits(row), top_NK, log_NK) / len(top_NK)

    def _row_loss(self, numbers: Sequence[int], row: Row) -> Tensor:
        logits_NV = self._logits(row)
        places = [labelled(self.tokens[number]) for number in numbers]
        return loss_beside_review(self.loss, self.kept, numbers, places, row, logits_NV)

    def _logits(self, row: Row) -> Tensor:
        """Return the scores of the places that predict a labelled token."""
        layout = blocks.lay_out(row.lengths, row.sharing, self.heads) if self.heads else None
        extra = {blocks.ARGUMENT: layout} if layout else {}
        return scores_at(
            self.model,
            row.ids_T,
            row.positions_T,
            row.mask_TT,
            row.sources_N,
            self.precision,
            extra,
        )

    @torch.no_grad()
    def _cost(self) -> float:
        """Return what the weights cost on held-out news, on review and on plain text, in nats a token of each."""
        self.masters.publish()
        new = [build_row([self.tokens[i]], ()) for i in self.held]
        cost = sum(float(self._told(row)) for row in new) / sum(len(row.targets_N) for row in new)
        review = [i for i in range(self.news, len(self.tokens)) if i in self.kept]
        pairs = [([i], build_row([self.tokens[i]], ())) for i in _spread(review)]
        if pairs:
            total = sum(float(self._row_loss(numbers, row)) for numbers, row in pairs)
            cost += total / sum(len(row.targets_N) for _, row in pairs)
        if self.anchors:
            numbers = _spread(range(len(self.anchors.ids_AS)))
            cost += sum(float(self._distance(self.anchors, i)) for i in numbers) / len(numbers)
        return cost

    def _schedule(self) -> float:
        """Return the share of the peak rate: a linear rise over the warm-up, then a linear fall."""
        total = len(self.steps)
        warm = max(1, round(total * self.config.warmup))
        if self.done < warm:
            return (self.done + 1) / warm
        return max(0.02, (total - self.done) / max(1, total - warm))

    def _check(self) -> None:
        loss, recent = self.losses[-1], self.losses[-5:]
        first = max(*self.losses[:3], LEAST_FIRST)
        exploded = len(self.losses) > 10 and min(recent) > EXPLODED * first
        if not math.isfinite(loss) or exploded:
            raise Diverged(
                f"The loss is {loss:.3g} at step {self.done} of {len(self.steps)} (it began at "
                f"{self.losses[0]:.3g}). Lower train.learning_rate (now {self.config.resolved_rate:g})."
            )

    def _resume(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.load(self.name)
        if state is None:
            return
        for name, value in state["weights"].items():
            self.masters.trained[name].data.copy_(value)
        self.masters.publish()
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        counts = state["counts"]
        self.done, self.seen, self.labelled = counts["done"], counts["seen"], counts["labelled"]
        self.losses, self.seconds = counts["losses"], counts["seconds"]

    def _save(self, checkpoint: Checkpoint) -> None:
        checkpoint.save(
            self.name,
            {
                "weights": {name: p.data for name, p in self.masters.trained.items()},
                "optimizer": self.optimizer.state_dict(),
                "rng": torch.get_rng_state(),
                "counts": {
                    "done": self.done,
                    "seen": self.seen,
                    "labelled": self.labelled,
                    "losses": self.losses,
                    "seconds": self.seconds,
                },
            },
        )
