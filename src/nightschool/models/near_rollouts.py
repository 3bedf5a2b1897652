"""Rollouts by a second copy of the start in this process, which knows of the policy only what it is handed.

For wiring and tests: what a policy hands over is loaded by peft itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from nightschool import drawing
from nightschool.errors import EngineFailed
from nightschool.models.torch_model import load
from nightschool.types import Continuation


class NearRollouts:
    """Draws in float32 from the start and the adapter that it was handed last; implements `protocols.RolloutEngine`."""

    def __init__(self, start: Path) -> None:
        """Remember where the start lies.

        Args:
            start: Folder of full weights.
        """
        self.start = start
        self._model: torch.nn.Module | None = None

    def take(self, write: Callable[[Path], None]) -> None:
        """Load an adapter on the start; see `protocols.RolloutEngine.take`.

        Raises:
            ModelMissing: The start holds no model.
            ModelCorrupt: Its files cannot be read.
            EngineFailed: What was handed over is no adapter of it.
        """
        from peft import PeftModel

        start = load(self.start).model
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            try:
                self._model = PeftModel.from_pretrained(start, folder).merge_and_unload().eval()
            except (OSError, ValueError, RuntimeError) as error:
                raise EngineFailed(f"This is no adapter of {self.start}: {error}.") from error

    def draw(
        self,
        prompts: Sequence[tuple[int, ...]],
        *,
        end: int,
        max_tokens: int,
        temperature: float,
        seed: int,
    ) -> list[Continuation]:
        """Continue prompts; see `protocols.RolloutEngine.draw`.

        Raises:
            EngineFailed: No adapter was taken yet.
        """
        if self._model is None:
            raise EngineFailed(
                "There is nothing to draw with. Let the engine take an adapter first."
            )
        return drawing.draw(
            self._model, prompts, end=end, max_tokens=max_tokens, temperature=temperature, seed=seed,
            precision=torch.float32,
        )  # fmt: skip
