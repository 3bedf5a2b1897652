"""Skills for the closure bench: one small step that is done to each of several things, one after another.

A model that takes each step at a rate p is right with p to the power of the length: short ones now and then, long
ones never. Practice that makes p large reaches them, if it carries over from short ones to long ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from nightschool.practice import SingleTurn, answers
from nightschool.practice.attempts import SEED_STEP
from nightschool.practice.base import Question
from nightschool.protocols import Environment
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
    "double": ("Write each digit twice.", lambda digits: "".join(d + d for d in digits)),
    "skip": (
        "Write every second digit, beginning with the first.",
        lambda digits: digits[::2],
    ),
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
            malformed=[f"{right}.", f"[{right}]"],
            truncated=[right[:-1]],
            adversarial=[f"{right} {other}", right * 2],
        )


class Curriculum:
    """Chooses the tasks of each round: on to the next, harder environment whenever the last rounds were mostly right.

    Rewards alone decide; the environment that is asked in the end is none of them, and no held-out task is practised.
    """

    def __init__(
        self, environments: Sequence[Environment], tasks: int, seed: int, least: float = 0.6
    ) -> None:
        """Take the environments to go through, tasks a round, and the share of right attempts that ends one of them."""
        self.environments = list(environments)
        self.tasks, self.seed, self.least = tasks, seed, least
        self.level = 0
        self._right: list[float] = []

    @property
    def now(self) -> str:
        """What is practised now."""
        return self.environments[self.level].name

    @property
    def done(self) -> bool:
        """Whether the last environment is mastered, too; a single one is practised to the end of the time."""
        last = len(self.environments) - 1
        return 0 < last == self.level and self._mastered

    @property
    def _mastered(self) -> bool:
        return len(self._right) >= 2 and sum(self._right[-2:]) / 2 >= self.least

    def choose(self, number: int) -> list[Task]:
        """Draw the tasks of a round."""
        first = self.seed * SEED_STEP + number * self.tasks
        return [self.environments[self.level].task("train", first + i) for i in range(self.tasks)]

    def saw(self, right: float) -> None:
        """Take the share of right attempts of a round, and go on to the next environment where it is enough."""
        self._right.append(right)
        if self._mastered and self.level < len(self.environments) - 1:
            self.level += 1
            self._right = []
