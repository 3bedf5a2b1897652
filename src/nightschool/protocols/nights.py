"""Who writes study material, who trains, and who judges answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nightschool.config import TrainConfig
from nightschool.protocols.engines import Progress, Writer
from nightschool.types import Example, Item, Memory, Score, TrainResult


class Trainer(Protocol):
    """Turns examples into a new set of weights."""

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
        """Train from the model folder `start` and leave the weights in the folder `out`.

        Of `review`, which `start` was trained on, each pass over the examples reads its own part, held to
        what `start` says there.

        Killed and called again with the same arguments, it resumes and ends the same.
        `out` exists only once it is complete.
        """
        ...


class Author(Protocol):
    """Writes study material about memories."""

    name: str

    @property
    def reader(self) -> Writer | None:
        """The model that wrote, to be asked about it with the source in front; None where nothing needs a check."""
        ...

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Write examples; each names the memories it came from. May skip memories."""
        ...


class Verifier(Protocol):
    """Checks one answer against one item."""

    def verify(self, item: Item, answer: str) -> Score:
        """Grade; a verifier that cannot tell says `unscored`, never wrong."""
        ...
