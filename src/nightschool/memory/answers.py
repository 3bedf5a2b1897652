"""Answers that were served and what people and tests said of them, in SQLite; no text of either.

A row goes with its episode (a trigger of `schema.py`), so a deletion reaches it. How feedback becomes a memory
or a label is `feedback.py`'s.
"""

from __future__ import annotations

import sqlite3

from nightschool.codec import from_json, to_json
from nightschool.errors import UnknownCompletion
from nightschool.types import Completion, Feedback
from nightschool.workspace import transaction


class Answers:
    """The served answers of one workspace."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Work on tables that the memory's migrations have made."""
        self.connection = connection

    def served(self, completion: Completion) -> None:
        """Keep that an answer was served; the same one again, or one that is forgotten by now, changes nothing."""
        c = completion
        with transaction(self.connection):
            self.connection.execute(
                "INSERT OR IGNORE INTO completions SELECT ?, tenant, id, ?, ? FROM episodes "
                "WHERE id = ? AND tenant = ?",
                (c.id, c.version_id, c.at, c.episode_id, c.tenant),
            )

    def completion(self, tenant: str, completion_id: str) -> Completion:
        """Return one of a tenant's answers.

        Raises:
            UnknownCompletion: The tenant was served no such answer, or it was not stored, or is forgotten.
        """
        row = self.connection.execute(
            "SELECT id, tenant, episode_id, version_id, at FROM completions WHERE tenant = ? AND id = ?",
            (tenant, completion_id),
        ).fetchone()
        if row is None:
            raise UnknownCompletion(
                f"No stored answer is called {completion_id}. Feedback is possible on answers whose request was "
                "not sent with `store: false`, until they are forgotten."
            )
        return Completion(*row)

    def add(self, feedback: Feedback) -> None:
        """Keep what was said of an answer, beside what was said before; nothing, if that is forgotten by now."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO feedback (tenant, episode_id, body) SELECT tenant, id, ? FROM episodes WHERE id = ?",
                (to_json(feedback), feedback.episode_id),
            )

    def of_episode(self, episode_id: str) -> list[Feedback]:
        """List what was said of the answers of an episode, oldest first."""
        rows = self.connection.execute(
            "SELECT body FROM feedback WHERE episode_id = ? ORDER BY number", (episode_id,)
        )
        return [from_json(Feedback, row["body"]) for row in rows]

    def of_tenant(self, tenant: str) -> list[Feedback]:
        """List what was said of all answers of a tenant, oldest first."""
        rows = self.connection.execute(
            "SELECT body FROM feedback WHERE tenant = ? ORDER BY number", (tenant,)
        )
        return [from_json(Feedback, row["body"]) for row in rows]
