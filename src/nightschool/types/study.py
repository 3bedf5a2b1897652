"""Study: examples, the material they make up, and what a training run cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is `system`, `user`, `assistant` or `tool`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """One training item, which names the memories that it was derived from."""

    id: str
    tenant: str
    memory_ids: tuple[str, ...]
    """Empty for general replay, which is derived from no memory."""
    author: str
    """`rules`, `self`, `teacher`, `imported` or `base` (general replay)."""
    family: str
    """`statement`, `passage`, `abstain`, `call`, `general`, or what a model was asked for (`study/families.py`)."""
    prompt: tuple[Message, ...]
    """The conversation before the target; empty means plain text, learnt without a chat frame."""
    target: str
    """What the model must produce; the loss covers it and its end-of-turn token only."""


@dataclass(frozen=True, slots=True)
class Material:
    """A night's study material, and what was dropped on the way to it."""

    examples: tuple[Example, ...]
    dropped: dict[str, int]
    """Reason (`unsupported`, `copied`, `inconsistent`, `duplicate`, `leak`) -> how many examples."""
    uncovered: tuple[str, ...]
    """Ids of memories for which no author wrote anything."""
    review: tuple[Example, ...] = ()
    """Examples of earlier nights, of which each pass over `examples` reads its own part; one may stand here repeatedly."""

    @property
    def all(self) -> tuple[Example, ...]:
        """Everything that the night reads."""
        return (*self.examples, *self.review)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A question hashed: enough to find repeats of it, too little to read it."""

    exact: str
    """Hash of the whole normalised question."""
    words: frozenset[str]
    """Hashes of its words."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training run produced and cost."""

    kind: str
    """`full` or `lora`."""
    steps: int
    tokens: int
    """Tokens that went through the network, shared prefixes counted once a pack."""
    labelled_tokens: int
    seconds: float
    peak_bytes: int
    """Peak resident memory of the training process."""
    first_loss: float
    last_loss: float
    losses: tuple[float, ...] = ()
    kept: float | None = None
    """Share of the update that a mixture with the start kept (`train.blend`); None: nothing was mixed."""
