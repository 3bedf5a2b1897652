"""Sentence embeddings by torch: the mean of a small encoder's last states over a text's tokens.

Source:
    Reimers and Gurevych 2019, "Sentence-BERT", section 3, pooling MEAN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 256
"""Tokens of a text that are read; what the known encoder was trained on."""
BATCH = 64


class TorchEmbedder:
    """Implements `protocols.Embedder`; the weights are loaded when the first text comes."""

    def __init__(self, name: str, folder: Path, layer: int | None = None) -> None:
        """Name the encoder and the folder of its weights, as `save_pretrained` leaves them.

        Args:
            name: Of its vectors.
            folder: Of its weights.
            layer: Whose states are averaged, from 1; those after it are not computed. None: the last.
        """
        self.name = name
        self.folder = folder
        self._layer = layer

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 of shape [texts, dimensions]; at least one text is given."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # little padding
        batches = [
            self._means([texts[place] for place in order[start : start + BATCH]])
            for start in range(0, len(order), BATCH)
        ]
        found: np.ndarray = np.concatenate(batches)[np.argsort(order)]
        return found

    def _means(self, texts: list[str]) -> np.ndarray:
        import torch

        tokenizer, model = self._loaded
        rows = tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        with torch.inference_mode():
            states_BTD = model(**rows).last_hidden_state
        weight_BT1 = rows["attention_mask"].unsqueeze(-1).float()
        mean_BD = (states_BTD * weight_BT1).sum(1) / weight_BT1.sum(1)
        unit_BD: np.ndarray = torch.nn.functional.normalize(mean_BD, dim=-1).numpy()
        return unit_BD

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        model = AutoModel.from_pretrained(self.folder, local_files_only=True)
        if self._layer is not None:
            model.encoder.layer = model.encoder.layer[: self._layer]
        return tokenizer, model.float().eval()
