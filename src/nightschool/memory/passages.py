"""What people said in conversations, in their own words: found again where no memory was made of it."""

from __future__ import annotations

import sqlite3

from nightschool.memory.dense import Dense
from nightschool.memory.recall import Index
from nightschool.memory.surroundings import HUMAN, around
from nightschool.types import Episode, Memory, Passage, Span


class Passages:
    """The turns of people, indexed; the assistant's and the tools' words are not."""

    def __init__(self, connection: sqlite3.Connection, dense: Dense | None = None) -> None:
        """Work on tables that the memory's migrations have made; `dense` holds the turns' vectors."""
        self.connection = connection
        self.index = Index(connection, "said", dense=dense)

    def add(self, episode: Episode) -> None:
        """Index an episode's turns, in the caller's transaction; again replaces what was indexed."""
        self.drop(episode.id)
        for number, turn in enumerate(episode.turns):
            if turn.role != HUMAN or not turn.text.strip():
                continue
            slot = self.index.add(
                episode.tenant, turn.text, around(episode, turn.span, turn.speaker)
            )
            self.connection.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)",
                (slot, episode.id, number, turn.speaker, episode.at, episode.source, turn.text),
            )

    def drop(self, episode_id: str) -> None:
        """Take all of an episode's turns out."""
        for row in self._of(episode_id):
            self._drop(row["slot"])

    def overrule(self, episode: Episode, memory: Memory) -> None:
        """Take out the turns from which a memory was read that a person has taken out."""
        span = memory.span
        if span is None:
            return
        for row in self._of(episode.id):
            if _touches(episode.turns[row["turn"]].span, span):
                self._drop(row["slot"])

    def nearest(self, tenant: str, question: str, limit: int) -> list[tuple[Passage, float]]:
        """Return the turns nearest to a question, best first, with their scores."""
        found = []
        for hit in self.index.nearest(tenant, question, limit):
            row = self.connection.execute(
                "SELECT * FROM passages WHERE slot = ?", (hit.slot,)
            ).fetchone()
            name = f"{row['episode_id']}#{row['turn']}"
            passage = Passage(name, tenant, row["speaker"], row["text"], row["at"], row["source"])
            found.append((passage, hit.score))
        return found

    def _of(self, episode_id: str) -> list[sqlite3.Row]:
        return self.connection.execute(
            "SELECT slot, turn FROM passages WHERE episode_id = ?", (episode_id,)
        ).fetchall()

    def _drop(self, slot: int) -> None:
        self.index.drop(slot)
        self.connection.execute("DELETE FROM passages WHERE slot = ?", (slot,))


def _touches(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
