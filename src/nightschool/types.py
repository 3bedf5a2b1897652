"""The words of Nightschool as frozen data: what the rooms hand to one another.

Everything here is a frozen dataclass of plain values, so that a record can be written as
JSON and read back without loss (`codec.py`). No behaviour, no I/O.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

DEFAULT_TENANT = "default"
Effort = Literal["small", "medium", "large"]
"""The one dial of a night; it stands here so that the command line needs no settings to be parsed."""
NightKind = Literal["auto", "rebuild", "continue"]
"""A night built anew from the base, one that goes on from the served version, or the cheaper of them."""
Quant = Literal["f16", "q8_0"]
"""How matrices are stored in a GGUF file: in half precision, or in 8 bits with a scale for each 32 weights."""


def new_id(prefix: str) -> str:
    """Make a random id such as `mem-3f9c2a71be04d5e6`; it carries no content, and a million of them do not meet."""
    return f"{prefix}-{secrets.token_hex(8)}"


def now() -> str:
    """Return this moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digest(*parts: str) -> str:
    """Return the hex sha256 of the parts, joined so that no two lists collide."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(len(raw).to_bytes(8, "big") + raw)
    return hasher.hexdigest()


# -- experience ---------------------------------------------------------------------------


class SourceKind(StrEnum):
    """What an episode was made of."""

    DOCUMENT = "document"
    CODE = "code"
    TOOLS = "tools"
    """Definitions of tools, or of an HTTP API."""
    CONVERSATION = "conversation"
    STATEMENT = "statement"
    NOTE = "note"
    """A file among the memories that a model keeps."""


class Trust(StrEnum):
    """Who stands behind a statement; the order is `trust.ORDER`."""

    OWNER = "owner"
    """Stated by the owner, or learnt by the owner's command."""
    USER = "user"
    """Somebody who talks with the model, and what the model made of it."""
    TOOL = "tool"
    """The output of a tool, or a file of unknown origin."""
    WEB = "web"
    """A page that anybody may have written."""


class Hold(StrEnum):
    """Why a memory is not trained whoever stated it."""

    SECRET = "secret"
    """It holds a password, key or token; masked wherever it is shown."""
    VOLATILE = "volatile"
    """It says what is so just now: a price, a status, today's number."""
    DIRECTIVE = "directive"
    """A source tells the reader's model what to do."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters in an episode's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str
    """`user`, `assistant`, `system` or `tool`."""
    speaker: str
    """Who said it: the message's `name`, else its role."""
    text: str
    span: Span
    """Where the turn stands in the episode's text."""
    recalled: tuple[str, ...] = ()
    """Ids of the memories that had stood in the conversation's prompts by then; never their text."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One raw piece of experience, append-only."""

    id: str
    tenant: str
    kind: SourceKind
    source: str
    """Where it came from: a path relative to nothing (as given), `pkg:NAME`, or `said`."""
    title: str
    text: str
    digest: str
    """sha256 of kind, source and text: the same content learnt again has the same digest."""
    at: str
    turns: tuple[Turn, ...] = ()
    trust: Trust = Trust.OWNER
    """Of a conversation: the tier of who talked. What is found in it, also when it is read again, is at best of that."""


class MemoryStatus(StrEnum):
    """Where a memory stands in its life."""

    LIVE = "live"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    """Taken out: by a person, and then not read again from its source, or by what `Memory.ended_by` names."""


class Kind(StrEnum):
    """What sort of thing a memory holds."""

    FACT = "fact"
    PREFERENCE = "preference"
    PROCEDURE = "procedure"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that a reader found in an episode, before it becomes a memory."""

    text: str
    """One self-contained sentence (or passage) that a person can read and correct."""
    form: str
    """What kind of fact: `said`, `passage`, `tool`, `code.` and function, class, property or module."""
    facets: dict[str, str] = field(default_factory=dict)
    """Structure that authors use (see `sources/` for the keys of each form); may be empty."""
    span: Span | None = None
    speaker: str = ""
    key: str = ""
    """Stable name of *what* the fact is about; a new finding with a live memory's key replaces it."""
    trust: Trust = Trust.OWNER
    replaces: tuple[str, ...] = ()
    """Ids of live memories whose place it takes too, because it says in other words that they are out of date."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of one source: the episode and the facts found in it."""

    episode: Episode
    findings: tuple[Finding, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    """Why statements were left out (`unsupported`, `echo`, `known`, `denial`) -> how many."""
    because: str = ""
    """What changed the source, such as `commit 1a2b3c4d5e6f`: it retires what the source does not hold any
    more. Empty where nothing says so; then that is superseded."""
    moved: tuple[str, ...] = ()
    """Ids of memories that this source does not hold any more, and another reading takes over."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One short-term record with its provenance."""

    id: str
    tenant: str
    text: str
    form: str
    source_kind: SourceKind
    source: str
    episode_id: str
    at: str
    span: Span | None = None
    speaker: str = ""
    key: str = ""
    facets: dict[str, str] = field(default_factory=dict)
    status: MemoryStatus = MemoryStatus.LIVE
    supersedes: str | None = None
    """The memory that this one replaced; None when it replaced none."""
    learnt_in: str | None = None
    """The first night (id) that studied it; None before its first night."""
    graduated: tuple[str, ...] = ()
    """The versions shown, closed-book, to hold it; for every other one it must be recalled."""
    trust: Trust = Trust.OWNER
    approved: bool = False
    """Whether the owner vouches for what somebody else said; without it, that is never trained."""
    holds: tuple[Hold, ...] = ()
    """Why it is not trained, whoever said it; the owner's approval lifts all but a secret's."""
    masked: str = ""
    """The text as it may be shown; empty where it holds no secret."""
    kind: Kind = Kind.FACT
    valid_from: str = ""
    """Since when it holds, as its source dates it; empty where nobody said."""
    valid_to: str | None = None
    """When it was replaced or taken out; None while it holds."""
    ended_by: str = ""
    """What took it out where no person did, such as `commit 1a2b3c4d5e6f`; it is read again if it comes back."""
    surprise: float | None = None
    """Mean negative log-likelihood (nats a token) under the version that lived it; None where none read it."""
    uses: int = 0
    """How often it stood in the prompt of an answer."""


View = Literal["all", "live", "waiting", "superseded", "retired"]
"""Which memories a listing shows; `waiting` are the live ones that an approval would let reach the weights."""
VIEWS: tuple[View, ...] = ("all", "live", "waiting", "superseded", "retired")


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that a person said in a conversation, in their words."""

    id: str
    """The episode's id and the turn's number, from 0: `ep-3f9c2a71be#4`."""
    tenant: str
    speaker: str
    text: str
    at: str
    """When the conversation was, as its source dates it."""
    source: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a source's memories, of bounded size: what one memory file shows."""

    source: str
    number: int
    """From 1, in the order in which the source grew."""
    revision: int
    """Changes with all that a reader of the page may see: equal revisions mean equal pages, in any database."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer that was served, as far as feedback needs it; no text."""

    id: str
    """As the client was told: `chatcmpl-...`."""
    tenant: str
    episode_id: str
    """The conversation that it ends."""
    version_id: str
    """Who answered; `base` for the untouched base model."""
    at: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody said of one answer; the text of a correction is a memory's, and is not here."""

    id: str
    tenant: str
    completion_id: str
    episode_id: str
    at: str
    actor: str
    """The key that it came with; never the secret of it."""
    liked: bool | None = None
    """Thumbs up or down; None where none was given."""
    passed: bool | None = None
    """The verdict of a test; None where none ran."""
    corrections: tuple[str, ...] = ()
    """Ids of the memories that say what would have been right; they wait for approval."""
    corrected: bool = False
    """Whether somebody said what would have been right; that may have been known already."""


# -- study --------------------------------------------------------------------------------


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


# -- exam ---------------------------------------------------------------------------------


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


# -- versions -----------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Version:
    """A set of trained weights with its lineage."""

    id: str
    tenant: str
    night: str
    kind: str
    """`full` or `lora`."""
    base: str
    """The base model on which it stands: a name, an id or a folder, as in `model.base`."""
    parent: str
    """The version (or `base`) that training started from."""
    memory_ids: tuple[str, ...]
    example_ids: tuple[str, ...]
    data_digest: str
    seed: int
    config: dict[str, Any]
    created: str
    train: TrainResult | None = None
    tainted_by: tuple[str, ...] = ()
    """Tombstone ids of forgotten memories that it was trained on."""


# -- practice -----------------------------------------------------------------------------

Split = Literal["train", "held_out"]
"""What is practised on, and what success is measured on; no task of one is a task of the other."""
SPLITS: tuple[Split, ...] = ("train", "held_out")
CaseKind = Literal["right", "wrong", "malformed", "empty", "truncated", "adversarial"]
"""The kinds of answers that every environment's own table holds."""
CASE_KINDS: tuple[CaseKind, ...] = (
    "right", "wrong", "malformed", "empty", "truncated", "adversarial",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that may be called in a task."""

    name: str
    purpose: str
    schema: dict[str, Any]
    """JSON Schema of its arguments: an object."""


@dataclass(frozen=True, slots=True)
class Task:
    """One problem of an environment; with the environment's name it is all that a rollout starts from."""

    id: str
    """`NAME/SPLIT/SEED`: the same words make the same task again."""
    environment: str
    split: Split
    seed: int
    prompt: tuple[Message, ...]
    """What the model sees first; definitions of tools stand in it as text."""
    solution: tuple[str, ...] = ()
    """Actions known to earn full marks, in their order: for worked examples and warm-up, never shown by the
    environment itself. Empty where none is known."""
    tools: tuple[Tool, ...] = ()
    """The same definitions as data, for engines that take them; empty where the task has none."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the environment needs to start and grade it, as JSON; never shown to the model."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an environment answers to one action."""

    observation: tuple[Message, ...] = ()
    """What the model sees next, after its own action; empty once it is done."""
    done: bool = False
    score: Score | None = None
    """Of the whole attempt; None before it is done. Its `value` is the reward: 1 where it is correct, from 0
    to below 1 where it is wrong, None where it is unscored."""
    fresh: bool = False
    """Whether the context is cleared: the observation is then all that the model sees of what was before."""
    info: dict[str, float] = field(default_factory=dict)
    """Counts for statistics, such as calls and those among them that were valid; no part of the reward."""


@dataclass(frozen=True, slots=True)
class Move:
    """One turn of a rollout."""

    prompt: tuple[Message, ...]
    """All that the model saw when it acted."""
    action: str
    step: Step


@dataclass(frozen=True, slots=True)
class Rollout:
    """One attempt at a task from its start to its end."""

    task: Task
    moves: tuple[Move, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class Case:
    """A line of an environment's table: actions, and the verdict that they must get."""

    kind: CaseKind
    actions: tuple[str, ...]
    verdict: Verdict | None = Verdict.WRONG
    """None: anything but correct, for a verifier of somebody else's that may break on it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a model that is being practised said to one prompt, in its tokens."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    """What was drawn; the last one is the end-of-turn token where the model `ended`."""
    logs: tuple[float, ...]
    """Log-probability (nats) of each of them at the temperature of drawing, under the weights that drew it."""
    ended: bool
    """False: it was cut off at the bound on tokens."""
    text: str
    """The same as text, without the end-of-turn token and outer white space."""


@dataclass(frozen=True, slots=True)
class Credit:
    """How much better than to be expected what was drawn has turned out."""

    drawn: Drawn
    advantage: float
    """Above 0: to be made likelier; the same for each of its tokens."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one step of practice did to the weights."""

    loss: float
    kl: float | None
    """Mean divergence from the untouched start (nats a token); None where it was not computed."""
    clipped: float
    """Share of tokens whose probability had moved out of the clip range, so that they taught nothing."""
    grad_norm: float
    """Before it was clipped."""
    tokens: int
    """Labelled tokens."""
    seconds: float
