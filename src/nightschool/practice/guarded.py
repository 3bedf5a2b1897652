"""A user's environment, whose own errors are told as what is wrong with it and not as ours."""

from __future__ import annotations

from collections.abc import Sequence

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
        try:
            return self._inner.task(split, seed)
        except NightschoolError:
            raise
        except Exception as error:
            raise _broken(f"{self.name}: its task of seed {seed} ({split})", error) from error

    def start(self, task: Task) -> Attempt:
        """Start an attempt; see `protocols.Environment.start`.

        Raises:
            EnvironmentBroken: The environment raises something.
        """
        try:
            return self._inner.start(task)
        except NightschoolError:
            raise
        except Exception as error:
            raise _broken(f"{task.id}: the start of an attempt", error) from error

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`.

        Raises:
            EnvironmentBroken: The environment raises something.
        """
        try:
            return self._inner.cases(task)
        except NightschoolError:
            raise
        except Exception as error:
            raise _broken(f"{task.id}: its table", error) from error


def _broken(what: str, error: Exception) -> EnvironmentBroken:
    return EnvironmentBroken(
        f"{what} cannot be made: {type(error).__name__}: {error}. Correct the environment's file; "
        "`nightschool practise check` tells whether it keeps the rules."
    )
