"""The JSON of memories, of what is asked about them, and of deletions; no memory in it shows its secret."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, model_validator

from nightschool.memory.holds import masked
from nightschool.probes import Probe
from nightschool.serve.shapes import MEMORY_PATTERN, SAYS_SOMETHING, Body, Shape
from nightschool.trust import displayed, waits
from nightschool.types import Hold, Kind, Memory, SourceKind, Trust

MOST = 10_000
"""Memories that one request may forget."""
MemoryStanding = Literal["live", "waiting", "conflict", "superseded", "retired"]
Text = Annotated[str, Field(min_length=1, max_length=8000, pattern=SAYS_SOMETHING)]


class MemoryShown(Shape):
    """A memory as it may be shown: without its secret."""

    id: str
    text: str
    status: MemoryStanding
    """Live ones that an approval would let be trained are `waiting`; those found to contradict another `conflict`."""
    source: str
    source_kind: SourceKind
    speaker: str
    kind: Kind
    at: str
    trust: Trust
    approved: bool
    holds: list[Hold]
    """Why it is not trained, whoever said it."""
    learnt_in: str | None
    """The first night that studied it."""
    graduated: list[str]
    """The versions shown, closed-book, to hold it."""
    uses: int
    surprise: float | None
    """Nats a token under the version that lived it."""
    key: str
    valid_from: str
    valid_to: str | None
    supersedes: str | None
    conflicts: list[str]
    """The memories that it contradicts; told in the list of conflicts, and of a memory by itself."""


class Event(Shape):
    """Something that happened to a memory, or to one that it took the place of."""

    at: str
    actor: str
    action: str
    memory: str
    text: str


class Origin(Shape):
    """Where a memory was read."""

    id: str
    title: str
    source: str
    excerpt: str


class MemoryWhole(MemoryShown):
    """A memory with where it came from and what became of it."""

    history: list[Event]
    """Oldest first, with that of the memories that it took the place of."""
    episode: Origin | None
    """None where that is forgotten."""
    versions: list[str]
    """The versions shown to hold it whose weights are still there."""
    trained: list[str]
    """The versions trained on it, still there: they go when it is forgotten."""


class Told(Body):
    """One fact in one sentence."""

    text: Text
    speaker: str | None = Field(None, min_length=1, max_length=80, pattern=SAYS_SOMETHING)
    """Who says so; null: the caller."""
    trust: Trust | None = None
    """At best the caller's own: an admin's is the owner's, everybody else's a user's. What is not the owner's waits
    for approval before it is trained."""


class Learnt(Shape):
    """What a statement changed in memory."""

    added: list[MemoryShown]
    superseded: list[MemoryShown]


class Correction(Body):
    """What a memory should say."""

    text: Text


class Forgetting(Body):
    """What is to be forgotten: ids, or all of a source, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["memories"], "properties": {"memories": {"minItems": 1}}},
                {"required": ["source"], "properties": {"source": {"type": "string"}}},
            ]
        }
    )

    memories: list[Annotated[str, Field(pattern=MEMORY_PATTERN)]] = Field([], max_length=MOST)
    source: str | None = Field(None, min_length=1, max_length=1000, pattern=SAYS_SOMETHING)
    """All from this file or folder."""
    dry_run: StrictBool = False
    """Only tell what would be erased."""

    @model_validator(mode="after")
    def _names_something(self) -> Forgetting:
        if not self.memories and self.source is None:
            raise ValueError("name memories or a source")
        return self


class Forgotten(Shape):
    """What a deletion erased, or would; no text of it."""

    dry_run: bool
    tombstones: list[str]
    """One for the memory and each that it had superseded; they carry no content."""
    memories: list[str] = Field(default_factory=list)
    """In a dry run: those that would be erased."""
    exam_items: int
    examples: int
    tainted: list[str]
    """Versions trained on it: their weights are deleted."""
    live_before: str
    live_after: str
    at: str | None = None
    backups: int = 0
    seconds: float = 0.0
    resumed: bool = False
    left: list[str] = Field(default_factory=list)
    """Notes that could not be looked through for the words; look into them yourself."""
    probes: list[Probe] | None = None
    next_night: int | None = None
    """In a dry run: memories that are new to what the next night would start from."""
    minutes: float | None = None
    """In a dry run: what the last night took."""


def shown(
    memory: Memory, standing: MemoryStanding | None = None, conflicts: list[str] | None = None
) -> MemoryShown:
    """Return a memory as it may be shown."""
    own: MemoryStanding = standing or memory.status.value  # type: ignore[assignment]
    if own == "live" and waits(memory):
        own = "waiting"
    seen = displayed(memory)
    fields = {name: getattr(seen, name) for name in MemoryShown.model_fields if hasattr(seen, name)}
    return MemoryShown.model_validate(
        {
            **fields,
            "status": own,
            "source": masked(seen.source) or seen.source,
            "conflicts": conflicts or [],
        }
    )
