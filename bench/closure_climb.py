"""Practice from short to long: one skill of `closure_skills.py`, by rewards alone, resumable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nightschool.workspace import write_atomic


def climbed(
    folder: Path, skill: str, lengths: list[int], seed: int, seconds: float
) -> list[dict[str, Any]]:
    """Practise until the last length is mastered or the time is over; leave `weights` in the folder.

    Returns:
        A line for each round; those of an earlier run where the weights are there already.
    """
    raise NotImplementedError
