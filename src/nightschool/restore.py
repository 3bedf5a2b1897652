"""Put a backup in place of the database, and bring the workspace around it in line.

Everything that is newer than the backup and lies outside of the database is looked at: memory files come
in again as proposals, an unfinished night that studies unknown memories is discarded, and versions that
the database does not know are told. What had been forgotten stays forgotten: its backups are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from nightschool.backup import (
    Backup,
    backups,
    copy_file,
    file_digest,
    keep_replaced,
    reading,
    replaced,
    verify,
)
from nightschool.errors import WorkspaceCorrupt, WorkspaceLocked
from nightschool.forget import being_forgotten
from nightschool.memory.erasure import tombstone
from nightschool.memory.salvage import Salvaged, salvage
from nightschool.registry.nights import runs, strays
from nightschool.registry.versions import BASE, erase_folders
from nightschool.workspace import RESTORING, Workspace, sync_folder, write_atomic

PENDING_BYTE = 0x40000000
"""Where SQLite's locks lie in a database file; `SHARED` bytes of them from the third on are its readers'."""
SHARED = 510


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would take, and what it would lose."""

    backup: Backup
    passed_over: tuple[str, ...]
    """Newer backups that are damaged, and why."""
    lost_memories: int | None
    """In the present database and not in the backup; None where the present one cannot be read."""
    lost_episodes: int | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done."""

    plan: Plan
    kept: str | None
    """Name under `backups/` of the database that was replaced; None where there was none."""
    recovered: int
    """Lines of memory files that the backup does not know; they wait for approval."""
    revived: tuple[str, ...]
    """Memories that are live again, though they had been taken out or replaced since the backup."""
    unknown_versions: tuple[str, ...]
    """Those that the backup does not know: not served, and erased by their tenant's next deletion."""
    discarded: tuple[str, ...]
    """Unfinished nights (tenant/night) that build on memories or a version which the backup does not know."""


def plan(workspace: Workspace, name: str | None = None) -> Plan:
    """Tell what `restore` would do; nothing is changed.

    Args:
        workspace: Whose database.
        name: Of a backup; None means the newest that is whole.

    Raises:
        WorkspaceCorrupt: The named backup, or every one, is damaged; or there is none.
    """
    path, backup, passed_over = _chosen(workspace, name)
    with closing(reading(path)) as kept:
        memories = _newer(workspace, kept, "memories")
        episodes = _newer(workspace, kept, "episodes")
    return Plan(backup, passed_over, memories, episodes)


def restore(workspace: Workspace, name: str | None = None) -> Restored:
    """Put a backup in place of the database; the database that was there is kept beside the backups.

    No other process may have the database open, and this one must not either. Killed, it is run again;
    until then every other command refuses the workspace.

    Args:
        workspace: Whose database.
        name: Of a backup; None means the newest that is whole.

    Raises:
        WorkspaceCorrupt: The named backup, or every one, is damaged; or there is none. Nothing is changed.
        WorkspaceLocked: Another process uses the workspace; nothing is changed.
        WorkspaceError: The disk is full.
    """
    with (
        workspace.lock("a restore"),
        workspace.lock_backups("a restore"),
        workspace.lock_memory("a restore"),
    ):
        planned = plan(workspace, name)
        source = workspace.backups / planned.backup.name
        _refuse_if_open(workspace)
        kept = _keep(workspace, source)
        _put_in_place(workspace, source)
        with closing(reading(source)) as database:
            found = _salvage_files(workspace, database)
            discarded = _discard_nights(workspace, database)
            unknown = _unknown_versions(workspace, database)
            revived = _revived(database, found)
        (workspace.root / RESTORING).unlink()
        recovered = sum(one.lines for one in found.values())
        return Restored(planned, kept, recovered, revived, unknown, discarded)


# -- which one ----------------------------------------------------------------------------


def _chosen(workspace: Workspace, name: str | None) -> tuple[Path, Backup, tuple[str, ...]]:
    """Return the backup that is meant, read back whole, and why newer ones are not."""
    if name is not None:
        path = workspace.backups / Path(name).name
        known = [other.name for other in (*backups(workspace), *replaced(workspace))]
        if path.name not in known:
            raise WorkspaceCorrupt(
                f"There is no backup {name}. There are: {', '.join(known) or 'none'}."
            )
        return path, verify(path), ()
    faults: list[str] = []
    for path in backups(workspace):
        try:
            return path, verify(path), tuple(faults)
        except WorkspaceCorrupt as error:
            faults.append(str(error))
    why = f"None of the {len(faults)} is whole. {' '.join(faults)}" if faults else "There is none."
    raise WorkspaceCorrupt(
        f"No backup of {workspace.root} can be restored. {why} To begin with an empty database, move "
        f"{workspace.database.name}, backups/ and (if there) {RESTORING} away: what stands in memories/ then "
        "comes in again, and waits for approval."
    )


def _newer(workspace: Workspace, kept: sqlite3.Connection, table: str) -> int | None:
    """Count the rows of the present database that the backup does not have."""
    if not workspace.database.exists():
        return None
    known = {row["id"] for row in kept.execute(f"SELECT id FROM {table}")}
    damaged = (sqlite3.DatabaseError, UnicodeDecodeError)
    with suppress(*damaged), closing(sqlite3.connect(workspace.database)) as present:
        return sum(row[0] not in known for row in present.execute(f"SELECT id FROM {table}"))
    return None


# -- the database ---------------------------------------------------------------------------


def _refuse_if_open(workspace: Workspace) -> None:
    """Refuse where another process has the database open: in WAL mode each holds SQLite's lock of a reader."""
    if not workspace.database.exists():
        return
    with workspace.database.open("r+b") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED, PENDING_BYTE + 2)
        except OSError as error:
            raise WorkspaceLocked(
                f"{workspace.database} is open in another process, such as `nightschool mcp`. Stop it, and "
                "run `nightschool restore` again; nothing was changed."
            ) from error


def _keep(workspace: Workspace, source: Path) -> str | None:
    """Keep the database that is there, unless it is the backup itself: then a restore was killed."""
    database = workspace.database
    if not database.exists() or file_digest(database) == file_digest(source):
        return None
    return keep_replaced(workspace, source).name


def _put_in_place(workspace: Workspace, source: Path) -> None:
    """Exchange the database in one step, while nobody has it open.

    From the marker on every newcomer is refused; who came before it is seen by its lock.
    """
    database, marker = workspace.database, workspace.root / RESTORING
    staged = database.with_name(f".{database.name}.restored")
    copy_file(source, staged, like=database if database.exists() else source)
    again = marker.exists()
    write_atomic(marker, "")
    try:
        _refuse_if_open(workspace)
    except WorkspaceLocked:
        staged.unlink()
        if not again:
            marker.unlink()
        raise
    for beside in ("-wal", "-shm"):  # SQLite would take an old log for the new database's
        database.with_name(f"{database.name}{beside}").unlink(missing_ok=True)
    os.replace(staged, database)
    sync_folder(workspace.root)


# -- what lies around it ------------------------------------------------------------------


def _salvage_files(workspace: Workspace, database: sqlite3.Connection) -> dict[str, Salvaged]:
    """Save what the memory files hold beyond the backup: tenant -> what it was."""
    pending = being_forgotten(workspace)

    def known(memory_id: str) -> bool:
        return _has(database, "memories", memory_id)

    def forgotten(memory_id: str) -> bool:
        return memory_id in pending or _has(database, "tombstones", tombstone(memory_id))

    return {f.name: salvage(f, known, forgotten) for f in _tenants(workspace.memories)}


def _discard_nights(workspace: Workspace, database: sqlite3.Connection) -> tuple[str, ...]:
    """Discard unfinished nights that build on what the database does not know: no deletion would find it."""
    discarded = []
    for folder in _tenants(workspace.nights):
        for night in runs(workspace, folder.name):
            studied = json.loads(night.stored("memories.json") or "[]")
            start = json.loads(night.stored("course.json") or "{}").get("start", BASE)
            whole = all(_has(database, "memories", name) for name in studied)
            whole &= start == BASE or _has(database, "versions", start)
            if night.outcome is None and not whole:
                # Checkpoints before the night that names them.
                erase_folders(workspace, filter(None, [night.stored("version.txt")]))
                night.discard()
                discarded.append(f"{folder.name}/{night.id}")
    return tuple(discarded)


def _unknown_versions(workspace: Workspace, database: sqlite3.Connection) -> tuple[str, ...]:
    known = {row["id"] for row in database.execute("SELECT id FROM versions")}
    found = [n for f in _tenants(workspace.nights) for n in strays(workspace, f.name, known)]
    return tuple(night.stored("version.txt") or "" for night in found)


def _revived(database: sqlite3.Connection, found: Mapping[str, Salvaged]) -> tuple[str, ...]:
    """Return the live memories that were not among those rendered last. Proposals of notes never were."""
    revived = []
    for tenant, salvaged in found.items():
        rows = database.execute(
            "SELECT id FROM memories WHERE tenant = ? AND status = 'live' "
            "AND json_extract(body, '$.source_kind') != 'note' ORDER BY number",
            (tenant,),
        )
        if salvaged.rendered is not None:
            revived += [row["id"] for row in rows if row["id"] not in salvaged.rendered]
    return tuple(revived)


def _has(database: sqlite3.Connection, table: str, row_id: str) -> bool:
    row = database.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,))
    return row.fetchone() is not None


def _tenants(room: Path) -> list[Path]:
    """Return the tenants' folders in a room."""
    found = room.iterdir() if room.is_dir() else []
    return sorted(f for f in found if f.is_dir() and not f.is_symlink() and f.name[0] != ".")
