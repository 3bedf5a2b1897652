"""Who answers, and who is told how far long work is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from nightschool.types import Message

Prompt = Sequence[Message]


class Progress(Protocol):
    """Told while long work goes on."""

    def __call__(self, done: int, total: int, loss: float | None = None, /) -> None:
        """Say how far it is; a training step also says its loss."""
        ...


Bar = Callable[[str], AbstractContextManager[Progress]]
"""Label -> a progress bar for one step."""


class Writer(Protocol):
    """Text from a model, wherever it runs."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; temperature 0 is greedy. Order is kept."""
        ...


class Sampler(Writer, Protocol):
    """Text and log-probabilities from one model version."""

    def score(
        self,
        pairs: Sequence[tuple[Prompt, str]],
        *,
        progress: Progress | None = None,
    ) -> list[list[float]]:
        """Return the log-probability (nats) of each token of each target after its prompt.

        An empty prompt scores the target as plain text, without a chat frame; the first token
        of a plain text has no log-probability and is left out.
        """
        ...


class Engine(Protocol):
    """A running model behind an OpenAI-compatible HTTP API: llama.cpp's own server, vLLM, any upstream."""

    address: str
    """Root URL without /v1, such as http://127.0.0.1:41231."""
    headers: Mapping[str, str]
    """Sent with each request, such as an upstream's key; never logged."""

    def alive(self) -> bool:
        """Tell whether it can answer, as far as is known without asking it; costs next to nothing."""
        ...

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return the fields of a request's body that choose the weights of `base` or of a version.

        Raises UnknownVersion where the engine does not hold it.
        """
        ...

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return the fields that keep a tenant's prompts out of the reach of others' prompt caches."""
        ...

    def close(self) -> None:
        """Stop it, with whatever it is answering; a second time does nothing."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors that lie near one another where the texts mean about the same."""

    name: str
    """Which vectors these are; those of different names are never compared."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 of shape [texts, dimensions]."""
        ...
