"""LoRA adapters in peft's format: what they change, checked against the base that they are put on.

An adapter that is not active while everybody believes it is looks like a version that learnt nothing; peft only
warns of weights that it cannot place. So each is placed here by name and shape before anything is done with it.
Not covered: adapters of other kinds than LoRA, and parts beside the two factors (DoRA, biases, whole modules).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import ModelCorrupt, ModelMissing, ModelUnfit
from nightschool.tensors import shapes

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
PLAIN: Mapping[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",),
    "use_dora": (None, False),
    "bias": (None, "none"),
    "fan_in_fan_out": (None, False),
    "modules_to_save": (None, []),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "layer_replication": (None, []),
    "target_parameters": (None, []),
    "trainable_token_indices": (None, []),
}
"""Settings, and the values that a plain LoRA has there."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The two factors of each changed layer."""

    file: Path
    rank: int
    alpha: float
    rank_stabilised: bool
    """Whether the scale is alpha over the root of the rank."""
    layers: tuple[str, ...]
    """The changed linear layers, by their names in the base."""

    @property
    def scale(self) -> float:
        """What the product of the factors is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilised else self.rank)


def read_adapter(folder: Path, base: Path) -> Adapter:
    """Read what an adapter is, and see that each of its weights belongs to a layer of the base.

    Args:
        folder: Holds adapter_config.json and adapter_model.safetensors.
        base: The folder of the base model.

    Raises:
        ModelMissing: A file is missing; weights in other formats than safetensors are not read.
        ModelCorrupt: A file cannot be read.
        ModelUnfit: It is not a plain LoRA.
        ModelUnfit: A weight belongs to no linear layer of the base, or has another shape.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelMissing(
                f"{folder} holds no {name}. Save the adapter with peft's save_pretrained (safetensors)."
            )
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(
            f"{folder / CONFIG} cannot be read: {error!r}. Save it again."
        ) from error
    for name, plain in PLAIN.items():
        if config.get(name) not in plain:
            raise ModelUnfit(
                f"The adapter in {folder} has {name} = {config.get(name)!r}; a plain LoRA has {plain[-1]!r}. "
                "Merge it into its base instead, or train it as a plain LoRA."
            )
    layers = _placed(shapes(folder, WEIGHTS), shapes(base), rank, folder)
    return Adapter(folder / WEIGHTS, rank, alpha, bool(config.get("use_rslora")), layers)


def _placed(
    found: Mapping[str, tuple[int, ...]],
    base: Mapping[str, tuple[int, ...]],
    rank: int,
    folder: Path,
) -> tuple[str, ...]:
    factors: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in found.items():
        match = NAME.fullmatch(name)
        if match is None:
            raise ModelUnfit(f"{folder} holds {name}, which is no factor of a linear layer's LoRA.")
        factors.setdefault(match[1], {})[match[2]] = shape
    for layer, pair in factors.items():
        out, inner = (*base.get(f"{layer}.weight", ()), 0, 0)[:2]
        if pair != {"A": (rank, inner), "B": (out, rank)}:
            raise ModelUnfit(
                f"The adapter in {folder} does not fit the base: {layer} has factors {pair}, and in the base "
                f"the shape {base.get(f'{layer}.weight')} (rank {rank}). It was trained on another base model."
            )
    if not factors:
        raise ModelUnfit(f"{folder / WEIGHTS} holds no weights.")
    return tuple(factors)
