"""The short-term memory in SQLite: episodes, memories, history, tombstones and the search index.

The database is the one home of episodes and records, so that a reading is stored whole or not at
all and `forget` has one place to clean; `files.py` renders the memories for people.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from nightschool.codec import from_json
from nightschool.errors import UnknownMemory, WorkspaceLocked
from nightschool.memory.erasure import erase, erase_tenant
from nightschool.memory.integrity import check, reindex
from nightschool.memory.recall import SPARE, preferred, stemmed
from nightschool.memory.records import Records, folded
from nightschool.memory.rules import (
    SAID,
    compared,
    corrected,
    ending,
    gone_from,
    is_news,
    overruled,
    remembered,
    replaced_too,
    said_again,
    shown_by,
    under,
)
from nightschool.memory.schema import MIGRATIONS, ROOM
from nightschool.protocols import Embedder, Progress
from nightschool.trust import entitled, waits
from nightschool.types import (
    Episode,
    Finding,
    Memory,
    MemoryStatus,
    Page,
    Passage,
    Reading,
    SourceKind,
    View,
)
from nightschool.workspace import Workspace, migrate, transaction


class SqliteStore:
    """The memory of one workspace; implements `protocols.Store`."""

    def __init__(self, workspace: Workspace, embedder: Embedder | None = None) -> None:
        """Open the workspace's database and bring its tables up to date.

        Args:
            workspace: Where the database is.
            embedder: Makes the vectors of the dense index; None: recall goes by words only.

        Raises:
            WorkspaceCorrupt: The database cannot be read.
        """
        self.connection = workspace.connect()
        self.connection.create_function("stemmed", 1, stemmed, deterministic=True)
        self.connection.create_function("folded", 1, folded, deterministic=True)
        self.connection.create_function("waits", 1, lambda body: waits(from_json(Memory, body)))
        migrate(self.connection, ROOM, MIGRATIONS)
        self._records = Records(self.connection, embedder)

    # -- writing ------------------------------------------------------------------------

    def absorb(self, reading: Reading) -> tuple[list[Memory], list[Memory]]:
        """Store a reading; return (added, superseded) memories.

        The same content again changes nothing. A document or source tree that changed replaces the
        findings that differ and closes those that are gone; a later statement about the same
        thing replaces the earlier one. A finding may also take the place of memories that it names.
        """
        episode = reading.episode
        with transaction(self.connection):
            if reading.repeated or self._has(episode):
                news = [f for f in reading.findings if is_news(f, self._current(episode, f))]
                again = reading.repeated or episode.kind is SourceKind.STATEMENT
                if not again or not news:
                    return [], []
                episode = said_again(episode)
            episode = self._as_newest(episode)
            self._records.add_episode(episode)
            added: list[Memory] = []
            superseded: list[Memory] = []
            for finding in reading.findings:
                known = self._current(episode, finding)
                if not is_news(finding, compared(episode, known)) or self._unwanted(
                    episode, finding
                ):
                    continue
                olds = [memory for memory in known if entitled(finding.trust, memory)]
                memory = remembered(episode, finding, olds[-1] if olds else None)
                superseded += [
                    self._records.close(
                        under(memory.key, old),
                        MemoryStatus.SUPERSEDED,
                        reading.because or episode.kind.value,
                    )
                    for old in olds
                ]
                self._records.add(memory, finding.speaker or episode.source, episode)
                added.append(memory)
            if episode.kind not in SAID:
                superseded += self._retire_gone(reading)
            return added, superseded

    def edit(self, memory_id: str, text: str, actor: str) -> Memory:
        """Replace a memory's text by a new memory that supersedes it.

        Raises:
            UnknownMemory: No live memory has this id.
        """
        with transaction(self.connection):
            old = self._records.live(memory_id)
            new = corrected(old, text, actor)
            self._records.close(old, MemoryStatus.SUPERSEDED, actor)
            self._records.add(new, actor, self.episode(old.episode_id))
            return new

    def approve(self, memory_id: str, actor: str) -> Memory:
        """Let the owner vouch for a live memory that somebody else stated.

        Raises:
            UnknownMemory: No live memory has this id.
        """
        with transaction(self.connection):
            memory = self._records.live(memory_id)
            for other in self._rivals(memory):
                self._records.close(other, MemoryStatus.SUPERSEDED, actor)
            approved = replace(memory, approved=True)
            self._records.update(approved)
            self._records.note(approved, actor, "approved")
            return approved

    def retire(self, memory_id: str, actor: str) -> Memory:
        """Take a live memory out; it stays in the history, and its source does not bring it back.

        Raises:
            UnknownMemory: No live memory has this id.
        """
        with transaction(self.connection):
            return self._records.close(self._records.live(memory_id), MemoryStatus.RETIRED, actor)

    def studied(self, memory_ids: Iterable[str], night: str) -> None:
        """Keep that a night studied memories; one forgotten in the meantime is passed over."""
        with transaction(self.connection):
            for memory in self._records.known(memory_ids):
                self._records.update(replace(memory, learnt_in=memory.learnt_in or night))

    def examined(self, tenant: str, version_id: str, held: Set[str], night: str) -> None:
        """Keep which of a tenant's live memories a version has shown to hold: they graduate into it.

        What it has not shown is recalled again while it is served.
        """
        with transaction(self.connection):
            for memory in self.memories(tenant):
                new = shown_by(memory, version_id, memory.id in held, night)
                if new != memory:
                    self._records.update(new)

    def used(self, memory_ids: Iterable[str]) -> None:
        """Count that memories stood in the prompt of an answer."""
        with transaction(self.connection):
            for memory in self._records.known(memory_ids):
                self._records.update(replace(memory, uses=memory.uses + 1))

    def surprised(self, nats: Mapping[str, float]) -> None:
        """Keep how surprising memories were: memory id -> nats a token, under the version that lived them."""
        with transaction(self.connection):
            for memory in self._records.known(nats):
                self._records.update(replace(memory, surprise=nats[memory.id]))

    def remove(self, memory_ids: Iterable[str]) -> list[str]:
        """Erase memories, what they superseded, and the text they came from.

        Returns:
            A tombstone id for each erased record; it carries no content.

        Raises:
            UnknownMemory: An id is not known; then nothing is erased.
            WorkspaceLocked: Another process reads the database; erased again, even nothing, the log is emptied.
        """
        with transaction(self.connection):
            chain = [memory for given in memory_ids for memory in self.lineage(given)]
            tombstones = erase(self.connection, chain)
            self._records.purge()
        self._checkpoint()
        return tombstones

    def remove_tenant(self, tenant: str) -> list[str]:
        """Erase all memories and episodes of a tenant; return a tombstone id for each record.

        Raises:
            WorkspaceLocked: Another process reads the database; done again, the log is emptied.
        """
        with transaction(self.connection):
            tombstones = erase_tenant(self.connection, tenant)
            self._records.purge()
        self._checkpoint()
        return tombstones

    # -- reading ------------------------------------------------------------------------

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        """List a tenant's memories, oldest first."""
        return self._records.select(
            "tenant = ?" + ("" if include_retired else " AND status = 'live'"), tenant
        )

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
        """List a part of a tenant's memories, newest first.

        Raises:
            UnknownMemory: The tenant has no memory called `after` any more.
        """
        return self._records.browse(tenant, view, source, words, after, limit)

    def counts(self, tenant: str) -> dict[View, int]:
        """Count a tenant's memories by view; those that wait count as live, too."""
        return self._records.counts(tenant)

    def told(self, tenant: str, since: int, limit: int) -> list[tuple[int, Memory]]:
        """List live memories of what people and notes say, oldest first; see `protocols.Store.told`."""
        return self._records.told(tenant, since, limit)

    def live_among(self, tenant: str, memory_ids: Iterable[str]) -> set[str]:
        """Return those of some ids that are a tenant's live memories."""
        rows = self.connection.execute(
            "SELECT id FROM memories WHERE id IN (SELECT value FROM json_each(?)) "
            "AND tenant = ? AND status = 'live'",
            (json.dumps(list(memory_ids)), tenant),
        )
        return {row["id"] for row in rows}

    def any(self, tenant: str) -> bool:
        """Tell whether the tenant has a record, live or not."""
        row = self.connection.execute("SELECT 1 FROM memories WHERE tenant = ? LIMIT 1", (tenant,))
        return row.fetchone() is not None

    def memory(self, memory_id: str) -> Memory:
        """Return one memory.

        Raises:
            UnknownMemory: No memory has this id.
        """
        return self._records.memory(memory_id)

    def last_episode(self, tenant: str, source: str) -> Episode | None:
        """Return the newest episode of exactly this source; None before the first."""
        row = self.connection.execute(
            "SELECT id FROM episodes WHERE tenant = ? AND source = ? ORDER BY rowid DESC LIMIT 1",
            (tenant, source),
        ).fetchone()
        return self.episode(row["id"]) if row else None

    def episode(self, episode_id: str) -> Episode:
        """Return one episode.

        Raises:
            UnknownMemory: No episode has this id.
        """
        return self._records.episode(episode_id)

    def pages(self, tenant: str) -> list[Page]:
        """List a tenant's pages, in the order in which they were begun; see `protocols.Store.pages`."""
        return self._records.pages(tenant)

    def page(self, tenant: str, source: str, number: int) -> list[Memory]:
        """List the live memories of one page, oldest first."""
        return self._records.select(
            "tenant = ? AND source = ? AND page = ? AND status = 'live'", tenant, source, number
        )

    def lineage(self, memory_id: str) -> list[Memory]:
        """Return a memory and all that said something of the same thing before, newest first.

        Raises:
            UnknownMemory: No memory has this id.
        """
        chain = [self.memory(memory_id)]
        while chain[-1].supersedes is not None:
            try:
                chain.append(self.memory(chain[-1].supersedes))
            except UnknownMemory:
                break  # the older one has been forgotten before
        first = chain[0]
        # It names one that it superseded; less trusted ones about the same thing went with it.
        known = {memory.id for memory in chain}
        others = self._records.closed(first.tenant, first.key) if first.key else []
        return chain + [memory for memory in others if memory.id not in known]

    def recall(self, tenant: str, query: str, limit: int) -> list[tuple[Memory, float]]:
        """Return the live memories nearest to the query, best first; see `memory.recall`.

        Among about equals, what is better vouched for and what was of use before comes first.
        """
        try:
            hits = self._records.index.nearest(tenant, query, limit + SPARE)
        except sqlite3.DatabaseError:
            check(self._records)  # the index can be had again; damaged records are told
            hits = self._records.index.nearest(tenant, query, limit + SPARE)
        rows = self.connection.execute(
            f"SELECT slot, body FROM memories WHERE slot IN ({','.join('?' * len(hits))})",
            [hit.slot for hit in hits],
        )
        found = {row["slot"]: from_json(Memory, row["body"]) for row in rows}
        # Another process may have closed one since.
        return preferred([(found[h.slot], h.score) for h in hits if h.slot in found])[:limit]

    def passages(self, tenant: str, query: str, limit: int) -> list[tuple[Passage, float]]:
        """Return what people said in conversations, nearest to the query first.

        They are what was said at the time, replaced since or not; a turn whose statement a person has
        taken out is not among them.
        """
        return self._records.passages.nearest(tenant, query, limit)

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first."""
        return self._records.history(memory_id)

    def embed(self, tenant: str, progress: Progress | None = None) -> None:
        """Give every text of a tenant its vector, where there is a dense index; a search does it for the newest."""
        for index in (self._records.index, self._records.passages.index):
            index.fill(tenant, progress)

    def reindex(self) -> None:
        """Build the search index anew from the records, whatever state it is in."""
        reindex(self._records)

    def check(self) -> None:
        """Look into the index; where it is damaged, build it anew.

        Raises:
            WorkspaceCorrupt: The records themselves cannot be read.
        """
        check(self._records)

    # -- parts --------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        """Leave nothing of what was erased in the write-ahead log.

        Raises:
            WorkspaceLocked: Another process reads an older state, and the log cannot be emptied for so long.
        """
        busy = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise WorkspaceLocked(
                "Another process reads the database, so what was erased is still in its log. Close that process; "
                "the next command of nightschool finishes the deletion."
            )

    def _has(self, episode: Episode) -> bool:
        """Tell whether this content is the newest that its source has given."""
        # What people say never goes back to an older content: any episode of theirs counts.
        which = "digest = :digest" if episode.kind in SAID else "true"
        row = self.connection.execute(
            "SELECT digest FROM episodes WHERE tenant = :tenant AND source = :source "
            f"AND {which} ORDER BY rowid DESC LIMIT 1",
            {"tenant": episode.tenant, "source": episode.source, "digest": episode.digest},
        ).fetchone()
        return row is not None and row["digest"] == episode.digest

    def _as_newest(self, episode: Episode) -> Episode:
        """Let a source go back to an older content: that episode becomes the newest, under its own id."""
        row = self.connection.execute(
            "SELECT id FROM episodes WHERE tenant = ? AND digest = ?",
            (episode.tenant, episode.digest),
        ).fetchone()
        if row is None:
            return episode
        self.connection.execute("DELETE FROM episodes WHERE id = ?", (row["id"],))
        return replace(episode, id=row["id"])

    def _current(self, episode: Episode, finding: Finding) -> list[Memory]:
        """Return the live memories about the same thing, oldest first."""
        if not finding.key:
            return []
        found = self._records.select(
            "tenant = ? AND key = ? AND status = 'live'", episode.tenant, finding.key
        )
        others = [
            m for m in self._records.known(finding.replaces) if replaced_too(m, episode, finding)
        ]
        if episode.kind in SAID:
            return [memory for memory in found + others if memory.source_kind in SAID]
        return [*(memory for memory in found if memory.source == episode.source), *others]

    def _rivals(self, memory: Memory) -> list[Memory]:
        """Return the other live memories about the same thing, by people's words."""
        found = self._records.select(
            "tenant = ? AND key = ? AND status = 'live' AND id != ?",
            memory.tenant, memory.key, memory.id,
        )  # fmt: skip
        return [m for m in found if memory.key and {m.source_kind, memory.source_kind} <= set(SAID)]

    def _retire_gone(self, reading: Reading) -> list[Memory]:
        found = self._records.select(
            "tenant = ? AND source = ? AND status = 'live'",
            reading.episode.tenant, reading.episode.source,
        )  # fmt: skip
        return [self._records.close(m, *ending(reading)) for m in gone_from(reading, found)]

    def _unwanted(self, episode: Episode, finding: Finding) -> bool:
        closed = self._records.closed(episode.tenant, finding.key)
        return overruled(episode, finding, closed, self._successor)

    def _successor(self, memory_id: str) -> Memory | None:
        found = self._records.select("json_extract(body, '$.supersedes') = ?", memory_id)
        return found[0] if found else None
