"""The audit log: rows come and stay, tenants see their own, and no text gets in."""

import sqlite3

import pytest

from nightschool.registry.audit import Audit
from nightschool.workspace import Workspace


@pytest.fixture
def audit(tmp_path):
    return Audit(Workspace.create(tmp_path, ""))


def test_rows_are_listed_newest_first_for_their_tenant(audit):
    for number in range(3):
        audit.note("ada", "key-1", f"POST /v1/{number}", [f"mem-{number}"], 200)
    audit.note("bob", "-", "DELETE /v1/keys/{key_id}", [], 401)
    assert [row.action for row in audit.entries("ada")] == [f"POST /v1/{n}" for n in (2, 1, 0)]
    assert audit.entries("ada")[0].objects == ("mem-2",)
    assert [row.action for row in audit.entries("ada", 5, audit.entries("ada")[1].number)] == [
        "POST /v1/0"
    ]
    assert audit.entries("bob")[0].status == 401


def test_what_may_be_a_text_is_left_out(audit):
    audit.note("ada", "key-1", "POST /v1/forget", ["mem-1", "my password is hunter2", "x" * 99])
    assert audit.entries("ada")[0].objects == ("mem-1",)


def test_rows_are_neither_changed_nor_deleted(audit, tmp_path):
    audit.note("ada", "key-1", "POST /v1/forget")
    connection = sqlite3.connect(tmp_path / "nightschool.db")
    for statement in ("DELETE FROM audit", "UPDATE audit SET tenant = 'bob'"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            connection.execute(statement)
