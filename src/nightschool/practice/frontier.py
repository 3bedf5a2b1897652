"""New tasks at the frontier: other settings of the same generator, proposed where practice no longer changes anything.

Numbers among the settings are made larger where nearly all is solved, and smaller where nearly nothing is. That larger means
harder is a guess, which the practice that follows tests: a proposal says what it came from and why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from nightschool.errors import PracticeError
from nightschool.practice.curiosity import Standing
from nightschool.protocols import Environment
from nightschool.types import SPLITS

SOLVED = 0.8
"""Above this success settings grow."""
UNSOLVED = 0.05
"""Below this success they shrink."""
FACTOR = 1.5
"""By so much, and by 1 at least where the number is whole."""
Make = Callable[[str], Environment]
"""Name with settings -> the environment; raises a PracticeError for what it refuses."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new arm, and where it comes from."""

    name: str
    parent: str
    setting: str
    old: float
    new: float
    success: float
    """Of the parent, over its recent attempts."""
    attempts: int
    """At the parent, in all."""
    round: int


def proposals(
    known: Sequence[Standing], make: Make, number: int, arms: Container[str]
) -> list[Proposal]:
    """Propose settings beyond the arms that are nearly always or nearly never solved, one for each such arm.

    The first number is moved that gives an environment with tasks on both sides, and one that is not an arm yet.

    Args:
        known: The standing of each arm.
        make: Makes an environment of a name; what it refuses is not proposed.
        number: Of the round.
        arms: Names that are practised already.
    """
    found: dict[str, Proposal] = {}
    for one in known:
        if one.success is None or UNSOLVED <= one.success <= SOLVED:
            continue
        for name, setting, old, new in _moved(one.arm, up=one.success > SOLVED):
            made = _made(make, name)
            if made is not None and made not in arms and made not in found:
                found[made] = Proposal(made, one.arm, setting, old, new, one.success, one.attempts, number)  # fmt: skip
                break
    return list(found.values())


def _moved(name: str, up: bool) -> Iterator[tuple[str, str, float, float]]:
    """Yield (name with one number moved, its setting, old, new)."""
    stem, _, query = name.partition("?")
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if "=" in part]
    # An upper bound first where things get larger, a lower one where they get smaller: the other order is refused.
    order = sorted(range(len(pairs)), key=lambda i: pairs[i][0].startswith("min") == up)
    for place in order:
        setting, text = pairs[place]
        old = _number(text)
        if old is None:
            continue
        new = _scaled(old, up)
        if new == old:
            continue
        changed = [f"{s}={json.dumps(new) if i == place else v}" for i, (s, v) in enumerate(pairs)]
        yield f"{stem}?{'&'.join(changed)}", setting, old, new


def _number(text: str) -> int | float | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scaled(old: int | float, up: bool) -> int | float:
    new = old * FACTOR if up else old / FACTOR
    if isinstance(old, float):
        return round(new, 4)
    return math.ceil(new) if up else math.floor(new)


def _made(make: Make, name: str) -> str | None:
    """Return the name that the environment gives itself; None where it is refused or cannot make tasks."""
    try:
        made = make(name)
        for split in SPLITS:
            made.task(split, 0)
    except PracticeError:
        return None
    return made.name
