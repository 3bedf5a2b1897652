"""Rollouts: attempts side by side, each turn of all of them in one batch.

Not here: which tokens a loss covers. A learner that needs the drawn tokens drives its attempts by `drive` with a policy of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nightschool.errors import NightschoolError
from nightschool.protocols import Environment, Progress, Writer
from nightschool.types import Message, Move, Rollout, Score, Step, Task, Verdict

MOST_TURNS = 64
"""An attempt that has not ended by then has broken its promise, and is unscored."""
ENDLESS = Score(Verdict.UNSCORED, None, f"it did not end within {MOST_TURNS} turns")


def roll_out(
    environment: Environment,
    tasks: Sequence[Task],
    writer: Writer,
    *,
    max_tokens: int,
    temperature: float,
    seed: int = 0,
    shown: tuple[Message, ...] = (),
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
        shown: Goes before every prompt. It is no part of the task, so that grading does not see it.
        progress: Told how many attempts have ended.
    """

    def answer(live: Sequence[Going], turn: int) -> list[str]:
        prompts = [one.prompt for one in live]
        return writer.generate(prompts, max_tokens=max_tokens, temperature=temperature, seed=seed + turn)  # fmt: skip

    going = [Going(environment, task, shown) for task in tasks]
    drive(going, answer, progress)
    return [Rollout(one.task, tuple(one.moves), one.score) for one in going]


class Going:
    """An attempt that is going on."""

    def __init__(
        self, environment: Environment, task: Task, shown: tuple[Message, ...] = ()
    ) -> None:
        """Begin an attempt at a task; `shown` goes before every prompt."""
        self.task = task
        self.moves: list[Move] = []
        self.score = ENDLESS
        self.done = False
        self._shown, self._context = shown, task.prompt
        self._attempt = environment.start(task)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """All that the model sees now."""
        return (*self._shown, *self._context)

    def act(self, action: str) -> None:
        """Take an action; where that breaks the environment, the attempt is over, and unscored."""
        try:
            step = self._attempt.step(action)
        except NightschoolError:
            raise
        except (
            Exception
        ) as error:  # a model says anything, and a round that is lived again says it again
            told = f"the environment broke: {type(error).__name__}: {error}"
            step = Step(done=True, score=Score(Verdict.UNSCORED, None, told))
        self.moves.append(Move(self.prompt, action, step))
        self._context = continued(self._context, action, step)
        self.done = step.done
        if step.done:
            self.score = step.score or Score(Verdict.UNSCORED, None, "it ended without a score")


def drive(
    going: Sequence[Going],
    answer: Callable[[Sequence[Going], int], Sequence[str]],
    progress: Progress | None = None,
) -> None:
    """Let attempts go on until all have ended, or have had `MOST_TURNS`.

    Args:
        going: The attempts.
        answer: Those that have not ended, and the number of the turn -> an action for each.
        progress: Told how many have ended.
    """
    for turn in range(MOST_TURNS):
        live = [one for one in going if not one.done]
        if progress:
            progress(len(going) - len(live), len(going))
        if not live:
            break
        for one, action in zip(live, answer(live, turn), strict=True):
            one.act(action)


def continued(context: tuple[Message, ...], action: str, step: Step) -> tuple[Message, ...]:
    """Return what the model sees after a step: all that was before, or the observation alone."""
    if step.fresh:
        return step.observation
    return (*context, Message("assistant", action), *step.observation)
