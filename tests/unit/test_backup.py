"""Backups: of one moment, read back before they count, as private as the database, and the newest stay."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from nightschool import backup, wire
from nightschool.backup import back_up, backups, erase_backups, verify
from nightschool.errors import WorkspaceCorrupt, WorkspaceError, WorkspaceLocked
from nightschool.memory.store import SqliteStore
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id, now
from nightschool.wire import open_school
from nightschool.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w", "")


def learn(store: SqliteStore, *facts: str) -> None:
    for fact in facts:
        episode = Episode(
            new_id("ep"), "t", SourceKind.STATEMENT, "said", "said", fact, digest(fact), now()
        )
        store.absorb(Reading(episode, (Finding(fact, "said", key=fact),)))


def damage(path: Path) -> None:
    """Overwrite everything after the first page."""
    raw = path.read_bytes()
    path.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))


def texts(path: Path) -> set[str]:
    with sqlite3.connect(path) as copy:
        return {row[0] for row in copy.execute("SELECT json_extract(body, '$.text') FROM memories")}


def test_a_backup_is_a_database_that_says_what_the_workspace_says(workspace: Workspace) -> None:
    store = SqliteStore(workspace)
    learn(store, "The gate closes at nine.", "The well is sixty feet deep.")
    made = back_up(workspace)
    (path,) = backups(workspace)
    assert (made.name, made.memories, made.episodes) == (path.name, 2, 2)
    assert verify(path) == made
    assert texts(path) == {m.text for m in store.memories("t")}
    assert [p.name for p in workspace.backups.iterdir()] == [made.name]


def test_a_backup_is_as_private_as_the_database(workspace: Workspace) -> None:
    SqliteStore(workspace)
    for mode in (0o600, 0o640):
        workspace.database.chmod(mode)
        back_up(workspace)
        assert stat.S_IMODE(backups(workspace)[0].stat().st_mode) == mode


def test_the_newest_stay(workspace: Workspace) -> None:
    store = SqliteStore(workspace)
    made = []
    for number in range(backup.KEEP + 2):
        learn(store, f"The gate number {number} closes at nine.")
        made.append(back_up(workspace).name)
    assert [path.name for path in backups(workspace)] == made[: -backup.KEEP - 1 : -1]


def test_the_clock_going_back_does_not_cost_the_new_one(workspace: Workspace) -> None:
    store = SqliteStore(workspace)
    learn(store, "The gate number 0 closes at nine.")
    back_up(workspace)
    (ahead,) = backups(workspace)
    ahead.rename(ahead.with_name(f"2999{ahead.name[4:]}"))  # made while the clock was ahead
    made = []
    for number in range(1, backup.KEEP + 1):
        learn(store, f"The gate number {number} closes at nine.")
        made.append(back_up(workspace).name)
        assert backups(workspace)[0].name == made[-1]
    assert [path.name for path in backups(workspace)] == made[::-1]


def test_it_is_of_one_moment_while_others_write(workspace: Workspace) -> None:
    learn(SqliteStore(workspace), "The gate closes at nine.")
    stop = threading.Event()

    def write() -> None:
        store, number = SqliteStore(workspace), 0
        while not stop.is_set():
            number += 1
            learn(store, f"The well number {number} is sixty feet deep.")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            made = back_up(workspace)
            path = workspace.backups / made.name
            assert verify(path) == made
            # A memory and its episode are stored in one step.
            assert made.memories == made.episodes
    finally:
        stop.set()
        writer.join()


def test_a_damaged_database_costs_no_good_backup(workspace: Workspace) -> None:
    store = SqliteStore(workspace)
    learn(store, "The gate closes at nine.")
    good = [back_up(workspace).name for _ in range(backup.KEEP)]
    store.connection.close()
    damage(workspace.database)
    with pytest.raises(WorkspaceCorrupt, match="nightschool restore"):
        back_up(workspace)
    assert sorted(path.name for path in workspace.backups.iterdir()) == sorted(good)


def test_a_record_that_cannot_be_read_is_seen_although_the_pages_are_sound(
    workspace: Workspace,
) -> None:
    store = SqliteStore(workspace)
    learn(store, "The gate closes at nine.")
    store.connection.execute("UPDATE episodes SET body = replace(body, ':', '\x01')")
    with pytest.raises(WorkspaceCorrupt, match="nightschool restore"):
        back_up(workspace)
    assert backups(workspace) == []


def test_a_full_disk_leaves_the_earlier_backups_and_nothing_half_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(SqliteStore(workspace), "The gate closes at nine.")
    good = back_up(workspace)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_place", full)
    with pytest.raises(WorkspaceError, match="earlier backups are as they were"):
        back_up(workspace)
    assert [path.name for path in workspace.backups.iterdir()] == [good.name]


@pytest.mark.parametrize("how", ["truncated", "a bit flipped", "emptied", "replaced", "not there"])
def test_a_damaged_backup_is_told(workspace: Workspace, how: str) -> None:
    learn(SqliteStore(workspace), "The gate closes at nine.")
    path = workspace.backups / back_up(workspace).name
    raw = path.read_bytes()
    match how:
        case "truncated":
            path.write_bytes(raw[: len(raw) // 2])
        case "a bit flipped":
            path.write_bytes(raw[:9000] + bytes([raw[9000] ^ 1]) + raw[9001:])
        case "emptied":
            path.write_bytes(b"")
        case "replaced":
            with sqlite3.connect(workspace.backups / "other") as other:
                other.execute("CREATE TABLE a (x)")
            path = (workspace.backups / "other").rename(
                path.with_name(
                    f"{path.name[:25]}{backup.file_digest(workspace.backups / 'other')}.db"
                )
            )
        case "not there":
            path.unlink()
    with pytest.raises(WorkspaceCorrupt, match=path.name):
        verify(path)


def test_erasing_takes_half_written_copies_along_and_nothing_else(workspace: Workspace) -> None:
    learn(SqliteStore(workspace), "The gate closes at nine.")
    for _ in range(2):
        back_up(workspace)
    (workspace.backups / ".copy.db").write_text("half")
    (workspace.backups / ".copy.db-wal").write_text("half")
    (workspace.root / ".nightschool.db.restored").write_text("half")
    (workspace.backups / "mine.txt").write_text("somebody's")
    assert erase_backups(workspace) == 2
    assert [path.name for path in workspace.backups.iterdir()] == ["mine.txt"]
    assert not (workspace.root / ".nightschool.db.restored").exists()
    assert workspace.database.exists()


def test_one_at_a_time(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.workspace.PATIENCE_SECONDS", 0.05)
    SqliteStore(workspace)
    with (
        workspace.lock_backups("forgetting"),
        pytest.raises(WorkspaceLocked, match="forgetting"),
    ):
        back_up(workspace)


def test_an_older_database_is_backed_up_before_it_is_changed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_school(workspace.root)  # a new one: nothing to back up
    open_school(workspace.root)
    assert backups(workspace) == []
    tables = ("CREATE TABLE extra (x)",)
    old = wire.MEMORY_TABLES
    monkeypatch.setattr("nightschool.memory.store.MIGRATIONS", (*old, *tables))
    monkeypatch.setitem(wire.TABLES, "memory", len(old) + 1)
    open_school(workspace.root)
    (path,) = backups(workspace)
    with sqlite3.connect(path) as copy:
        found = dict(copy.execute("SELECT room, version FROM schema_versions").fetchall())
    assert found["memory"] == len(old)
    open_school(workspace.root)
    assert backups(workspace) == [path]
