"""An environment without a generator: a number to repeat, once or after asking for it. For wiring and tests."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.practice.base import ALWAYS, answers, over, side_of, task_id
from nightschool.types import (
    Case,
    Message,
    Score,
    Split,
    Step,
    Task,
    Verdict,
)


class FakeEnvironment:
    """The number is told at once, or after the word `ask`; implements `protocols.Environment`.

    Saying `break` breaks the verifier, as real ones may be broken.
    """

    def __init__(self, turns: int = 1) -> None:
        """Take how many actions an attempt has: 1, or 2 to ask first and answer from a cleared context."""
        self._turns = turns
        self.name = "fake" if turns == 1 else f"fake?turns={turns}"
        self.about = "Repeat a number."

    def task(self, split: Split, seed: int) -> Task:
        """Make the task: a number of the seed's own hundred, the first that belongs to the split."""
        number = _number(split, seed)
        told = (
            f"Say {number}." if self._turns == 1 else f"Say `ask`, then what is asked. ({number})"
        )
        solution = (str(number),) if self._turns == 1 else ("ask", str(number))
        return Task(
            task_id(self.name, split, seed), self.name, split, seed, (Message("user", told),), solution,
            facts={"number": number},
        )  # fmt: skip

    def start(self, task: Task) -> _Attempt:
        """Start an attempt; see `protocols.Environment.start`."""
        return _Attempt(task.facts["number"], self._turns)

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`."""
        number, before = task.solution[-1], task.solution[:-1]
        table = answers(
            wrong=[f"{number}0"],
            malformed=[f"[{number}"],
            truncated=[number[:-1]],
            adversarial=[f"{number} {int(number) + 1}"],
        )
        full = [Case("right", (number,), Verdict.CORRECT), *ALWAYS, *table]
        return [Case(one.kind, (*before, *one.actions), one.verdict) for one in full]


class _Attempt:
    def __init__(self, number: int, turns: int) -> None:
        self._number, self._left = number, turns

    def step(self, action: str) -> Step:
        if not self._left:
            raise over()
        self._left -= 1
        if self._left:
            asked = Message("user", f"The number is {self._number}. Say it.")
            return Step((asked,), fresh=True, info={"asked": float(action == "ask")})
        if action == "break":
            return Step(done=True, score=Score(Verdict.UNSCORED, None, "broken on purpose"))
        right = action.strip() == str(self._number)
        verdict = Verdict.CORRECT if right else Verdict.WRONG
        return Step(done=True, score=Score(verdict, float(right)))


def _number(split: Split, seed: int) -> int:
    """Return a number of the split; each seed has its own hundred of them, so that none has to be counted up to."""
    hundred = range(100 * seed + 10, 100 * seed + 110)
    return next(number for number in hundred if side_of(str(number)) == split)
