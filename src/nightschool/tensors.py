"""What safetensors files hold, by their headers alone: names and shapes, and with them how many weights a model has."""

from __future__ import annotations

import math
from pathlib import Path

from nightschool.errors import ModelCorrupt


def shapes(folder: Path, pattern: str = "*.safetensors") -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in a folder's safetensors files, by name; only headers are read.

    Raises:
        ModelCorrupt: A file cannot be read, or is cut short.
    """
    from safetensors import SafetensorError, safe_open

    found: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.glob(pattern)):
        try:
            with safe_open(file, "numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (no dictionary)
                    found[name] = tuple(tensors.get_slice(name).get_shape())
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelCorrupt(
                f"{file} cannot be read: {error}. Write or fetch it again."
            ) from error
    return found


def parameters(folder: Path) -> int:
    """Count the weights of a model folder, whatever they take on disk.

    Raises:
        ModelCorrupt: A file cannot be read, or is cut short.
    """
    return sum(map(math.prod, shapes(folder).values()))
