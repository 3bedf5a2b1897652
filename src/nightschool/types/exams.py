"""Exams: questions, answers, what they are worth, and what the gate decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """A verifier's verdict; `unscored` means that the verifier could not tell."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one answer, with a finite value where the verifier has one."""

    verdict: Verdict
    value: float | None = None
    reason: str = ""


class BankKind(StrEnum):
    """What a bank examines."""

    ACQUIRED = "acquired"
    GENERAL = "general"
    ABSTENTION = "abstention"
    RIDDLES = "riddles"
    SKILLS = "skills"
    """Held-out tasks of an environment, attempted rather than asked; see `skills.py`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed exam question."""

    id: str
    question: str
    answers: tuple[str, ...]
    """Accepted answers; empty for abstention items, whose right answer is to refuse."""
    memory_ids: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    """Values that used to be right: an answer that gives one is wrong."""
    choices: tuple[str, ...] = ()
    """For items scored by likelihood: all candidates, the right one among `answers`."""
    context: str = ""
    """The source text that the open-book condition puts into the prompt."""
    group: str = ""
    """What kind of thing is asked: `told`, `code`, `tools`, `document`, `capitals`, ..."""
    author: str = ""
    """Which mechanism wrote the question."""
    schema: str = ""
    """JSON Schema of a tool's arguments, where the answer is a call of that tool; else empty."""
    pair: str = ""
    """What two items that are compared with each other have in common, such as both forms of a riddle; else empty."""
    form: str = ""
    """Which of a pair: `familiar`, `altered` or `reversed`."""


@dataclass(frozen=True, slots=True)
class Bank:
    """A set of items, sealed before the training that it examines."""

    id: str
    tenant: str
    kind: BankKind
    night: str
    """The night that sealed it; empty for the general bank."""
    items: tuple[Item, ...]
    sealed_at: str


@dataclass(frozen=True, slots=True)
class Result:
    """One answer to one item, graded."""

    item_id: str
    bank_id: str
    mode: str
    """`closed`, `open`, `retrieval` or `choice`."""
    answer: str
    score: Score
    exact: float | None
    f1: float | None
    contained: float | None
    confidence: float | None
    """Mean log-probability (nats per token) of the answer given; None where not computed."""


@dataclass(frozen=True, slots=True)
class Report:
    """The graded results of one model on a set of banks."""

    id: str
    tenant: str
    version_id: str
    """The examined version; `base` for the untouched base model."""
    night: str
    results: tuple[Result, ...]
    kl_nats: float | None = None
    """Mean KL(version || its own base) per token on general prompts; None where not computed."""
    perplexity: float | None = None
    """Per token on held-out plain text, so of models with one tokenizer only; None where not computed."""
    at: str = ""
    seconds: float = 0.0
    base: str = ""
    """The base model on which the examined version stands; empty where it was not written down."""
    bits_per_byte: float | None = None
    """On held-out plain text, comparable between tokenizers; None where not computed."""
    engine: str = "torch"
    """What the answers came from: `torch`, or llama.cpp on a file in `llama-f16` or `llama-q8_0`."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a gate decision."""

    name: str
    passed: bool
    difference: float | None
    low: float | None
    """Lower one-sided 95% bound of the paired difference; None where there was no test."""
    margin: float | None
    n: int
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided about a candidate, and why."""

    promote: bool
    checks: tuple[Check, ...]
    attempt: int = 1
    overridden_by: str | None = None
    """Who promoted against the gate; None when the gate's word stands."""
