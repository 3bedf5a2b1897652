"""Recall: a full-text index of porter stems, read rarest words first, and its ranking.

A question of a dozen words has a few that hardly any text holds, and some that many do. The rare ones
choose the candidates; only those are read and ranked by all words, so that a million texts cost little
more than a thousand. Each tenant has a range of row numbers of its own: no count, and so no ranking,
depends on what another tenant stores. The stems are made here, not by the index's tokenizer: a text is
stemmed once, when it is stored, and the ranking reads the same stems that the index does.

Source:
    BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework"), with the texts around
    as a second, weaker field (BM25F, section 3.6). Reading the rare words first is the idea of MaxScore
    (Turtle and Flood 1995), here with a bound, not a proof: a text that holds only common words of the
    question is found among the newest `POSTINGS` of each.
"""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import Stemmer

from nightschool.memory.dense import Dense
from nightschool.protocols import Progress
from nightschool.trust import rank
from nightschool.types import Memory

RANGE_BITS = 40
"""Row numbers of one tenant: 2^40."""
POSTINGS = 1000
"""At most so many rows, the newest, are read for one word; a word with more of them is common."""
CANDIDATES = 128
"""At most so many texts are read and ranked by all words of the question."""
SATURATION, LENGTH = 0.9, 0.4
"""BM25's k1 and b for short texts."""
AROUND = 0.4
"""What a word in the text around counts, against one in the text itself."""
ADJACENT = 0.25
"""What two neighbouring words of the question add, where they stand together in the text."""
RECENT = 0.1
"""What the newest memory gains over the oldest: of two about the same, the newer is more often still so."""
MEANING = 0.4
"""What the likeness of meaning counts in a score, where there is a dense index; the words count the rest."""
SPARE = 10
"""So many more rows than asked for are looked at, for use and trust to decide between them."""
DOUBT, USE = 0.05, 0.02
"""What each tier below the owner's takes off a score, and what each doubling of the uses adds."""
STOP_WORDS = frozenset(
    """
    a an the is are was were be been am do does did done of in on at to for from by with and or not no it
    its this that these those there what which who whom whose when where why how i you we they he she him
    her his hers them me my mine your yours our ours their theirs can could would should will shall may
    might must has have had having please tell know about as if than then so any some s t re ve ll d m
    """.split()
)

_stemmer = Stemmer.Stemmer("porter", 50_000)


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that fits a question."""

    slot: int
    score: float
    """0 to about 1: the share of the question's weight that the text carries; rare words weigh more."""


class Index:
    """One full-text table of (text, around), in a transaction of the caller's."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        table: str,
        recent: float = 0.0,
        dense: Dense | None = None,
    ) -> None:
        """Bind the index to a table.

        Args:
            connection: The database.
            table: One that the migrations have made.
            recent: What the newest text's score gains over the oldest's, as a share.
            dense: The vectors of the same rows; None: a text is found by its words only.
        """
        self.connection = connection
        self.table = table
        self.recent = recent
        self.dense = dense

    def add(self, tenant: str, text: str, around: str) -> int:
        """Index a text and return its row number."""
        self.connection.execute("INSERT OR IGNORE INTO tenants (name) VALUES (?)", (tenant,))
        low, high = self._range(tenant)
        row = self.connection.execute(
            f"SELECT rowid FROM {self.table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT 1",
            (low, high),
        ).fetchone()
        slot = row[0] + 1 if row else low
        self.connection.execute(
            f"INSERT INTO {self.table} (rowid, text, around) VALUES (?, ?, ?)",
            (slot, stemmed(text), stemmed(around)),
        )
        return int(slot)

    def drop(self, slot: int) -> None:
        """Take a row out."""
        self.connection.execute(f"DELETE FROM {self.table} WHERE rowid = ?", (slot,))

    def surround(self, slot: int, around: str) -> None:
        """Put another text around a row's."""
        self.connection.execute(
            f"UPDATE {self.table} SET around = ? WHERE rowid = ?", (stemmed(around), slot)
        )

    def purge(self) -> None:
        """Merge the index, so that no word of a dropped row is left in it."""
        self.connection.execute(f"INSERT INTO {self.table}({self.table}) VALUES ('optimize')")

    def nearest(self, tenant: str, question: str, limit: int) -> list[Hit]:
        """Return the rows nearest to a question, best first, the newer of equals first."""
        low, high = self._range(tenant)
        stems = query_stems(question)
        last = self.connection.execute(
            f"SELECT rowid FROM {self.table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT 1",
            (low, high),
        ).fetchone()
        if last is None:
            return []
        total = last[0] - low + 1
        rows = {stem: self._rows(f'"{stem}"', low, high) for stem in stems}
        weights = {
            stem: math.log(1 + (total + 0.5) / (_frequency(found, total) + 0.5))
            for stem, found in rows.items()
        }
        most = max(CANDIDATES, 2 * limit)
        slots = self._candidates(rows, weights, most, (low, high))
        alike = self.dense.likeness(question, low, high) if self.dense else {}
        slots += sorted(alike.keys() - set(slots), key=lambda slot: -alike[slot])[:most]
        meaning = MEANING if self.dense else 0.0
        hits = [
            Hit(
                slot,
                ((1 - meaning) * score + meaning * alike.get(slot, 0.0))
                * self._age(slot, low, total),
            )
            for slot, score in self._by_words(slots, stems, weights)
        ]
        found = [hit for hit in hits if hit.score > 0]
        return sorted(found, key=lambda hit: (-hit.score, -hit.slot))[:limit]

    def fill(self, tenant: str, progress: Progress | None = None) -> None:
        """Give every text of a tenant its vector, where there is a dense index."""
        if self.dense:
            self.dense.fill(*self._range(tenant), progress)

    def _age(self, slot: int, low: int, total: int) -> float:
        return 1 + self.recent * (slot - low) / total

    def _range(self, tenant: str) -> tuple[int, int]:
        """Return a tenant's row numbers; those of an unknown one are nobody's."""
        row = self.connection.execute(
            "SELECT number FROM tenants WHERE name = ?", (tenant,)
        ).fetchone()
        number = row[0] if row else 0
        return number << RANGE_BITS, ((number + 1) << RANGE_BITS) - 1

    def _rows(self, match: str, low: int, high: int) -> np.ndarray:
        """Return the newest rows that match, at most `POSTINGS`."""
        joined = self.connection.execute(
            f"SELECT group_concat(rowid) FROM (SELECT rowid FROM {self.table} WHERE {self.table} MATCH ? "
            "AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?)",
            (match, low, high, POSTINGS),
        ).fetchone()[0]
        return np.fromstring(joined or "", dtype=np.int64, sep=",")

    def _candidates(
        self,
        rows: dict[str, np.ndarray],
        weights: dict[str, float],
        most: int,
        bounds: tuple[int, int],
    ) -> list[int]:
        """Choose the rows to be read: those with the greatest weight of words known to stand in them."""
        common = [stem for stem, found in rows.items() if len(found) == POSTINGS]
        rare = [stem for stem in rows if stem not in common and len(rows[stem])]
        lists = [(rows[stem], weights[stem]) for stem in (*rare, *common)]
        if not lists:
            return []
        if rare and common and sum(len(rows[stem]) for stem in rare) > most:
            # Too many to read: which of them hold the common words, too?
            either = " OR ".join(f'"{stem}"' for stem in rare)
            for stem in sorted(common, key=lambda s: -weights[s])[:2]:
                both = self._rows(f'({either}) AND "{stem}"', *bounds)
                lists.append((np.setdiff1d(both, rows[stem]), weights[stem]))
        slots, places = np.unique(
            np.concatenate([found for found, _ in lists]), return_inverse=True
        )
        values = np.repeat([weight for _, weight in lists], [len(found) for found, _ in lists])
        known = np.bincount(places, weights=values)
        best = np.lexsort((-slots, -known))[:most]
        return [int(slot) for slot in slots[best]]

    def _by_words(
        self, slots: Sequence[int], stems: Sequence[str], weights: dict[str, float]
    ) -> list[tuple[int, float]]:
        """Return (row number, score by words) of each row that is still there."""
        marks = ",".join("?" * len(slots))
        found = self.connection.execute(
            f"SELECT rowid, text, around FROM {self.table} WHERE rowid IN ({marks})", tuple(slots)
        ).fetchall()
        usual = sum(row[1].count(" ") for row in found) / max(1, len(found))
        whole = sum(weights.values()) or 1.0
        return [(row[0], _weigh(row[1], row[2], stems, weights, usual) / whole) for row in found]


def preferred(found: Sequence[tuple[Memory, float]]) -> list[tuple[Memory, float]]:
    """Order memories and their scores by trust and use, too; the order given decides between equals."""
    scored = [(m, s * (1 - DOUBT * rank(m) + USE * math.log2(1 + m.uses))) for m, s in found]
    return sorted(scored, key=lambda one: -one[1])


def query_stems(question: str) -> list[str]:
    """Return the stems of the words that carry a question, in its order; of all where none does."""
    words = _words(question)
    content = [word for word in words if word not in STOP_WORDS] or words
    return list(dict.fromkeys(_stemmer.stemWords(content)))


def stemmed(text: str) -> str:
    """Return the stems of a text's words, in order, with a blank before, between and after."""
    return f" {' '.join(_stemmer.stemWords(_words(text)))} "


def _words(text: str) -> list[str]:
    low = text.lower()
    if not low.isascii():  # as the index does: "café" and "cafe" are one word
        low = "".join(c for c in unicodedata.normalize("NFD", low) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", low)


def _frequency(rows: np.ndarray, total: int) -> float:
    """Return how many rows hold a word; for a common one as dense as among its newest."""
    if len(rows) < POSTINGS:
        return float(len(rows))
    return min(total, len(rows) * total / max(1, int(rows[0] - rows[-1]) + 1))


def _weigh(
    text: str, around: str, stems: Sequence[str], weights: dict[str, float], usual: float
) -> float:
    damp = SATURATION * (1 - LENGTH + LENGTH * text.count(" ") / usual)
    total = 0.0
    before = ""
    for stem in stems:
        times = text.count(f" {stem} ") + (AROUND if f" {stem} " in around else 0.0)
        if times:
            total += weights[stem] * times / (times + damp)
            if before and f" {before} {stem} " in text:
                total += ADJACENT * min(weights[before], weights[stem])
        before = stem
    return total
