"""Skills for the closure bench: one small step that is done to each of several things, one after another.

A model that takes each step at a rate p is right with p to the power of the length: short ones now and then, long
ones never. Practice that makes p large reaches them, if it carries over from short ones to long ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from nightschool.practice import SingleTurn, answers
from nightschool.practice.base import Question
from nightschool.types import Case, Score, Task, Verdict

STEPS: dict[str, tuple[str, Callable[[str], str]]] = {
    "next": (
        "Replace each digit by the digit that follows it; 9 becomes 0.",
        lambda digits: "".join(str((int(d) + 1) % 10) for d in digits),
    ),
    "complement": (
        "Replace each digit d by 9 - d.",
        lambda digits: "".join(str(9 - int(d)) for d in digits),
    ),
    "reverse": ("Write the digits in reverse order.", lambda digits: digits[::-1]),
    "sort": ("Sort the digits, the smallest first.", lambda digits: "".join(sorted(digits))),
}
"""Skill -> what is asked, and how it is done."""


class Digits(SingleTurn):
    """Do one thing to a row of digits; its parts are marked by how many places are right."""

    def __init__(self, skill: str, length: int) -> None:
        """Take the skill (a key of `STEPS`) and how many digits."""
        self.asked, self.done = STEPS[skill]
        self.length = length
        self.name = f"digits-{skill}?length={length}"
        self.about = self.asked

    def draw(self, rng: random.Random) -> Question:
        """Draw a row of digits."""
        digits = "".join(rng.choice("0123456789") for _ in range(self.length))
        return Question(f"{self.asked} Reply with the digits alone.\n\n{digits}", self.done(digits))

    def grade(self, task: Task, answer: str) -> Score:
        """Full marks for the right row; for a row of the same length half of the share of right places."""
        said, right = answer.strip(), task.solution[0]
        if said == right:
            return Score(Verdict.CORRECT, 1.0)
        if len(said) != len(right) or not said.isdigit():
            return Score(Verdict.WRONG, 0.0, "not so many digits")
        places = sum(a == b for a, b in zip(said, right, strict=True))
        return Score(Verdict.WRONG, places / len(right) / 2)

    def table(self, task: Task) -> Sequence[Case]:
        """Return right and wrong rows; see `SingleTurn.table`."""
        right = task.solution[0]
        other = str((int(right[0]) + 5) % 10) + right[1:]
        return answers(
            right=[f" {right}\n"],
            wrong=[other],
            malformed=[" ".join(right), f"[{right}]"],
            truncated=[right[:-1]],
            adversarial=[f"{right} {other}", right * 2],
        )


class Curriculum:
    """Chooses the tasks of each round: the length grows whenever the last rounds were mostly right.

    Rewards alone decide; the longest length is never practised, nor is any held-out task.
    """

    def __init__(
        self, skill: str, lengths: Sequence[int], tasks: int, seed: int, least: float = 0.6
    ) -> None:
        """Take the lengths to go through, tasks a round, and the share of right attempts that ends one length."""
        self.environments = [Digits(skill, length) for length in lengths]
        self.tasks, self.seed, self.least = tasks, seed, least
        self.level = 0
        self._right: list[float] = []

    @property
    def length(self) -> int:
        """The length that is practised now."""
        return self.environments[self.level].length

    @property
    def done(self) -> bool:
        """Whether the last length is mastered, too."""
        return self.level == len(self.environments) - 1 and self._mastered

    @property
    def _mastered(self) -> bool:
        return len(self._right) >= 2 and sum(self._right[-2:]) / 2 >= self.least

    def choose(self, number: int) -> list[Task]:
        """Draw the tasks of a round."""
        first = (self.seed * 100_000 + number) * self.tasks
        environment = self.environments[self.level]
        return [environment.task("train", first + i) for i in range(self.tasks)]

    def saw(self, right: float) -> None:
        """Take the share of right attempts of a round, and go on to the next length where it is enough."""
        self._right.append(right)
        if self._mastered and self.level < len(self.environments) - 1:
            self.level += 1
            self._right = []
