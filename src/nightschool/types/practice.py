"""Practice: tasks, attempts, and what they teach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from nightschool.types.exams import Score, Verdict
from nightschool.types.study import Message

Split = Literal["train", "held_out"]
"""What is practised on, and what success is measured on; no task of one is a task of the other."""
SPLITS: tuple[Split, ...] = ("train", "held_out")
CaseKind = Literal["right", "wrong", "malformed", "empty", "truncated", "adversarial"]
"""The kinds of answers that every environment's own table holds."""
CASE_KINDS: tuple[CaseKind, ...] = (
    "right", "wrong", "malformed", "empty", "truncated", "adversarial",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that may be called in a task."""

    name: str
    purpose: str
    schema: dict[str, Any]
    """JSON Schema of its arguments: an object."""


@dataclass(frozen=True, slots=True)
class Task:
    """One problem of an environment; with the environment's name it is all that a rollout starts from."""

    id: str
    """`NAME/SPLIT/SEED`: the same words make the same task again."""
    environment: str
    split: Split
    seed: int
    prompt: tuple[Message, ...]
    """What the model sees first; definitions of tools stand in it as text."""
    solution: tuple[str, ...] = ()
    """Actions known to earn full marks, in their order: for worked examples and warm-up, never shown by the
    environment itself. Empty where none is known."""
    tools: tuple[Tool, ...] = ()
    """The same definitions as data, for engines that take them; empty where the task has none."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the environment needs to start and grade it, as JSON; never shown to the model."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an environment answers to one action."""

    observation: tuple[Message, ...] = ()
    """What the model sees next, after its own action; empty once it is done."""
    done: bool = False
    score: Score | None = None
    """Of the whole attempt; None before it is done. Its `value` is the reward: 1 where it is correct, from 0
    to below 1 where it is wrong, None where it is unscored."""
    fresh: bool = False
    """Whether the context is cleared: the observation is then all that the model sees of what was before."""
    info: dict[str, float] = field(default_factory=dict)
    """Counts for statistics, such as calls and those among them that were valid; no part of the reward."""


@dataclass(frozen=True, slots=True)
class Move:
    """One turn of a rollout."""

    prompt: tuple[Message, ...]
    """All that the model saw when it acted."""
    action: str
    step: Step


@dataclass(frozen=True, slots=True)
class Rollout:
    """One attempt at a task from its start to its end."""

    task: Task
    moves: tuple[Move, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class Case:
    """A line of an environment's table: actions, and the verdict that they must get."""

    kind: CaseKind
    actions: tuple[str, ...]
    verdict: Verdict | None = Verdict.WRONG
    """None: anything but correct, for a verifier of somebody else's that may break on it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a model that is being practised said to one prompt, in its tokens."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    """What was drawn; the last one is the end-of-turn token where the model `ended`."""
    logs: tuple[float, ...]
    """Log-probability (nats) of each of them at the temperature of drawing, under the weights that drew it."""
    ended: bool
    """False: it was cut off at the bound on tokens."""
    text: str
    """The same as text, without the end-of-turn token and outer white space."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What an engine drew for one prompt; `Drawn` says what its parts are."""

    tokens: tuple[int, ...]
    logs: tuple[float, ...]
    ended: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """How much better than to be expected what was drawn has turned out."""

    drawn: Drawn
    advantage: float
    """Above 0: to be made likelier; the same for each of its tokens."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one step of practice did to the weights."""

    loss: float
    kl: float | None
    """Mean divergence from the untouched start (nats a token); None where it was not computed."""
    clipped: float
    """Share of tokens whose probability had moved out of the clip range, so that they taught nothing."""
    grad_norm: float
    """Before it was clipped."""
    tokens: int
    """Labelled tokens."""
    seconds: float
