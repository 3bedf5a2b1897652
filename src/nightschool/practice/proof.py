"""Formal proof: theorems of a Metamath database in its order, proved by outlines that a checker verifies.

The answer is an *outline*: hypotheses, axioms and theorems in reverse Polish order. What builds formulas is filled in,
and the full proof is checked. The last theorems are held out: the order of a database is what a proof may not
break, so it decides the splits too (unlike elsewhere in practice).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from nightschool.errors import EnvironmentBroken
from nightschool.practice.base import ALWAYS, HELD_OUT, Graded, Once, answers, task_id
from nightschool.types import Case, Message, Score, Split, Task, Verdict

PREMISES = ("found", "named")
"""Premises shown: what a search finds by the statement alone; or those of the database's proof among them as well."""
FEWEST = 10
"""Theorems that there must be."""
MOST_CHARACTERS = 2000
TOLD = (
    "Prove the goal. Write labels in reverse Polish order: each theorem after proofs of what it needs. "
    "Reply with the labels alone."
)


class Statement(Protocol):
    """An axiom or theorem as a model reads it."""

    @property
    def given(self) -> tuple[str, ...]:
        """What is supposed."""
        ...

    @property
    def goal(self) -> str:
        """What follows."""
        ...


class Theorem(Statement, Protocol):
    """What is to be proved."""

    @property
    def label(self) -> str:
        """Its name."""
        ...

    @property
    def distinct(self) -> tuple[str, ...]:
        """Pairs of variables that must be distinct."""
        ...

    @property
    def outline(self) -> tuple[str, ...]:
        """The database's own proof."""
        ...

    @property
    def steps(self) -> int:
        """Axioms and theorems in it."""
        ...

    @property
    def place(self) -> int:
        """Order in the database."""
        ...


class Tried(NamedTuple):
    """What came of an outline, in the order of what a book returns."""

    score: Score
    proof: tuple[str, ...]


class Book(Protocol):
    """The theorems, what helps with each, and the checker of outlines."""

    def asked(self, since: str, steps: int) -> Sequence[Theorem]:
        """List the theorems to be practised, in order."""
        ...

    def said(self, label: str) -> Statement:
        """Return what an axiom or theorem says."""
        ...

    def near(self, label: str, count: int) -> Sequence[str]:
        """List earlier labels that may help, not knowing the theorem's proof."""
        ...

    def attempt(self, label: str, steps: Sequence[str]) -> tuple[Score, tuple[str, ...]]:
        """Grade an outline; with the full proof that was checked, empty where none was."""
        ...


class Proofs:
    """Proofs of a database's theorems; implements `protocols.Environment`.

    Args:
        name: With its settings.
        book: Where the theorems stand.
        since: Label from which on; empty: from the start.
        steps: Axioms and theorems that the database's own proof uses, at most.
        premises: One of PREMISES.
        shown: How many premises stand in the prompt.

    Raises:
        EnvironmentBroken: A setting is out of range, or too few theorems are left.
    """

    about = "Prove theorems of a Metamath database (propositional logic of set.mm)."

    def __init__(
        self, name: str, book: Book, *, since: str = "", steps: int = 4, premises: str = "found", shown: int = 8
    ) -> None:  # fmt: skip
        if premises not in PREMISES:
            raise EnvironmentBroken(f"premises is {premises!r}; expected {' or '.join(PREMISES)}.")
        if not isinstance(steps, int) or not 1 <= steps <= 20:
            raise EnvironmentBroken(f"steps is {steps}; expected 1 to 20. Correct it.")
        if not isinstance(shown, int) or not 0 <= shown <= 40:
            raise EnvironmentBroken(f"shown is {shown}; expected 0 to 40. Correct it.")
        self.name = name
        self._book, self._premises, self._shown = book, premises, shown
        listed = book.asked(since, steps)
        if len(listed) < FEWEST:
            raise EnvironmentBroken(
                f"{name} has {len(listed)} theorems; at least {FEWEST} are needed. Widen `from`, `to` or `steps`."
            )
        first = len(listed) - len(listed) // HELD_OUT
        self._last = listed[-1].label
        self._sides: dict[Split, list[Theorem]] = {}
        both: tuple[tuple[Split, Sequence[Theorem]], ...] = (("train", listed[:first]), ("held_out", listed[first:]))  # fmt: skip
        for split, part in both:
            self._sides[split] = list(part)
            random.Random(split).shuffle(self._sides[split])

    def size(self, split: Split) -> int:
        """Count the theorems of a split; seeds beyond begin again."""
        return len(self._sides[split])

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed; see `protocols.Environment.task`."""
        theorem = self._sides[split][seed % self.size(split)]
        facts: dict[str, Any] = {
            "label": theorem.label, "goal": theorem.goal, "given": list(theorem.given), "place": theorem.place,
            "steps": theorem.steps,
        }  # fmt: skip
        return Task(
            task_id(self.name, split, seed), self.name, split, seed, (Message("user", self._prompt(theorem)),),
            (" ".join(theorem.outline),), facts=facts,
        )  # fmt: skip

    def start(self, task: Task) -> Once:
        """Start an attempt; see `protocols.Environment.start`."""
        return Once(lambda answer: self._grade(task, answer))

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`."""
        label, answer = task.facts["label"], task.solution[0]
        proof = self.proof(task, answer)
        return (
            *answers(right=[answer, f"  {answer}\n"]), *ALWAYS,
            *answers(
                wrong=[f"{answer} {answer}", "ax-mp", "h1 h1 h1"],
                malformed=[f"${answer}$", f"({answer}", f"Proof: {answer}", answer.replace(" ", ",") + ","],
                truncated=[" ".join(answer.split()[:-1])],
                adversarial=[
                    label, self._last, "?", f"( {label} ) A", " ".join([*proof, "?"]), f"{answer} qed",
                    "h99", f"{answer} ? {answer}", "wph wps wi", " ".join(["id"] * 500),
                ],
            ),
        )  # fmt: skip

    def proof(self, task: Task, answer: str) -> tuple[str, ...]:
        """Return the full proof that an answer stands for, as the checker accepted it; empty where it did not."""
        return self._book.attempt(task.facts["label"], answer.split())[1]

    def _grade(self, task: Task, answer: str) -> Graded:
        label = task.facts["label"]
        said = self._book.said(label)
        if (said.goal, list(said.given)) != (task.facts["goal"], task.facts["given"]):
            return Score(Verdict.UNSCORED, None, f"this database states {label} otherwise")
        if len(answer) > MOST_CHARACTERS:
            return Score(Verdict.WRONG, 0.0, f"more than {MOST_CHARACTERS} characters")
        return self._book.attempt(label, answer.split())[0]

    def _prompt(self, theorem: Theorem) -> str:
        lines = [TOLD]
        for label in self._offered(theorem):
            said = self._book.said(label)
            lines.append(f"{label}: {', '.join(said.given)} => {said.goal}" if said.given else f"{label}: {said.goal}")  # fmt: skip
        lines += [f"h{k}: {text}" for k, text in enumerate(theorem.given, 1)]
        if theorem.distinct:
            lines.append(f"Distinct: {', '.join(theorem.distinct)}")
        return "\n".join([*lines, f"Goal: {theorem.goal}"])

    def _offered(self, theorem: Theorem) -> list[str]:
        """List the premises of the prompt by name, so that their order tells nothing."""
        own = {f"h{k}" for k in range(1, len(theorem.given) + 1)}
        needed = [step for step in theorem.outline if step not in own] if self._premises == "named" else []  # fmt: skip
        near = self._book.near(theorem.label, self._shown)
        return sorted(list(dict.fromkeys([*needed, *near]))[: self._shown])
