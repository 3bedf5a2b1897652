"""llama.cpp inside this process as the engine: the untouched base model, from its GGUF."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightschool.errors import ModelCorrupt, UnknownVersion

PARALLEL = 8
"""Answers decoded together."""
CONTEXT = 2048
"""Tokens of context for each of them."""


class InProcessEngine:
    """A GGUF behind llama.cpp's own HTTP API on a loopback port; implements `protocols.Engine`."""

    def __init__(self, gguf: Path, threads: int | None = None) -> None:
        """Load the weights.

        Args:
            gguf: The model's file.
            threads: For decoding; None takes a thread for each core.

        Raises:
            ModelCorrupt: llama.cpp cannot read the file.
        """
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(gguf)
        parameters.n_ctx = CONTEXT * PARALLEL
        parameters.n_parallel = PARALLEL
        parameters.cpuparams.n_threads = threads or os.cpu_count() or 1
        parameters.use_jinja = True
        parameters.warmup = False
        parameters.verbosity = -1
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelCorrupt(
                f"llama.cpp cannot read {gguf}: {error}. Delete its folder and pull the model again."
            ) from error
        self.address: str = self._server.listening_address
        self.headers: Mapping[str, str] = {}

    def alive(self) -> bool:
        """Tell whether it was not closed."""
        return self._server is not None

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return nothing: there is one model; see `protocols.Engine`.

        Raises:
            UnknownVersion: It is not the base.
        """
        if version_id != "base":
            raise UnknownVersion(f"This engine holds the base model only, not {version_id}.")
        return {}

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return the field that leaves the cache alone; see `protocols.Engine`."""
        return {"cache_prompt": False}

    def close(self) -> None:
        """Stop it; see `protocols.Engine`."""
        self._server = None
