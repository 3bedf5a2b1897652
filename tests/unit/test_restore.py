"""Restoring: what the backup knows is back, what only files say waits, what was forgotten stays away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from nightschool import forget as forgetting
from nightschool import restore as flow
from nightschool.backup import KEEP, backups, replaced
from nightschool.cli.output import opened
from nightschool.codec import to_json
from nightschool.course import Course
from nightschool.day import learn
from nightschool.errors import WorkspaceCorrupt, WorkspaceLocked
from nightschool.forget import finish, forget
from nightschool.memory.files import EDITOR
from nightschool.morning import gather_morning
from nightschool.registry.nights import nights, open_night
from nightschool.registry.versions import Registry
from nightschool.restore import Restored, restore
from nightschool.scope import cost, stray_versions
from nightschool.trust import trainable
from nightschool.types import (
    Check,
    Decision,
    Episode,
    Example,
    Finding,
    Material,
    Memory,
    Reading,
    SourceKind,
    Version,
    digest,
    new_id,
    now,
)
from nightschool.wire import School, open_school
from nightschool.workspace import RESTORING, Workspace

KilledAt = Callable[..., AbstractContextManager[None]]
YES = Decision(True, (Check("acquired", True, 0.5, 0.3, None, 20, "learnt"),))
OLD = ("The gate closes at nine.", "The well is sixty feet deep.")
NEW = ("The ferry is painted in vermilion.", "The vault is in Ostrelle.")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Workspace.create(tmp_path / "w", "").root


def tell(school: School, *facts: str, source: str = "said") -> list[Memory]:
    """Store statements as the owner's, and bring the files in line."""
    readings = []
    for fact in facts:
        episode = Episode(
            new_id("ep"), school.settings.tenant, SourceKind.STATEMENT, source, source, fact,
            digest(fact), now(),
        )  # fmt: skip
        readings.append(Reading(episode, (Finding(fact, "said", speaker="owner", key=fact),)))
    return list(learn(school, readings).added)


def shut(school: School) -> None:
    """Close the database, as the end of a process does."""
    for part in (school.store, school.registry, school.exams):
        part.connection.close()


def damage(root: Path) -> None:
    """Overwrite everything after the first page."""
    path = root / "nightschool.db"
    raw = path.read_bytes()
    path.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))


def backed_up(root: Path, *after: str) -> list[Memory]:
    """Live until a backup, tell more, and lose the database; return what the backup does not know."""
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    new = tell(school, *after)
    shut(school)
    damage(root)
    return new


def again(root: Path) -> School:
    """Open the workspace as the next command does."""
    return opened(root, None)


def texts(school: School, *, trained: bool | None = None) -> set[str]:
    return {
        m.text
        for m in school.store.memories(school.settings.tenant)
        if trained in (None, trainable(m))
    }


def hits(root: Path, *words: str) -> list[str]:
    return [
        f"{path.relative_to(root)}: {word}"
        for path in root.rglob("*")
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


# -- the database -------------------------------------------------------------------------


def test_all_that_the_backup_knew_is_back_and_the_rest_waits_for_approval(root: Path) -> None:
    backed_up(root, *NEW)
    with pytest.raises(WorkspaceCorrupt, match="nightschool restore"):
        open_school(root)
    done = restore(Workspace(root))
    assert (done.plan.lost_memories, done.recovered) == (None, 2)
    school = again(root)
    assert texts(school, trained=True) == set(OLD)
    assert texts(school, trained=False) == set(NEW)
    assert [m.speaker for m in school.store.memories("default") if trainable(m)] == ["owner"] * 2
    assert not list((root / "memories").rglob(".nightschool*"))
    assert not (root / RESTORING).exists()
    shut(school)
    assert texts(again(root)) == {*OLD, *NEW}


@pytest.mark.parametrize("empty", [False, True], ids=["missing", "empty"])
def test_a_lost_database_is_not_begun_anew_beside_its_backups(root: Path, empty: bool) -> None:
    backed_up(root)
    database = root / "nightschool.db"
    database.unlink()
    if empty:
        database.touch()
    with pytest.raises(WorkspaceCorrupt, match=r"missing or empty.*nightschool restore"):
        open_school(root)
    assert database.exists() == empty
    restore(Workspace(root))
    assert texts(again(root)) == set(OLD)


def test_what_was_replaced_is_kept_and_can_be_had_again(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    tell(school, *NEW)
    shut(school)
    done = restore(Workspace(root))
    assert (done.plan.lost_memories, done.plan.lost_episodes) == (2, 2)
    assert done.kept
    for number in range(
        KEEP + 1
    ):  # as many are let go as are more than may stay, but not the one named
        school = again(root)
        tell(school, f"The attempt number {number} was in vain.")
        shut(school)
        if number < KEEP - 1:
            restore(Workspace(root))
        else:
            restore(Workspace(root), done.kept)
            assert {*OLD, *NEW} <= texts(again(root), trained=True)
    assert len(replaced(Workspace(root))) <= KEEP + 1


def test_a_log_of_the_damaged_database_is_not_taken_for_the_new_ones(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    shut(school)
    tell(open_school(root), *NEW)
    # A log that the database has not taken in yet, as a kill leaves it; the database is lost besides.
    copy = root.parent / "killed"
    shutil.copytree(root, copy)
    assert (copy / "nightschool.db-wal").stat().st_size > 0
    (copy / "nightschool.db").write_bytes(b"not a database at all" * 4000)
    restore(Workspace(copy))
    found = again(copy)
    assert texts(found, trained=True) == set(OLD)
    found.store.check()


def test_a_truncated_backup_is_refused_and_the_one_before_it_taken(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    tell(school, *NEW)
    name = school.back_up().name
    shut(school)
    damage(root)
    newest = root / "backups" / name
    newest.write_bytes(newest.read_bytes()[:-5000])
    before = (root / "nightschool.db").read_bytes()
    with pytest.raises(WorkspaceCorrupt, match=f"{name} is damaged"):
        restore(Workspace(root), name)
    assert (root / "nightschool.db").read_bytes() == before
    done = restore(Workspace(root))
    assert name in done.plan.passed_over[0]
    assert texts(again(root), trained=True) == set(OLD)


def test_without_a_sound_backup_nothing_is_changed_and_the_way_out_is_told(root: Path) -> None:
    backed_up(root, *NEW)
    before = (root / "nightschool.db").read_bytes()
    for path in backups(Workspace(root)):
        path.write_bytes(b"")
    with pytest.raises(WorkspaceCorrupt, match=r"None of the 1 is whole.*move nightschool\.db"):
        restore(Workspace(root))
    with pytest.raises(WorkspaceCorrupt, match="There is no backup nonsense"):
        restore(Workspace(root), "nonsense")
    assert (root / "nightschool.db").read_bytes() == before


def test_a_database_that_another_process_has_open_is_left_alone(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    shut(school)
    code = (
        "import sys; from pathlib import Path; from nightschool.workspace import Workspace\n"
        "c = Workspace(Path(sys.argv[1])).connect(); c.execute('SELECT 1 FROM memories').fetchone()\n"
        "print('open', flush=True); sys.stdin.readline()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ},
    )  # fmt: skip
    assert server.stdout
    server.stdout.readline()
    with pytest.raises(WorkspaceLocked, match="another process, such as `nightschool mcp`"):
        restore(Workspace(root))
    assert replaced(Workspace(root)) == []
    assert texts(again(root)) == set(OLD)
    server.communicate("\n")
    shut(again(root))
    assert restore(Workspace(root)).plan.backup.memories == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "step",
    ["_keep", "_put_in_place", "salvage", "_discard_nights", "_revived"],
)
def test_a_killed_restore_is_run_again_and_loses_no_line(
    root: Path, killed_at: KilledAt, step: str, after: bool
) -> None:
    backed_up(root, *NEW)
    with killed_at(flow, step, after=after):
        restore(Workspace(root))
    with pytest.raises(WorkspaceCorrupt, match="nightschool restore"):
        open_school(root)
    restore(Workspace(root))
    assert texts(again(root), trained=False) == set(NEW)
    assert texts(again(root), trained=True) == set(OLD)


# -- the files ----------------------------------------------------------------------------


def file_of(root: Path, tenant: str = "default") -> Path:
    return next((root / "memories" / tenant).glob("said-*.md"))


def test_what_people_wrote_in_files_meanwhile_is_taken_in_as_theirs(root: Path) -> None:
    backed_up(root, *NEW)
    path = file_of(root)
    path.write_text(path.read_text().replace("nine", "ten") + "- The office is in Lund.\n")
    restore(Workspace(root))
    school = again(root)
    found = {m.text: m for m in school.store.memories("default")}
    assert found.keys() == {
        "The gate closes at ten.", OLD[1], "The office is in Lund.", *NEW,
    }  # fmt: skip
    assert found["The gate closes at ten."].speaker == EDITOR
    assert {m.text for m in found.values() if not trainable(m)} == set(NEW)


def test_a_line_that_a_person_took_out_of_a_file_meanwhile_stays_out(root: Path) -> None:
    backed_up(root, *NEW)
    path = file_of(root)
    path.write_text("".join(x for x in path.read_text().splitlines(True) if "well" not in x))
    restore(Workspace(root))
    assert texts(again(root)) == {OLD[0], *NEW}


def test_what_was_taken_out_by_command_since_is_told(root: Path) -> None:
    school = open_school(root)
    gate, well = tell(school, *OLD)
    school.back_up()
    school.store.retire(well.id, "owner")
    school.sync_files()
    shut(school)
    damage(root)
    assert restore(Workspace(root)).revived == (well.id,)
    assert texts(again(root)) == {gate.text, well.text}


def test_notes_that_the_backup_does_not_know_are_read_again(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    notes = root / "memories" / "default" / "notes.md"
    notes.write_text("- The relay is called osprey.\n")
    school.sync_files()
    school.back_up()
    notes.write_text("- The relay is called osprey.\n- The gateway listens on 8443.\n")
    (notes.parent / "more.md").write_text("- The archive is in the north tower.\n")
    school.sync_files()
    shut(school)
    damage(root)
    restore(Workspace(root))
    school = again(root)
    assert texts(school, trained=False) == {
        "The relay is called osprey.", "The gateway listens on 8443.",
        "The archive is in the north tower.",
    }  # fmt: skip
    assert len(school.store.memories("default", include_retired=True)) == 5


def test_a_tenant_that_the_backup_does_not_know_keeps_its_lines(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    tell(open_school(root, tenant="ada"), *NEW)
    shut(school)
    restore(Workspace(root))
    assert texts(opened(root, None, "ada")) == set(NEW)
    assert texts(again(root)) == set(OLD)


def test_more_lines_than_a_note_may_hold_are_all_taken_in(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightschool.memory.salvage.FILE_BYTES", 300)
    facts = [f"The door number {number} leads to the cellar." for number in range(20)]
    backed_up(root, *facts)
    assert restore(Workspace(root)).recovered == 20
    assert len(list((root / "memories" / "default").glob("recovered-*"))) > 3
    assert texts(again(root), trained=False) == set(facts)


@pytest.mark.parametrize("left", [None, "", "[]", '{"files": 3}'])
def test_rendered_files_without_their_record_lose_no_line(root: Path, left: str | None) -> None:
    backed_up(root, *NEW)
    record = root / "memories" / "default" / ".rendered.json"
    record.unlink() if left is None else record.write_text(left)
    restore(Workspace(root))
    assert texts(again(root)) == {*OLD, *NEW}


# -- deletion -----------------------------------------------------------------------------


def test_forgetting_reaches_every_copy_and_makes_a_clean_one(root: Path) -> None:
    backed_up(root, *NEW)
    restore(Workspace(root))
    school = again(root)
    school.back_up()
    assert len(backups(school.workspace)) == 2
    for word, text in (("well", OLD[1]), ("Ostrelle", NEW[1])):
        found = next(m for m in school.store.memories("default") if m.text == text)
        receipt = forget(school, [found.id])
        assert hits(root, word) == []
        assert len(backups(school.workspace)) == 1
        assert replaced(school.workspace) == []
        assert receipt.backups == (3 if word == "well" else 1)
    shut(school)
    damage(root)
    restore(Workspace(root))
    assert texts(again(root)) == {OLD[0], NEW[0]}


def test_where_there_was_no_backup_forgetting_makes_none(root: Path) -> None:
    school = open_school(root)
    gate, _ = tell(school, *OLD)
    assert forget(school, [gate.id]).backups == 0
    assert not backups(school.workspace)


def test_an_editor_left_open_over_a_restore_brings_nothing_forgotten_back(root: Path) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    path = file_of(root)
    buffer = path.read_text()
    found = next(m for m in school.store.memories("default") if "well" in m.text)
    forget(school, [found.id])
    shut(school)
    damage(root)
    path.write_text(buffer)
    assert restore(Workspace(root)).recovered == 0
    school = again(root)
    assert texts(school) == {OLD[0]}
    assert hits(root, "well") == []
    assert "well" not in path.read_text()


STEPS = [
    (Registry, "taint"), (forgetting, "scrub"), (forgetting.School, "sync_files"),
    (forgetting, "erase_backups"), (forgetting, "copy_database"), (forgetting, "_write"),
]  # fmt: skip


@pytest.mark.parametrize("newer", [False, True], ids=["in the backup", "newer than it"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[name for _, name in STEPS])
def test_a_restore_in_the_middle_of_a_killed_deletion_undoes_nothing(
    root: Path,
    killed_at: KilledAt,
    owner: object,
    step: str,
    after: bool,
    newer: bool,
) -> None:
    school = open_school(root)
    tell(school, OLD[0])
    if newer:
        school.back_up()
    tell(school, NEW[1])
    if not newer:
        school.back_up()
    found = next(m for m in school.store.memories("default") if "Ostrelle" in m.text)
    with killed_at(owner, step, after=after):
        forget(school, [found.id])
    if backups(school.workspace):
        open_school(root, tenant="other").back_up()  # another tenant's night does not wait for it
        shut(school)
        restore(Workspace(root), backups(school.workspace)[-1].name)
    school = open_school(root)
    finish(school)
    assert texts(school) == {OLD[0]}
    assert hits(root, "Ostrelle") == []
    assert len(backups(school.workspace)) == 1
    shut(school)
    damage(root)
    restore(Workspace(root))
    assert texts(again(root)) == {OLD[0]}
    assert hits(root, "Ostrelle") == []


# -- nights and versions ------------------------------------------------------------------


def night(school: School, name: str, *, over: bool) -> None:
    """Live a night that made a version."""
    known = school.store.memories("default")
    taking = open_night(school.workspace, "default")
    taking.artifact("memories.json", lambda: json.dumps([m.id for m in known]))
    examples = tuple(
        Example(m.id, "default", (m.id,), "rules", "statement", (), m.text) for m in known
    )
    taking.artifact("material.json", lambda: to_json(Material(examples, {}, ())))
    taking.artifact("version.txt", lambda: name)
    folder = school.workspace.versions / name
    folder.mkdir()
    (folder / "train.json").write_text("{}")
    if over:
        school.registry.add(
            Version(name, "default", taking.id, "full", "b", "base", tuple(m.id for m in known), (),
                    "", 0, {}, "")
        )  # fmt: skip
        school.registry.promote("default", name, YES, "gate")
        taking.artifact("facts.json", lambda: json.dumps({"minutes": 1.0, "taught": 1}))
        taking.finish("promoted")


def restored(root: Path, school: School) -> Restored:
    shut(school)
    damage(root)
    return restore(Workspace(root))


def test_a_version_newer_than_the_backup_is_told_not_served_and_erased_by_a_deletion(
    root: Path,
) -> None:
    school = open_school(root)
    tell(school, *OLD)
    night(school, "ver-old", over=True)
    school.back_up()
    tell(school, *NEW)
    night(school, "ver-new", over=True)
    assert restored(root, school).unknown_versions == ("ver-new",)
    school = again(root)
    assert school.registry.alias("default", "live") == "ver-old"
    assert stray_versions(school) == ("ver-new",)
    assert [n.id for n in gather_morning(school).nights] == ["night-0001", "night-0002"]
    # A recovered line has a new id: by ids nobody would find what the stray night holds.
    found = next(m for m in school.store.memories("default") if "Ostrelle" in m.text)
    assert cost(school, [found.id]).tainted == ("ver-new",)
    assert forget(school, [found.id]).tainted == ("ver-new",)
    assert [p.name for p in (root / "versions").iterdir()] == ["ver-old"]
    assert hits(root, "Ostrelle") == []
    assert stray_versions(school) == ()


@pytest.mark.parametrize("lost", ["nothing", "memories", "the version it goes on from"])
def test_an_unfinished_night_goes_on_unless_it_builds_on_what_is_lost(
    root: Path, lost: str
) -> None:
    school = open_school(root)
    tell(school, *OLD)
    school.back_up()
    if lost == "memories":
        tell(school, *NEW)
    night(school, "ver-new", over=False)
    (root / "versions" / "ver-new.checkpoint").mkdir()
    start = "ver-lost" if "version" in lost else "base"
    open_night(school.workspace, "default").artifact(
        "course.json", lambda: to_json(Course("continue", start, (), "asked for"))
    )
    done = restored(root, school)
    kept = lost == "nothing"
    assert done.discarded == (() if kept else ("default/night-0001",))
    assert len(nights(school.workspace, "default")) == kept
    assert len(list((root / "versions").iterdir())) == 2 * kept
    assert done.unknown_versions == ()
