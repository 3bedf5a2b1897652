"""The search index looked into, and built anew from the records where it is damaged."""

from __future__ import annotations

import sqlite3

from nightschool.codec import from_json
from nightschool.damage import REMEDY
from nightschool.errors import WorkspaceCorrupt
from nightschool.memory.records import Records
from nightschool.memory.schema import RENEWED
from nightschool.memory.surroundings import around
from nightschool.types import Episode, Memory, SourceKind
from nightschool.workspace import transaction


def check(records: Records) -> None:
    """Look into the index; where it is damaged, build it anew.

    Raises:
        WorkspaceCorrupt: The records themselves cannot be read.
    """
    try:
        for table in ("recall", "said"):
            records.connection.execute(f"INSERT INTO {table}({table}) VALUES ('integrity-check')")
    except sqlite3.DatabaseError:
        reindex(records)
    fault = records.connection.execute("PRAGMA integrity_check").fetchone()[0]
    if fault != "ok":
        raise WorkspaceCorrupt(f"The database is damaged: {fault}. {REMEDY}")


def reindex(records: Records) -> None:
    """Build the search index anew from the records, whatever state it is in."""
    connection = records.connection
    with transaction(connection):
        for statement in RENEWED:
            connection.execute(statement)
        for row in connection.execute(
            "SELECT id, body, episode_id FROM memories WHERE status = 'live' ORDER BY number"
        ).fetchall():
            memory = from_json(Memory, row["body"])
            nearby = around(records.episode(memory.episode_id), memory.span, memory.speaker)
            slot = records.index.add(memory.tenant, memory.text, nearby)
            connection.execute("UPDATE memories SET slot = ? WHERE id = ?", (slot, memory.id))
        for row in connection.execute("SELECT body FROM episodes ORDER BY rowid").fetchall():
            records.passages.add(from_json(Episode, row["body"]))
        for memory in records.select("status = 'retired'"):
            if memory.source_kind is SourceKind.CONVERSATION:
                records.passages.overrule(records.episode(memory.episode_id), memory)
