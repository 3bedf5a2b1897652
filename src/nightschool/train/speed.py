"""What a training run would take on this machine, before it begins."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch

from nightschool.config import TrainConfig
from nightschool.tensors import parameters
from nightschool.train.anchors import LENGTH
from nightschool.train.run import MOST_PASSES, pick_precision

EFFICIENCY = 0.4
"""Share of the matrix product's speed that the training loop reaches, all its other work included."""
CHARACTERS_A_TOKEN = 3.5
BYTES_A_WEIGHT = 16
"""Master weight, gradient and two moments of AdamW, in float32."""
ACTIVATIONS = 1.2e9
"""Bytes of a step's activations and of the libraries; bounded by the tokens of a row."""


def precision() -> torch.dtype:
    """Return the precision that the training loop takes on this machine."""
    return pick_precision(TrainConfig(), _device())


def matmul_bound(products: int = 40) -> float:
    """Return this machine's matrix product in the precision that the loop takes, in GFLOP/s.

    Args:
        products: How many are timed; a few tell the order of magnitude within a tenth of a second.
    """
    device = _device()
    left, right = (
        torch.randn(rows, 1536, dtype=precision(), device=device) for rows in (1024, 1536)
    )
    float((left @ right)[0, 0])
    begun = time.monotonic()
    for _ in range(products):
        last = left @ right
    float(last[0, 0])  # a GPU's work is done when its result is read
    return products * 2 * 1024 * 1536 * 1536 / (time.monotonic() - begun) / 1e9


def training_seconds(folder: Path, characters: int, config: TrainConfig) -> float:
    """Estimate the time of full fine-tuning: six operations a weight and token at `EFFICIENCY` of the bound.

    Args:
        folder: The model.
        characters: Of the study material, prompts and targets.
        config: How it is trained; a small night makes more passes.

    Raises:
        ModelCorrupt: The model's weights cannot be read.
    """
    once = characters / CHARACTERS_A_TOKEN
    read = passes(characters, config)
    anchors = LENGTH * _steps(characters, config) * read if config.anchor_weight else 0
    tokens = once * read + anchors
    return 6 * parameters(folder) * tokens / (EFFICIENCY * matmul_bound(4) * 1e9)


def passes(characters: int, config: TrainConfig) -> int:
    """Return how often a run reads so much material: a small one is read more often, to take its least steps."""
    least = math.ceil(config.min_steps / _steps(characters, config))
    return min(config.epochs * MOST_PASSES, max(config.epochs, least))


def _steps(characters: int, config: TrainConfig) -> int:
    """Return the steps of one pass."""
    return max(1, math.ceil(characters / CHARACTERS_A_TOKEN / config.tokens_per_step))


def seconds_as_before(
    seconds: float, before: int, then: TrainConfig, characters: int, config: TrainConfig
) -> float:
    """Estimate a run's time from that of an earlier one on the same base.

    Args:
        seconds: What the earlier run took.
        before: Characters of its material.
        then: How it was trained.
        characters: Of the study material, prompts and targets.
        config: How it is trained.
    """
    rate = seconds / max(1, before * passes(before, then))
    return rate * characters * passes(characters, config)


def training_bytes(folder: Path) -> int:
    """Estimate the peak memory of full fine-tuning, in bytes.

    Raises:
        ModelCorrupt: The model's weights cannot be read.
    """
    return round(BYTES_A_WEIGHT * parameters(folder) + ACTIVATIONS)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
