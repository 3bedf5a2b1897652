"""Prompts that bring out what a model can do already, so that not knowing a format is not taken for inability.

Worked examples come from the train split, and so do the tasks on which the best prompt is chosen: what success is
measured on takes no part in the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.practice.examples import SHOT_SEEDS
from nightschool.practice.rollouts import continued, roll_out
from nightschool.protocols import Environment, Progress, Prompt, Writer
from nightschool.types import Message, Task, Verdict

CHOICE_FROM = 500
"""Seed of the first task on which prompts are tried, in the train split."""
HINT = "Reply with the answer alone, in the form of this reply to another such task: "


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask."""

    name: str
    shots: int = 0
    """Worked examples before the task."""
    one_message: bool = False
    """Whether they stand in the task's own message, not as turns of a talk."""
    hint: bool = False
    """Whether the form of a reply is told, with the solution of another task."""
    first_line: bool = False
    """Whether the first line of a reply that is not empty counts alone, for models that go on talking."""
    begin: int = 0
    """Seed of the first worked example, in the train split."""


PLAIN = Way("plain")
WAYS = (
    PLAIN,
    Way("format told", hint=True),
    Way("3 examples in one message", shots=3, one_message=True),
    Way("3 examples", shots=3),
    Way("8 examples", shots=8),
    Way("8 examples, first line", shots=8, first_line=True),
)
"""What is tried; of equals the later one is taken, whose format is fixed more firmly."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How one way to ask did on tasks of the train split."""

    way: Way
    right: int
    n: int
    """Scored draws."""
    value: float
    """Mean reward; tells apart ways of which none was ever right."""


class Elicited:
    """A model that is asked in one of the ways; implements `protocols.Writer`."""

    def __init__(self, writer: Writer, way: Way, environment: Environment) -> None:
        """Take the model, the way, and the environment whose worked examples are shown."""
        self._writer, self._way = writer, way
        self._examples = worked(environment, way)

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`."""
        said = self._writer.generate(
            [self.dressed(prompt) for prompt in prompts],
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            progress=progress,
        )
        if not self._way.first_line:
            return said
        return [next((line for line in text.splitlines() if line.strip()), "") for text in said]

    def dressed(self, prompt: Prompt) -> tuple[Message, ...]:
        """Return the prompt as this way asks it."""
        way, examples = self._way, self._examples
        head = tuple(message for message in prompt if message.role == "system")
        rest = tuple(message for message in prompt if message.role != "system")
        if way.hint and examples and rest:
            reply = next(m.content for m in examples[0] if m.role == "assistant")
            told = Message(rest[-1].role, f"{rest[-1].content}\n\n{HINT}{reply}")
            rest = (*rest[:-1], told)
        if way.shots and way.one_message and rest:
            shown = [f"{m.content}" for example in examples for m in example]
            first = Message(rest[0].role, "\n\n".join([*shown, rest[0].content]))
            rest = (first, *rest[1:])
        elif way.shots:
            rest = (*(message for example in examples for message in example), *rest)
        return (*head, *rest)


def worked(environment: Environment, way: Way) -> list[tuple[Message, ...]]:
    """Return the worked examples of a way as talks without their system message, of different tasks."""
    count = max(way.shots, int(way.hint))
    found: dict[tuple[Message, ...], tuple[Message, ...]] = {}
    for seed in range(way.begin, way.begin + 4 * count):
        task = environment.task("train", seed)
        found.setdefault(task.prompt, _talk(environment, task))
        if len(found) == count:
            break
    return list(found.values())


def ways_for(environment: Environment, practised: int = 0) -> tuple[Way, ...]:
    """Return the ways to ask in an environment; where it knows no solutions, there is one.

    Args:
        environment: Whose solutions are shown.
        practised: Worked examples that stood before every task in practice, which is a way, too; 0: none.
    """
    if not environment.task("train", 0).solution:
        return (PLAIN,)
    same = Way(f"as practised, {practised} examples", shots=practised, begin=SHOT_SEEDS)
    return (*WAYS, same) if practised else WAYS


def choice_tasks(environment: Environment, count: int) -> list[Task]:
    """Return tasks of the train split on which ways are tried."""
    return [environment.task("train", seed) for seed in range(CHOICE_FROM, CHOICE_FROM + count)]


def try_way(
    environment: Environment,
    writer: Writer,
    way: Way,
    tasks: Sequence[Task],
    *,
    draws: int,
    max_tokens: int,
    temperature: float,
    seed: int = 0,
) -> Tried:
    """Ask a model in one way on tasks of the train split, each of them `draws` times."""
    rollouts = roll_out(
        environment,
        [task for task in tasks for _ in range(draws)],
        Elicited(writer, way, environment),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
    )
    scored = [r.score for r in rollouts if r.score.verdict is not Verdict.UNSCORED]
    right = sum(score.verdict is Verdict.CORRECT for score in scored)
    total = sum(score.value or 0.0 for score in scored)
    return Tried(way, right, len(scored), total / len(scored) if scored else 0.0)


def best(tried: Sequence[Tried]) -> Way:
    """Return the way that was right most often; of equals the one with the higher mean reward, then the later one."""
    marks = [(t.right / t.n if t.n else 0.0, t.value, number) for number, t in enumerate(tried)]
    return tried[max(marks)[2]].way


def _talk(environment: Environment, task: Task) -> tuple[Message, ...]:
    """Play a task's solution, and return what was said on both sides; a context that is cleared goes on here."""
    attempt = environment.start(task)
    talk: tuple[Message, ...] = tuple(m for m in task.prompt if m.role != "system")
    for action in task.solution:
        step = attempt.step(action)
        if step.done:
            return (*talk, Message("assistant", action))
        talk = continued(talk, action, step) if not step.fresh else (
            *talk, Message("assistant", action), *step.observation
        )  # fmt: skip
    return talk
