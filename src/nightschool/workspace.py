"""The workspace folder: where everything lives, written so that a kill loses nothing.

Files are written atomically (temporary file, fsync, rename); records go to one SQLite
database in WAL mode; one lock names the process that makes versions, another the one that changes memories,
a third the one at work on the backups.

Layout: `nightschool.toml`, `nightschool.db`, `memories/`, `episodes/`, `versions/<id>/`,
`nights/<id>/` (journal and artifacts of each night), `reports/`, `backups/` (`backup.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nightschool.damage import REMEDY, damage
from nightschool.errors import WorkspaceCorrupt, WorkspaceError, WorkspaceLocked, WorkspaceMissing
from nightschool.leftovers import WRITING
from nightschool.types import now

CONFIG_NAME = "nightschool.toml"
PATIENCE_SECONDS = 60.0
"""How long a change of memory waits for its turn."""
FOLDERS = ("memories", "episodes", "versions", "nights", "reports", "backups")
RESTORING = ".restoring"
"""Stands in the workspace from the first step of a restore to the last: until then the database is nobody's."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One deployment's folder."""

    root: Path

    @classmethod
    def create(cls, root: Path, config_text: str) -> Workspace:
        """Make a new workspace; an existing one is left as it is.

        Raises:
            WorkspaceError: The folder cannot be made or written to.
        """
        workspace = cls(root)
        try:
            for name in FOLDERS:
                (root / name).mkdir(parents=True, exist_ok=True)
            if not workspace.config_path.exists():
                write_atomic(workspace.config_path, config_text)
        except OSError as error:
            raise WorkspaceError(
                f"Cannot make a workspace in {root}: {error.strerror or error}. "
                "Choose a folder that you may write to."
            ) from error
        return workspace

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """Find the workspace at `start` or above it.

        Raises:
            WorkspaceMissing: No folder from `start` upwards holds a nightschool.toml.
        """
        for folder in (start, *start.resolve().parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        raise WorkspaceMissing(
            f"No {CONFIG_NAME} in {start} or above it. "
            "Run `nightschool init FOLDER`, then work inside that folder (or pass --workspace)."
        )

    def name_of(self, path: Path) -> str:
        """Name a file or folder the same wherever the program is started: as a source, it is one and not several.

        Returns:
            Its path from the workspace where it lies in the folder around it, which may be moved as a whole; else from
            the root of the file system. Links are not followed.
        """
        root, place = (Path(os.path.abspath(one)) for one in (self.root, path))
        inside = place.is_relative_to(root.parent) and root.parent != root.parent.parent
        return os.path.relpath(place, root) if inside else str(place)

    @property
    def config_path(self) -> Path:
        return self.root / CONFIG_NAME

    @property
    def versions(self) -> Path:
        return self.root / "versions"

    @property
    def nights(self) -> Path:
        return self.root / "nights"

    @property
    def episodes(self) -> Path:
        return self.root / "episodes"

    @property
    def memories(self) -> Path:
        return self.root / "memories"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def database(self) -> Path:
        return self.root / "nightschool.db"

    def connect(self) -> sqlite3.Connection:
        """Open the database (WAL, foreign keys on, secure delete, rows by name).

        Raises:
            WorkspaceCorrupt: The file is not a SQLite database.
            WorkspaceCorrupt: It is missing or empty, and there are backups of it.
            WorkspaceCorrupt: A restore was interrupted.
        """
        path = self.database
        if (self.root / RESTORING).exists():
            raise WorkspaceCorrupt(
                f"A restore of {self.root} is going on, or was interrupted. If it was, run `nightschool "
                "restore` again; nothing is lost."
            )
        there = path.exists() and path.stat().st_size > 0
        if not there and any(self.backups.glob("[!.]*.db")):
            # A new one would take the memory files in as proposals, beside what the backup knows of them.
            raise WorkspaceCorrupt(
                f"{path} is missing or empty, and there are backups of it. Run `nightschool restore`, or delete "
                f"{self.backups} to begin with an empty one."
            )
        # A server lends a connection to one thread after another, never to two at a time.
        connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.DatabaseError as error:
            connection.close()
            if not damage(error) and not (
                os.access(path, os.W_OK) and os.access(self.root, os.W_OK)
            ):
                raise WorkspaceError(
                    f"{path} cannot be written to ({error}). Give yourself the right to write to it and to "
                    f"{self.root}; nothing is damaged."
                ) from error
            raise WorkspaceCorrupt(
                f"{path} cannot be read as a database: {error}. {REMEDY}"
            ) from error
        connection.row_factory = sqlite3.Row
        return connection

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the versions for one writer: a night, a promotion, a deletion. Whoever comes second is told.

        Raises:
            WorkspaceLocked: Another process holds it; the message says which, and for what.
        """
        return self._hold(".lock", purpose, wait_seconds=0.0)

    def lock_memory(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the memories and their files for one short change; others wait their turn.

        A night does not hold it: what is said while it trains is kept, for the next one. Where both
        locks are needed, `lock` is taken first.

        Raises:
            WorkspaceLocked: Another process has held it for more than `PATIENCE_SECONDS`.
        """
        return self._hold(".memory.lock", purpose, wait_seconds=PATIENCE_SECONDS)

    def lock_backups(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the backups: no copy of what a deletion is erasing may appear behind its back.

        Making one needs no other lock: memories change meanwhile, and the copy is of one moment. Who
        needs several takes `lock` first, then this one, then `lock_memory`.

        Raises:
            WorkspaceLocked: Another process has held it for more than `PATIENCE_SECONDS`.
        """
        return self._hold(".backup.lock", purpose, wait_seconds=PATIENCE_SECONDS)

    @contextmanager
    def _hold(self, name: str, purpose: str, wait_seconds: float) -> Iterator[None]:
        """Hold a lock that the kernel drops with the process: a killed writer never blocks the next."""
        with (self.root / name).open("a+") as handle:
            until = time.monotonic() + wait_seconds
            while not _taken(handle):
                if time.monotonic() >= until:
                    handle.seek(0)
                    holder = handle.read().strip() or "another process"
                    raise WorkspaceLocked(
                        f"{self.root} is in use by {holder}. Wait for it to end, or stop it."
                    )
                time.sleep(0.01)
            handle.truncate(0)
            handle.write(f"process {os.getpid()} ({purpose}, since {now()})")
            handle.flush()
            try:
                yield
            finally:
                handle.truncate(0)


def _taken(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run the block in one write transaction: all of it is stored, or nothing.

    Raises:
        WorkspaceError: The database cannot be written, such as on a full disk.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException as error:
        with suppress(sqlite3.Error):  # a failed write may have rolled back already
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and not damage(error):
            raise WorkspaceError(
                f"Cannot write the database: {error}. Free some disk space or correct the permissions; "
                "nothing was changed."
            ) from error
        raise


def migrate(connection: sqlite3.Connection, room: str, migrations: tuple[str, ...]) -> None:
    """Bring one room's tables up to date; each migration is applied once, in order, or not at all."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL)"
    )
    with transaction(connection):
        row = connection.execute(
            "SELECT version FROM schema_versions WHERE room = ?", (room,)
        ).fetchone()
        for number in range(row["version"] if row else 0, len(migrations)):
            for statement in _statements(migrations[number]):
                connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_versions VALUES (?, ?) "
            "ON CONFLICT (room) DO UPDATE SET version = max(version, excluded.version)",
            (room, len(migrations)),
        )


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; a trigger is one, with those inside of it."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            if statement.strip("; \n"):
                yield statement
            statement = ""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace a file's content in one step: readers see the old or the new, never a half.

    Raises:
        WorkspaceError: The disk is full or the folder cannot be written to.
    """
    raw = content.encode("utf-8") if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=WRITING, delete=False
        ) as handle:
            temporary = Path(handle.name)
            handle.write(raw)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise WorkspaceError(
            f"Cannot write {path}: {error.strerror or error}. "
            "Free some disk space or correct the permissions; this file is as it was."
        ) from error


@contextmanager
def folder_atomic(path: Path) -> Iterator[Path]:
    """Fill a new folder in one step: `path` appears, complete, when the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def file_atomic(path: Path) -> Iterator[Path]:
    """Write a large file in one step: the block fills the temporary file that it is given, and then it is `path`.

    The folder has to be there, and is not made anew: whoever deletes it meanwhile has deleted this file, too.

    Raises:
        WorkspaceError: The disk is full, or the folder is gone or cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise WorkspaceError(
            f"Cannot write {path}: {error.strerror or error}. "
            "Free some disk space or correct the permissions; this file is as it was."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> object:
    """Read a JSON file of the workspace.

    Raises:
        WorkspaceCorrupt: The file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WorkspaceCorrupt(
            f"{path} cannot be read back: {error}. Restore it, or delete the folder it is in."
        ) from error
