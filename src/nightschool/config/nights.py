"""Settings of the night: study material, training, exam and gate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nightschool.config.frozen import Frozen
from nightschool.types import NightKind

Family = Literal[
    "qa", "reversed", "numeric", "negative",
    "rewrite", "implications", "entigraph", "active-reading",
]  # fmt: skip
"""A kind of study material that a model can write."""


class StudyConfig(Frozen):
    """How study material is written."""

    authors: tuple[Literal["rules", "self", "teacher"], ...] = ("rules",)
    """Who writes, in order; `self` samples the base model, `teacher` needs `teacher_url`."""
    families: tuple[Family, ...] = Field(("qa", "rewrite", "implications"), min_length=1)
    """What kinds of material the models write (`study/families.py`); the rules have their own."""
    samples: int = Field(1, ge=1)
    """How often a model is asked for each of them about each sentence, pair of things or way to study."""
    expressions: int = Field(24, ge=1)
    """At most so many examples for one memory from the rules."""
    general_share: float = Field(0.1, ge=0, lt=1)
    """Share of the mixture that is general replay, answered by the base model itself."""
    review_share: float = Field(1.0, ge=0)
    """Review of earlier material in a night that continues, as a share of the new material's length."""
    teacher_url: str | None = None
    """Base URL of an OpenAI-compatible endpoint; its key is read from NIGHTSCHOOL_TEACHER_KEY."""
    teacher_model: str = "default"
    """Model name sent to the teacher."""
    leak_overlap: float = Field(0.85, gt=0, le=1)
    """Token overlap with an exam question above which a study question counts as a leak."""


class NightConfig(Frozen):
    """How nights follow one another."""

    kind: NightKind = "auto"
    """Build anew from the base, go on from the served version, or what costs less at no known risk."""
    continued_rate: float = Field(0.5, gt=0, le=1)
    """Learning rate of a night that continues, as a share of a rebuild's: what is there is not to be pushed out."""
    deep_every: int = Field(4, ge=1)
    """So many nights, a rebuild among them, go on from one another; then the next is built anew."""


class TrainConfig(Frozen):
    """How weights are trained."""

    method: Literal["full", "lora"] = "full"
    """Full fine-tuning, or low-rank adapters on all linear layers."""
    epochs: int = Field(2, ge=1)
    """Passes over the study material."""
    min_steps: int = Field(48, ge=1)
    """Optimizer steps below which a small night makes more passes, up to four times as many."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate; None chooses by method, and by how large the base model's weights are (`train/rate.py`)."""
    lora_rank: int = Field(64, ge=1)
    """Rank of the adapters; alpha is twice the rank."""
    tokens_per_step: int = Field(512, ge=64)
    """Tokens in one optimizer step; small nights need small steps to have enough of them."""
    anchor_weight: float = Field(1.0, ge=0)
    """How strongly each step holds plain text to the base (`train/anchors.py`): factor of a divergence in nats; 0 leaves it out."""
    lost_nats: float | None = Field(None, ge=0)
    """A reviewed example whose answer costs the night's start more nats a token than this is learnt from its labels
    again, not held to what the start says; None: none is."""
    ewc: float = Field(0.0, ge=0)
    """How strongly weights that review and plain text depend on are pulled back to the start (`train/ewc.py`); 0 leaves it out."""
    sparse: float | None = Field(None, gt=0, le=1)
    """Share of the MLPs' neurons that a night trains: those that its material uses and the rest does not
    (`train/sparse.py`), without weight decay; None: all weights."""
    subspace: float | None = Field(None, gt=0, lt=1)
    """Share of what review and plain text bring to each linear layer to which a night's update stays at right angles
    (`train/subspace.py`); None: it goes anywhere. With full weights only."""
    blend: bool = False
    """Whether a night's weights are mixed with its start's by what is best on wordings held out for that
    (`train/blend.py`); with fewer than twelve new examples nothing is held out, and nothing mixed."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps in which the rate rises."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay of AdamW."""
    clip_norm: float = Field(1.0, gt=0)
    """Largest global gradient norm."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products; auto takes bfloat16 where the hardware has it."""
    checkpoint_seconds: float = Field(120.0, gt=0)
    """Time between checkpoints."""
    seed: int = 0
    """Order of the examples and initial adapters."""

    @model_validator(mode="after")
    def _one_mask(self) -> TrainConfig:
        if self.sparse is not None and self.subspace is not None:
            raise ValueError(
                "train.sparse and train.subspace exclude one another: each says which updates are made. Leave one out."
            )
        if self.sparse is not None and self.weight_decay:
            raise ValueError(
                f"train.weight_decay is {self.weight_decay:g} and would shrink weights that train.sparse leaves alone. "
                "Set train.weight_decay=0, or leave train.sparse out."
            )
        return self

    @property
    def resolved_rate(self) -> float:
        """The peak learning rate for weights as large as those of SmolLM2-135M; `train/rate.py` knows others."""
        return self.learning_rate or {"full": 4e-4, "lora": 2e-3}[self.method]


class ExamConfig(Frozen):
    """How exams are held."""

    answer_tokens: int = Field(32, ge=1)
    """Longest answer, in tokens."""
    call_tokens: int = Field(160, ge=1)
    """Longest answer that is a tool call, in tokens."""
    general_items: int = Field(415, ge=0)
    """Items of the general bank that are sat (a fixed prefix of it); 415 are all of it."""
    abstention_items: int = Field(100, ge=1)
    """Questions that nothing answers, sealed each night where so many can be made."""
    earlier_items: int = Field(300, ge=100)
    """Questions of earlier nights that a night which continues asks again, drawn anew each time; a rebuild asks all."""
    riddle_items: int = Field(96, ge=0)
    """Questions of the riddle section, drawn anew each night in pairs; 0: none. The gate does not look at them."""
    items_per_memory: int = Field(1, ge=1)
    """Questions sealed for each memory."""


class GateConfig(Frozen):
    """When a candidate is promoted."""

    alpha: float = Field(0.05, gt=0, lt=0.5)
    """One-sided error rate of every test, shared by all attempts at one night."""
    margin_retained: float = Field(0.1, ge=0, le=1)
    """Largest tolerated loss on earlier nights' items, as a rate; few questions get a wider one, 100 one of 0.16 (`exam/gate.py`)."""
    margin_general: float = Field(0.08, ge=0, le=1)
    """Largest tolerated loss on general items, as a rate."""
    margin_abstention: float = Field(0.16, ge=0, le=1)
    """Largest tolerated loss on abstention items, as a rate."""
    least_gain: float = Field(0.1, ge=0, le=1)
    """A smaller gain on new items is none, even where it is significant; as a rate."""
    min_items: int = Field(8, ge=2)
    """Fewer new items than this are insufficient evidence."""
