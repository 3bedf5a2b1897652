"""Versions: trained weights with their lineage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightschool.types.study import TrainResult


@dataclass(frozen=True, slots=True)
class Version:
    """A set of trained weights with its lineage."""

    id: str
    tenant: str
    night: str
    kind: str
    """`full` or `lora`."""
    base: str
    """The base model on which it stands: a name, an id or a folder, as in `model.base`."""
    parent: str
    """The version (or `base`) that training started from."""
    memory_ids: tuple[str, ...]
    example_ids: tuple[str, ...]
    data_digest: str
    seed: int
    config: dict[str, Any]
    created: str
    train: TrainResult | None = None
    tainted_by: tuple[str, ...] = ()
    """Tombstone ids of forgotten memories that it was trained on."""
