"""The commands `backup` and `restore`, as a user types them: a damaged database, and the way back."""

from __future__ import annotations

import gc
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nightschool.cli.main import app

FACTS = ("The gate closes at nine.", "The well is sixty feet deep.")


class CommandLine:
    """Runs commands in a workspace, each as a process of its own would: nothing stays open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--workspace", str(self.folder)])
        gc.collect()
        assert done.exit_code == code, (words, done.output, done.exception)
        assert "Traceback" not in done.output
        return done.output if code else done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def texts(self, *words: str) -> list[str]:
        return [memory["text"] for memory in self.json("memory", *words)]


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    CliRunner().invoke(app, ["init", str(tmp_path / "w")])
    return CommandLine(tmp_path / "w")


def test_a_damaged_database_is_told_and_restored(line: CommandLine) -> None:
    for fact in FACTS:
        line("remember", fact)
    made = line.json("backup")
    assert (made["memories"], made["episodes"]) == (2, 2)
    line("remember", "The ferry is painted in vermilion.")
    database = line.folder / "nightschool.db"
    raw = database.read_bytes()
    database.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))
    for words in (("memory", "list"), ("backup",), ("versions",), ("consolidate", "--dry-run")):
        assert "nightschool restore" in line(*words, code=1)
    told = line("restore", "--dry-run")
    assert f"Would restore {made['name']}" in told
    assert "nobody can count it" in told
    assert database.read_bytes()[4096:4100] == b"\xa5" * 4
    said = line("restore")
    assert f"Restored {made['name']}" in said
    assert "does not know: 1" in said
    assert "memory pending" in said
    assert line.texts("list") == [*FACTS, "The ferry is painted in vermilion."]
    assert line.texts("pending") == ["The ferry is painted in vermilion."]
    assert line.json("versions") == {"live": "base", "versions": [], "unknown": []}
    found = line.json("memory", "list", "--about", "well")[0]["id"]
    said = line("forget", found, "--yes")
    assert "Backups erased: 2; a new one was made." in said
    for path in line.folder.rglob("*"):
        assert not path.is_file() or b"sixty feet" not in path.read_bytes(), path


def test_a_truncated_backup_is_refused(line: CommandLine) -> None:
    line("remember", FACTS[0])
    name = line.json("backup")["name"]
    path = line.folder / "backups" / name
    path.write_bytes(path.read_bytes()[:-1])
    said = line("restore", name, code=1)
    assert f"{name} is damaged" in said
    assert "is not what was written" in said
    assert "None of the 1 is whole" in line("restore", code=1)
    assert line.texts("list") == [FACTS[0]]


def test_a_version_that_only_the_disk_knows_is_listed_as_such(line: CommandLine) -> None:
    line("backup")
    night = line.folder / "nights" / "default" / "night-0001"
    night.mkdir(parents=True)
    (night / "version.txt").write_text("ver-lost")
    (night / "outcome.txt").write_text("promoted")
    assert "Not known to the backup, and not served: ver-lost" in line("restore")
    assert "? ver-lost" in line("versions")
    assert line.json("versions")["unknown"] == ["ver-lost"]


def test_a_record_that_is_damaged_is_told_without_a_word_of_it(line: CommandLine) -> None:
    for fact in FACTS:
        line("remember", fact)
    line("backup")
    database = line.folder / "nightschool.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = database.read_bytes()
    assert b'"text": "The gate' in raw
    database.write_bytes(raw.replace(b'"text": "The gate', b'"text"\x01 "The gate'))
    told = line("memory", "list", code=1)
    assert "nightschool restore" in told
    assert "gate" not in told
    line("restore")
    assert line.texts("list") == list(FACTS)
