"""Ids, digests and the words of a night's settings."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Literal

DEFAULT_TENANT = "default"
Effort = Literal["small", "medium", "large"]
"""The one dial of a night; it stands here so that the command line needs no settings to be parsed."""
NightKind = Literal["auto", "rebuild", "continue"]
"""A night built anew from the base, one that goes on from the served version, or the cheaper of them."""
Quant = Literal["f16", "q8_0"]
"""How matrices are stored in a GGUF file: in half precision, or in 8 bits with a scale for each 32 weights."""


def new_id(prefix: str) -> str:
    """Make a random id such as `mem-3f9c2a71be04d5e6`; it carries no content, and a million of them do not meet."""
    return f"{prefix}-{secrets.token_hex(8)}"


def now() -> str:
    """Return this moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digest(*parts: str) -> str:
    """Return the hex sha256 of the parts, joined so that no two lists collide."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(len(raw).to_bytes(8, "big") + raw)
    return hasher.hexdigest()
