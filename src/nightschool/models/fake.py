"""A sampler and an embedder without a network. Deterministic; they ship for wiring and tests."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from nightschool.protocols import Progress, Prompt

KNOWN_NATS, UNKNOWN_NATS = -0.1, -5.0


class FakeSampler:
    """Looks the last message up in a table; implements `protocols.Sampler`."""

    def __init__(self, answers: Mapping[str, str], default: str = "I do not know.") -> None:
        self.answers = dict(answers)
        self.default = default

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer from the table, cut at `max_tokens` words."""
        found = [re.findall(r"\S+\s*", self._answer(prompt))[:max_tokens] for prompt in prompts]
        if progress:
            progress(len(found), len(found))
        return ["".join(words).strip() for words in found]

    def score(
        self, pairs: Sequence[tuple[Prompt, str]], *, progress: Progress | None = None
    ) -> list[list[float]]:
        """Give each word of a target one value: high where the table has that target."""
        values = [
            KNOWN_NATS if prompt and self._answer(prompt) == target else UNKNOWN_NATS
            for prompt, target in pairs
        ]
        if progress:
            progress(len(values), len(values))
        words = [len(target.split()) - (not prompt) for prompt, target in pairs]
        return [[value] * count for value, count in zip(values, words, strict=True)]

    def _answer(self, prompt: Prompt) -> str:
        return self.answers.get(prompt[-1].content, self.default) if prompt else self.default


class FakeEmbedder:
    """Counts groups of three letters; texts with letters in common are near. Implements `protocols.Embedder`."""

    name = "letters"
    size = 256

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 of shape [texts, 256]."""
        found = np.full((len(texts), self.size), 1e-6, dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            padded = f"  {text.lower()} "
            for start in range(len(padded) - 2):
                row[zlib.crc32(padded[start : start + 3].encode()) % self.size] += 1
        unit: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit
