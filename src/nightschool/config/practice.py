"""Settings of practice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nightschool.config.frozen import Frozen

ChooserKind = Literal["progress", "uniform", "easiest"]
"""By learning progress; all alike; the one that is solved most often and is not mastered yet."""


class PracticeConfig(Frozen):
    """How skills are practised."""

    method: Literal["policy-gradient", "expert"] = "policy-gradient"
    """Move by advantages within groups, or imitate each group's best verified attempt (expert iteration)."""
    tasks: int = Field(32, ge=1)
    """Tasks of a round."""
    steps: int = Field(1, ge=1)
    """Steps of a round, each on an equal part of the groups that tell something."""
    group: int = Field(8, ge=2)
    """Attempts at each of them, which are compared with one another."""
    warm_up: int = Field(0, ge=0)
    """The solutions of so many tasks of the practised split are imitated once before the first round; 0: rewards alone."""
    shots: int = Field(0, ge=0)
    """Worked examples in front of every task, from the split that is practised on."""
    max_tokens: int = Field(64, ge=1)
    """Longest action, in tokens."""
    temperature: float = Field(1.0, gt=0)
    """Of the attempts."""
    advantage: Literal["mean", "std", "pass@k"] = "mean"
    """Reward less the group's mean; that over the group's deviation; or each attempt's part in the best of `pass_k`."""
    pass_k: int = Field(4, ge=1)
    """How many attempts count as one for the advantage `pass@k`; fewer than the group."""
    dense_rounds: int | None = Field(None, ge=0)
    """After so many rounds part marks count as 0; None: they count throughout."""
    learning_rate: float | None = Field(None, gt=0)
    """Of AdamW, after the first few rounds, in which it rises; None chooses by how large the base model's weights are."""
    clip: float = Field(0.2, gt=0, lt=1)
    """A token teaches until its probability has moved by this share."""
    kl: float = Field(0.01, ge=0)
    """Weight of the divergence from the start, in nats a token; 0: it is not computed."""
    mask_cut: bool = False
    """Leave attempts that were cut off out of the loss; else they are wrong attempts like others."""
    lora_rank: int = Field(16, ge=1)
    """Rank of the adapters that are trained; alpha is twice the rank."""
    chooser: ChooserKind = "progress"
    """How the tasks of a round are chosen where several environments are practised."""
    seed: int = Field(0, ge=0, le=1_000_000_000)
    """Of tasks, attempts and initial adapters."""
    held_out: int = Field(100, ge=8)
    """Held-out tasks on which success is measured before and after a run."""
    earlier: int = Field(40, ge=8)
    """Of these, so many are asked again of each skill by later nights and runs."""
    nightly: tuple[str, ...] = ()
    """Environments that are practised after each night, by name."""
    nightly_minutes: float = Field(10.0, gt=0)
    """For each of them, exams not counted."""

    @property
    def resolved_rate(self) -> float:
        """The learning rate for weights as large as those of SmolLM2-135M; `train/rate.py` knows others."""
        return self.learning_rate or 2e-4


class RolloutsConfig(Frozen):
    """Who draws the attempts of practice."""

    url: str | None = None
    """Root of a vLLM server that holds the weights practice starts from and takes adapters while it runs; its key is read
    from NIGHTSCHOOL_ROLLOUTS_KEY. None: the process that practises draws them itself."""
    parallel: int = Field(16, ge=1)
    """Different prompts that it is asked at a time."""
