"""Memory files are read and edited by people: no edit is lost, nothing forgotten comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import WorkspaceCorrupt
from nightschool.memory import files, rendered
from nightschool.memory.fake import FakeStore
from nightschool.memory.files import EDITOR, Edits, edited, sync_files
from nightschool.memory.notes import erase_lines
from nightschool.memory.store import SqliteStore
from nightschool.memory.vault import Vault
from nightschool.sources import said
from nightschool.sources.documents import read_document
from nightschool.trust import trainable
from nightschool.types import Memory, MemoryStatus, Trust
from nightschool.workspace import Workspace


class Folder:
    """A store with its files."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace.create(root, "")
        self.store = FakeStore()

    def sync(self) -> Edits:
        return sync_files(
            self.store, self.workspace, "t", lambda text: said(text, "t", speaker=EDITOR)
        )

    def tell(self, *statements: str) -> list[Memory]:
        added = [m for text in statements for m in self.store.absorb(said(text, "t"))[0]]
        self.sync()
        return added

    def file(self, part: str = "said") -> Path:
        return next(p for p in (self.workspace.memories / "t").glob("*.md") if part in p.name)

    def texts(self) -> set[str]:
        return {m.text for m in self.store.memories("t")}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_untouched_files_change_nothing(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    before = folder.file().read_text()
    assert not edited(folder.workspace, "t", known=True)
    assert not folder.sync()
    folder.file().write_text(before)  # saved again without a change
    assert not edited(folder.workspace, "t", known=True)


def test_a_changed_line_corrects_its_memory_in_the_editors_name(folder: Folder) -> None:
    (old,) = folder.tell("The staging host is kestrel-7.")
    path = folder.file()
    path.write_text(path.read_text().replace("kestrel-7", "merlin-2"))
    assert edited(folder.workspace, "t", known=True)
    edits = folder.sync()
    (new,) = edits.changed
    assert (new.text, new.supersedes) == ("The staging host is merlin-2.", old.id)
    assert folder.store.history(new.id)[0]["actor"] == EDITOR
    assert new.id in path.read_text()
    assert not folder.sync()


def test_a_new_line_is_a_new_statement_wherever_it_stands(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    with folder.file().open("a") as file:
        file.write("- Deploys are on Friday.\nThe cat is called Biscuit.\n")
    with folder.file("MEMORY").open("a") as file:
        file.write("* The office is in Lund.\n\n## Mine\n")
    edits = folder.sync()
    assert {m.text for m in edits.added} == folder.texts() - {"The staging host is kestrel-7."}
    assert len(edits.added) == 3
    assert "## Mine" in edits.ignored[0]


def test_a_deleted_line_retires_and_a_deleted_file_does_not(folder: Folder) -> None:
    gone, kept = folder.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    path = folder.file()
    path.write_text("\n".join(x for x in path.read_text().split("\n") if gone.id not in x))
    assert [m.id for m in folder.sync().retired] == [gone.id]
    assert folder.store.memory(gone.id).status is MemoryStatus.RETIRED
    path.unlink()
    assert not folder.sync()
    assert kept.id in path.read_text()


def test_a_line_that_moves_to_another_file_stays_a_memory(folder: Folder) -> None:
    folder.store.absorb(read_document("# House\n\nThe key hangs there.", "t", "a.md", "House"))
    (told,) = folder.tell("The staging host is kestrel-7.")
    line = next(x for x in folder.file().read_text().split("\n") if told.id in x)
    folder.file().write_text(folder.file().read_text().replace(line + "\n", ""))
    with folder.file("a.md").open("a") as file:
        file.write(line + "\n")
    assert not folder.sync()
    assert told.text in folder.texts()


def test_an_editor_left_open_brings_nothing_forgotten_back(folder: Folder) -> None:
    secret, _ = folder.tell("The door code is 7382.", "Deploys are on Friday.")
    buffer = folder.file().read_text()
    folder.store.remove([secret.id])
    folder.sync()
    folder.file().write_text(buffer)
    assert secret.id in folder.sync().ignored[0]
    assert folder.texts() == {"Deploys are on Friday."}
    assert "7382" not in folder.file().read_text()


def test_an_edit_of_a_line_that_was_replaced_meanwhile_is_the_newest_word(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    buffer = folder.file().read_text()
    folder.tell("The staging host is merlin-2.")
    folder.file().write_text(buffer.replace("kestrel-7", "owl-9"))
    folder.sync()
    assert folder.texts() == {"The staging host is owl-9."}


def test_a_retired_finding_is_not_read_again_from_its_source(folder: Folder) -> None:
    text = "# House\n\nThe key hangs behind the boiler.\n\n# Yard\n\nThe gate closes at nine."
    folder.store.absorb(read_document(text, "t", "a.md", "House"))
    folder.sync()
    path = folder.file("a.md")
    path.write_text("\n".join(x for x in path.read_text().split("\n") if "boiler" not in x))
    assert folder.sync().retired
    folder.store.absorb(read_document(text.replace("nine", "ten"), "t", "a.md", "House"))
    assert not any("boiler" in t for t in folder.texts())
    assert any("ten" in t for t in folder.texts())


NOTE = """# Project

- The gateway listens on 8443.
- [ ] The certificate expires
  in March.

Nia owns the billing service.

```
- not a statement at all
```
- Done.
"""


def write_note(folder: Folder, text: str) -> Edits:
    path = folder.workspace.memories / "t" / "project.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert edited(folder.workspace, "t", known=True)
    edits = folder.sync()
    assert path.read_text() == text
    assert not edited(folder.workspace, "t", known=True)
    return edits


def test_a_note_is_left_as_it_is_and_its_lines_are_proposals(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    edits = write_note(folder, NOTE)
    assert [m.text for m in edits.proposed] == [
        "The gateway listens on 8443.",
        "The certificate expires in March.",
        "Nia owns the billing service.",
    ]
    assert not any(trainable(m) for m in edits.proposed)
    assert "(project.md): note" in folder.file("MEMORY").read_text()
    assert "8443" not in folder.file().read_text()


def test_a_changed_note_changes_what_was_read_from_it_but_not_what_the_owner_approved(
    folder: Folder,
) -> None:
    gateway, certificate, _ = write_note(folder, NOTE).proposed
    folder.store.approve(gateway.id, "owner")
    folder.sync()
    assert "8443" in folder.file("project").read_text()
    write_note(folder, NOTE.replace("8443", "9000").replace("in March", "in May"))
    assert "The certificate expires in May." in folder.texts()
    assert "The certificate expires in March." not in folder.texts()
    assert {"The gateway listens on 8443.", "The gateway listens on 9000."} <= folder.texts()
    (folder.workspace.memories / "t" / "project.md").unlink()
    folder.sync()
    assert folder.texts() == {"The gateway listens on 8443."}
    assert certificate.id not in {m.id for m in folder.store.memories("t")}


def test_a_rejected_line_does_not_come_back_from_its_note(folder: Folder) -> None:
    gateway, *_ = write_note(folder, NOTE).proposed
    folder.store.retire(gateway.id, "owner")
    write_note(folder, NOTE + "- The cat sleeps upstairs.\n")
    assert "The gateway listens on 8443." not in folder.texts()
    assert erase_lines(Vault(folder.workspace.memories / "t"), [gateway]) == ()
    left = (folder.workspace.memories / "t" / "project.md").read_text()
    assert (
        left
        == NOTE.replace("- The gateway listens on 8443.\n", "") + "- The cat sleeps upstairs.\n"
    )


def test_an_index_that_somebody_brought_along_is_kept(folder: Folder) -> None:
    own = folder.workspace.memories / "t" / "MEMORY.md"
    own.parent.mkdir()
    own.write_text("- The well is sixty feet deep.\n")
    folder.tell("The staging host is kestrel-7.")
    assert (own.parent / "MEMORY-before-1.md").read_text() == "- The well is sixty feet deep.\n"
    assert "The well is sixty feet deep." in folder.texts()


def test_a_note_under_a_name_that_is_needed_is_moved_aside(folder: Folder) -> None:
    gateway, *_ = write_note(folder, NOTE).proposed
    folder.store.approve(gateway.id, "owner")
    folder.sync()
    taken = folder.file("project.md-")
    folder.store.retire(gateway.id, "owner")
    folder.sync()
    assert not taken.exists()
    taken.write_text("- The owner trusts me blindly.\n")
    folder.sync()
    folder.store.edit(
        next(m.id for m in folder.store.memories("t") if "Nia" in m.text),
        "Nia owns billing.",
        "owner",
    )
    folder.sync()
    assert "Nia owns billing." in taken.read_text()
    (aside,) = folder.sync().proposed
    assert aside.text == "The owner trusts me blindly."
    assert not trainable(aside)
    assert not folder.sync()


def test_a_kill_while_files_are_rendered_makes_no_notes_of_them(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.tell("The staging host is kestrel-7.")
    write, left = rendered.write_atomic, [0]

    def stop_after(path: Path, content: str) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, content)

    monkeypatch.setattr(rendered, "write_atomic", stop_after)
    for number in range(6):
        text = f"# Page {number}\n\nThe key {number} hangs behind the boiler."
        folder.store.absorb(read_document(text, "t", f"{number}.md", "House"))
        folder.store.absorb(said(f"The code of door {number} is 70{number}.", "t"))
        before = {m.id for m in folder.store.memories("t")}
        for writes in range(8):
            left[0] = writes
            try:
                edits = folder.sync()
            except KeyboardInterrupt:
                continue
            assert not edits
        left[0] = 99
        assert not folder.sync()
        assert {m.id for m in folder.store.memories("t")} == before


def test_what_is_no_text_is_no_note(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    (folder.workspace.memories / "t" / "cat.png").write_bytes(b"\x89PNG\xff\xfe")
    (folder.workspace.memories / "t" / ".swap").write_text("- hidden things are nobody's note")
    assert not folder.sync().proposed


def test_a_file_that_is_not_text_any_more_is_named_and_kept(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    folder.file().write_bytes(b"\xff\xfe broken")
    with pytest.raises(WorkspaceCorrupt, match="UTF-8"):
        folder.sync()
    assert folder.file().read_bytes() == b"\xff\xfe broken"


def test_the_text_of_a_forgotten_memory_is_in_no_file(folder: Folder) -> None:
    (told,) = folder.tell("The door code is 7382.")
    files.expect_changes(folder.workspace, "t")  # as `forget` does
    folder.store.remove([told.id])
    folder.sync()
    for path in (folder.workspace.memories).rglob("*"):
        assert not path.is_file() or b"7382" not in path.read_bytes()


# -- what a second reader found ------------------------------------------------------------


class RealFolder(Folder):
    """The same with the real database."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.store = SqliteStore(self.workspace)  # type: ignore[assignment]

    def bytes_of(self, secret: str) -> list[Path]:
        return [
            p
            for p in self.workspace.root.rglob("*")
            if p.is_file() and secret.encode() in p.read_bytes()
        ]

    def note(self, name: str) -> Path:
        path = self.workspace.memories / "t" / name
        path.parent.mkdir(exist_ok=True)
        return path

    def forget(self, text: str) -> None:
        found = [m for m in self.store.memories("t") if m.text == text]
        erase_lines(Vault(self.workspace.memories / "t"), found)
        self.store.remove([m.id for m in found])
        self.sync()


@pytest.fixture
def real(tmp_path: Path) -> RealFolder:
    return RealFolder(tmp_path)


def test_a_line_of_another_tenant_edits_nothing_there(real: RealFolder) -> None:
    (theirs,) = real.store.absorb(said("The code of door 9 is 4711.", "other"))[0]
    real.tell("The staging host is kestrel-7.")
    with real.file().open("a") as file:
        file.write(f"- The code of door 9 is 0000. <!-- {theirs.id} -->\n")
    real.sync()
    assert real.store.memory(theirs.id) == theirs
    assert "The code of door 9 is 0000." in real.texts()


@pytest.mark.parametrize(
    "versions",
    [
        ["- The vault code is 7382-omega.\n", "- The cat sleeps.\n", "- The vault code is 7382-omega.\n"],
        ["- [ ] The vault code is 7382-omega.\n", "- [x] The vault code is 7382-omega.\n"],
        ["- The vault code is 7382-omega.\n- The cat sleeps.\n", "- The vault code is 7382-omega."],
    ],
)  # fmt: skip
def test_a_forgotten_line_of_a_note_is_nowhere(real: RealFolder, versions: list[str]) -> None:
    for text in versions:
        real.note("a.md").write_text(text)
        real.sync()
    real.note("a.md").rename(real.note("b.md"))
    real.note("copy.md").write_text(versions[-1])
    real.sync()
    real.forget("The vault code is 7382-omega.")
    assert real.bytes_of("7382-omega") == []
    real.sync()
    assert not any("7382" in text for text in real.texts())


def test_a_forgotten_sentence_of_a_document_that_went_back_is_nowhere(real: RealFolder) -> None:
    first = "# House\n\nThe vault code is 7382-omega.\n\n# Yard\n\nThe gate closes at nine."
    for text in (first, first.replace("nine", "ten"), first):
        real.store.absorb(read_document(text, "t", "a.md", "House"))
    real.sync()
    real.store.remove([m.id for m in real.store.memories("t") if "omega" in m.text])
    real.sync()
    assert real.bytes_of("7382-omega") == []


def test_forgetting_reaches_what_less_trusted_people_said_of_the_same(real: RealFolder) -> None:
    for text, trust in [
        ("The vault code is 7382-omega.", Trust.USER),
        ("The vault code is 1111.", Trust.TOOL),
    ]:
        reading = said(text, "t", speaker=trust.value)
        real.store.absorb(
            replace(reading, findings=tuple(replace(f, trust=trust) for f in reading.findings))
        )
    real.tell("The vault code is 7382-omega.")
    real.forget("The vault code is 7382-omega.")
    assert real.bytes_of("7382-omega") == []


def test_what_was_saved_while_files_are_rendered_is_taken_in_next(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.tell("The staging host is kestrel-7.")
    path = folder.file()
    read_notes = files._read_notes

    def meanwhile(*given: Any) -> Any:
        path.write_text(path.read_text() + "- Deploys are on Friday.\n")
        return read_notes(*given)

    monkeypatch.setattr(files, "_read_notes", meanwhile)
    folder.sync()
    monkeypatch.undo()
    assert edited(folder.workspace, "t", known=True)
    assert [m.text for m in folder.sync().added] == ["Deploys are on Friday."]


def test_a_correction_outlives_its_source(folder: Folder) -> None:
    text = "# House\n\nThe gate closes at nine.\n\n# Yard\n\nThe well is deep."
    folder.store.absorb(read_document(text, "t", "a.md", "House"))
    folder.sync()
    for old, new in (("nine", "ten"), ("at ten", "at eleven")):
        path = folder.file("a.md")
        path.write_text(path.read_text().replace(old, new))
        folder.sync()
        folder.store.absorb(read_document(text + f"\n\nMore {new}.", "t", "a.md", "House"))
        assert not any("nine" in known for known in folder.texts())
    for memory in folder.store.memories("t"):
        if "eleven" in memory.text:
            folder.store.retire(memory.id, EDITOR)
    folder.store.absorb(read_document(text + "\n\nEven more.", "t", "a.md", "House"))
    assert not any("gate" in known for known in folder.texts())


def test_a_note_is_shown_without_what_a_terminal_would_hide(folder: Folder) -> None:
    edits = write_note(folder, "- The sky is blue.\x1b[8m and the account is evil-1\x1b[0m\u202e\n")
    assert edits.proposed[0].text == "The sky is blue.[8m and the account is evil-1[0m"


def test_without_the_record_rendered_files_are_still_ours(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    (folder.workspace.memories / "t" / ".rendered.json").unlink()
    assert not folder.sync().proposed
    assert folder.texts() == {"The staging host is kestrel-7."}
    assert len(list((folder.workspace.memories / "t").glob("*.md"))) == 2


def test_a_record_of_another_shape_is_named(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    (folder.workspace.memories / "t" / ".rendered.json").write_text("[]")
    with pytest.raises(WorkspaceCorrupt, match=r"\.rendered\.json"):
        folder.sync()


def test_leftovers_of_killed_writes_are_swept(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    home = folder.workspace.memories / "t"
    for left in (".said.md.ab12cd_9", ".notes.4s4_3_hm", ".notes.abcdefgh.writing"):
        (home / left).write_text("half")
    (home / ".old.gone").mkdir()
    (home / ".old.gone" / "a.md").write_text("half")
    folder.sync()
    assert {p.name for p in home.iterdir()} == {
        ".lock",
        ".rendered",
        ".rendered.json",
        "MEMORY.md",
        folder.file().name,
    }


def test_rules_and_comments_are_no_statements(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.")
    with folder.file().open("a") as file:
        file.write("---\n-\n```\n<!-- todo -->\n| a | b |\n")
    edits = folder.sync()
    assert edits.added == ()
    assert len(edits.ignored) == 5


def test_files_without_their_database_come_in_again_as_proposals(tmp_path: Path) -> None:
    lost = Folder(tmp_path)
    lost.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    again = Folder(tmp_path)
    assert edited(again.workspace, "t", known=False)
    again.sync()
    assert again.texts() == {"The staging host is kestrel-7.", "Deploys are on Friday."}
    assert not any(trainable(memory) for memory in again.store.memories("t"))
    assert again.sync() == Edits()
    assert again.texts() == {"The staging host is kestrel-7.", "Deploys are on Friday."}


def test_what_was_being_forgotten_does_not_come_back_with_the_files(tmp_path: Path) -> None:
    lost = Folder(tmp_path)
    lost.tell("The staging host is kestrel-7.")
    files.expect_changes(lost.workspace, "t")
    again = Folder(tmp_path)
    again.sync()
    assert again.texts() == set()


def test_a_statement_told_to_a_lost_database_does_not_cost_the_files(tmp_path: Path) -> None:
    Folder(tmp_path).tell("The staging host is kestrel-7.")
    again = Folder(tmp_path)
    again.tell("Deploys are on Friday.")  # before anything has looked at the files
    assert again.texts() == {"The staging host is kestrel-7.", "Deploys are on Friday."}


# -- what a second reader found in how editors save ----------------------------------------


def test_a_file_that_an_editor_has_emptied_and_not_yet_written_retires_nothing(
    folder: Folder,
) -> None:
    told = folder.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    path = folder.file()
    whole = path.read_text()
    path.write_text("")
    assert not folder.sync().retired
    path.write_text(whole)
    assert not folder.sync()
    assert folder.texts() == {m.text for m in told}


def test_a_file_that_is_saved_again_and_again_is_left_to_a_later_sync(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = folder.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    path = folder.file()
    whole = path.read_text()
    monkeypatch.setattr(rendered, "PATIENCE_SECONDS", 0.2)
    half = "\n".join(whole.split("\n")[:3])
    path.write_text(half)  # the rest is still in the editor's buffer
    assert not folder.sync()
    assert path.read_text() == half
    assert edited(folder.workspace, "t", known=True)
    path.write_text(whole.replace("kestrel-7", "owl-9"))
    (new,) = folder.sync().changed
    assert folder.texts() == {new.text, told[1].text}


def test_a_file_that_comes_back_after_its_memories_were_taken_out_is_told(folder: Folder) -> None:
    (told,) = folder.tell("The staging host is kestrel-7.")
    path, whole = folder.file(), folder.file().read_text()
    folder.store.retire(told.id, "owner")
    folder.sync()
    assert not path.exists()
    path.write_text(whole)
    assert told.id in folder.sync().ignored[0]


def test_the_first_line_counts_unless_it_is_the_title(folder: Folder) -> None:
    folder.tell("The staging host is kestrel-7.", "Deploys are on Friday.")
    path = folder.file()
    lines = [x for x in path.read_text().replace("kestrel-7", "owl-9").splitlines() if x[:1] == "-"]
    path.write_text("\n".join(lines) + "\n")
    assert [m.text for m in folder.sync().changed] == ["The staging host is owl-9."]
    path.write_text("- The printer is in room 5.\n" + path.read_text())
    edits = folder.sync()
    assert [m.text for m in edits.added] == ["The printer is in room 5."]
    assert not edits.ignored


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (" and stands", " and\n  stands", ""),
        (" <!--", "\n<!--", ""),
        ("<!-- ", "<!--\n  ", ""),
        ("- The", "The", ""),
        (" and stands", " and\n  sits", "The host is kestrel-7 and sits in rack four."),
        ("-->", "--> It is old.", "The host is kestrel-7 and stands in rack four. It is old."),
        ("-->\n- Deploys", "--> - Deploys", ""),
    ],
)
def test_a_line_that_an_editor_wrapped_is_one_line(
    folder: Folder, old: str, new: str, text: str
) -> None:
    told = folder.tell("The host is kestrel-7 and stands in rack four.", "Deploys are on Friday.")
    path = folder.file()
    path.write_text(path.read_text().replace(old, new, 1))
    edits = folder.sync()
    assert [m.text for m in edits.changed] == ([text] if text else [])
    assert (edits.added, edits.retired, edits.ignored) == ((), (), ())
    assert folder.texts() == {text or told[0].text, told[1].text}


def test_a_note_that_cannot_be_read_any_more_keeps_what_it_said(folder: Folder) -> None:
    write_note(folder, NOTE)
    before = folder.texts()
    path = folder.workspace.memories / "t" / "project.md"
    path.write_bytes("- Das Café öffnet um acht.\n".encode("cp1252"))
    (ignored,) = folder.sync().ignored
    assert "project.md is not UTF-8 text" in ignored
    assert folder.texts() == before
    assert not edited(folder.workspace, "t", known=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("# The vault code is 7382-omega.\n\n- The cat sleeps.\n", "\n- The cat sleeps.\n"),
        ("```\nThe vault code is 7382-omega.\n```\n", "```\n```\n"),
        ("| a |\n| The vault code is 7382-omega. |\n", "| a |\n"),
        ("\ufeff- The vault code is 7382-omega.\n", ""),
    ],
)
def test_a_copy_that_states_nothing_goes_from_a_note_too(
    real: RealFolder, text: str, left: str
) -> None:
    real.tell("The vault code is 7382-omega.")
    real.note("a.md").write_text(text, "utf-8")
    real.sync()
    real.forget("The vault code is 7382-omega.")
    assert real.note("a.md").read_text("utf-8") == left
    assert real.bytes_of("7382-omega") == []


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "large"])
def test_a_note_that_cannot_be_read_keeps_no_forgotten_words(
    real: RealFolder, encoding: str
) -> None:
    real.tell("Der Code für den Keller ist 7382-omega.")
    body = "- Der Code für den Keller ist 7382-omega.\n- Das Café öffnet.\n"
    if encoding == "large":
        raw = body.encode() + b"- filler line number one\n" * 45_000
    else:
        raw = body.encode(encoding)
    real.note("a.md").write_bytes(raw)
    assert "a.md" in real.sync().ignored[0]
    real.forget("Der Code für den Keller ist 7382-omega.")
    left = real.note("a.md").read_bytes()
    assert len(left) >= len(raw) - 1
    assert b"7382" not in left.replace(b"\0", b"")
    assert b"Das Caf" in left.replace(b"\0", b"")


def test_what_another_line_of_a_note_says_stays(real: RealFolder) -> None:
    real.tell("The vault code is 7382-omega.")
    text = "- The vault code is 7382-omega. Ask Ada for it.\n"
    real.note("a.md").write_text(text)
    real.sync()
    real.forget("The vault code is 7382-omega.")
    assert real.note("a.md").read_text() == text


@pytest.mark.parametrize(
    ("told", "noted"),
    [
        ("保管庫の暗証番号は四四一七です。", "保管庫の暗証番号は四四一七です。"),
        ("The café is called Zoë Grün.", "The cafe\u0301 is called Zoe\u0308 Gru\u0308n."),
    ],
)
def test_a_note_in_another_script_or_form_goes_with_what_it_says(
    real: RealFolder, told: str, noted: str
) -> None:
    real.tell(told)
    real.note("a.md").write_text(f"# {noted}\n\n- {noted}\n", "utf-8")
    assert len(real.sync().proposed) == 1
    real.forget(told)
    assert not real.note("a.md").read_text("utf-8").strip()
    assert not real.texts()
