"""Experience and memory: what was lived, what was found in it, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


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
    holds: tuple[Hold, ...] = ()
    """Why it may not be trained, as far as its reader knows; the rules of `memory/holds.py` are asked in any case."""


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
    repeated: bool = False
    """Whether these words were said before at the very same place of a talk: then it counts for its news alone."""


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
