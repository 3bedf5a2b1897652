"""A store without a database: everything in lists, gone with the process. For tests and dry runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from nightschool.errors import UnknownMemory
from nightschool.language import normalise
from nightschool.memory.holds import holds, masked
from nightschool.memory.rules import SAID, is_news, may_vanish, overruled, said_again
from nightschool.trust import entitled
from nightschool.types import (
    Episode,
    Finding,
    Memory,
    MemoryStatus,
    Reading,
    SourceKind,
    Trust,
    new_id,
    now,
)


class FakeStore:
    """Keeps what it is told; implements `protocols.Store`. Recall counts shared word stems."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        self._episodes: dict[str, Episode] = {}
        self._history: dict[str, list[dict[str, str]]] = {}

    def absorb(self, reading: Reading) -> tuple[list[Memory], list[Memory]]:
        """Store a reading; see `protocols.Store.absorb`."""
        episode = reading.episode
        earlier = [
            e
            for e in self._episodes.values()
            if (e.tenant, e.source) == (episode.tenant, episode.source)
        ]
        if episode.digest in [
            e.digest for e in (earlier if episode.kind in SAID else earlier[-1:])
        ]:
            news = [f for f in reading.findings if is_news(f, self._current(episode, f))]
            if episode.kind is not SourceKind.STATEMENT or not news:
                return [], []
            episode = said_again(episode)
        self._episodes[episode.id] = episode
        added, superseded = [], []
        for finding in reading.findings:
            known = self._current(episode, finding)
            if not is_news(finding, known) or self._unwanted(episode, finding):
                continue
            olds = [memory for memory in known if entitled(finding.trust, memory)]
            for old in olds:
                superseded.append(self._close(old, MemoryStatus.SUPERSEDED, episode.kind.value))
            memory = Memory(
                new_id("mem"), episode.tenant, finding.text, finding.form, episode.kind,
                episode.source, episode.id, episode.at, span=finding.span, speaker=finding.speaker,
                key=finding.key, facets=dict(finding.facets), supersedes=olds[-1].id if olds else None,
                trust=finding.trust, holds=holds(finding.text, episode.kind),
                masked=masked(finding.text),
            )  # fmt: skip
            self._add(memory, finding.speaker or episode.source)
            added.append(memory)
        if episode.kind not in SAID:
            keys = {finding.key for finding in reading.findings}
            for memory in self.memories(episode.tenant):
                if (
                    memory.source == episode.source
                    and memory.key not in keys
                    and may_vanish(memory)
                ):
                    superseded.append(
                        self._close(memory, MemoryStatus.SUPERSEDED, episode.kind.value)
                    )
        return added, superseded

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        """List a tenant's memories; see `protocols.Store.memories`."""
        return [
            m
            for m in self._memories.values()
            if m.tenant == tenant and (include_retired or m.status is MemoryStatus.LIVE)
        ]

    def memory(self, memory_id: str) -> Memory:
        """Return one memory. Raises UnknownMemory."""
        if memory_id not in self._memories:
            raise UnknownMemory(f"No memory is called {memory_id}.")
        return self._memories[memory_id]

    def episode(self, episode_id: str) -> Episode:
        """Return one episode. Raises UnknownMemory."""
        if episode_id not in self._episodes:
            raise UnknownMemory(f"No episode is called {episode_id}.")
        return self._episodes[episode_id]

    def edit(self, memory_id: str, text: str, actor: str) -> Memory:
        """Supersede a live memory by a new text; see `protocols.Store.edit`."""
        old = self.memory(memory_id)
        if old.status is not MemoryStatus.LIVE:
            raise UnknownMemory(f"{memory_id} is {old.status.value}; only live ones are edited.")
        self._close(old, MemoryStatus.SUPERSEDED, actor)
        new = replace(
            old, id=new_id("mem"), text=text, facets={}, form="said", at=now(), supersedes=old.id,
            learnt_in=None, graduated=None, speaker=actor, trust=Trust.OWNER,
            holds=holds(text, SourceKind.STATEMENT), masked=masked(text),
        )  # fmt: skip
        self._add(new, actor)
        return new

    def approve(self, memory_id: str, actor: str) -> Memory:
        """Vouch for a live memory; see `protocols.Store.approve`."""
        memory = self.memory(memory_id)
        if memory.status is not MemoryStatus.LIVE:
            raise UnknownMemory(
                f"{memory_id} is {memory.status.value}; only live ones are approved."
            )
        rivals = [
            m
            for m in self.memories(memory.tenant)
            if memory.key
            and m.key == memory.key
            and m.id != memory_id
            and {m.source_kind, memory.source_kind} <= set(SAID)
        ]
        for rival in rivals:
            self._close(rival, MemoryStatus.SUPERSEDED, actor)
        self._memories[memory_id] = approved = replace(memory, approved=True)
        self._note(approved, actor, "approved")
        return approved

    def retire(self, memory_id: str, actor: str) -> Memory:
        """Take a live memory out; see `protocols.Store.retire`."""
        memory = self.memory(memory_id)
        if memory.status is not MemoryStatus.LIVE:
            raise UnknownMemory(f"{memory_id} is {memory.status.value} already.")
        return self._close(memory, MemoryStatus.RETIRED, actor)

    def replace(self, memory: Memory) -> None:
        """Write back bookkeeping. Raises UnknownMemory."""
        self.memory(memory.id)
        self._memories[memory.id] = memory

    def remove(self, memory_ids: Iterable[str]) -> list[str]:
        """Erase memories with what they superseded; see `protocols.Store.remove`."""
        chain = [memory for given in memory_ids for memory in self.lineage(given)]
        texts = {(memory.tenant, normalise(memory.text)) for memory in chain}
        noted = [
            m
            for m in self._memories.values()
            if m.source_kind is SourceKind.NOTE and (m.tenant, normalise(m.text)) in texts
        ]
        gone = dict.fromkeys(memory.id for memory in (*chain, *noted))
        for name in gone:
            memory = self._memories.pop(name)
            self._history.pop(name, None)
            if not any(m.episode_id == memory.episode_id for m in self._memories.values()):
                self._episodes.pop(memory.episode_id, None)
        return [new_id("gone") for _ in gone]

    def lineage(self, memory_id: str) -> list[Memory]:
        """Return a memory and all that said something of the same thing before, newest first."""
        chain = [self.memory(memory_id)]
        while chain[-1].supersedes in self._memories:
            chain.append(self._memories[str(chain[-1].supersedes)])
        first = chain[0]
        return chain + [
            m
            for m in self._memories.values()
            if first.key
            and (m.tenant, m.key) == (first.tenant, first.key)
            and m.status is not MemoryStatus.LIVE
            and m not in chain
        ]

    def recall(self, tenant: str, query: str, limit: int) -> list[tuple[Memory, float]]:
        """Return the nearest live memories by shared stems; see `protocols.Store.recall`."""
        asked = _stems(query)
        scored = [(m, float(len(asked & _stems(m.text)))) for m in self.memories(tenant)]
        return sorted((s for s in scored if s[1]), key=lambda s: -s[1])[:limit]

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first."""
        return list(self._history.get(memory_id, ()))

    def _current(self, episode: Episode, finding: Finding) -> list[Memory]:
        return [
            m
            for m in self.memories(episode.tenant)
            if finding.key
            and m.key == finding.key
            and (m.source_kind in SAID if episode.kind in SAID else m.source == episode.source)
        ]

    def _unwanted(self, episode: Episode, finding: Finding) -> bool:
        closed = [
            m
            for m in self._memories.values()
            if (m.tenant, m.key) == (episode.tenant, finding.key)
            and m.status is not MemoryStatus.LIVE
        ]
        return overruled(episode, finding, closed, self._successor)

    def _successor(self, memory_id: str) -> Memory | None:
        return next((m for m in self._memories.values() if m.supersedes == memory_id), None)

    def _add(self, memory: Memory, actor: str) -> None:
        self._memories[memory.id] = memory
        self._note(memory, actor, "added")

    def _close(self, memory: Memory, status: MemoryStatus, actor: str) -> Memory:
        closed = replace(memory, status=status)
        self._memories[memory.id] = closed
        self._note(closed, actor, status.value)
        return closed

    def _note(self, memory: Memory, actor: str, action: str) -> None:
        self._history.setdefault(memory.id, []).append(
            {"at": now(), "actor": actor, "action": action, "text": memory.text}
        )


def _stems(text: str) -> set[str]:
    """Cut words to five letters; short words carry little and are left out."""
    return {word[:5] for word in re.findall(r"\w+", text.lower()) if len(word) > 3}
