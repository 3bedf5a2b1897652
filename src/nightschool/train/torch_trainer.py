"""The training loop: full fine-tuning or LoRA of a causal language model, on CPU or GPU.

Covers packing, the optimizer schedule, divergence, checkpoints and resuming. Not covered: how a
model is loaded and a chat is rendered (handed in, from `models/`), and what to train on (`study/`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nightschool.codec import from_json, to_json
from nightschool.config import TrainConfig
from nightschool.errors import Diverged, TrainError
from nightschool.protocols import Progress
from nightschool.train import blocks
from nightschool.train.anchors import Anchors, read_anchors
from nightschool.train.checkpoint import Checkpoint
from nightschool.train.footprint import peak_bytes, trim
from nightschool.train.forward import bare, scores_at, with_adapters
from nightschool.train.losses import Loss, cross_entropy, kl_to_kept
from nightschool.train.masters import Masters
from nightschool.train.packing import Row, Tokens, build_row, plan_rows, shared_prefix
from nightschool.train.recollection import ask_start, labelled, loss_beside_review
from nightschool.types import Example, TrainResult, digest
from nightschool.workspace import folder_atomic

MOST_PASSES = 4
"""A small night may go over its material so many times its epochs, to get its steps."""
ROW_TOKENS = 512
"""Tokens of one row; attention costs grow with its square, the shared prefix shrinks with it."""
TRIM_STEPS = 8
"""Steps after which freed memory goes back to the system: a tenth of a second each time. Rows differ in
size, and the holes that they leave in the heap otherwise add up to a gigabyte in a night."""
EXPLODED = 4.0
"""A running loss that many times the first one has diverged."""

Load = Callable[[Path], Any]
"""Folder -> an object with `.model` and `.tokenizer`."""
Render = Callable[[Any, Sequence[Any], str], tuple[list[int], list[int]]]
"""(tokenizer, prompt, target) -> (prompt tokens, target tokens)."""


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


@dataclass(frozen=True, slots=True)
class TorchTrainer:
    """Trains transformers models with torch; implements `protocols.Trainer`."""

    load: Load
    render: Render
    anchors: Path | None = None
    """Folder of what the base wrote and thought (`anchors.py`), to which plain text is held; None: to nothing."""
    loss: Loss = cross_entropy

    def train(
        self,
        start: Path,
        examples: Sequence[Example],
        config: TrainConfig,
        out: Path,
        *,
        review: Sequence[Example] = (),
        progress: Progress | None = None,
    ) -> TrainResult:
        """Train from `start` and leave the weights in `out`; see `protocols.Trainer.train`.

        Killed and called again with the same arguments, it resumes from its last checkpoint and
        ends with the same weights; called after it is done, it returns the stored result.

        Raises:
            TrainError: There are no examples.
            ModelCorrupt: The model or the anchors cannot be read.
            Diverged: The loss is not finite, or four times what it began with.
        """
        if not examples:
            raise TrainError(
                "No examples to train on. Learn something first, or lower the filters."
            )
        if out.exists():
            return from_json(TrainResult, (out / "train.json").read_text("utf-8"))
        loaded = self.load(start)
        tokens = [
            Tokens(*map(tuple, self.render(loaded.tokenizer, e.prompt, e.target)))
            for e in (*examples, *review)
        ]
        anchors = read_anchors(self.anchors) if self.anchors and config.anchor_weight else None
        name = _fingerprint(start, [*examples, *review], config, anchors)
        run = _Run(loaded.model, tokens, len(examples), config, self.loss, anchors, name)
        checkpoint = Checkpoint(out.parent / f"{out.name}.checkpoint")
        result = run.go(checkpoint, progress)
        with folder_atomic(out) as folder:
            run.model.save_pretrained(folder, safe_serialization=True)
            loaded.tokenizer.save_pretrained(folder)
            (folder / "train.json").write_text(to_json(result), "utf-8")
        checkpoint.discard()
        return result


def _fingerprint(
    start: Path, examples: Sequence[Example], config: TrainConfig, anchors: Anchors | None
) -> str:
    """Name a run by what it is to train, so that another run's checkpoint is not used."""
    held = str(anchors.ids_AS.tolist()) if anchors else ""
    return digest(
        str(start), config.model_dump_json(), held, *(to_json(replace(e, id="")) for e in examples)
    )


class _Run:
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
        self.steps = self._plan()
        self.name = digest(name, str(self.precision), json.dumps(self.steps))
        self.done = 0
        self.losses: list[float] = []
        self.seen = self.labelled = 0
        self.seconds = 0.0
        self.kept = ask_start(
            self._logits, tokens, range(news, len(tokens)), self.prefix, config.lost_nats
        )

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
            read = [*range(self.news), *range(part, len(self.tokens), self.config.epochs)]
            chosen = [self.tokens[i] for i in read]
            rows = plan_rows(chosen, size, len(self.prefix), self.config.seed * 1000 + epoch)
            rows = [[read[i] for i in row] for row in rows]
            count = math.ceil(len(rows) / rows_per_step)
            steps += [rows[step::count] for step in range(count)]
        return steps

    def go(self, checkpoint: Checkpoint, progress: Progress | None) -> TrainResult:
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
        torch.nn.utils.clip_grad_norm_(self.masters.trained.values(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.masters.publish()
        self.losses.append(total)

    def _hold(self, anchors: Anchors) -> None:
        """Add the gradient of the distance from the base on one anchor; the losses do not count it."""
        number = self.done % len(anchors.ids_AS)
        row = build_row([Tokens((), tuple(anchors.ids_AS[number].tolist()))], ())
        top_NK, log_NK = (
            x_ASK[number, :-1].to(self.device) for x_ASK in (anchors.top_ASK, anchors.log_ASK)
        )
        distance = kl_to_kept(self._logits(row), top_NK, log_NK) / len(top_NK)
        (self.config.anchor_weight * distance).backward()
        self.masters.collect()
        self.seen += len(row.ids_T)

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

    def _schedule(self) -> float:
        """Return the share of the peak rate: a linear rise over the warm-up, then a linear fall."""
        total = len(self.steps)
        warm = max(1, round(total * self.config.warmup))
        if self.done < warm:
            return (self.done + 1) / warm
        return max(0.02, (total - self.done) / max(1, total - warm))

    def _check(self) -> None:
        loss, recent = self.losses[-1], self.losses[-5:]
        exploded = len(self.losses) > 10 and min(recent) > EXPLODED * max(self.losses[0], 1.0)
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
