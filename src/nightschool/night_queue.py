"""Who waits for a night: by a call or by the schedule, one job a tenant. What lives them is `jobs.py`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from nightschool.config import ModelConfig, ServeConfig
from nightschool.errors import NightRunning, NightschoolError, WorkspaceError
from nightschool.job_ends import CANCELLED
from nightschool.registry.jobs import Job, JobRecords, JobState, ending, events_path
from nightschool.registry.versions import Registry
from nightschool.runlog import append_event
from nightschool.schedule import check_quotas, last_due, owed, reason_to_skip
from nightschool.types import Effort, NightKind, new_id
from nightschool.wire import open_school
from nightschool.workspace import Workspace


def night_settings(overrides: tuple[str, ...], engine: str | None) -> tuple[str, ...]:
    """Return the settings that a service's nights get, as in `--set`.

    Args:
        overrides: The server's own.
        engine: `model.engine`, so that what is examined is what is served; None: the settings'.
    """
    known = "engine" in ModelConfig.model_fields and engine is not None
    return (*((f"model.engine={engine}",) if known else ()), *overrides)


class NightQueue:
    """The jobs of one workspace, in the order in which they were asked for. One thread at a time."""

    def __init__(
        self,
        workspace: Workspace,
        config: ServeConfig,
        overrides: tuple[str, ...],
        clock: Callable[[], datetime],
    ) -> None:
        """Look at the workspace's jobs.

        Args:
            workspace: Whose.
            config: Schedule and quotas.
            overrides: Settings of the nights, as in `--set`.
            clock: Tells the time, with a time zone.
        """
        self.workspace, self.config = workspace, config
        self.records = JobRecords(workspace)
        self._overrides, self._clock = overrides, clock
        self._up_since = clock()
        self._hour: datetime | None = None
        self._ended: list[Job] = []

    def submit(self, tenant: str, kind: NightKind | None, effort: Effort | None, by: str) -> Job:
        """Queue a night; see `jobs.Nights.submit`."""
        for job in self.records.open(tenant):
            raise NightRunning(
                f"{job.id} of {tenant} is {job.state.value}. Wait for it to end, or cancel it."
            )
        registry = Registry(self.workspace)
        with closing(registry.connection):
            jobs = self.records.jobs(tenant)
            check_quotas(self.workspace, registry, self.config, jobs, tenant, self._clock())
        job = Job(new_id("job"), tenant, JobState.QUEUED, self.now(), by, kind, effort)
        self.records.save(job)
        for old in self.records.let_go(tenant):
            events_path(self.workspace, old).unlink(missing_ok=True)
        return job

    def first(self) -> Job | None:
        """Return the job that waits longest; None where none does."""
        waiting = (job for job in self.records.open() if job.state is JobState.QUEUED)
        return next(waiting, None)

    def conclude(self, job: Job) -> None:
        """Store where a job has come to, with its last event if that is its end.

        Raises:
            WorkspaceError: The disk is full; nothing was stored.
        """
        self.records.save(job)
        if job.ended:
            append_event(events_path(self.workspace, job), "end", ending(job))
            self._ended.append(job)

    def cancel(self, job: Job) -> None:
        """End a job that waits still. Raises what `conclude` does."""
        ended = self.now()
        self.conclude(replace(job, state=JobState.CANCELLED, ended=ended, error=CANCELLED))

    def take_ended(self) -> list[Job]:
        """Return the jobs that came to their end since this was asked last."""
        found, self._ended = self._ended, []
        return found

    def call_due(self) -> None:
        """Queue the nights that the schedule owes, or keep why there is none; once for every nightly hour.

        Raises:
            WorkspaceError: The disk is full; asked again, it goes on.
        """
        if self.config.nightly is None:
            return
        at = self._clock()
        hour = last_due(self.config.nightly, at)
        if hour == self._hour:
            return
        for tenant in owed(self.workspace, self.records, self.config.nightly, at, self._up_since):
            try:
                with closing(open_school(self.workspace.root, self._overrides, tenant)) as school:
                    skip = reason_to_skip(school)
                by = "schedule"
                said = f"skipped: {skip}" if skip else self.submit(tenant, None, None, by).id
            except WorkspaceError:
                raise
            except NightschoolError as error:
                said = f"skipped: {error}"
            self.records.schedule(tenant, self.now(), said)
        self._hour = hour

    def now(self) -> str:
        """Return this moment as ISO 8601 in UTC, to the second."""
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")
