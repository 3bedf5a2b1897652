"""The learning rate that suits a base model: relative to the size of its weights.

AdamW moves every weight by about the learning rate at each step, whatever the weight's size. Gemma 3 270M holds weights a
fifth as large as SmolLM2-135M's: at one rate for both, a night that teaches the one breaks the other.

Source:
    Step sizes relative to the parameters' root mean square: Shazeer & Stern 2018, "Adafactor", section 8. Differs: one factor
    for the whole model, the mean over its matrices, so that the layers keep their proportions; the optimizer is AdamW.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nightschool.errors import ModelCorrupt

MEASURED_ON = 0.19266
"""Mean root mean square of SmolLM2-135M's matrices, for which the settings' own rates were measured."""
APART = ("embed", "lm_head", "wte", "wpe")
"""Parts of the names of matrices that are looked up or read out, whose scale is of another kind."""


class Rated(Protocol):
    """Settings of training, by night or in practice."""

    @property
    def learning_rate(self) -> float | None:
        """The rate that was set; None: none was."""
        ...

    @property
    def resolved_rate(self) -> float:
        """That, or the one for weights as large as `MEASURED_ON`."""
        ...


def peak_rate(base: Path, config: Rated) -> float:
    """Return the peak learning rate of a night that builds the base anew, or of practice.

    Args:
        base: The base model's folder.
        config: Its `learning_rate` is taken as it is where one is set.

    Raises:
        ModelCorrupt: The weights cannot be read, or there is no matrix among them.
    """
    if config.learning_rate is not None:
        return config.learning_rate
    return config.resolved_rate * weight_size(base) / MEASURED_ON


def weight_size(folder: Path) -> float:
    """Return the mean, over a model's matrices, of the root mean square of their weights.

    Raises:
        ModelCorrupt: The weights cannot be read, or there is no matrix among them.
    """
    from safetensors import SafetensorError, safe_open

    sizes: list[float] = []
    try:
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, "pt") as stored:
                for name in stored.keys():  # noqa: SIM118, it is no mapping
                    if len(stored.get_slice(name).get_shape()) == 2 and not any(
                        part in name for part in APART
                    ):
                        sizes.append(stored.get_tensor(name).float().square().mean().sqrt().item())
    except (SafetensorError, OSError) as error:
        raise ModelCorrupt(
            f"The weights in {folder} cannot be read: {error}. Pull the model again."
        ) from error
    if not sizes:
        raise ModelCorrupt(f"{folder} holds no matrix of weights. Pull the model again.")
    return sum(sizes) / len(sizes)
