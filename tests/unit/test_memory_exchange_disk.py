"""Exports on disk: read with suspicion, written in one step, never over somebody else's files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightschool.errors import ConfigError, SourceUnreadable
from nightschool.memory.exchange import disk
from nightschool.memory.exchange.disk import load, save_file, save_folder


def tree(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text("utf-8")
        for p in folder.rglob("*")
        if p.is_file() and p.name != disk.MARK
    }


def test_a_folder_is_read_without_what_is_hidden_or_no_markdown(tmp_path: Path) -> None:
    for name in ("a.md", "sub/b.md", ".git/c.md", ".d.md", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\ufeffone\r\ntwo")
    assert load(tmp_path) == {
        tmp_path / "a.md": "one\ntwo",
        tmp_path / "sub" / "b.md": "one\ntwo",
    }


def odd(folder: Path, kind: str) -> None:
    place = folder / "x.md"
    if kind == "link":
        place.symlink_to("/etc/hostname")
    elif kind == "linked folder":
        (folder / "x").symlink_to("/etc")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "control character":
        (folder / "x\x1b[2J.md").write_text("x")
    elif kind == "backslash":
        (folder / "..\\x.md").write_text("x")
    elif kind == "latin-1":
        place.write_bytes(b"one\ntwo \xe9\n")
    elif kind == "deep":
        (folder / "/".join("abcdefghijk")).mkdir(parents=True)
    elif kind == "large":
        with place.open("wb") as file:
            file.truncate(disk.LARGEST_BYTES + 1)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("link", r"x\.md is a symbolic link"),
        ("linked folder", "x is a symbolic link"),
        ("pipe", "no plain file"),
        ("control character", "control character"),
        ("backslash", "backslash"),
        ("latin-1", r"x\.md, line 2: not UTF-8"),
        ("deep", "folders deep"),
        ("large", "at most 100 MB"),
        ("empty", "no Markdown file"),
    ],
)
def test_odd_folders_are_refused(tmp_path: Path, kind: str, message: str) -> None:
    odd(tmp_path, kind)
    with pytest.raises(SourceUnreadable, match=message):
        load(tmp_path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="No such file"):
        load(tmp_path / "none.jsonl")


def test_an_unchanged_export_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    save_folder(place, {"MEMORY.md": "one", "sub/a.md": "old"})
    save_folder(place, {"MEMORY.md": "two"})
    assert tree(place) == {"MEMORY.md": "two"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("change", ["edited", "added", "emptied", "foreign"])
def test_a_folder_that_is_not_as_exported_is_left_alone(tmp_path: Path, change: str) -> None:
    place = tmp_path / "out"
    save_folder(place, {"MEMORY.md": "one"})
    if change == "edited":
        (place / "MEMORY.md").write_text("mine")
    elif change == "added":
        (place / ".git").mkdir()
        (place / ".git" / "HEAD").write_text("mine")
    elif change == "emptied":
        (place / "MEMORY.md").unlink()
    else:
        (place / disk.MARK).unlink()
    before = tree(place)
    with pytest.raises(ConfigError, match="Nothing was overwritten"):
        save_folder(place, {"MEMORY.md": "two"})
    assert tree(place) == before


def test_a_file_is_replaced_only_if_it_is_an_export(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "memory.jsonl"
    save_file(place, "one", lambda text: text == "one")
    save_file(place, "two", lambda text: text == "one")
    with pytest.raises(ConfigError, match="Nothing was overwritten"):
        save_file(place, "three", lambda text: text == "one")
    place.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="Nothing was overwritten"):
        save_file(place, "three", lambda text: True)
    link = tmp_path / "link"
    link.symlink_to(place)
    for save in (lambda: save_file(link, "x", bool), lambda: save_folder(link, {"a.md": "x"})):
        with pytest.raises(ConfigError, match="link"):
            save()
    assert place.read_bytes() == b"\xff"


KILLED = """
import os, sys
from pathlib import Path
from nightschool.memory.exchange import disk
left = int(sys.argv[2])
def step(event, args):
    global left
    if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "ctypes.dlsym"):
        if str(args[0]).startswith(sys.argv[1]) or event == "ctypes.dlsym":
            left -= 1
            if left < 0:
                os._exit(9)
sys.addaudithook(step)
disk.save_folder(Path(sys.argv[1]) / "out", {"MEMORY.md": "new", "a.md": "new", "b.md": "new"})
"""


def test_a_kill_at_any_step_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    new = {"MEMORY.md": "new", "a.md": "new", "b.md": "new"}
    seen = []
    for steps in range(100):
        folder = tmp_path / str(steps)
        save_folder(folder / "out", {"MEMORY.md": "old"})
        run = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(steps)], check=False)
        found = tree(folder / "out")
        assert found in ({"MEMORY.md": "old"}, new)
        seen.append((run.returncode, found == new))
        save_folder(folder / "out", new)  # and the next export goes through
        assert tree(folder / "out") == new
        assert [p.name for p in folder.iterdir() if p.name.endswith("next-export")] == []
        if run.returncode == 0:
            break
    assert {(9, False), (9, True), (0, True)} == set(seen)
