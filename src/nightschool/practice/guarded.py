"""A user's environment, whose own errors are told as what is wrong with it and not as ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nightschool.errors import EnvironmentBroken, NightschoolError
from nightschool.protocols import Attempt, Environment
from nightschool.types import Case, Split, Task


class Guarded:
    """Hands on what a user's environment makes; implements `protocols.Environment`."""

    def __init__(self, inner: Environment) -> None:
        """Guard an environment."""
        self._inner = inner
        self.name, self.about = inner.name, inner.about

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed; see `protocols.Environment.task`.

        Raises:
            EnvironmentBroken: The environment raises something.
        """
        with _told(f"{self.name}: its task of seed {seed} ({split})"):
            return self._inner.task(split, seed)

    def start(self, task: Task) -> Attempt:
        """Start an attempt; see `protocols.Environment.start`.

        Raises:
            EnvironmentBroken: The environment raises something.
        """
        with _told(f"{task.id}: the start of an attempt"):
            return self._inner.start(task)

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`.

        Raises:
            EnvironmentBroken: The environment raises something.
        """
        with _told(f"{task.id}: its table"):
            return self._inner.cases(task)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except NightschoolError:
        raise
    except Exception as error:
        raise EnvironmentBroken(
            f"{what} cannot be made: {type(error).__name__}: {error}. Correct the environment's file; "
            "`nightschool practise check` tells whether it keeps the rules."
        ) from error
