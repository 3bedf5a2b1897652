"""Which conversations were kept, and how far: a digest for each beginning of one.

A client sends the whole history with each request; what is known of it already is not experience again. A
digest stays when what was said is forgotten, so that a client that still sends it does not bring it back.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from nightschool.workspace import transaction

MOST = 50_000
"""Beginnings kept for a tenant; the oldest go."""


def prefixes(turns: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return a digest for each beginning of a conversation of (role, text) turns, the shortest first."""

    def longer(before: bytes, turn: tuple[str, str]) -> bytes:
        role, text = turn
        said = f"{role}\x00{text.strip()}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(before + hashlib.sha256(said).digest()).digest()

    return list(accumulate(turns, longer, initial=b""))[1:]


class Known(NamedTuple):
    """How far a conversation is kept."""

    turns: int
    episode_id: str
    """The episode that ends there; empty where nothing of it is kept."""


class Talks:
    """The beginnings of one workspace's conversations, on a connection that the registry's migrations have seen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def known(self, tenant: str, prefixes: Sequence[bytes]) -> Known:
        """Return how much of a conversation is kept already, given the digests of its beginnings."""
        for count in range(len(prefixes), 0, -1):
            row = self.connection.execute(
                "SELECT episode_id FROM talks WHERE tenant = ? AND prefix = ?",
                (tenant, prefixes[count - 1]),
            ).fetchone()
            if row:
                return Known(count, row["episode_id"])
        return Known(0, "")

    def keep(self, tenant: str, prefixes: Sequence[bytes], episode_id: str) -> None:
        """Keep beginnings of a conversation that an episode ends, and drop the tenant's oldest beyond `MOST`.

        Args:
            tenant: Whose.
            prefixes: Their digests.
            episode_id: Takes the place of an earlier one; empty where nothing is kept, and then an earlier one stays.
        """
        with transaction(self.connection):
            self.connection.executemany(
                "INSERT INTO talks (tenant, prefix, episode_id) VALUES (?, ?, ?) ON CONFLICT (tenant, prefix) "
                "DO UPDATE SET episode_id = excluded.episode_id WHERE excluded.episode_id != ''",
                [(tenant, prefix, episode_id) for prefix in prefixes],
            )
            self.connection.execute(
                "DELETE FROM talks WHERE tenant = ? AND number <= (SELECT number FROM talks "
                "WHERE tenant = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (tenant, tenant, MOST),
            )
