"""The audit log: who did what to which record, and with what result. No texts, no secrets; rows only come."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from nightschool.registry.schema import MIGRATIONS, ROOM
from nightschool.types import now
from nightschool.workspace import Workspace, migrate, transaction

OBJECT = re.compile(r"[\w.:@-]{1,80}")
"""What may stand in a row as a record's id; anything else may be a text, and is left out."""
MOST_OBJECTS = 100
NOBODY = "-"
"""In place of the key where none was given."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    number: int
    at: str
    tenant: str
    key_id: str
    """`-` where no key was given or needed."""
    action: str
    """The method and route, such as `POST /v1/memories/{memory_id}/approve`, or what a command did."""
    objects: tuple[str, ...]
    status: int
    """HTTP status of the answer."""


class Audit:
    """The audit log of one workspace; may be used by several threads."""

    def __init__(self, workspace: Workspace) -> None:
        """Open the workspace's database and bring its tables up to date."""
        self._connection = workspace.connect()
        self._turn = threading.Lock()
        migrate(self._connection, ROOM, MIGRATIONS)

    def note(
        self,
        tenant: str,
        key_id: str,
        action: str,
        objects: Iterable[str] = (),
        status: int = 200,
    ) -> None:
        """Add a row, on disk before this returns.

        Raises:
            WorkspaceError: The disk is full.
        """
        known = [name for name in objects if OBJECT.fullmatch(name)][:MOST_OBJECTS]
        with self._turn, transaction(self._connection):
            self._connection.execute(
                "INSERT INTO audit (at, tenant, key_id, action, objects, status) VALUES (?, ?, ?, ?, ?, ?)",
                (now(), tenant, key_id, action, json.dumps(known), status),
            )

    def entries(self, tenant: str, limit: int = 100, before: int | None = None) -> list[Entry]:
        """List a tenant's rows, newest first.

        Args:
            tenant: Whose.
            limit: At most so many.
            before: Only rows with a smaller number; None begins at the newest.
        """
        with self._turn:
            rows = self._connection.execute(
                "SELECT * FROM audit WHERE tenant = ? AND number < ? ORDER BY number DESC LIMIT ?",
                (tenant, 1 << 62 if before is None else before, limit),
            ).fetchall()
        return [
            Entry(
                row["number"], row["at"], row["tenant"], row["key_id"], row["action"],
                tuple(json.loads(row["objects"])), row["status"],
            )
            for row in rows
        ]  # fmt: skip

    def close(self) -> None:
        """Close the database."""
        with self._turn:
            self._connection.close()
