"""Rollouts: attempts sampled side by side, each turn of all of them in one batch.

Not here: log-probabilities, and which tokens a loss covers. A learner that needs the sampled tokens drives
`Environment.start` and `Attempt.step` the same way with a sampler of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.protocols import Environment, Progress, Writer
from nightschool.types import Message, Move, Rollout, Score, Step, Task, Verdict

MOST_TURNS = 64
"""An attempt that has not ended by then has broken its promise, and is unscored."""


def roll_out(
    environment: Environment,
    tasks: Sequence[Task],
    writer: Writer,
    *,
    max_tokens: int,
    temperature: float,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Rollout]:
    """Let a model attempt each task once; a task that stands there G times is a group of G rollouts.

    Args:
        environment: Whose tasks these are.
        tasks: What is attempted; the order is kept.
        writer: The model. It answers all attempts that are still going on in one call a turn.
        max_tokens: Bound of one action, in tokens.
        temperature: Of sampling; 0 is greedy.
        seed: Of the first turn; later turns count on from it.
        progress: Told how many attempts have ended.
    """
    open_ = [_Open(environment, task) for task in tasks]
    for turn in range(MOST_TURNS):
        live = [one for one in open_ if one.score is None]
        if progress:
            progress(len(open_) - len(live), len(open_))
        if not live:
            break
        actions = writer.generate(
            [one.context for one in live], max_tokens=max_tokens, temperature=temperature,
            seed=seed + turn,
        )  # fmt: skip
        for one, action in zip(live, actions, strict=True):
            one.act(action)
    endless = Score(Verdict.UNSCORED, None, f"it did not end within {MOST_TURNS} turns")
    return [Rollout(one.task, tuple(one.moves), one.score or endless) for one in open_]


class _Open:
    """A rollout that is going on."""

    def __init__(self, environment: Environment, task: Task) -> None:
        self.task = task
        self.context = task.prompt
        self.moves: list[Move] = []
        self.score: Score | None = None
        self._attempt = environment.start(task)

    def act(self, action: str) -> None:
        step = self._attempt.step(action)
        self.moves.append(Move(self.context, action, step))
        self.context = continued(self.context, action, step)
        if step.done:
            self.score = step.score or Score(Verdict.UNSCORED, None, "it ended without a score")


def continued(context: tuple[Message, ...], action: str, step: Step) -> tuple[Message, ...]:
    """Return what the model sees after a step: all that was before, or the observation alone."""
    if step.fresh:
        return step.observation
    return (*context, Message("assistant", action), *step.observation)
