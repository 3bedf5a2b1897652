"""Nights as jobs of a service: asked for or on schedule, one at a time, in a process of their own.

A job is a row (`registry/jobs.py`) and a process (`night_process.py`); the night itself is `consolidate`, as on the
command line. So what a kill leaves is what a night always leaves, and taking a job up again is only starting its
process once more. Whether a job is over is read from its night's folder, not from what a process said last.

Serving keeps its pace beside a night by three things. The process is the nicest there is, so an answer's threads
never wait for it longer than a switch. It computes with half of the cores: answering is bound by memory, whose
bandwidth and caches no priority divides, and the engine's threads wait for one another after every layer, so
a core that is taken slows them all. And its threads sleep where they wait for one another, instead of spinning.
`docs/design/0006-nights-as-jobs.md` has the reasons.

Not covered: what the server does with a promoted version (`on_promoted`), and the HTTP side (`serve/nights.py`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from nightschool.bases import machine_folder
from nightschool.config import ServeConfig
from nightschool.errors import NightschoolError, WorkspaceLocked
from nightschool.job_ends import CANCELLED, PAUSED, after_death, after_exit, if_over
from nightschool.night_process import (
    Holding,
    NightProcess,
    end_leftover,
    night_arguments,
    threads_for,
)
from nightschool.night_queue import NightQueue, night_settings
from nightschool.registry.jobs import Job, JobRecords, JobState, events_path
from nightschool.registry.nights import upcoming_night
from nightschool.runlog import append_event
from nightschool.types import Effort, NightKind
from nightschool.workspace import Workspace

LOOK_SECONDS = 0.5
"""Between two looks at the running night."""
TROUBLE_SECONDS = 15.0
"""Before the next look where the last one failed, as on a full disk."""

log = logging.getLogger(__name__)
Promoted = Callable[[str, str], None]
"""Called with (tenant, version id) after a night has moved `live`."""
Ended = Callable[[str, Job], None]
"""Called with (tenant, job) after a job has come to its end, whatever it was."""
Launch = Callable[[Sequence[str], int], NightProcess]
"""Starts a night's process: (arguments, threads)."""


@dataclass(slots=True)
class _Running:
    """The job whose process runs; at most one."""

    job: Job
    process: NightProcess
    why: str | None = None
    """Why we ended it: `CANCELLED`, `PAUSED`, or an error; None: we did not."""


class Nights:
    """The nights of one workspace, lived by one server. Any thread may call it.

    A server calls `start` and `close`; a test calls `take_up` and `tick`.
    """

    def __init__(
        self,
        workspace: Workspace,
        config: ServeConfig,
        *,
        overrides: tuple[str, ...] = (),
        engine: str | None = "llama",
        on_promoted: Promoted = lambda tenant, version_id: None,
        on_ended: Ended = lambda tenant, job: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        machine: Path | None = None,
        launch: Launch = NightProcess,
    ) -> None:
        """Look at a workspace; nothing is started.

        Args:
            workspace: Whose nights.
            config: Schedule, limits and threads.
            overrides: Settings that every night gets, `name=value` as in `--set`.
            engine: `model.engine` of the nights, so that what is examined is what is served; None: the settings'.
            on_promoted: Called after a promotion.
            on_ended: Called after every end.
            clock: Tells the time, with a time zone.
            machine: Folder whose lock lets one night train at a time; None: that of this user on this machine.
            launch: Starts a night's process.
        """
        self.workspace, self.config = workspace, config
        self._overrides = night_settings(overrides, engine)
        self._queue = NightQueue(workspace, config, self._overrides, clock)
        self._on_promoted, self._on_ended = on_promoted, on_ended
        self._launch = launch
        self._owner = Holding(workspace.root / ".jobs.lock")
        self._machine = Holding((machine or machine_folder()) / "night.lock")
        self._mutex = threading.RLock()
        self._running: _Running | None = None
        self._paused = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    # -- asking -------------------------------------------------------------------------------

    @property
    def records(self) -> JobRecords:
        """What is known of all jobs."""
        return self._queue.records

    def submit(
        self,
        tenant: str,
        *,
        kind: NightKind | None = None,
        effort: Effort | None = None,
        by: str = "call",
    ) -> Job:
        """Ask for a night; an interrupted one is gone on with.

        Args:
            tenant: Whose.
            kind: As in `consolidate`; None takes the settings'.
            effort: As in `consolidate`; None takes the settings'.
            by: Who asks, for the record.

        Raises:
            NightRunning: The tenant's last one is not over.
            QuotaExceeded: The tenant has had its nights, or its share of the disk.
            WorkspaceError: The disk is full.
        """
        with self._mutex:
            return self._queue.submit(tenant, kind, effort, by)

    def cancel(self, tenant: str, job_id: str) -> Job:
        """End a job; what its night has stored stays, and the tenant's next job goes on with it.

        One that is over already is returned as it is, also if it came to its end just now.

        Raises:
            UnknownJob: The tenant has no such job.
            WorkspaceLocked: Another server lives its night.
        """
        with self._mutex:
            job = self.records.job(tenant, job_id)
            if self._running and self._running.job.id == job_id:
                self._end(CANCELLED)
            elif job.state is JobState.RUNNING:
                raise WorkspaceLocked(
                    f"Another server of {self.workspace.root} lives {job_id}. Cancel it there."
                )
            elif job.state is JobState.QUEUED:
                self._queue.cancel(job)
        self._tell()
        return self.records.job(tenant, job_id)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let no night run meanwhile: for a deletion, a promotion, or whatever needs the versions to itself.

        A running night is interrupted, and goes on afterwards where it was (or afresh, where the deletion discarded it).
        """
        with self._mutex:
            self._paused += 1
        try:
            with self._mutex:
                self._end(PAUSED)
            self._tell()
            yield
        finally:
            with self._mutex:
                self._paused -= 1

    # -- living -------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier server left, and live nights in a thread from now on.

        Raises:
            WorkspaceLocked: Another server lives this workspace's nights.
        """
        self.take_up()
        self._thread = threading.Thread(target=self._live, name="nights", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Interrupt the running night, which the next server goes on with, and stop."""
        self._closing.set()
        try:
            with self._mutex:
                self._end(PAUSED)
        finally:
            if self._thread:
                self._thread.join()
            self._machine.release()
            self._owner.release()
        self._tell()

    @property
    def closing(self) -> bool:
        """Whether no more nights will run; who follows one should let go."""
        return self._closing.is_set()

    def take_up(self) -> None:
        """Queue again what was running when an earlier server died; its process is ended if it still runs.

        Raises:
            WorkspaceLocked: Another server lives this workspace's nights.
        """
        if not self._owner.take():
            raise WorkspaceLocked(
                f"Another server lives the nights of {self.workspace.root}. Stop it, or use another workspace."
            )
        with self._mutex:
            for job in self.records.open():
                if job.state is JobState.RUNNING:
                    if job.process:
                        end_leftover(job.process)
                    now = self._queue.now()
                    self._queue.conclude(
                        after_death(self.workspace, job, "the server stopped", now)
                    )
        self._tell()

    def tick(self) -> None:
        """Look once: at the running night, at the clock, and at who waits.

        Raises:
            WorkspaceError: The disk is full; the next look does what this one could not.
        """
        try:
            with self._mutex:
                self._watch()
                if self._running is None and not self._paused and not self.closing:
                    self._queue.call_due()
                    self._begin()
        finally:
            self._tell()

    def _live(self) -> None:
        wait = 0.0
        while not self._closing.wait(wait):
            wait = LOOK_SECONDS
            try:
                self.tick()
            except Exception as error:  # the worker's edge: one bad look must not end all nights
                ours = isinstance(error, NightschoolError)
                log.warning(
                    "Nights: %s", error if ours else type(error).__name__, exc_info=not ours
                )
                wait = TROUBLE_SECONDS

    def _watch(self) -> None:
        running, limit = self._running, self.config.night_memory_gb
        if running is None:
            return
        if running.process.code is not None:
            self._end(None)
        elif limit is not None and (held := running.process.resident_bytes()) > limit * 1e9:
            self._end(
                f"The night took {held / 1e9:.2f} GB of memory, and serve.night_memory_gb is {limit:g}. Raise it, or "
                "lower train.tokens_per_step. What the night had stored is whole, and the next one goes on with it."
            )

    def _begin(self) -> None:
        job = self._queue.first()
        if job is None or not self._free():
            return
        try:
            self._running = self._started(job)
        finally:
            if self._running is None:
                self._machine.release()

    def _started(self, job: Job) -> _Running | None:
        """Start a job's process; None where its night came to its end when nobody looked."""
        now = self._queue.now()
        if over := if_over(self.workspace, job, now):
            self._queue.conclude(over)
            return None
        night = upcoming_night(self.workspace, job.tenant).id
        job = replace(job, night=night, starts=job.starts + 1, started=job.started or now)
        self.records.save(job)  # still queued: a full disk is found before there is a process
        events = events_path(self.workspace, job)
        append_event(events, "step", {"step": "starting", "night": night, "starts": job.starts})
        chosen = {"kind": job.kind, "effort": job.effort}
        root, settings = self.workspace.root, self._overrides
        process = self._launch(
            night_arguments(root, job.tenant, events, chosen, settings),
            threads_for(self.config.night_threads),
        )
        job = replace(job, state=JobState.RUNNING, process=(process.id, process.born))
        try:
            self.records.save(job)
        except BaseException:
            process.stop()
            process.close()
            raise
        return _Running(job, process)

    def _free(self) -> bool:
        """Take the machine for a night, if neither it nor the workspace's versions are in somebody's hands."""
        if not self._machine.take():
            return False
        try:
            with self.workspace.lock("a look whether a night may begin"):
                return True
        except WorkspaceLocked:
            self._machine.release()
            return False

    def _end(self, why: str | None) -> None:
        """End the running night's process, if any, and say what came of its job."""
        running = self._running
        if running is None:
            return
        process = running.process
        if process.code is None:
            running.why = running.why or why
            process.stop()
        if process.code is None:
            return  # it hangs in the kernel; a later look finds it ended
        now = self._queue.now()
        self._queue.conclude(
            after_exit(self.workspace, running.job, process.code, running.why, process.said(), now)
        )
        process.close()
        self._running = None
        self._machine.release()

    def _tell(self) -> None:
        """Call those who want to know, outside of the mutex: a server may take its time to load a version."""
        with self._mutex:
            ended = self._queue.take_ended()
        for job in ended:
            try:
                if job.outcome and job.outcome.promoted:
                    self._on_promoted(job.tenant, job.outcome.version)
                self._on_ended(job.tenant, job)
            except Exception:  # the server's trouble with a version is not the night's
                log.exception("Nights: telling the end of %s failed", job.id)
