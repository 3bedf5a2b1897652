"""How `practice.py` examines a task: held-out items, answered greedily, and what needs no model beside them."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nightschool.exam.stats import mcnemar, wilson
from nightschool.protocols import Environment, Writer
from nightschool.types import Message, Task, Verdict

HELD_OUT = 200
"""Held-out items of a task; fewer where it has no more different ones."""
DRAWN = 1200
"""So many are drawn to find them."""
TUNED_ON = 400
"""Items of the split that is practised on, by which a constant and a heuristic are chosen."""


class Sat(NamedTuple):
    """Held-out items, answered."""

    right: list[bool]
    seconds: float

    @property
    def rate(self) -> float:
        """Share of right ones."""
        return sum(self.right) / len(self.right)


def sit(writer: Writer, found: Environment, shown: Sequence[Message], max_tokens: int) -> Sat:
    """Answer the held-out items greedily."""
    begun = time.monotonic()
    tasks = held_out(found)
    said = writer.generate([(*shown, *task.prompt) for task in tasks], max_tokens=max_tokens)
    right = [graded(found, task, answer) for task, answer in zip(tasks, said, strict=True)]
    print(f"{found.name}: {sum(right)} of {len(right)} held-out items right", flush=True)
    return Sat(right, time.monotonic() - begun)


def held_out(found: Environment) -> list[Task]:
    """Return the first held-out items that differ: an item that is asked twice is no further evidence."""
    asked: dict[str, Task] = {}
    for seed in range(DRAWN):
        task = found.task("held_out", seed)
        asked.setdefault(task.prompt[-1].content, task)
        if len(asked) == HELD_OUT:
            break
    return list(asked.values())


def graded(found: Environment, task: Task, answer: str) -> bool:
    """Tell whether an answer is right."""
    score = found.start(task).step(answer).score
    return score is not None and score.verdict is Verdict.CORRECT


def compared(before: Sat, after: Sat, found: Environment) -> dict[str, Any]:
    """Compare two exams of a task, with what needs no model beside them."""
    pairs = list(zip(before.right, after.right, strict=True))
    gained, lost = (sum(a > b for b, a in pairs), sum(a < b for b, a in pairs))
    low, high = wilson(after.rate, len(pairs))
    return {
        "environment": found.name,
        "n": len(pairs),
        "before": round(before.rate, 4),
        "after": round(after.rate, 4),
        "after_low": round(low, 4),
        "after_high": round(high, 4),
        "gained": gained,
        "lost": lost,
        "p": mcnemar(gained, lost),
        **shallow(found),
    }


def shallow(found: Environment) -> dict[str, Any]:
    """Return the success of the best constant answer and of the best heuristic on the held-out items."""
    seen = [found.task("train", seed) for seed in range(TUNED_ON)]
    asked = held_out(found)
    constant = Counter(task.solution[0] for task in seen).most_common(1)[0][0]

    def rate(tasks: Sequence[Task], rule: Callable[[str], str]) -> float:
        return statistics.fmean(graded(found, t, rule(t.prompt[-1].content)) for t in tasks)

    best = max(HEURISTICS, key=lambda name: rate(seen, HEURISTICS[name]))
    return {
        "constant": round(rate(asked, lambda _: constant), 4),
        "constant_answer": constant,
        "heuristic": round(rate(asked, HEURISTICS[best]), 4),
        "heuristic_name": best,
    }


def _numbers(question: str) -> list[str]:
    return re.findall(r"-?\d+(?:\.\d+)?", question) or ["0"]


def _words(question: str) -> list[str]:
    """Return the words of the question's last paragraph but the instruction on how to reply."""
    return re.findall(r"\w+", question.rsplit("\n\n", 1)[0].splitlines()[-1]) or [""]


HEURISTICS: dict[str, Callable[[str], str]] = {
    "first number": lambda q: _numbers(q)[0],
    "last number": lambda q: _numbers(q)[-1],
    "largest number": lambda q: max(_numbers(q), key=float),
    "smallest number": lambda q: min(_numbers(q), key=float),
    "how many numbers": lambda q: str(len(_numbers(q))),
    "first word": lambda q: _words(q)[0],
    "last word": lambda q: _words(q)[-1],
    "how many words": lambda q: str(len(_words(q))),
    "the words as they stand": lambda q: ", ".join(_words(q)),
    "words from the last": lambda q: ", ".join(reversed(_words(q))),
}
"""What needs no skill but reading off the question."""
