"""A trainer without a network: it copies the starting weights. For wiring tests and dry runs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from nightschool.config import TrainConfig
from nightschool.protocols import Progress
from nightschool.types import Example, TrainResult
from nightschool.workspace import folder_atomic


class FakeTrainer:
    """Leaves the weights as they were and says that it took no time."""

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
        """Copy `start` to `out`."""
        if not out.exists():
            with folder_atomic(out) as folder:
                shutil.copytree(start, folder, dirs_exist_ok=True)
        if progress:
            progress(1, 1)
        return TrainResult(config.method, 0, 0, 0, 0.0, 0, 0.0, 0.0)
