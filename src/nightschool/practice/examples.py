"""Examples that practice gives: worked ones to show, known solutions to imitate, and the best that was found by itself."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.errors import PracticeError
from nightschool.practice.attempts import RESERVED, Group
from nightschool.practice.rollouts import Going, continued
from nightschool.protocols import Environment
from nightschool.types import DEFAULT_TENANT, Example, Message, Task, digest

SHOT_SEEDS = RESERVED.start + 2_000_000
"""Seed of the first worked example."""


def worked_examples(environment: Environment, count: int) -> tuple[Message, ...]:
    """Solve tasks of the split that is practised on, as a conversation that goes before others.

    Raises:
        PracticeError: A task has no known solution, or clears the context on the way.
    """
    messages: list[Message] = []
    for seed in range(SHOT_SEEDS, SHOT_SEEDS + count):
        task = environment.task("train", seed)
        attempt, context, done = environment.start(task), task.prompt, False
        for action in task.solution:
            step = attempt.step(action)
            if step.fresh:
                break
            context, done = continued(context, action, step), step.done
        if not done:
            raise PracticeError(
                f"{environment.name} has no worked example that fits into one conversation. Set practice.shots=0."
            )
        messages += context
    return tuple(messages)


def solutions(
    environment: Environment, tasks: Sequence[Task], shown: tuple[Message, ...] = ()
) -> list[Example]:
    """Turn tasks' own solutions into examples to imitate, one a turn.

    Args:
        environment: Whose tasks these are.
        tasks: One without a known solution gives nothing.
        shown: Goes before every prompt.
    """
    examples = []
    for task in tasks:
        going = Going(environment, task, shown)
        for turn, action in enumerate(task.solution):
            examples.append(_example(digest(task.id, str(turn), action), going.prompt, action))
            going.act(action)
    return examples


def _example(name: str, prompt: tuple[Message, ...], target: str) -> Example:
    return Example(f"ex-{name[:16]}", DEFAULT_TENANT, (), "practice", "practice", prompt, target)


def demonstrations(group: Group) -> list[Example]:
    """Turn a group's best verified attempt into examples, one a turn; empty where no attempt was right."""
    if group.best is None:
        return []
    return [
        _example(digest(group.task.id, str(turn), said.drawn.text), said.prompt, said.drawn.text)
        for turn, said in enumerate(group.best.said)
    ]
