"""What all settings have in common: they do not change, and an unknown name is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Settings of one concern."""

    model_config = ConfigDict(frozen=True, extra="forbid")
