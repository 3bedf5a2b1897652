"""What the morning report shows, as frozen data: figures and words, no statistics and no markup.

`gather.make_morning` builds one from the records of the nights. Everything that may be missing is
None, which every renderer prints as "not run"; a zero is always a measured zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from nightschool.types import Decision

READ_COST_OF_TRAINED_TOKEN = 3
"""A trained token costs a forward and a backward pass: about three times a token that is read."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of questions answered right."""

    value: float
    """In [0, 1]."""
    n: int
    """Questions that were scored."""
    low: float | None = None
    """Lower end of the 95% interval; None where none was computed."""
    high: float | None = None
    """Upper end of the 95% interval."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """One kind of question, answered by the base model and by tonight's version."""

    name: str
    base: Rate | None
    """None: not run."""
    version: Rate | None
    """None: not run."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of code or a tool, and how much of it is known closed-book."""

    name: str
    kind: str
    """`module` or `tool`."""
    facts: int
    """Live memories about it."""
    asked: int
    """How many of them the exam asked of tonight's version."""
    base: Rate | None
    """None: not run."""
    version: Rate | None
    """None: not run."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that a night must not harm: general ability, or saying "I don't know"."""

    name: str
    base: Rate | None
    version: Rate | None
    difference: float | None = None
    """Paired difference to the reference that the gate used, as a rate."""
    low: float | None = None
    """Lower one-sided 95% bound of that difference."""
    margin: float | None = None
    """Largest loss that the gate tolerates, as a rate."""


@dataclass(frozen=True, slots=True)
class Night:
    """One row of the history."""

    id: str
    version_id: str | None
    promoted: bool | None
    """None: the gate has not spoken."""
    minutes: float | None
    peak_gb: float | None
    """Peak resident memory, in units of 10^9 bytes."""
    tokens: int | None
    """Tokens that went through the network in training."""
    examples: int | None
    taught: int | None
    """Memories that were new this night."""
    overridden: bool = False
    """Whether somebody promoted it against the gate."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One exam question with the answers before and after the night."""

    question: str
    before: str | None
    after: str
    right: str
    verdict: str
    """`correct`, `wrong` or `unscored`."""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a deletion: the same question before and after it."""

    tombstone: str
    """Id that stands for the erased memory; it carries no content."""
    question: str
    before: str | None
    """None: not probed."""
    after: str | None
    """None: not probed yet."""
    gone: bool | None = None
    """Whether the forgotten value is absent from the later answer; None: not probed yet."""


@dataclass(frozen=True, slots=True)
class Returns:
    """What the night cost in tokens, and what it saves by day."""

    training_tokens: int | None
    tokens_saved: float | None
    """Prompt tokens that a question no longer needs, on average, because the weights hold the answer."""

    @property
    def break_even(self) -> int | None:
        """Questions after which the night has paid for itself; None when it saves nothing or is unknown."""
        if self.training_tokens is None or not self.tokens_saved or self.tokens_saved <= 0:
            return None
        return math.ceil(READ_COST_OF_TRAINED_TOKEN * self.training_tokens / self.tokens_saved)


@dataclass(frozen=True, slots=True)
class Tally:
    """Facts counted whole: a fact counts as known when all of its questions are answered right."""

    known: int
    total: int


@dataclass(frozen=True, slots=True)
class Continual:
    """The continual-learning measures over the nights (definitions in `exam/stats.py`)."""

    acc: float | None
    bwt: float | None
    fwt: float | None
    forgetting: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A difference of rates with its 95% interval."""

    value: float
    low: float
    high: float
    n: int
    """Pairs of questions."""


@dataclass(frozen=True, slots=True)
class RiddleRow:
    """A part of the riddle section, before the night (the version then served) and after it."""

    name: str
    before: Rate | None
    """None: not run."""
    after: Rate | None
    alike_before: Rate | None
    """Share of pairs that were treated alike; None: not run, or nothing to compare."""
    alike: Rate | None


@dataclass(frozen=True, slots=True)
class Riddles:
    """The riddle section. The gap is the rate on familiar forms minus the rate on altered ones."""

    reference: str
    """The version that tonight's was compared with, or `base`."""
    rows: tuple[RiddleRow, ...]
    gap_before: Span | None
    """None: not run, as below."""
    gap: Span | None
    change: Span | None
    """How much wider the gap became, on the same pairs."""
    widened: bool
    """Whether it became significantly wider: a warning, no check of the gate."""
    unscored: int
    """Answers without a verdict, of both versions."""


@dataclass(frozen=True, slots=True)
class PracticeRun:
    """A finished practice run; shares are of held-out tasks, solved greedily."""

    id: str
    environment: str
    version_id: str
    before: float | None
    """None: none was scored, as below."""
    after: float | None
    tasks: int
    p: float | None
    """One-sided exact p-value of no gain."""
    minutes: float
    promoted: bool


@dataclass(frozen=True, slots=True)
class Morning:
    """Everything that the morning report of one workspace and tenant shows."""

    tenant: str
    workspace: str
    at: str
    base: str
    """Name of the base model."""
    nights: tuple[Night, ...] = ()
    """Oldest first; the last is tonight."""
    matrix: tuple[tuple[float | None, ...], ...] = ()
    """Accuracy, closed-book: a row after each night, a column for the facts of each night."""
    learnt: Tally | None = None
    """Tonight's facts that tonight's version knows; None: not run."""
    lost: Tally | None = None
    """Facts of earlier nights that the version before knew (`total`) and tonight's does not (`known`)."""
    groups: tuple[Contrast, ...] = ()
    modes: tuple[Contrast, ...] = ()
    guards: tuple[Guard, ...] = ()
    decision: Decision | None = None
    """Tonight's decision; None: the gate has not spoken."""
    dropped: dict[str, int] | None = None
    """Reason -> study examples that were dropped; None: no study material was made."""
    uncovered: tuple[str, ...] | None = None
    """Memories that got no study material or no exam question; None: not counted."""
    answers: tuple[Answer, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    returns: Returns = field(default_factory=lambda: Returns(None, None))
    kl_nats: float | None = None
    """Mean KL(version || base) per token on general prompts."""
    perplexity_base: float | None = None
    perplexity: float | None = None
    continual: Continual | None = None
    """Over all nights; None before the second."""
    risk: tuple[tuple[float, float], ...] = ()
    """Closed-book (share answered, error among those), the surest answers first."""
    distinct: Rate | None = None
    """Tonight's version on acquired items without near-duplicates of study questions; None: not run."""
    near: int | None = None
    """How many near-duplicates those leave out; None: not counted."""
    parts: tuple[Part, ...] = ()
    """What it knows of each file of code and each tool, by kind and name; empty where it learnt none."""
    riddles: Riddles | None = None
    """None: not run, as on nights before there were any."""
    practice: tuple[PracticeRun, ...] = ()
    """Oldest first."""

    def error_at(self, share: float) -> float | None:
        """Return the error when only the surest `share` of questions is answered; None: not run."""
        inside = [risk for covered, risk in self.risk if covered <= share]
        return inside[-1] if inside else None

    @property
    def tonight(self) -> Night | None:
        """The last night; None before the first."""
        return self.nights[-1] if self.nights else None
