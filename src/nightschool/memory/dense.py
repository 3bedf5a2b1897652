"""The dense index, for those who want it: texts found by what they mean, where no word of the question is in them.

One vector a text, beside the full-text index under the same row numbers; a row that goes takes its
vector along (triggers of `schema.py`): a vector tells nearly as much as its text. A search looks at all
vectors of the newest `REACH` texts of a tenant, without an approximate index: that many take milliseconds, and
nothing is left of a forgotten text in links between others.

Source:
    A weighted sum of both scores: Karpukhin et al. 2020, "Dense Passage Retrieval", section 5.1. Here both lie
    between 0 and 1, and every text that either finds is weighed by both.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nightschool.protocols import Embedder, Progress
from nightschool.workspace import transaction

REACH = 20_000
"""At most so many vectors, the newest, are compared with a question."""
AT_ONCE = 256
"""Texts embedded before their vectors are stored; and at most so many, the newest, by a search."""
PRECISION = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class Dense:
    """The vectors of one table's texts."""

    connection: sqlite3.Connection
    table: str
    """`memories` or `passages`."""
    embedder: Embedder

    TEXTS: ClassVar[dict[str, str]] = {
        "memories": "SELECT slot, json_extract(body, '$.text') AS text FROM memories",
        "passages": "SELECT slot, speaker || ': ' || text AS text FROM passages",
    }

    def missing(self, low: int, high: int) -> int:
        """Count the texts of a range of rows that have no vector of this embedder yet."""
        row = self.connection.execute(
            f"SELECT count(*) FROM ({self._unembedded()})", (low, high, self.embedder.name)
        ).fetchone()
        return int(row[0])

    def fill(self, low: int, high: int, progress: Progress | None = None) -> None:
        """Embed every text of a range of rows that has no vector yet, the newest first; a kill loses one batch."""
        total = self.missing(low, high)
        done = 0
        while count := self.embed_newest(low, high):
            done += count
            if progress:
                progress(min(done, total), total)

    def embed_newest(self, low: int, high: int) -> int:
        """Embed at most `AT_ONCE` texts that have no vector yet; return how many those were."""
        rows = self.connection.execute(
            f"{self._unembedded()} ORDER BY slot DESC LIMIT {AT_ONCE}",
            (low, high, self.embedder.name),
        ).fetchall()
        if rows:
            vectors = self.embedder.embed([row["text"] for row in rows]).astype(PRECISION)
            with transaction(self.connection):
                # A text that went while it was embedded gets no vector, and neither does its row's next one.
                self.connection.executemany(
                    f"INSERT OR REPLACE INTO {self.table}_vectors (slot, model, vector) "
                    f"SELECT slot, ?, ? FROM ({self.TEXTS[self.table]}) WHERE slot = ? AND text = ?",
                    [
                        (self.embedder.name, vector.tobytes(), row["slot"], row["text"])
                        for row, vector in zip(rows, vectors, strict=True)
                    ],
                )
        return len(rows)

    def likeness(self, question: str, low: int, high: int) -> dict[int, float]:
        """Return row number -> cosine with the question, 0 to 1, of the newest `REACH` texts of a range.

        Texts that have no vector yet get one before, as far as `AT_ONCE` goes.
        """
        self.embed_newest(low, high)
        rows = self.connection.execute(
            f"SELECT slot, vector FROM {self.table}_vectors WHERE slot BETWEEN ? AND ? AND model = ? "
            f"ORDER BY slot DESC LIMIT {REACH}",
            (low, high, self.embedder.name),
        ).fetchall()
        if not rows:
            return {}
        joined = b"".join(row["vector"] for row in rows)
        vectors = np.frombuffer(joined, PRECISION).reshape(len(rows), -1).astype(np.float32)
        cosines = np.clip(vectors @ self.embedder.embed([question])[0], 0.0, 1.0)
        return {row["slot"]: float(c) for row, c in zip(rows, cosines, strict=True)}

    def _unembedded(self) -> str:
        return (
            f"SELECT t.slot, t.text FROM ({self.TEXTS[self.table]}) AS t WHERE t.slot BETWEEN ? AND ? "
            f"AND NOT EXISTS (SELECT 1 FROM {self.table}_vectors AS v WHERE v.slot = t.slot AND v.model = ?)"
        )
