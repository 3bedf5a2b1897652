"""The memory tool: the documented answers, no way out of the folder, no edit lost."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.errors import EditConflict, PathRefused
from nightschool.memory.tool import MemoryTool
from nightschool.memory.vault import FILE_BYTES, Vault
from nightschool.types import digest


@pytest.fixture
def tool(tmp_path: Path) -> MemoryTool:
    return MemoryTool(Vault(tmp_path / "memories"))


def answer(tool: MemoryTool, command: str, **fields: object) -> str:
    return tool.call({"command": command, **fields}).text


def test_a_file_lives_its_life_with_the_documented_answers(tool: MemoryTool) -> None:
    path = "/memories/hosts.md"
    assert (
        answer(tool, "create", path=path, file_text="staging: kestrel-7\nprod: owl-2\n")
        == "File created successfully at: /memories/hosts.md"
    )
    assert (
        answer(tool, "view", path=path)
        == "Here's the content of /memories/hosts.md with line numbers:\n"
        "     1\tstaging: kestrel-7\n     2\tprod: owl-2"
    )
    assert answer(tool, "view", path=path, view_range=[2, -1]).endswith("\n     2\tprod: owl-2")
    assert (
        answer(tool, "str_replace", path=path, old_str="kestrel-7", new_str="merlin-2")
        == "The memory file has been edited.\n     1\tstaging: merlin-2\n     2\tprod: owl-2"
    )
    assert (
        answer(tool, "insert", path=path, insert_line=0, insert_text="# Hosts")
        == "The file /memories/hosts.md has been edited."
    )
    assert answer(tool, "rename", old_path=path, new_path="/memories/infra/hosts.md") == (
        "Successfully renamed /memories/hosts.md to /memories/infra/hosts.md"
    )
    assert (
        answer(tool, "view", path="/memories")
        == "Here're the files and directories up to 2 levels deep in /memories, excluding hidden items "
        "and node_modules:\n38\t/memories\n38\t/memories/infra\n38\t/memories/infra/hosts.md"
    )
    assert answer(tool, "delete", path="/memories/infra") == "Successfully deleted /memories/infra"
    assert tool.vault.entries()[1:] == []


def test_failures_are_answered_as_documented_and_change_nothing(tool: MemoryTool) -> None:
    path = "/memories/a.md"
    answer(tool, "create", path=path, file_text="one\ntwo\none\n")
    for expected, command, fields in [
        ("The path /memories/b.md does not exist. Please provide a valid path.", "view",
         {"path": "/memories/b.md"}),
        ("Error: File /memories/a.md already exists", "create", {"path": path, "file_text": ""}),
        ("Error: The path /memories/b.md does not exist. Please provide a valid path.", "str_replace",
         {"path": "/memories/b.md", "old_str": "x", "new_str": "y"}),
        ("No replacement was performed, old_str `three` did not appear verbatim in /memories/a.md.",
         "str_replace", {"path": path, "old_str": "three", "new_str": "y"}),
        ("No replacement was performed. Multiple occurrences of old_str `one` in lines: 1, 3. "
         "Please ensure it is unique", "str_replace", {"path": path, "old_str": "one", "new_str": "y"}),
        ("Error: The path /memories/b.md does not exist", "insert",
         {"path": "/memories/b.md", "insert_line": 0, "insert_text": "x"}),
        ("Error: Invalid `insert_line` parameter: 4. It should be within the range of lines of the "
         "file: [0, 3]", "insert", {"path": path, "insert_line": 4, "insert_text": "x"}),
        ("Error: The path /memories/b.md does not exist", "delete", {"path": "/memories/b.md"}),
        ("Error: The path /memories/b.md does not exist", "rename",
         {"old_path": "/memories/b.md", "new_path": "/memories/c.md"}),
        ("Error: The destination /memories/a.md already exists", "rename",
         {"old_path": path, "new_path": path}),
    ]:  # fmt: skip
        result = tool.call({"command": command, **fields})
        assert (result.text, result.is_error) == (expected, True)
    assert tool.vault.read(path) == "one\ntwo\none\n"


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"command": "shell", "path": "/memories"},
        {"command": "view"},
        {"command": "create", "path": "/memories/a.md"},
        {"command": "insert", "path": "/memories/a.md", "insert_line": True, "insert_text": "x"},
        {"command": "view", "path": 7},
    ],
)
def test_malformed_calls_say_what_is_missing(tool: MemoryTool, call: dict[str, object]) -> None:
    result = tool.call(call)
    assert result.is_error
    assert result.text.startswith("Error: ")


ESCAPES = [
    "/etc/passwd", "memories/a", "/memoriesX", "/memoriesX/a.md", "", "/", "/memories/../x",
    "/memories/a/../../x", "/memories/..", "/memories/./x", "/memories/%2e%2e/x",
    "/memories/%252e%252e/x", "/memories/..%2fx", "/memories/..\\x", "/memories/a\\..\\x",
    "/memories/．．/x", "/memories/․․/x", "/memories/a／b", "/memories/a\x00b", "/memories/a\nb",
    "/memories/a\u202eb", "/memories/.lock", "/memories/.hidden/x", "/memories//a//b",
    "/memories/ a", "/memories/" + "n" * 300, "/memories" + "/d" * 30, "/memories/\ud800",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_the_folder(tool: MemoryTool, path: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for fields in (
        {"command": "view", "path": path},
        {"command": "create", "path": path, "file_text": "x"},
        {"command": "rename", "old_path": path, "new_path": "/memories/b.md"},
        {"command": "delete", "path": path},
    ):
        assert tool.call(fields).is_error
    assert [p for p in sorted(tmp_path.rglob("*")) if p.name != ".lock"] in (
        before, [*before, tmp_path / "memories"],
    )  # fmt: skip


@given(st.text(max_size=40))
def test_whatever_a_path_holds_it_stays_inside_or_is_refused(tail: str) -> None:
    folder = Path("/nowhere/memories")
    try:
        place = Vault(folder).real(f"/memories/{tail}")
    except PathRefused:
        return
    assert os.path.normpath(place) == str(place)
    assert place == folder or folder in place.parents


def test_symbolic_links_are_not_followed(tool: MemoryTool, tmp_path: Path) -> None:
    answer(tool, "create", path="/memories/a.md", file_text="x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("secret")
    (tool.vault.folder / "link").symlink_to(outside)
    (tool.vault.folder / "file.md").symlink_to(outside / "secret.md")
    for path in ("/memories/link/secret.md", "/memories/file.md", "/memories/link"):
        result = tool.call({"command": "view", "path": path})
        assert result.is_error
        assert "secret\n" not in result.text
        assert tool.call({"command": "delete", "path": path}).is_error
    assert "link" not in answer(tool, "view", path="/memories")
    assert (outside / "secret.md").read_text() == "secret"


def test_the_root_stays(tool: MemoryTool) -> None:
    assert not tool.call({"command": "view", "path": "/memories"}).is_error
    assert tool.call({"command": "delete", "path": "/memories"}).is_error
    assert tool.call(
        {"command": "rename", "old_path": "/memories", "new_path": "/memories/x"}
    ).is_error


def test_too_large_or_broken_texts_are_refused(tool: MemoryTool) -> None:
    for text in ("x" * (FILE_BYTES + 1), "a\x00b", "\ud800"):
        assert tool.call(
            {"command": "create", "path": "/memories/a.md", "file_text": text}
        ).is_error
    answer(tool, "create", path="/memories/a.md", file_text="x" * FILE_BYTES)
    grown = {"command": "insert", "path": "/memories/a.md", "insert_line": 0, "insert_text": "y"}
    assert tool.call(grown).is_error
    (tool.vault.folder / "b.md").write_bytes(b"\xff\xfe")
    assert tool.call({"command": "view", "path": "/memories/b.md"}).is_error


def test_files_rendered_from_records_are_for_viewing_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "m")
    vault.write("/memories/MEMORY.md", "ours\n")
    tool = MemoryTool(vault, lambda: frozenset({"/memories/MEMORY.md"}))
    answer(tool, "create", path="/memories/a.md", file_text="x")
    for path in (
        "/memories/MEMORY.md",
        "/memories/MEMORY.md/",
        "/memories//MEMORY.md",
        "/memories/memory.md",
    ):
        for fields in (
            {"command": "create", "path": path, "file_text": "x"},
            {"command": "str_replace", "path": path, "old_str": "ours", "new_str": "x"},
            {"command": "insert", "path": path, "insert_line": 0, "insert_text": "x"},
            {"command": "delete", "path": path},
            {"command": "rename", "old_path": path, "new_path": "/memories/b.md"},
            {"command": "rename", "old_path": "/memories/a.md", "new_path": path},
        ):  # fmt: skip
            assert tool.call(fields).is_error
    assert answer(tool, "view", path="/memories/MEMORY.md").endswith("ours")
    assert vault.read("/memories/MEMORY.md") == "ours\n"
    assert vault.read("/memories/a.md") == "x"


def test_a_file_does_not_become_a_folder(tool: MemoryTool) -> None:
    answer(tool, "create", path="/memories/a", file_text="x")
    assert tool.call({"command": "create", "path": "/memories/a/b.md", "file_text": "y"}).is_error
    assert tool.vault.read("/memories/a") == "x"


def test_an_edit_by_line_number_on_a_file_that_changed_since_is_refused(tool: MemoryTool) -> None:
    path = "/memories/a.md"
    answer(tool, "create", path=path, file_text="one\n")
    (tool.vault.folder / "a.md").write_text("zero\none\n")  # a person's editor
    insert = {"command": "insert", "path": path, "insert_line": 1, "insert_text": "two"}
    assert "has changed" in tool.call(insert).text
    assert "has changed" in tool.call({"command": "delete", "path": path}).text
    answer(tool, "view", path=path)
    assert not tool.call({**insert, "insert_line": 2}).is_error
    assert tool.vault.read(path) == "zero\none\ntwo\n"


def test_a_write_on_an_older_content_is_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "m")
    vault.write("/memories/a.md", "one", expected="")
    vault.write("/memories/a.md", "two", expected=digest("one"))
    with pytest.raises(EditConflict):
        vault.write("/memories/a.md", "three", expected=digest("one"))
    assert vault.read("/memories/a.md") == "two"


def _append(folder: Path, name: str) -> None:
    tool = MemoryTool(Vault(folder))
    for number in range(20):
        while True:
            tool.call({"command": "view", "path": "/memories/log.md"})
            added = {"insert_line": 0, "insert_text": f"{name}-{number}"}
            if not tool.call({"command": "insert", "path": "/memories/log.md", **added}).is_error:
                break


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    Vault(folder).write("/memories/log.md", "")
    workers = [
        multiprocessing.Process(target=_append, args=(folder, name)) for name in ("a", "b", "c")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = Vault(folder).read("/memories/log.md").split()
    assert sorted(lines) == sorted(f"{name}-{n}" for name in "abc" for n in range(20))
