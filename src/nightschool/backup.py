"""Verified copies of the workspace's database, in `backups/`.

A copy is of one moment, whoever writes meanwhile, and stands under its name only once it has been read
back whole. The name holds when it was made and the digest of its content, so that later damage to the
copy itself is seen. What a copy holds is subject to deletion like the database: `forget` erases all of
them. How one comes back into its place is not covered (`restore.py`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nightschool.damage import damage, damage_told
from nightschool.errors import WorkspaceCorrupt, WorkspaceError
from nightschool.workspace import Workspace, sync_folder

KEEP = 3
"""So many of the newest backups stay; of what restores have replaced as many."""
REPLACED = "replaced-"
"""How the name of a database begins in whose place a backup was put."""
NAME = re.compile(
    rf"(?P<kind>{REPLACED})?(?P<made>\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{{3}})Z-(?P<digest>[0-9a-f]{{16}})\.db"
)
STAMP = "%Y-%m-%dT%H-%M-%S.%f"
ANY = "*.db*"
"""Everything that may hold a database's content: copies, half-written ones (hidden), their logs."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy of the database."""

    name: str
    made: str
    """ISO 8601, UTC."""
    size_bytes: int
    memories: int
    """Of all tenants, live or not."""
    episodes: int


def back_up(workspace: Workspace) -> Backup:
    """Make a backup, and let go of those beyond the newest `KEEP`.

    Raises:
        WorkspaceCorrupt: The database is damaged; the earlier backups stay.
        WorkspaceError: The disk is full.
        WorkspaceLocked: Another process is at work on the backups.
    """
    with workspace.lock_backups("a backup"):
        return copy_database(workspace)


def back_up_before(workspace: Workspace, wanted: Mapping[str, int]) -> Backup | None:
    """Make a backup of a database whose tables are about to be changed.

    Args:
        workspace: Where it is.
        wanted: Room -> the version of its tables that this program brings about.

    Returns:
        The backup; None where nothing will be changed, or there is nothing yet.

    Raises:
        WorkspaceCorrupt: The database is damaged.
        WorkspaceError: The disk is full.
        WorkspaceLocked: Another process is at work on the backups.
    """
    if not workspace.database.exists():
        return None
    with closing(workspace.connect()) as connection:
        found = _schema(connection)
    if not any(found.get(room, number) < number for room, number in wanted.items()):
        return None
    return back_up(workspace)


def copy_database(workspace: Workspace) -> Backup:
    """Make a backup like `back_up`, where the lock on the backups is held already."""
    folder = workspace.backups
    temporary = folder / ".copy.db"
    try:
        folder.mkdir(exist_ok=True)
        _sweep(folder)
        with damage_told(workspace.database):
            backup = _copied(workspace, temporary)
        _place(temporary, folder / backup.name, workspace.database)
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, WorkspaceError) or damage(error):
            raise
        raise WorkspaceError(
            f"Cannot write a backup in {folder}: {error}. Free some disk space or correct the "
            "permissions; the earlier backups are as they were."
        ) from error
    finally:
        if folder.exists():
            _sweep(folder)
    _let_go(backups(workspace), folder / backup.name)
    return backup


def backups(workspace: Workspace) -> list[Path]:
    """List the backups, newest first, without looking into them."""
    return _named(workspace, lambda kind: kind is None)


def replaced(workspace: Workspace) -> list[Path]:
    """List the databases in whose place a backup was put, newest first."""
    return _named(workspace, lambda kind: kind == REPLACED)


def made(path: Path) -> str:
    """Return when a copy was made, by its name, as ISO 8601 in UTC."""
    found = NAME.fullmatch(path.name)
    when = datetime.strptime(found["made"], STAMP) if found else datetime.min
    return when.replace(tzinfo=UTC).isoformat(timespec="seconds")


def verify(path: Path) -> Backup:
    """Read a backup back, whole.

    Raises:
        WorkspaceCorrupt: Its content is not what was written.
        WorkspaceCorrupt: It was written so, and is no sound database of a workspace.
    """
    named = NAME.fullmatch(path.name)
    if named is None or not path.is_file():
        raise WorkspaceCorrupt(
            f"{path} is no backup. Expected a name such as those in {path.parent}."
        )
    if file_digest(path) != named["digest"]:
        raise WorkspaceCorrupt(
            f"{path} is damaged: its content ({path.stat().st_size:,} bytes) is not what was written. "
            "Use another backup."
        )
    try:
        with closing(reading(path)) as copy:
            copy.execute("SELECT 1 FROM memories LIMIT 1")
            return _described(path, copy)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise WorkspaceCorrupt(
            f"{path} is no sound database of a workspace: {damage(error) or error}. Use another backup."
        ) from error


def reading(path: Path) -> sqlite3.Connection:
    """Open a backup for reading; nothing is made beside it."""
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def keep_replaced(workspace: Workspace, by: Path) -> Path:
    """Keep the present database, in whatever state it is, beside the backups; the locks must be held.

    Args:
        workspace: Whose database.
        by: The copy that will take its place, which is not let go for it.

    Raises:
        WorkspaceError: The disk is full.
    """
    database, folder = workspace.database, workspace.backups
    target = folder / f"{REPLACED}{_name(database, workspace)}"
    log = database.with_name(f"{database.name}-wal")
    if log.exists():  # of a database that cannot be read: what it would have taken in
        copy_file(log, target.with_name(f"{target.name}-wal"), like=database)
    copy_file(database, target, like=database)
    _let_go([path for path in replaced(workspace) if path != by], target)
    return target


def copy_file(source: Path, target: Path, *, like: Path) -> None:
    """Copy a file in one step, on disk before this returns, readable for whom `like` is readable.

    Raises:
        WorkspaceError: The disk is full.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as old, _private(temporary).open("wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
        _place(temporary, target, like)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise WorkspaceError(
            f"Cannot write {target}: {error.strerror or error}. Free some disk space; nothing was changed."
        ) from error


def erase_backups(workspace: Workspace) -> int:
    """Erase every copy of the database, half-written ones too; the lock on the backups must be held.

    Returns:
        How many there were.
    """
    folder = workspace.backups
    count = len(backups(workspace)) + len(replaced(workspace))
    left = [*folder.glob(ANY), *workspace.root.glob(f".{workspace.database.name}.*")]
    for path in left:
        path.unlink(missing_ok=True)
    if left and folder.exists():
        sync_folder(folder)
    return count


def file_digest(path: Path) -> str:
    """Return the first 16 hex digits of the sha256 of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def _copied(workspace: Workspace, temporary: Path) -> Backup:
    """Copy one moment's state, and read it back.

    Both counts and the copy are made inside of one transaction that reads, so they are of the same
    moment; whoever writes is not held up.
    """
    with closing(workspace.connect()) as source:
        source.execute("BEGIN")
        expected = _contents(source)
        with closing(sqlite3.connect(_private(temporary), isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")  # it is synced as a whole before it has its name
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        source.execute("COMMIT")
    with closing(reading(temporary)) as copy:
        found = _described(temporary, copy)
        if _contents(copy) != expected:
            raise WorkspaceCorrupt(
                f"A backup of {workspace.database} does not hold what was copied. Is the disk failing? "
                "The earlier backups are as they were; copy them to another one."
            )
    name = _name(temporary, workspace)
    return Backup(name, made(Path(name)), found.size_bytes, found.memories, found.episodes)


def _described(path: Path, copy: sqlite3.Connection) -> Backup:
    """Check a copy's structure and records, and count.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    copy.row_factory = sqlite3.Row
    fault = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if fault != "ok":
        raise sqlite3.DatabaseError(f"malformed: {' '.join(fault.split())}")
    tables = copy.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '% body TEXT %'"
    ).fetchall()
    for (table,) in tables:  # SQLite has no checksums: a flipped bit in a record is no fault to it
        if copy.execute(f"SELECT 1 FROM {table} WHERE NOT json_valid(body) LIMIT 1").fetchone():
            raise sqlite3.DatabaseError(f"malformed: a record in {table} cannot be read")
    contents = _contents(copy)
    return Backup(
        path.name,
        made(path),
        path.stat().st_size,
        contents.get("memories", 0),
        contents.get("episodes", 0),
    )


def _contents(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the rows of every table and the versions of the rooms' tables; search tables aside."""
    tables = connection.execute(
        "SELECT name, sql LIKE 'CREATE VIRTUAL%' AS virtual FROM sqlite_master WHERE type = 'table'"
    ).fetchall()
    searched = tuple(f"{row['name']}_" for row in tables if row["virtual"])
    counts = {
        row["name"]: connection.execute(f'SELECT count(*) FROM "{row["name"]}"').fetchone()[0]
        for row in tables
        if not row["virtual"] and not row["name"].startswith(searched)
    }
    return counts | {f"version of {k}": v for k, v in _schema(connection).items()}


def _schema(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the version of each room's tables; empty before there are any."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'")
    if there.fetchone() is None:
        return {}
    rows = connection.execute("SELECT room, version FROM schema_versions")
    return {row["room"]: row["version"] for row in rows}


def _named(workspace: Workspace, wanted: Callable[[str | None], bool]) -> list[Path]:
    found = [(path, NAME.fullmatch(path.name)) for path in workspace.backups.glob(ANY)]
    kept = [(name["made"], path) for path, name in found if name and wanted(name["kind"])]
    return [path for _, path in sorted(kept, reverse=True)]


def _name(path: Path, workspace: Workspace) -> str:
    """Name a copy by this moment, or just after the newest one's where the clock went back: names are in order."""
    moment = datetime.now(UTC).strftime(STAMP)[:-3]
    for newest in _named(workspace, lambda _: True)[:1]:
        found = NAME.fullmatch(newest.name)
        if found and found["made"] >= moment:
            later = datetime.strptime(found["made"], STAMP) + timedelta(milliseconds=1)
            moment = later.strftime(STAMP)[:-3]
    return f"{moment}Z-{file_digest(path)}.db"


def _private(path: Path) -> Path:
    """Make an empty file that nobody else can read before it has the database's permissions."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return path


def _place(temporary: Path, target: Path, like: Path) -> None:
    """Give a whole file its name, and the permissions of the database."""
    temporary.chmod((like if like.exists() else temporary).stat().st_mode & 0o777)
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    os.replace(temporary, target)
    sync_folder(target.parent)


def _sweep(folder: Path) -> None:
    """Remove what a killed copy has left behind."""
    for path in folder.glob(f".{ANY}"):
        path.unlink(missing_ok=True)


def _let_go(found: list[Path], new: Path) -> None:
    """Delete all but the newest; the new one stays even where the clock went back."""
    for path in [path for path in found if path != new][KEEP - 1 :]:
        for part in path.parent.glob(f"{path.name}*"):
            part.unlink(missing_ok=True)
