"""Which live memories say different things of one thing: what a person has to decide.

Taking a statement apart needs a parse, so what is known of each is kept, and only what is new is read: a long-lived
process keeps one `Contradictions`. What has not been read yet when the time is up is read by the next call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from nightschool.errors import UnknownMemory
from nightschool.language import normalise
from nightschool.sources.claims import claim
from nightschool.sources.keys import statement_key
from nightschool.types import Memory, MemoryStatus, SourceKind
from nightschool.wire import School

BATCH = 200
"""Memories read from the store at a time."""


@dataclass(slots=True)
class _Known:
    """What is known of one tenant's memories; no text but the values that may differ."""

    upto: int = 0
    """The store's number of the last memory that was read."""
    groups: dict[object, dict[str, str]] = field(default_factory=dict)
    """What memories speak about -> memory id -> what it says of that."""


class Contradictions:
    """Finds the contradictions of tenants; may be used by several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._tenants: dict[str, _Known] = {}

    def groups(self, school: School, seconds: float | None = None) -> list[list[Memory]]:
        """Return the groups of live memories that say different things of one thing, oldest first.

        They stand side by side because none of their speakers may overrule the other's words, or because they are
        worded in different ways and none speaks of a change. `curate.review` decides: approving one closes those of
        the same key; of those in other words the wrong one is to be rejected.

        Args:
            school: The wired workspace.
            seconds: How long new memories may be read; None: until all are.
        """
        with self._turn:
            known = self._tenants.setdefault(school.settings.tenant, _Known())
            _read(school, known, None if seconds is None else time.monotonic() + seconds)
            found = {frozenset(m.id for m in group): group for group in _differing(school, known)}
        return [group for ids, group in found.items() if not any(ids < others for others in found)]


def _read(school: School, known: _Known, until: float | None) -> None:
    """Take apart what is new."""
    while batch := school.store.told(school.settings.tenant, known.upto, BATCH):
        for number, memory in batch:
            if until is not None and time.monotonic() >= until:
                return
            known.upto = number
            for about, value in _subjects(memory):
                known.groups.setdefault(about, {})[memory.id] = value


def _subjects(memory: Memory) -> Iterator[tuple[object, str]]:
    """Yield what a memory speaks about, in words and as a fact, each with what it says of it."""
    about = statement_key(memory.text) if memory.source_kind is SourceKind.NOTE else memory.key
    if not about:
        return
    yield about, normalise(memory.text)
    taken = claim(memory.text)
    # "Room 12 is called Ada" and "room 13 is called Bob" are about two rooms: their numbers are no values.
    subject = about.split("|")[1].split() if about.startswith("said|") else []
    numbers = frozenset(word for word in subject if any(c.isdigit() for c in word))
    values = [value for value in taken.news if value not in numbers]
    if taken.fact is not None and values:
        yield (taken.fact, numbers), values[0]


def _differing(school: School, known: _Known) -> Iterator[list[Memory]]:
    for about, values in list(known.groups.items()):
        if len(set(values.values())) < 2:
            continue
        live = []
        for memory_id in list(values):
            with suppress(UnknownMemory):
                memory = school.store.memory(memory_id)
                if memory.status is MemoryStatus.LIVE:
                    live.append(memory)
                    continue
            del known.groups[about][memory_id]
        if len({values[memory.id] for memory in live}) > 1:
            yield live
