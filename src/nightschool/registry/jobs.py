"""Nights as jobs: who asked for one, how far it is, and what came of it. Tenant is part of every key."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nightschool.codec import from_json, to_json
from nightschool.errors import UnknownJob
from nightschool.workspace import Workspace, migrate, transaction

ROOM = "jobs"
MIGRATIONS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        state TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX jobs_by_tenant ON jobs (tenant, number);
    CREATE INDEX jobs_by_state ON jobs (state);
    CREATE TABLE schedules (tenant TEXT PRIMARY KEY, at TEXT NOT NULL, said TEXT NOT NULL);
    """,
)
KEPT = 200
"""So many of a tenant's newest jobs stay."""


class JobState(StrEnum):
    """Where a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class NightResult:
    """What a job's night came to."""

    promoted: bool
    version: str
    checks: tuple[tuple[str, bool, str], ...]
    """Name, whether it passed, and why, of each check of the gate."""


@dataclass(frozen=True, slots=True)
class Job:
    """One night that somebody asked for."""

    id: str
    tenant: str
    state: JobState
    created: str
    """ISO 8601, UTC, like all times here."""
    by: str
    """`schedule`, or who called."""
    kind: str | None = None
    """As asked for; None takes the settings'."""
    effort: str | None = None
    """As asked for; None takes the settings'."""
    night: str = ""
    """The night that it lives; empty before it began."""
    started: str | None = None
    ended: str | None = None
    starts: int = 0
    """How often its process was started; the night goes on where it was."""
    deaths: int = 0
    """How often its process, or the server with it, died without having been asked to."""
    process: tuple[int, float] | None = None
    """Id and birth (seconds since the epoch) of its process; both, because ids are used again."""
    outcome: NightResult | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What the schedule last did for a tenant."""

    at: str
    said: str
    """A job's id, or why there was no night."""


class JobRecords:
    """The jobs of one workspace. Each call has a connection of its own, so any thread may call."""

    def __init__(self, workspace: Workspace) -> None:
        """Bring the tables up to date."""
        self.workspace = workspace
        with closing(workspace.connect()) as connection:
            migrate(connection, ROOM, MIGRATIONS)

    def save(self, job: Job) -> None:
        """Store a job, in place of what was known of it.

        Raises:
            WorkspaceError: The disk is full.
        """
        with closing(self.workspace.connect()) as connection, transaction(connection):
            connection.execute(
                "INSERT INTO jobs (id, tenant, state, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body",
                (job.id, job.tenant, job.state.value, to_json(job)),
            )

    def job(self, tenant: str, job_id: str) -> Job:
        """Return a tenant's job.

        Raises:
            UnknownJob: The tenant has no such job.
        """
        found = self._query("SELECT body FROM jobs WHERE tenant = ? AND id = ?", tenant, job_id)
        if not found:
            raise UnknownJob(f"No night's job is called {job_id}. GET /v1/nights lists them.")
        return found[0]

    def jobs(self, tenant: str, limit: int = KEPT, before: str | None = None) -> list[Job]:
        """List a tenant's jobs, newest first.

        Args:
            tenant: Whose.
            limit: At most so many.
            before: Only those that were asked for before this job; None: the newest.
        """
        return self._query(
            "SELECT body FROM jobs WHERE tenant = ? AND number < coalesce("
            "(SELECT number FROM jobs WHERE id = ? AND tenant = ?), 9223372036854775807) "
            "ORDER BY number DESC LIMIT ?",
            tenant, before or "", tenant, limit,
        )  # fmt: skip

    def open(self, tenant: str | None = None) -> list[Job]:
        """List the jobs that are queued or running, of all tenants unless one is named, oldest first."""
        return self._query(
            "SELECT body FROM jobs WHERE state IN (?, ?) AND tenant = coalesce(?, tenant) ORDER BY number",
            *OPEN,
            tenant,
        )

    def let_go(self, tenant: str) -> list[Job]:
        """Erase a tenant's jobs beyond the newest `KEPT`, and return them."""
        old = [job for job in self.jobs(tenant, limit=-1)[KEPT:] if job.state not in OPEN]
        self._erase("id", [job.id for job in old])
        return old

    def scheduled(self, tenant: str) -> Scheduled | None:
        """Return what the schedule last did for a tenant; None where it never did anything."""
        with closing(self.workspace.connect()) as connection:
            row = connection.execute(
                "SELECT at, said FROM schedules WHERE tenant = ?", (tenant,)
            ).fetchone()
        return Scheduled(row["at"], row["said"]) if row else None

    def schedule(self, tenant: str, at: str, said: str) -> None:
        """Keep what the schedule did for a tenant."""
        with closing(self.workspace.connect()) as connection, transaction(connection):
            connection.execute(
                "INSERT INTO schedules VALUES (?, ?, ?) "
                "ON CONFLICT (tenant) DO UPDATE SET at = excluded.at, said = excluded.said",
                (tenant, at, said),
            )

    def remove_tenant(self, tenant: str) -> None:
        """Erase all that is known of a tenant's jobs."""
        self._erase("tenant", [tenant])
        with closing(self.workspace.connect()) as connection, transaction(connection):
            connection.execute("DELETE FROM schedules WHERE tenant = ?", (tenant,))

    def _erase(self, column: str, values: Sequence[str]) -> None:
        with closing(self.workspace.connect()) as connection, transaction(connection):
            for value in values:
                connection.execute(f"DELETE FROM jobs WHERE {column} = ?", (value,))

    def _query(self, query: str, *values: str | int | None) -> list[Job]:
        with closing(self.workspace.connect()) as connection:
            return [from_json(Job, row["body"]) for row in connection.execute(query, values)]


def events_path(workspace: Workspace, job: Job) -> Path:
    """Return the file of a job's events; beside the tenant's nights, so that it goes with them."""
    return workspace.nights / job.tenant / f"{job.id}.jsonl"


def ending(job: Job) -> dict[str, Any]:
    """Return how a job ended, as its `end` event says it."""
    outcome = None
    if job.outcome:
        checks = [{"name": n, "passed": p, "reason": r} for n, p, r in job.outcome.checks]
        outcome = {
            "promoted": job.outcome.promoted,
            "version": job.outcome.version,
            "checks": checks,
        }
    return {"state": job.state.value, "outcome": outcome, "error": job.error}
