"""What is practised, and what is moved by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from nightschool.protocols.engines import Prompt, Writer
from nightschool.types import (
    Case,
    Continuation,
    Credit,
    Drawn,
    Example,
    Split,
    Step,
    Task,
    TrainResult,
    Update,
)


class Attempt(Protocol):
    """One attempt at a task, and whatever state it has; attempts share none."""

    def step(self, action: str) -> Step:
        """Take what the model said and answer it.

        It never raises for anything that a model may say: where grading breaks, the attempt is done and
        unscored. Every attempt ends after a bounded number of steps.

        Raises PracticeError where the attempt is done already.
        """
        ...


class Environment(Protocol):
    """Problems of one kind without an end, and the verifier that grades attempts at them."""

    @property
    def name(self) -> str:
        """What it is loaded by, settings included: `gym:chain_sum?max_terms=3`."""
        ...

    @property
    def about(self) -> str:
        """What is practised in it, in one sentence."""
        ...

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed, from 0: the same one each time, in any process.

        Tasks of different seeds may be equal; tasks of different splits never are.
        """
        ...

    def start(self, task: Task) -> Attempt:
        """Start an attempt, whose first prompt is the task's; a group of rollouts starts one for each."""
        ...

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the verifier's table for a task: every kind of answer with the verdict that it must get."""
        ...


class Policy(Writer, Protocol):
    """A model that is being practised: it draws attempts, and moves towards those that were worth it."""

    def draw(
        self, prompts: Sequence[Prompt], *, max_tokens: int, temperature: float, seed: int
    ) -> list[Drawn]:
        """Answer each prompt with the tokens drawn and their log-probabilities. Order is kept.

        Equal prompts, such as those of a group, are read once. The temperature is above 0.
        """
        ...

    def update(self, credits: Sequence[Credit], over: float | None = None) -> Update:
        """Take one step of policy gradient on what was drawn; credits without advantage count as tokens only.

        The loss is averaged over the tokens of the credits, or over as many as `over` says: where few attempts
        of a round teach anything, so few move the weights by less than many would.

        Raises Diverged where the loss is not finite.
        """
        ...

    def imitate(self, examples: Sequence[Example], *, epochs: int, seed: int) -> Update:
        """Learn examples by heart, as a warm-up or from verified successes: cross-entropy on their targets.

        Raises Diverged where the loss is not finite.
        """
        ...

    def save(self, out: Path) -> TrainResult:
        """Leave full weights, the tokenizer and train.json in the folder `out`, which exists only once complete.

        Practice can go on afterwards.
        """
        ...

    def keep(self, folder: Path) -> None:
        """Store what it takes to go on after a kill: what is trained, the optimizer, counts."""
        ...

    def restore(self, folder: Path) -> bool:
        """Go on from what was kept, and do the same as if there had been no kill; False where nothing fits."""
        ...


class RolloutEngine(Protocol):
    """Draws attempts in place of the policy itself: another copy of the start, which is given the adapters as they move."""

    def take(self, write: Callable[[Path], None]) -> None:
        """Draw with an adapter from now on, in place of the one before.

        `write` leaves it in a folder, in peft's format.

        Raises EngineFailed where the engine does not take it.
        """
        ...

    def draw(
        self,
        prompts: Sequence[tuple[int, ...]],
        *,
        end: int,
        max_tokens: int,
        temperature: float,
        seed: int,
    ) -> list[Continuation]:
        """Continue prompts until the token `end`, with nothing cut out of the distribution. Order is kept.

        Equal prompts are continued independently. Log-probabilities are those of drawing at this temperature.

        Raises EngineFailed where the engine cannot be reached, or answers in another protocol.
        """
        ...
