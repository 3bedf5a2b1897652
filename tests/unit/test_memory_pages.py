"""One more statement costs one page; later pages are edited as the first, and old files are divided without loss."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from nightschool.memory import pages, rendered
from nightschool.memory.files import EDITOR, Edits, edited, expect_changes, sync_files
from nightschool.memory.notes import read_note
from nightschool.memory.rules import PAGE
from nightschool.memory.store import SqliteStore
from nightschool.sources import said
from nightschool.sources.documents import read_document
from nightschool.types import Memory, Trust, digest
from nightschool.workspace import Workspace

KilledAfter = Callable[[int], AbstractContextManager[None]]


class Counting(SqliteStore):
    """The real store, which counts how many memories are read for rendering."""

    read = 0

    def page(self, tenant: str, source: str, number: int) -> list[Memory]:
        found = super().page(tenant, source, number)
        self.read += len(found)
        return found

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        found = super().memories(tenant, include_retired=include_retired)
        self.read += len(found)
        return found


class Folder:
    """A store with its files."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace.create(root, "")
        self.home = self.workspace.memories / "t"
        self.store = Counting(self.workspace)

    def sync(self) -> Edits:
        return sync_files(
            self.store, self.workspace, "t", lambda text: said(text, "t", speaker=EDITOR)
        )

    def tell(self, *statements: str) -> list[Memory]:
        added = [m for text in statements for m in self.store.absorb(said(text, "t"))[0]]
        self.sync()
        return added

    def tell_many(self, count: int) -> list[Memory]:
        """Store statements about different things in one reading, and render them."""
        reading = said("Here is a list.", "t")
        (finding,) = reading.findings
        findings = (
            replace(finding, text=f"The code of door {n} is 7{n}.", key=f"door|{n}")
            for n in range(count)
        )
        added, _ = self.store.absorb(replace(reading, findings=tuple(findings)))
        self.sync()
        return added

    def file(self, part: str) -> Path:
        return next(p for p in self.home.glob("*.md") if part in p.name)

    def times(self) -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in self.home.iterdir() if p.is_file()}

    def rewritten(self, do: Callable[[], object]) -> set[str]:
        """Return the names of the files that were written while something was done."""
        before = self.times()
        do()
        after = self.times()
        return {name for name in before | after if before.get(name) != after.get(name)} - {".lock"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_201st_statement_begins_a_second_file(folder: Folder) -> None:
    told = folder.tell_many(PAGE + 1)
    second = folder.file("-2.md")
    first = folder.home / second.name.replace("-2.md", ".md")
    assert len(first.read_text().splitlines()) == PAGE + 2
    assert second.read_text() == (
        f"# said, page 2\n\n- The code of door 200 is 7200. <!-- {told[-1].id} -->\n"
    )
    index = (folder.home / "MEMORY.md").read_text()
    assert f"- [said]({first.name}) to [2]({second.name}): 201\n" in index
    assert not edited(folder.workspace, "t", known=True)


def test_edits_of_a_later_page_are_picked_up_and_stay_there(folder: Folder) -> None:
    told = folder.tell_many(PAGE + 3)
    second = folder.file("-2.md")
    lines = second.read_text().replace("is 7200.", "is 8888.").splitlines()
    second.write_text("\n".join(x for x in lines if told[-1].id not in x) + "\n* The cat sleeps.\n")
    assert edited(folder.workspace, "t", known=True)
    edits = folder.sync()
    assert [m.text for m in edits.changed] == ["The code of door 200 is 8888."]
    assert [m.id for m in edits.retired] == [told[-1].id]
    assert [m.text for m in edits.added] == ["The cat sleeps."]
    assert edits.changed[0].id in second.read_text()
    path = folder.home / second.name.replace("-2.md", ".md")
    path.write_text(path.read_text().replace("is 70.", "is 9999."))
    assert [m.text for m in folder.sync().changed] == ["The code of door 0 is 9999."]
    assert "is 9999." in path.read_text()
    assert "is 9999." not in second.read_text()
    assert not folder.sync()


def test_one_more_statement_reads_one_page_and_writes_it_and_the_index(folder: Folder) -> None:
    folder.tell_many(3 * PAGE + 5)
    folder.store.read = 0
    written = folder.rewritten(lambda: folder.tell("Deploys are on Friday."))
    assert folder.store.read == 6
    assert written == {".rendered.json", "MEMORY.md", folder.file("-4.md").name}


def test_what_is_counted_of_memories_renders_nothing(folder: Folder) -> None:
    told = folder.tell_many(PAGE + 1)
    folder.store.absorb(
        read_note("/memories/a.md", "- The gate closes at nine.", "t", Trust.TOOL, "model")
    )
    folder.sync()
    folder.store.used([told[0].id])
    folder.store.examined("t", "ver-1", {told[0].id}, "night-0001")
    folder.store.read = 0
    assert folder.rewritten(folder.sync) == set()
    assert folder.store.read == 0


def test_forgetting_one_rewrites_its_page_only(folder: Folder) -> None:
    told = folder.tell_many(3 * PAGE)

    def forget() -> None:
        expect_changes(folder.workspace, "t")
        folder.store.remove([told[PAGE].id])
        folder.sync()

    second = folder.file("-2.md").name
    assert folder.rewritten(forget) == {second, "MEMORY.md", ".rendered.json"}
    lists = [p.read_text() for p in (folder.home / ".rendered").iterdir()]
    assert not any(told[PAGE].id in ids for ids in lists)


def test_a_page_that_is_emptied_has_no_file_and_leaves_the_others(folder: Folder) -> None:
    told = folder.tell_many(2 * PAGE + 1)
    second, third = folder.file("-2.md"), folder.file("-3.md")
    for memory in told[PAGE : 2 * PAGE]:
        folder.store.retire(memory.id, "owner")
    assert not folder.sync()
    assert not second.exists()
    assert f" to [3]({third.name}): 201\n" in (folder.home / "MEMORY.md").read_text()
    third.unlink()
    folder.sync()
    assert told[-1].id in third.read_text()
    assert not second.exists()


def test_the_name_of_a_forgotten_source_is_nowhere(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    text = "# Plan\n\nThe vault opens at nine.\n\n# Yard\n\nThe well is deep."
    folder.store.absorb(read_document(text, "t", "omega-plan.md", "Plan"))
    folder.sync()
    expect_changes(folder.workspace, "t")
    plan = [m.id for m in folder.store.memories("t") if m.source == "omega-plan.md"]
    folder.store.remove(plan)
    folder.sync()
    for path in folder.workspace.root.rglob("*"):
        assert "omega-plan" not in path.name
        assert not path.is_file() or b"omega-plan" not in path.read_bytes(), path


def test_a_database_put_back_from_a_backup_is_what_the_files_show(tmp_path: Path) -> None:
    """The changes since the backup are as many as those after it: counted revisions would be equal."""
    folder = Folder(tmp_path)
    folder.tell("The staging host is kestrel-7.")
    backup = sqlite3.connect(":memory:")
    folder.store.connection.backup(backup)
    folder.tell("The cat is called Biscuit.")
    backup.backup(folder.store.connection)
    folder.tell("Deploys are on Friday.")
    text = folder.file("said").read_text()
    assert "kestrel-7" in text
    assert "Friday" in text
    assert "Biscuit" not in text


def test_pages_of_a_lost_database_come_in_again_as_proposals(tmp_path: Path) -> None:
    lost = Folder(tmp_path)
    told = lost.tell_many(PAGE + 2)
    lost.store.connection.close()
    for path in tmp_path.glob("nightschool.db*"):
        path.unlink()
    again = Folder(tmp_path)
    again.sync()
    assert {m.text for m in again.store.memories("t")} == {m.text for m in told}
    assert not any(m.trust is Trust.OWNER for m in again.store.memories("t"))
    assert not again.sync()
    assert not list((again.home / ".rendered").iterdir())


def test_another_layout_is_rendered_anew(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.tell_many(PAGE + 1)
    monkeypatch.setattr(rendered, "LAYOUT", rendered.LAYOUT + 1)
    folder.store.read = 0
    assert not folder.sync()
    assert folder.store.read == PAGE + 1
    folder.sync()
    assert folder.store.read == PAGE + 1


# -- a workspace from before there were pages --------------------------------------------------


def before_pages(folder: Folder) -> Path:
    """Put a folder back to what was written before there were pages: one file, its ids in the record."""
    for path in folder.home.glob("*.md"):
        path.unlink()
    shutil.rmtree(folder.home / ".rendered")
    path = folder.home / pages.file_name(folder.store.pages("t")[0])
    live = folder.store.memories("t")
    path.write_text("# said\n\n" + "".join(f"- {m.text} <!-- {m.id} -->\n" for m in live))
    index = folder.home / "MEMORY.md"
    index.write_text(f"# Memories\n\n- [said]({path.name}): {len(live)}\n")
    record = {
        "files": {
            file.name: {
                "digest": digest(file.read_text()),
                "stamp": [file.stat().st_size, file.stat().st_mtime_ns],
                "ids": [m.id for m in live] if file == path else [],
            }
            for file in (path, index)
        },
        "notes": {},
    }
    (folder.home / ".rendered.json").write_text(json.dumps(record))
    return path


def test_an_old_file_is_divided_and_what_was_edited_in_it_is_taken_in(folder: Folder) -> None:
    told = folder.tell_many(2 * PAGE + 5)
    path = before_pages(folder)
    assert not edited(folder.workspace, "t", known=True)
    # The whole number as it was told: a bare 7399 may also stand in a random id.
    lines = path.read_text().replace("is 7399.", "is 8888.").splitlines()
    path.write_text("\n".join(x for x in lines if told[300].id not in x) + "\n")
    edits = folder.sync()
    assert [m.id for m in edits.retired] == [told[300].id]
    assert [m.text for m in edits.changed] == ["The code of door 399 is 8888."]
    assert len(list(folder.home.glob("said-*.md"))) == 3
    assert len(path.read_text().splitlines()) == PAGE + 2
    assert not folder.sync()


def test_a_kill_while_an_old_file_is_divided_retires_nothing(
    folder: Folder, killed_after: KilledAfter
) -> None:
    told = folder.tell_many(2 * PAGE + 5)
    for writes in range(9):
        path = before_pages(folder)
        with killed_after(writes):
            folder.sync()
        with path.open("a") as file:  # and it is saved once more before the next command
            file.write("\n")
        with killed_after(writes):
            folder.sync()
        assert not folder.sync()
        assert {m.id for m in folder.store.memories("t")} == {m.id for m in told}
        assert len(list(folder.home.glob("*.md"))) == 4


def test_a_kill_after_somebody_saved_a_file_that_is_being_divided_retires_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, killed_after: KilledAfter
) -> None:
    told = folder.tell_many(PAGE + 5)
    path = before_pages(folder)
    announce = pages._announce

    def meanwhile(*given: object) -> object:
        path.write_text(path.read_text() + "\n")
        return announce(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(pages, "_announce", meanwhile)
    folder.sync()  # the second page is written, the first is left to the next sync
    monkeypatch.undo()
    with killed_after(1):
        folder.sync()
    assert len(path.read_text().splitlines()) == PAGE + 2
    assert not folder.sync()
    assert {m.id for m in folder.store.memories("t")} == {m.id for m in told}
