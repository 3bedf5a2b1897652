"""When a night is to begin by itself, whether it would learn anything, and whether its tenant may have one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from pathlib import Path

from nightschool.config import ServeConfig
from nightschool.course import REBASE, charted
from nightschool.errors import QuotaExceeded
from nightschool.registry.jobs import Job, JobRecords
from nightschool.registry.nights import nights, runs
from nightschool.registry.versions import Registry
from nightschool.trust import trainable, waits
from nightschool.wire import School
from nightschool.workspace import Workspace

DAY = timedelta(days=1)


def last_due(nightly: str, at: datetime) -> datetime:
    """Return the last moment, not after `at`, when the nightly hour was.

    Args:
        nightly: Local time, such as 02:30. An hour that the clocks skip counts as the one after.
        at: Now, with a time zone.
    """
    local = at.astimezone()
    hour = time.fromisoformat(nightly)
    for days in (0, 1):
        found = datetime.combine(local.date() - timedelta(days=days), hour).astimezone()
        if found <= at:
            return found
    return found - DAY


def is_due(nightly: str, at: datetime, up_since: datetime, last: datetime | None) -> bool:
    """Tell whether the schedule owes a night.

    One that was missed while the server was down is made good if the last is more than a day old; else the next
    hour is soon enough. A school that never had one waits for its hour.

    Args:
        nightly: Local time, such as 02:30.
        at: Now.
        up_since: When the server started.
        last: When the last night began, or the schedule last decided against one; None: never.
    """
    hour = last_due(nightly, at)
    if last is not None and last >= hour:
        return False
    return hour >= up_since or (last is not None and at - last > DAY)


def next_due(nightly: str, at: datetime) -> datetime:
    """Return the next nightly hour after now."""
    return last_due(nightly, at + DAY)


def owed(
    workspace: Workspace, records: JobRecords, nightly: str, at: datetime, up_since: datetime
) -> list[str]:
    """Return the tenants to whom the schedule owes a night; see `is_due`."""
    tenants = sorted(path.name for path in workspace.memories.iterdir() if path.is_dir())
    return [t for t in tenants if is_due(nightly, at, up_since, last_night(records, t))]


def last_night(records: JobRecords, tenant: str) -> datetime | None:
    """Return when a tenant's last night was asked for, or the schedule decided against one; None: never."""
    scheduled = records.scheduled(tenant)
    moments = [job.created for job in records.jobs(tenant, limit=1)]
    moments += [scheduled.at] if scheduled else []
    return max(map(datetime.fromisoformat, moments), default=None)


def reason_to_skip(school: School) -> str:
    """Say why a night would learn nothing; empty where it would.

    Something is to be learnt where a memory was never studied, where a night was interrupted, and where a
    deletion has taken the last night's version back.
    """
    tenant = school.settings.tenant
    past = nights(school.workspace, tenant)
    if past and past[-1].outcome is None:
        course = charted(past[-1])
        if course and course.kind == REBASE:
            return f"{past[-1].id} teaches another base and was interrupted; `nightschool rebase` finishes it"
        return ""
    live = school.store.memories(tenant)
    taught = [memory for memory in live if trainable(memory)]
    if not taught:
        waiting = sum(waits(memory) for memory in live)
        return f"there is nothing to learn; {waiting} memories wait for approval"
    if not past or any(memory.learnt_in is None for memory in taught):
        return ""
    version_id = past[-1].stored("version.txt")
    taken_back = {v.id for v in school.registry.versions(tenant) if v.tainted_by}
    return "" if version_id in taken_back else f"nothing is new since {past[-1].id}"


def check_quotas(
    workspace: Workspace, registry: Registry, config: ServeConfig, jobs: Sequence[Job], tenant: str,
    at: datetime,
) -> None:  # fmt: skip
    """See that a tenant may have one more night.

    Args:
        workspace: Where it lives.
        registry: Of that workspace.
        config: The limits.
        jobs: The tenant's, newest first.
        tenant: Whose night.
        at: Now.

    Raises:
        QuotaExceeded: It has had its nights of the last 24 hours.
        QuotaExceeded: It holds as much of the disk as it may.
    """
    had = nights_of_day(jobs, at)
    if config.nights_a_day is not None and had >= config.nights_a_day:
        raise QuotaExceeded(
            f"{tenant} has had {had} nights in the last 24 hours, and serve.nights_a_day is "
            f"{config.nights_a_day}. Wait, or raise it."
        )
    if config.tenant_disk_gb is None:
        return
    used = tenant_bytes(workspace, registry, tenant)
    if used >= config.tenant_disk_gb * 1e9:
        raise QuotaExceeded(
            f"{tenant} holds {used / 1e9:.2f} GB on disk, and serve.tenant_disk_gb is "
            f"{config.tenant_disk_gb:g}. Delete folders of versions that nobody is served by, or raise it."
        )


def nights_of_day(jobs: Sequence[Job], at: datetime) -> int:
    """Count the nights of the last 24 hours, those that wait included."""
    recent = [job.started or (None if job.ended else job.created) for job in jobs]
    return sum(at - datetime.fromisoformat(when) < DAY for when in recent if when)


def tenant_bytes(workspace: Workspace, registry: Registry, tenant: str) -> int:
    """Return what a tenant holds on disk outside of the database, in bytes: versions, nights, files, reports."""
    rooms = [room / tenant for room in (workspace.memories, workspace.nights, workspace.reports)]
    names = {version.id for version in registry.versions(tenant)}
    names |= {night.stored("version.txt") or "" for night in runs(workspace, tenant)}
    for name in names - {""}:
        for pattern in (name, f"{name}.*", f".{name}.*"):  # half-written folders are hidden
            rooms += workspace.versions.glob(pattern)
    return sum(_size(path) for room in rooms for path in room.rglob("*"))


def _size(path: Path) -> int:
    """Return a file's size; 0 for folders, links and what has gone meanwhile."""
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            return path.stat().st_size
    return 0
