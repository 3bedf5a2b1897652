"""A store without a database: everything in lists, gone with the process. For tests and dry runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace

from nightschool.codec import to_json
from nightschool.errors import UnknownMemory
from nightschool.language import normalise
from nightschool.memory.records import folded
from nightschool.memory.rules import (
    SAID,
    closed,
    compared,
    corrected,
    ending,
    gone_from,
    is_news,
    overruled,
    page_for,
    remembered,
    said_again,
    shown_by,
    under,
)
from nightschool.memory.surroundings import HUMAN
from nightschool.trust import displayed, entitled, waits
from nightschool.types import (
    VIEWS,
    Episode,
    Finding,
    Memory,
    MemoryStatus,
    Page,
    Passage,
    Reading,
    SourceKind,
    Turn,
    View,
    digest,
    new_id,
    now,
)


class FakeStore:
    """Keeps what it is told; implements `protocols.Store`. Recall counts shared word stems."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        self._numbers: dict[str, int] = {}
        self._pages: dict[str, int] = {}
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
        digests = [e.digest for e in (earlier if episode.kind in SAID else earlier[-1:])]
        if reading.repeated or episode.digest in digests:
            news = [f for f in reading.findings if is_news(f, self._current(episode, f))]
            again = reading.repeated or episode.kind is SourceKind.STATEMENT
            if not again or not news:
                return [], []
            episode = said_again(episode)
        self._episodes[episode.id] = episode
        added, superseded = [], []
        for finding in reading.findings:
            known = self._current(episode, finding)
            if not is_news(finding, compared(episode, known)) or self._unwanted(episode, finding):
                continue
            olds = [memory for memory in known if entitled(finding.trust, memory)]
            for old in olds:
                gone = under(finding.key, old)
                actor = reading.because or episode.kind.value
                superseded.append(self._close(gone, MemoryStatus.SUPERSEDED, actor))
            memory = remembered(episode, finding, olds[-1] if olds else None)
            self._add(memory, finding.speaker or episode.source)
            added.append(memory)
        if episode.kind not in SAID:
            own = [m for m in self.memories(episode.tenant) if m.source == episode.source]
            for memory in gone_from(reading, own):
                superseded.append(self._close(memory, *ending(reading)))
        return added, superseded

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        """List a tenant's memories; see `protocols.Store.memories`."""
        return [
            m
            for m in self._memories.values()
            if m.tenant == tenant and (include_retired or m.status is MemoryStatus.LIVE)
        ]

    def browse(
        self,
        tenant: str,
        view: View = "live",
        *,
        source: str | None = None,
        words: Sequence[str] = (),
        after: str | None = None,
        limit: int,
    ) -> list[Memory]:
        """List a part of a tenant's memories, newest first; see `protocols.Store.browse`."""
        newest = self.memories(tenant, include_retired=True)[::-1]
        if after is not None:
            places = [place for place, memory in enumerate(newest) if memory.id == after]
            if not places:
                raise UnknownMemory(f"{after} is no more. Begin again without it.")
            newest = newest[places[0] + 1 :]
        found = [
            m
            for m in newest
            if _in(view, m)
            and source in (None, m.source)
            and all(folded(word) in folded(displayed(m).text) for word in words)
        ]
        return found[:limit]

    def counts(self, tenant: str) -> dict[View, int]:
        """Count a tenant's memories by view; those that wait count as live, too."""
        every = self.memories(tenant, include_retired=True)
        return {view: sum(_in(view, m) for m in every) for view in VIEWS}

    def told(self, tenant: str, since: int, limit: int) -> list[tuple[int, Memory]]:
        """List live memories of what people and notes say; see `protocols.Store.told`."""
        told = [m for m in self.memories(tenant) if m.source_kind in (*SAID, SourceKind.NOTE)]
        found = [(self._numbers[m.id], m) for m in told if self._numbers[m.id] > since]
        return found[:limit]

    def pages(self, tenant: str) -> list[Page]:
        """List a tenant's pages; see `protocols.Store.pages`."""
        found: dict[tuple[str, int], list[Memory]] = {}
        for memory in self._memories.values():
            if memory.tenant == tenant:
                place = (memory.source, self._pages[memory.id])
                found.setdefault(place, []).append(memory)
        return [
            Page(source, number, _revision(found[source, number]))
            for source, number in sorted(found, key=lambda place: place[1])
        ]

    def page(self, tenant: str, source: str, number: int) -> list[Memory]:
        """List the live memories of one page, oldest first."""
        return [
            m for m in self.memories(tenant) if m.source == source and self._pages[m.id] == number
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
        new = corrected(old, text, actor)
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

    def studied(self, memory_ids: Iterable[str], night: str) -> None:
        """Keep that a night studied memories; see `protocols.Store.studied`."""
        self._change(memory_ids, lambda m: replace(m, learnt_in=m.learnt_in or night))

    def examined(self, tenant: str, version_id: str, held: Set[str], night: str) -> None:
        """Keep what a version has shown to hold; see `protocols.Store.examined`."""
        live = [memory.id for memory in self.memories(tenant)]
        self._change(live, lambda m: shown_by(m, version_id, m.id in held, night))

    def used(self, memory_ids: Iterable[str]) -> None:
        """Count that memories stood in the prompt of an answer."""
        self._change(memory_ids, lambda m: replace(m, uses=m.uses + 1))

    def surprised(self, nats: Mapping[str, float]) -> None:
        """Keep how surprising memories were; see `protocols.Store.surprised`."""
        self._change(nats, lambda m: replace(m, surprise=nats[m.id]))

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
        """Return the nearest live memories by the share of the query's stems that they hold."""
        asked = _stems(query)
        found = [(m, _share(asked, m.text)) for m in self.memories(tenant)]
        return sorted((one for one in found if one[1]), key=lambda one: -one[1])[:limit]

    def passages(self, tenant: str, query: str, limit: int) -> list[tuple[Passage, float]]:
        """Return the nearest turns of people; see `protocols.Store.passages`."""
        asked = _stems(query)
        found = [
            (
                Passage(f"{e.id}#{n}", tenant, t.speaker, t.text, e.at, e.source),
                _share(asked, t.text),
            )
            for e in self._episodes.values()
            for n, t in enumerate(e.turns)
            if e.tenant == tenant and t.role == HUMAN and not self._overruled(e, t)
        ]
        return sorted((one for one in found if one[1]), key=lambda one: -one[1])[:limit]

    def _overruled(self, episode: Episode, turn: Turn) -> bool:
        return any(
            m.episode_id == episode.id
            and m.status is MemoryStatus.RETIRED
            and m.span is not None
            and m.span.start < turn.span.end
            and turn.span.start < m.span.end
            for m in self._memories.values()
        )

    def _change(self, memory_ids: Iterable[str], change: Callable[[Memory], Memory]) -> None:
        for name in memory_ids:
            if name in self._memories:
                self._memories[name] = change(self._memories[name])

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first."""
        return list(self._history.get(memory_id, ()))

    def _current(self, episode: Episode, finding: Finding) -> list[Memory]:
        return [
            m
            for m in self.memories(episode.tenant)
            if finding.key
            and (
                (m.key == finding.key or m.id in finding.replaces) and m.source_kind in SAID
                if episode.kind in SAID
                else (m.key == finding.key and m.source == episode.source)
                or m.id in finding.replaces
            )
        ]

    def _unwanted(self, episode: Episode, finding: Finding) -> bool:
        past = [
            m
            for m in self._memories.values()
            if (m.tenant, m.key) == (episode.tenant, finding.key)
            and m.status is not MemoryStatus.LIVE
        ]
        return overruled(episode, finding, past, self._successor)

    def _successor(self, memory_id: str) -> Memory | None:
        return next((m for m in self._memories.values() if m.supersedes == memory_id), None)

    def _add(self, memory: Memory, actor: str) -> None:
        self._numbers[memory.id] = len(self._numbers) + 1
        self._pages[memory.id] = self._page(memory)
        self._memories[memory.id] = memory
        self._note(memory, actor, "added")

    def _page(self, memory: Memory) -> int:
        corrected = self._memories.get(memory.supersedes or "")
        if corrected is not None and corrected.source == memory.source:
            return self._pages[corrected.id]
        own = [
            self._pages[m.id]
            for m in self._memories.values()
            if (m.tenant, m.source) == (memory.tenant, memory.source)
        ]
        last = max(own, default=0)
        return page_for(last, len(self.page(memory.tenant, memory.source, last)))

    def _close(
        self, memory: Memory, status: MemoryStatus, actor: str, ended_by: str = ""
    ) -> Memory:
        ended = closed(memory, status, ended_by)
        self._memories[memory.id] = ended
        self._note(ended, actor, status.value)
        return ended

    def _note(self, memory: Memory, actor: str, action: str) -> None:
        self._history.setdefault(memory.id, []).append(
            {"at": now(), "actor": actor, "action": action, "text": memory.text}
        )


def _in(view: View, memory: Memory) -> bool:
    if view == "all":
        return True
    if view == "waiting":
        return memory.status is MemoryStatus.LIVE and waits(memory)
    return memory.status.value == view


def _revision(memories: list[Memory]) -> int:
    """Return a number that stands for what memories say and are, without what is only counted of them."""
    shown = [replace(m, uses=0, surprise=None, learnt_in=None, graduated=()) for m in memories]
    return int(digest(*map(to_json, shown))[:15], 16)


def _share(asked: set[str], text: str) -> float:
    return len(asked & _stems(text)) / max(1, len(asked))


def _stems(text: str) -> set[str]:
    """Cut words to five letters; short words carry little and are left out."""
    return {word[:5] for word in re.findall(r"\w+", text.lower()) if len(word) > 3}
