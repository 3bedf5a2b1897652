"""A policy whose attempts another engine draws, while it learns here: that engine is handed the adapters after each step.

The engine's log-probabilities are those that the clipped objective compares with, so that what it rounds differently
counts as having drawn from slightly other weights. Not covered: engines that hold other weights than the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from nightschool.config import PracticeConfig
from nightschool.errors import EngineFailed
from nightschool.protocols import RolloutEngine
from nightschool.train.policy import TorchPolicy
from nightschool.train.torch_trainer import Load, Render
from nightschool.train.trees import lay_trees
from nightschool.types import Continuation

CHECKED = 8
"""Answers of the first draw with each adapter that are scored here as well."""
MOST_APART = 0.1
"""Nats a token by which the engine may think its own tokens likelier than the network here does: rounding to eight bits costs half of it."""


class PolicyElsewhere(TorchPolicy):
    """`TorchPolicy` with rollouts by an engine; implements `protocols.Policy`.

    Source:
        That the two programs' log-probabilities differ, and that the objective has to know: "Your Efficient RL Framework
        Secretly Brings You Off-Policy RL Training" (Yao et al. 2025). They weigh by a truncated ratio of the two; here the
        clip of the objective does both.
    """

    def __init__(
        self,
        load: Load,
        render: Render,
        start: Path,
        config: PracticeConfig,
        engine: RolloutEngine,
        precision: torch.dtype | None = None,
    ) -> None:
        """Load the model that practice starts from; see `TorchPolicy`.

        Args:
            load: Reads a folder into a model and its tokenizer.
            render: Turns a prompt and a target into tokens.
            start: Folder of full weights, which the engine has to hold as well.
            config: How it is practised.
            engine: Draws the attempts.
            precision: Of the matrix products here; None: bfloat16 where the hardware has it, else float32.
        """
        super().__init__(load, render, start, config, precision)
        self._engine = engine
        self._handed: int | None = None
        """After how many steps the engine was last handed the adapters; None: never."""
        self._checked = False
        """Whether it was seen to draw with these."""

    def restore(self, folder: Path) -> bool:
        """Go on from what was kept; the engine is handed it with the next draw."""
        self._handed = None
        return super().restore(folder)

    def _continued(
        self, rendered: Sequence[tuple[int, ...]], max_tokens: int, temperature: float, seed: int
    ) -> list[Continuation]:
        """Let the engine draw, with the adapters as they are.

        Raises:
            EngineFailed: It cannot be reached, or does not take them.
            EngineFailed: It draws from other weights than these.
        """
        if self._handed != self._done.steps:
            self._engine.take(self._write_adapter)
            self._handed, self._checked = self._done.steps, False
        found = self._engine.draw(
            rendered, end=self._end, max_tokens=max_tokens, temperature=temperature, seed=seed
        )
        # Greedy answers tell log-probabilities of no temperature at all.
        if not self._checked and temperature == self._config.temperature:
            self._check(rendered[:CHECKED], found[:CHECKED])
            self._checked = True
        return found

    def _write_adapter(self, folder: Path) -> None:
        """Leave the adapters in float32, whatever the network here computes with."""
        self._model.save_pretrained(
            folder, state_dict=dict(self._masters.trained), save_embedding_layers=False
        )

    def _check(self, prompts: Sequence[tuple[int, ...]], found: Sequence[Continuation]) -> None:
        """See that the engine draws from the weights that are moved here.

        What is estimated is the divergence of its distribution from the one here, by its own tokens.
        """
        tokens = [one.tokens for one in found]
        theirs = sum(sum(one.logs) for one in found)
        with torch.no_grad():
            trees = lay_trees(list(zip(prompts, tokens, strict=True)))
            ours = sum(float(self._logs(tree).sum()) for tree in trees)
        apart = (theirs - ours) / sum(map(len, tokens))
        if abs(apart) > MOST_APART:
            raise EngineFailed(
                f"The engine of rollouts draws from other weights than those that are practised: its tokens are {apart:+.2f} nats "
                f"likelier to it than to the network here, where {MOST_APART} are allowed. It has to hold {self._start}, to "
                "apply the adapters, and to tell log-probabilities at the temperature of drawing (vLLM: "
                "--logprobs-mode processed_logprobs)."
            )
