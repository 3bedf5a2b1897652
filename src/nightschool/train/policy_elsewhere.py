"""A policy whose attempts another engine draws, while it learns here: that engine is handed the adapters after each step.

What was drawn is scored by the network here, and these log-probabilities are what the objective compares with. The engine's own
serve as a check alone: that it draws from these weights, with these adapters. Not covered: engines that hold other weights than the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nightschool.config import PracticeConfig
from nightschool.errors import EngineFailed
from nightschool.protocols import RolloutEngine
from nightschool.train.policy import TorchPolicy
from nightschool.train.torch_trainer import Load, Render
from nightschool.train.trees import lay_trees
from nightschool.types import Continuation

CHECKED = 32
"""Answers of the first draw with each adapter that are scored without it, too."""
MOST_APART = 0.1
"""Nats by which the engine's log-probability of a token may differ on average from the one here; eight bits take about half of it."""
SEEN_APART = 0.01
"""Nats (root of the mean square) from which the adapters change enough for an engine without them to be told."""


class PolicyElsewhere(TorchPolicy):
    """`TorchPolicy` with rollouts by an engine; implements `protocols.Policy`.

    Source:
        That two programs differ on the same weights: "Your Efficient RL Framework Secretly Brings You Off-Policy RL
        Training" (Yao et al. 2025). They weigh each token by a truncated ratio of the two; here what differs by more
        than `MOST_APART` on average ends the run, and what differs less is not weighed.
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
        if not temperature:
            return found  # greedy answers teach nothing
        own = self._scored(rendered, found, temperature)
        if not self._checked:
            self._check(rendered, found, own, temperature)
            self._checked = True
        return [
            Continuation(one.tokens, tuple(logs.tolist()), one.ended)
            for one, logs in zip(found, own, strict=True)
        ]

    def _write_adapter(self, folder: Path) -> None:
        """Leave the adapters in float32, whatever the network here computes with."""
        self._model.save_pretrained(
            folder, state_dict=dict(self._masters.trained), save_embedding_layers=False
        )

    @torch.no_grad()
    def _scored(
        self,
        prompts: Sequence[tuple[int, ...]],
        found: Sequence[Continuation],
        temperature: float,
    ) -> list[Tensor]:
        """Return the log-probabilities of what was drawn, by the network here."""
        own: list[Tensor] = [torch.empty(0)] * len(found)
        pairs = [(prompt, one.tokens) for prompt, one in zip(prompts, found, strict=True)]
        for tree in lay_trees(pairs):
            sizes = [len(found[k].tokens) for k in tree.attempts]
            parts = self._logs(tree, temperature).cpu().split(sizes)
            for k, logs in zip(tree.attempts, parts, strict=True):
                own[k] = logs
        return own

    def _check(
        self,
        prompts: Sequence[tuple[int, ...]],
        found: Sequence[Continuation],
        own: Sequence[Tensor],
        temperature: float,
    ) -> None:
        """See that the engine draws from the weights that are moved here, and not from those without the adapters."""
        places = range(0, len(found), max(1, len(found) // CHECKED))  # of many prompts
        some = [found[k] for k in places]
        asked = [prompts[k] for k in places]
        theirs = torch.tensor([log for one in some for log in one.logs])
        ours = torch.cat([own[k] for k in places])
        # Some engines tell log-probabilities before the temperature.
        plain = ours if temperature == 1 else torch.cat(self._scored(asked, some, 1.0))
        told_at = 1.0 if _apart(theirs, plain) < _apart(theirs, ours) else temperature
        ours = plain if told_at == 1.0 else ours
        apart = _apart(theirs, ours)
        if not apart <= MOST_APART:  # nor where it is no number
            raise EngineFailed(
                f"The engine of rollouts draws from other weights than those that are practised: its log-probabilities of {len(theirs)} "
                f"tokens are {apart:.2f} nats away from those of the network here, where {MOST_APART} are allowed. "
                f"Start it on {self._start}, and anew after each promotion."
            )
        with self._reference():
            without = torch.cat(self._scored(asked, some, told_at))
        moved = float((ours - without).square().mean().sqrt())
        nearer = (theirs - without).square().sum() < (theirs - ours).square().sum()
        if moved > SEEN_APART and nearer:
            raise EngineFailed(
                "The engine of rollouts took the adapters and draws without them: its log-probabilities are nearer to those of "
                f"{self._start} than to those of what is practised. Start it so that it applies adapters (vLLM: --enable-lora)."
            )


def _apart(one: Tensor, other: Tensor) -> float:
    """Return how far log-probabilities lie from one another, in nats a token."""
    return float((one - other).abs().mean())
