"""Sample from a GGUF with llama.cpp, in this process: the fast way to much text on a CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nightschool.errors import ModelCorrupt
from nightschool.protocols import Progress, Prompt

PARALLEL = 8
"""Sequences decoded together."""
CONTEXT = 2048
"""Tokens of context for each of them."""


class LlamaSampler:
    """Text from a GGUF file; implements `protocols.Writer`."""

    def __init__(self, gguf: Path) -> None:
        """Load the weights; `address` serves the engine's own HTTP API on the loopback interface.

        Raises:
            ModelCorrupt: llama.cpp cannot read the file.
        """
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(gguf)
        parameters.n_ctx = CONTEXT * PARALLEL
        parameters.n_parallel = PARALLEL
        parameters.cpuparams.n_threads = os.cpu_count() or 1
        parameters.use_jinja = True
        parameters.warmup = False
        parameters.verbosity = -1
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelCorrupt(
                f"llama.cpp cannot read {gguf}: {error}. Delete its folder and pull the model again."
            ) from error
        self.address: str = self._server.listening_address

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`.

        Raises:
            ModelCorrupt: The engine refuses a prompt; the message is its own.
        """

        def answer(numbered: tuple[int, Prompt]) -> str:
            number, prompt = numbered
            reply: dict[str, Any] = self._server.handle_chat_completions(
                {
                    "messages": [{"role": m.role, "content": m.content} for m in prompt],
                    "max_tokens": max_tokens,
                    "temperature": temperature,
                    "seed": seed + number,
                }
            )
            if "choices" not in reply:
                raise ModelCorrupt(f"llama.cpp gave no answer: {reply}.")
            return str(reply["choices"][0]["message"]["content"]).strip()

        answers = []
        with ThreadPoolExecutor(PARALLEL) as pool:
            for text in pool.map(answer, enumerate(prompts)):
                answers.append(text)
                if progress:
                    progress(len(answers), len(prompts))
        return answers
