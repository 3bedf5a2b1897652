"""The demo's life: two days at a small fictional cooperative, as data. No code lives here."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Return the folder that holds the demo's sources and exam questions."""
    return Path(__file__).parent
