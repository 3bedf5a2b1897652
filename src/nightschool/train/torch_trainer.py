"""The trainer behind the seam: full fine-tuning or LoRA of a causal language model, on CPU or GPU.

Covers what a night's weights are and how a killed run is taken up again; the run itself is `run.py`. Not covered: how a
model is loaded and a chat is rendered (handed in, from `models/`), and what to train on (`study/`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightschool.codec import from_json, to_json
from nightschool.config import TrainConfig
from nightschool.errors import TrainError
from nightschool.leftovers import clear_torn
from nightschool.protocols import Progress
from nightschool.train.anchors import Anchors, read_anchors
from nightschool.train.checkpoint import Checkpoint
from nightschool.train.losses import Loss, cross_entropy
from nightschool.train.packing import Tokens
from nightschool.train.recollection import labelled
from nightschool.train.run import Run
from nightschool.types import Example, TrainResult, digest
from nightschool.workspace import folder_atomic

log = logging.getLogger(__name__)

Load = Callable[[Path], Any]
"""Folder -> an object with `.model` and `.tokenizer`."""
Render = Callable[[Any, Sequence[Any], str], tuple[list[int], list[int]]]
"""(tokenizer, prompt, target) -> (prompt tokens, target tokens)."""


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
            TrainError: There are no examples, or none with a token to be learnt.
            ModelCorrupt: The model or the anchors cannot be read.
            Diverged: The loss is not finite, or three times what it began with.
        """
        checkpoint = Checkpoint(out.parent / f"{out.name}.checkpoint")
        clear_torn(out)
        if out.exists():
            checkpoint.discard()  # where a kill came between the last two steps
            return from_json(TrainResult, (out / "train.json").read_text("utf-8"))
        loaded = self.load(start)
        news = self._tokens(loaded.tokenizer, examples)
        if not news:
            raise TrainError(
                "No examples to train on. Learn something first, or lower the filters."
            )
        tokens = [*news, *self._tokens(loaded.tokenizer, review)]
        anchors = read_anchors(self.anchors) if self.anchors and config.anchor_weight else None
        name = _fingerprint(start, [*examples, *review], config, anchors)
        run = Run(loaded.model, tokens, len(news), config, self.loss, anchors, name)
        result = run.go(checkpoint, progress)
        with folder_atomic(out) as folder:
            run.model.save_pretrained(folder, safe_serialization=True)
            loaded.tokenizer.save_pretrained(folder)
            (folder / "train.json").write_text(to_json(result), "utf-8")
        checkpoint.discard()
        return result

    def _tokens(self, tokenizer: Any, examples: Sequence[Example]) -> list[Tokens]:
        """Render examples; one without a token that anything predicts teaches nothing, and is left out."""
        found = [Tokens(*map(tuple, self.render(tokenizer, e.prompt, e.target))) for e in examples]
        for example, tokens in zip(examples, found, strict=True):
            if labelled(tokens) < 1:
                log.warning("%s has no token to be learnt and is left out.", example.id)
        return [tokens for tokens in found if labelled(tokens) > 0]


def _fingerprint(
    start: Path, examples: Sequence[Example], config: TrainConfig, anchors: Anchors | None
) -> str:
    """Name a run by what it is to train, so that another run's checkpoint is not used.

    Its start by its folder's name alone: the workspace may be named another way, or have been moved.
    """
    held = str(anchors.ids_AS.tolist()) if anchors else ""
    return digest(
        start.resolve().name,
        config.model_dump_json(),
        held,
        *(to_json(replace(e, id="")) for e in examples),
    )
