"""The workspace: found from inside, written whole or not at all, held by one writer."""

import sqlite3
from pathlib import Path

import pytest

from nightschool.errors import WorkspaceCorrupt, WorkspaceError, WorkspaceLocked, WorkspaceMissing
from nightschool.workspace import (
    Workspace,
    folder_atomic,
    migrate,
    read_json,
    transaction,
    write_atomic,
)


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path / "school", "effort = 'small'\n")


def test_it_is_found_from_inside_and_made_again_unharmed(workspace):
    assert Workspace.find(workspace.nights).root.samefile(workspace.root)
    Workspace.create(workspace.root, "other")
    assert workspace.config_path.read_text() == "effort = 'small'\n"


def test_a_path_has_one_name_from_wherever_it_is_given(workspace, tmp_path, monkeypatch):
    beside = tmp_path / "docs" / "a.md"
    assert workspace.name_of(beside) == "../docs/a.md"
    assert workspace.name_of(workspace.root / "b.md") == "b.md"
    far = tmp_path.parent / "far.md"
    assert workspace.name_of(far) == str(far)
    monkeypatch.chdir(tmp_path)
    assert workspace.name_of(Path("docs/../docs/a.md")) == "../docs/a.md"
    assert Workspace(Path("school")).name_of(beside) == "../docs/a.md"
    assert workspace.name_of(Path("../far.md")) == str(far)


def test_none_is_found_outside(tmp_path):
    with pytest.raises(WorkspaceMissing, match="nightschool init"):
        Workspace.find(tmp_path)


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "a.txt"
    for content in ("one", b"two"):
        write_atomic(path, content)
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_write_keeps_the_old_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("kept")
    with pytest.raises(WorkspaceError, match="this file is as it was"):
        write_atomic(tmp_path / "taken", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_folder_appears_complete_or_not_at_all(tmp_path):
    def fail_halfway():
        with folder_atomic(tmp_path / "out") as folder:
            (folder / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert not list(tmp_path.iterdir())
    with folder_atomic(tmp_path / "out") as folder:
        (folder / "whole").write_text("x")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "whole").read_text() == "x"


def test_one_writer_at_a_time(workspace):
    with (
        workspace.lock("a night"),
        pytest.raises(WorkspaceLocked, match="a night"),
        workspace.lock("an edit"),
    ):
        pass
    with workspace.lock("an edit"):  # given back
        pass


def test_a_transaction_is_whole_or_nothing():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection, "room", ("CREATE TABLE a (x)",))

    def fail_halfway():
        with transaction(connection):
            connection.execute("INSERT INTO a VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert not list(connection.execute("SELECT * FROM a"))


def test_a_migration_is_applied_once():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    first = ("CREATE TABLE a (x)",)
    migrate(connection, "room", first)
    connection.execute("INSERT INTO a VALUES (1)")
    for _ in range(2):
        migrate(connection, "room", (*first, "ALTER TABLE a ADD COLUMN y DEFAULT 2"))
    assert [tuple(row) for row in connection.execute("SELECT * FROM a")] == [(1, 2)]


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_damaged_record_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WorkspaceCorrupt, match=r"a\.json cannot be read back"):
        read_json(path)


def test_a_change_of_memory_does_not_wait_for_a_night(tmp_path):
    workspace = Workspace.create(tmp_path, "")
    with workspace.lock("a night"), workspace.lock_memory("learning"):
        pass


def test_a_change_of_memory_waits_for_another_and_says_who_held_it_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("nightschool.workspace.PATIENCE_SECONDS", 0.05)
    workspace = Workspace.create(tmp_path, "")
    with (
        workspace.lock_memory("an import"),
        pytest.raises(WorkspaceLocked, match="an import"),
        workspace.lock_memory("learning"),
    ):
        pass


def test_an_older_program_does_not_have_migrations_run_again():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    first = ("CREATE TABLE a (x)",)
    newer = (*first, "ALTER TABLE a ADD COLUMN y DEFAULT 2")
    for program in (newer, first, newer):
        migrate(connection, "room", program)
    assert [row["name"] for row in connection.execute("PRAGMA table_info(a)")] == ["x", "y"]
