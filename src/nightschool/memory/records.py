"""The rows of episodes and memories in SQLite, each live memory with its entry in the search index.

Everything runs in a transaction of the caller's. Which statement replaces which is not covered
(`store.py`, `rules.py`), nor is erasing (`erasure.py`).
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from nightschool.codec import from_json, to_json
from nightschool.errors import UnknownMemory
from nightschool.memory.dense import Dense
from nightschool.memory.passages import Passages
from nightschool.memory.recall import RECENT, Index
from nightschool.memory.rules import closed, page_for
from nightschool.memory.surroundings import around
from nightschool.protocols import Embedder
from nightschool.trust import waits
from nightschool.types import Episode, Memory, MemoryStatus, Page, SourceKind, View, now

_VIEWS: dict[View, str] = {
    "all": "true",
    "live": "status = 'live'",
    "waiting": "status = 'live' AND waits = 1",
    "superseded": "status = 'superseded'",
    "retired": "status = 'retired'",
}
"""View -> its condition; each is one range of an index."""
_SHOWN = "coalesce(nullif(json_extract(body, '$.masked'), ''), json_extract(body, '$.text'))"
_TOLD = "status = 'live' AND json_extract(body, '$.source_kind') IN ('conversation', 'statement', 'note')"
"""What people and notes say; in the words of its index, which serves it alone."""


def folded(text: str) -> str:
    """Return a text as it is compared where neither case nor the form of marked letters counts."""
    return unicodedata.normalize("NFC", text).casefold()


class Records:
    """Episodes, memories, their pages and their history."""

    def __init__(self, connection: sqlite3.Connection, embedder: Embedder | None = None) -> None:
        """Work on tables that the memory's migrations have made; without an embedder, there are no vectors."""
        self.connection = connection
        memories, passages = (
            Dense(connection, table, embedder) if embedder else None
            for table in ("memories", "passages")
        )
        self.index = Index(connection, "recall", RECENT, memories)
        self.passages = Passages(connection, passages)

    # -- reading ------------------------------------------------------------------------

    def memory(self, memory_id: str) -> Memory:
        """Return one memory.

        Raises:
            UnknownMemory: No memory has this id.
        """
        row = self.connection.execute(
            "SELECT body FROM memories WHERE id = ?", (memory_id,)
        ).fetchone()
        if row is None:
            raise UnknownMemory(f"No memory is called {memory_id}. See `nightschool memory list`.")
        return from_json(Memory, row["body"])

    def live(self, memory_id: str) -> Memory:
        """Return one live memory.

        Raises:
            UnknownMemory: No live memory has this id.
        """
        memory = self.memory(memory_id)
        if memory.status is not MemoryStatus.LIVE:
            raise UnknownMemory(
                f"{memory_id} is {memory.status.value} already; only live ones change."
            )
        return memory

    def known(self, memory_ids: Iterable[str]) -> Iterator[Memory]:
        """Yield the memories of these ids, without those that are gone."""
        for memory_id in memory_ids:
            with suppress(UnknownMemory):
                yield self.memory(memory_id)

    def select(self, where: str, *values: str | int) -> list[Memory]:
        """List the memories that meet a condition, oldest first."""
        rows = self.connection.execute(
            f"SELECT body FROM memories WHERE {where} ORDER BY number", values
        )
        return [from_json(Memory, row["body"]) for row in rows]

    def browse(
        self,
        tenant: str,
        view: View,
        source: str | None,
        words: Sequence[str],
        after: str | None,
        limit: int,
    ) -> list[Memory]:
        """List a part of a tenant's memories, newest first; see `protocols.Store.browse`."""
        where = _VIEWS[view]
        values: list[str | int] = [tenant]
        if source is not None:
            where += " AND source = ?"
            values.append(source)
        for word in words:
            where += f" AND instr(folded({_SHOWN}), ?)"
            values.append(folded(word))
        if after is not None:
            row = self.connection.execute(
                "SELECT number FROM memories WHERE id = ? AND tenant = ?", (after, tenant)
            ).fetchone()
            if row is None:
                raise UnknownMemory(
                    f"{after} is where the last part of the list ended, and is no more. Begin again without it."
                )
            where += " AND number < ?"
            values.append(row["number"])
        rows = self.connection.execute(
            f"SELECT body FROM memories WHERE tenant = ? AND {where} ORDER BY number DESC LIMIT ?",
            (*values, limit),
        )
        return [from_json(Memory, row["body"]) for row in rows]

    def counts(self, tenant: str) -> dict[View, int]:
        """Count a tenant's memories by view."""
        return {
            view: self.connection.execute(
                f"SELECT count(*) FROM memories WHERE tenant = ? AND {where}", (tenant,)
            ).fetchone()[0]
            for view, where in _VIEWS.items()
        }

    def told(self, tenant: str, since: int, limit: int) -> list[tuple[int, Memory]]:
        """List live memories of what people and notes say, oldest first, each with its number."""
        rows = self.connection.execute(
            "SELECT number, body FROM memories INDEXED BY memories_told "
            f"WHERE tenant = ? AND {_TOLD} AND number > ? ORDER BY number LIMIT ?",
            (tenant, since, limit),
        )
        return [(row["number"], from_json(Memory, row["body"])) for row in rows]

    def closed(self, tenant: str, key: str) -> list[Memory]:
        """List what was said of a thing and holds no more, oldest first."""
        return self.select("tenant = ? AND key = ? AND status != 'live'", tenant, key)

    def episode(self, episode_id: str) -> Episode:
        """Return one episode.

        Raises:
            UnknownMemory: No episode has this id.
        """
        row = self.connection.execute(
            "SELECT body FROM episodes WHERE id = ?", (episode_id,)
        ).fetchone()
        if row is None:
            raise UnknownMemory(f"No episode is called {episode_id}.")
        return from_json(Episode, row["body"])

    def pages(self, tenant: str) -> list[Page]:
        """List a tenant's pages, in the order in which they were begun."""
        rows = self.connection.execute(
            "SELECT source, page, revision FROM pages WHERE tenant = ? ORDER BY number", (tenant,)
        )
        return [Page(*row) for row in rows]

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first."""
        rows = self.connection.execute(
            "SELECT at, actor, action, text FROM history WHERE memory_id = ? ORDER BY number",
            (memory_id,),
        )
        return [dict(row) for row in rows]

    # -- writing ------------------------------------------------------------------------

    def add_episode(self, episode: Episode) -> None:
        """Store an episode, and index what people said in it."""
        self.connection.execute(
            "INSERT OR REPLACE INTO episodes VALUES (?, ?, ?, ?, ?)",
            (episode.id, episode.tenant, episode.source, episode.digest, to_json(episode)),
        )
        self.passages.add(episode)

    def add(self, memory: Memory, actor: str, episode: Episode) -> None:
        """Store and index a new memory; what it supersedes is closed before, and leaves it its page."""
        slot = self.index.add(
            memory.tenant, memory.text, around(episode, memory.span, memory.speaker)
        )
        self.connection.execute(
            "INSERT INTO memories "
            "(id, tenant, source, key, status, episode_id, slot, page, waits, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (memory.id, memory.tenant, memory.source, memory.key, memory.status.value,
             memory.episode_id, slot, self._page(memory), waits(memory), to_json(memory)),
        )  # fmt: skip
        self.note(memory, actor, "added")

    def update(self, memory: Memory) -> None:
        """Store a memory's new state."""
        self.connection.execute(
            "UPDATE memories SET status = ?, key = ?, waits = ?, body = ? WHERE id = ?",
            (memory.status.value, memory.key, waits(memory), to_json(memory), memory.id),
        )

    def close(self, memory: Memory, status: MemoryStatus, actor: str, ended_by: str = "") -> Memory:
        """End a memory's life, and take it out of the index; return it as it is now."""
        ended = closed(memory, status, ended_by)
        self.update(ended)
        row = self.connection.execute(
            "SELECT slot FROM memories WHERE id = ?", (memory.id,)
        ).fetchone()
        if row["slot"] is not None:
            self.index.drop(row["slot"])
        self.connection.execute("UPDATE memories SET slot = NULL WHERE id = ?", (memory.id,))
        if memory.source_kind is SourceKind.CONVERSATION and status is MemoryStatus.RETIRED:
            self.passages.overrule(self.episode(memory.episode_id), memory)
        self.note(ended, actor, status.value)
        return ended

    def note(self, memory: Memory, actor: str, action: str) -> None:
        """Keep in its history what was done to a memory."""
        self.connection.execute(
            "INSERT INTO history (memory_id, at, actor, action, text) VALUES (?, ?, ?, ?, ?)",
            (memory.id, now(), actor, action, memory.text),
        )

    def purge(self) -> None:
        """Merge the indexes, so that no word of what was erased is left in them."""
        for index in (self.index, self.passages.index):
            index.purge()

    def _page(self, memory: Memory) -> int:
        """Return the page of a new memory."""
        own = (memory.tenant, memory.source)
        corrected = self.connection.execute(
            "SELECT page FROM memories WHERE id = ? AND tenant = ? AND source = ?",
            (memory.supersedes, *own),
        ).fetchone()
        if corrected is not None:
            return int(corrected["page"])
        last = self.connection.execute(
            "SELECT page FROM pages WHERE tenant = ? AND source = ? ORDER BY page DESC LIMIT 1", own
        ).fetchone()
        number = last["page"] if last else 0
        live = self.connection.execute(
            "SELECT count(*) FROM memories "
            "WHERE tenant = ? AND source = ? AND page = ? AND status = 'live'",
            (*own, number),
        ).fetchone()
        return page_for(number, live[0])
