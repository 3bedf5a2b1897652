"""Forgetting: a tenant leaves nothing and takes nothing of others; a killed deletion is finished."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from nightschool import forget as flow
from nightschool.codec import to_json, to_plain
from nightschool.curate import correct
from nightschool.day import end_chat, learn, remember
from nightschool.errors import TaintedVersion, WorkspaceError, WorkspaceLocked
from nightschool.forget import finish, forget, forget_all, unfinished
from nightschool.memory import notes
from nightschool.memory.erasure import tombstone
from nightschool.models.fake import FakeSampler
from nightschool.registry.nights import open_night
from nightschool.registry.versions import Registry
from nightschool.scope import cost
from nightschool.sources import read
from nightschool.types import (
    Bank,
    BankKind,
    Check,
    Decision,
    Item,
    Report,
    Result,
    Score,
    Verdict,
    Version,
)
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace, write_atomic

KilledAt = Callable[..., AbstractContextManager[None]]
YES = Decision(True, (Check("acquired", True, 0.5, 0.3, None, 20, "learnt"),))
FACTS = ("The vault of Corvane is in Ostrelle.", "The gatekeeper of Corvane is called Mirelda.")
OTHERS = ("The ferry of Tolben is painted in vermilion.",)
STEPS = (
    (Registry, "taint"), (Registry, "rollback"), (Registry, "erase_weights"), (flow, "scrub"),
    (flow.School, "sync_files"), (flow, "_write"),
)  # fmt: skip


def living(root: Path, tenant: str, facts: tuple[str, ...]) -> School:
    """Return a tenant with memories, a note, a served version, its night and exam, and an unfinished night."""
    school = open_school(root, tenant=tenant)
    for fact in facts:
        remember(school, fact)
    memories = school.store.memories(tenant)
    school.store.edit(memories[0].id, memories[0].text.replace(".", " by the lake."), "owner")
    (root / "memories" / tenant / "notes.md").write_text(
        f"# Notes\n\n- {facts[0]}\n\nSee {facts[0]}\n"
    )
    memories = school.store.memories(tenant)
    night = open_night(school.workspace, tenant)
    item = Item(f"item-{tenant}", f"Is it so? {facts[0]}", ("yes",), (memories[0].id,))
    bank = Bank(f"bank-{tenant}", tenant, BankKind.ACQUIRED, night.id, (item,), "")
    school.exams.save_bank(bank)
    night.artifact("facts.json", lambda: json.dumps({"minutes": 7.0, "taught": 1}))
    night.finish("promoted")
    (root / "reports" / tenant).mkdir()
    (root / "reports" / tenant / "night-0001.html").write_text(facts[0])
    add(school, f"ver-{tenant}", tuple(m.id for m in memories))
    school.registry.promote(tenant, f"ver-{tenant}", YES, "gate")
    unfinished_night = open_night(school.workspace, tenant)
    unfinished_night.artifact("version.txt", lambda: f"ver-{tenant}-2")
    for name in (f"ver-{tenant}-2.checkpoint", f".ver-{tenant}-2.x"):
        (root / "versions" / name).mkdir()
        (root / "versions" / name / "state.pt").write_text(facts[0])
    return school


def add(school: School, name: str, memory_ids: tuple[str, ...], parent: str = "base") -> None:
    folder = school.workspace.versions / name
    folder.mkdir()
    (folder / "train.json").write_text("{}", "utf-8")
    tenant = school.settings.tenant
    school.registry.add(
        Version(name, tenant, "night-0001", "full", "b", parent, memory_ids, (), "", 0, {}, "")
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Workspace.create(tmp_path / "w", "")
    return tmp_path / "w"


def files(folder: Path, without: str = "?") -> dict[str, bytes]:
    """Return all files that do not name a tenant."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and without not in str(path.relative_to(folder))
    }


def rows(school: School, tenant: str) -> list[tuple[object, ...]]:
    tables = (
        "memories",
        "episodes",
        "versions",
        "aliases",
        "promotions",
        "banks",
        "reports",
    )
    indexed = "SELECT * FROM recall WHERE rowid IN (SELECT slot FROM memories WHERE tenant = ?)"
    return [
        tuple(row)
        for query in (*(f"SELECT * FROM {table} WHERE tenant = ?" for table in tables), indexed)
        for row in school.store.connection.execute(query, (tenant,))
    ]


def hits(root: Path, *texts: str) -> list[str]:
    """Scan every byte of the workspace: files, database, write-ahead log, free pages."""
    return [
        f"{name}: {text}"
        for name, body in files(root).items()
        for text in texts
        if text.encode().lower() in body.lower()
    ]


def test_a_forgotten_tenant_leaves_nothing_and_takes_nothing_of_another(root: Path) -> None:
    gone, other = living(root, "ada", FACTS), living(root, "bea", OTHERS)
    words = (*FACTS, "Ostrelle", "Mirelda", "Corvane")
    assert {hit.split(": ")[0].split("/")[0] for hit in hits(root, *words)} >= {
        "memories", "versions", "reports",
    }  # fmt: skip
    kept_rows = rows(other, "bea")
    kept = {name: body for name, body in files(root).items() if "bea" in name}
    records = len(gone.store.memories("ada", include_retired=True))
    receipt = forget_all(gone)
    assert hits(root, *words) == []
    assert rows(gone, "ada") == []
    assert not list(root.glob("*/ada*"))
    assert not list((root / "versions").glob("*ada*"))
    assert gone.registry.alias("ada", "live") == "base" == receipt.live_after
    assert len(receipt.tombstones) == records == 3
    stored = gone.store.connection.execute("SELECT id FROM tombstones WHERE tenant = 'ada'")
    assert {row["id"] for row in stored} == set(receipt.tombstones)
    assert {name: body for name, body in files(root).items() if "bea" in name} == kept
    assert rows(other, "bea") == kept_rows
    assert kept


def test_the_weights_of_tainted_versions_and_of_their_descendants_are_deleted(root: Path) -> None:
    school = living(root, "ada", FACTS)
    found = next(m for m in school.store.memories("ada") if "Mirelda" in m.text)
    add(school, "ver-child", (), parent="ver-ada")
    add(school, "ver-clean", ())
    told = cost(school, [found.id])
    assert (told.next_night, told.minutes) == (1, 7.0)
    assert told.tainted == ("ver-ada", "ver-child")
    receipt = forget(school, [found.id])
    assert receipt.tainted == ("ver-ada", "ver-child")
    assert {p.name for p in (root / "versions").iterdir()} == {"ver-clean"}
    # The record stays, and says why.
    assert school.registry.version("ver-child").tainted_by == (tombstone(found.id),)
    assert receipt.tombstones == (tombstone(found.id),)
    for name in ("ver-ada", "previous"):
        with pytest.raises(TaintedVersion, match=r"ver-ada knows what has been forgotten.*deleted"):
            school.sampler(name)
    school.registry.rollback("ada")
    assert school.registry.alias("ada", "live") == "base"


@pytest.mark.parametrize("served", [False, True])
def test_the_version_of_an_unfinished_night_goes_with_it_unless_it_was_served(
    root: Path, served: bool
) -> None:
    school = living(root, "ada", FACTS)
    add(school, "ver-ada-2", ())  # trained, not examined yet
    if served:
        school.registry.promote("ada", "ver-ada-2", YES, "gate")
    told = remember(school, "The mayor of Quilldorf is called Anselm.").added[0]
    assert forget(school, [told.id]).tainted == ()
    left = {path.name for path in school.workspace.versions.glob("*ver-ada*")}
    known = {version.id for version in school.registry.versions("ada")}
    expected = {"ver-ada", "ver-ada-2"} if served else {"ver-ada"}
    assert known == expected
    assert {name for name in left if name in ("ver-ada", "ver-ada-2")} == expected
    assert school.registry.alias("ada", "candidate") == ("ver-ada-2" if served else "base")


def test_no_answer_of_an_exam_quotes_what_is_forgotten(root: Path) -> None:
    school = living(root, "ada", FACTS)
    found = next(m for m in school.store.memories("ada") if "Mirelda" in m.text)
    item = Item("item-other", "Who keeps the gate of Tolben?", ("nobody",))
    school.exams.save_bank(
        Bank("bank-other", "ada", BankKind.ABSTENTION, "night-0001", (item,), "")
    )
    wrong = Score(Verdict.WRONG, 0.0)
    for who, mode in (("ver-ada", "closed"), ("base", "retrieval")):
        result = Result(item.id, "bank-other", mode, "Mirelda.", wrong, 0.0, 0.0, 0.0, None)
        report = Report(f"rep-{who}", "ada", who, "night-0001", (result,), "")
        school.exams.save_report(report)
        (root / "nights" / "ada" / "night-0001" / f"report-{who}.json").write_text(to_json(report))
    forget(school, [found.id])
    assert hits(root, "Mirelda") == []
    assert [r.score for rep in school.exams.reports("ada") for r in rep.results] == [wrong] * 2


def test_what_a_fact_said_before_goes_from_the_exam_of_its_successor(root: Path) -> None:
    school = open_school(root, tenant="ada")
    (old,) = remember(school, "The gatekeeper of Imbrey is called Mirelda.").added
    newer = school.store.edit(old.id, "The gatekeeper of Imbrey is called Sunniva.", "owner")
    last = school.store.edit(newer.id, "The gatekeeper of Imbrey is called Halvard.", "owner")
    item = Item("item-1", "Who keeps Imbrey's gate?", ("Halvard",), (last.id,), stale=("mirelda", "sunniva"))  # fmt: skip
    bank = Bank("bank-1", "ada", BankKind.ACQUIRED, "night-0001", (item,), "")
    school.exams.save_bank(bank)
    night = open_night(school.workspace, "ada")
    night.artifact("banks.json", lambda: json.dumps([to_plain(bank)]))
    night.finish("refused")
    forget(school, [old.id])
    assert hits(root, "Mirelda") == []
    (left,) = school.exams.banks("ada")
    assert [(i.answers, i.memory_ids, i.stale) for i in left.items] == [(("Halvard",), (last.id,), ())]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[name for _, name in STEPS])
def test_a_killed_deletion_serves_nothing_tainted_and_is_finished(
    root: Path, killed_at: KilledAt, owner: object, step: str, after: bool
) -> None:
    school = living(root, "ada", FACTS)
    found = next(m for m in school.store.memories("ada") if "Mirelda" in m.text)
    with killed_at(owner, step, after=after):
        forget(school, [found.id])
    assert unfinished(school)
    live = school.registry.resolve("ada", "live")
    if live and not live.tainted_by:  # nothing has begun: it is still whole
        assert school.registry.weights(live).exists()
        assert school.store.memory(found.id)
    again = open_school(root, tenant="ada")
    finish(again)
    assert not unfinished(again)
    assert hits(root, "Mirelda") == []
    assert not list((root / "versions").glob("*ada*"))
    assert again.registry.alias("ada", "live") == "base"
    receipt = json.loads((root / "reports" / f"receipt-{tombstone(found.id)}.json").read_text())
    assert receipt["resumed"]
    assert receipt["tainted"] == ["ver-ada"]
    assert receipt["live_before"] == "ver-ada"


def test_a_killed_deletion_of_a_tenant_is_finished(root: Path, killed_at: KilledAt) -> None:
    school = living(root, "ada", FACTS)

    with killed_at(Registry, "erase_weights"):
        forget_all(school)
    assert school.registry.alias("ada", "live") == "base"
    finish(open_school(root, tenant="ada"))
    assert hits(root, *FACTS, "Ostrelle", "Mirelda") == []
    assert not list((root / "versions").glob("*ada*"))


def test_the_receipt_tells_rates_and_ranks_and_no_text(root: Path) -> None:
    school = living(root, "ada", FACTS)
    found = next(m for m in school.store.memories("ada") if "Mirelda" in m.text)
    knows = FakeSampler({}, default="It is Mirelda.")
    object.__setattr__(
        school, "sampler", lambda name: knows if name == "ver-ada" else FakeSampler({})
    )
    vault = next(m for m in school.store.memories("ada") if "Ostrelle" in m.text)
    assert forget(school, [vault.id]).probes is None
    add(school, "ver-new", (found.id,))
    school.registry.promote("ada", "ver-new", YES, "gate")
    object.__setattr__(
        school, "sampler", lambda name: knows if name == "ver-new" else FakeSampler({})
    )
    receipt = forget(school, [found.id], probes=5)
    assert receipt.probes is not None
    (probe,) = receipt.probes
    assert probe.tombstone == tombstone(found.id)
    # One of them is the sealed question, whose answer is another.
    assert (probe.asked, probe.right_before, probe.right_after) == (6, 5, 0)
    assert probe.texts == 64
    stored = (root / "reports" / f"receipt-{tombstone(found.id)}.json").read_text()
    assert json.loads(stored)["probes"][0]["asked"] == probe.asked
    assert not [word for word in ("Mirelda", "gatekeeper", "Corvane", "called") if word in stored]


def test_a_note_that_cannot_be_looked_through_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = open_school(root, tenant="ada")
    (told,) = remember(school, "The gatekeeper of Imbrey is called Mirelda.").added
    (root / "memories" / "ada" / "huge.txt").write_text(
        "The gatekeeper of Imbrey is called Mirelda." + " " * 2000
    )
    monkeypatch.setattr(notes, "LARGEST", 1000)
    receipt = forget(school, [told.id])
    assert receipt.left == ("/memories/huge.txt",)


def test_the_same_in_a_script_without_spaces_is_forgotten_everywhere(
    root: Path, tmp_path: Path
) -> None:
    school = open_school(root, tenant="ada")
    text = "保管庫の暗証番号は四四一七です。"
    (told,) = remember(school, text).added
    end_chat(
        school, [("user", f"{text}\nAda manages the Lisbon office."), ("assistant", "ok")], "chat"
    )
    (tmp_path / "doc.md").write_text(f"# Vault\n\n{text}\n\nThe ferry is red.\n", "utf-8")
    learn(school, read(str(tmp_path / "doc.md"), "ada").readings)
    forget(school, [told.id])
    assert hits(root, "四四一七", "\\u56db\\u56db\\u4e00\\u4e03") == []
    assert {m.text for m in school.store.memories("ada")} == {
        "The ferry is red.", "Ada manages the Lisbon office.",
    }  # fmt: skip


def test_what_a_correction_says_goes_from_every_conversation(root: Path) -> None:
    school = open_school(root, tenant="ada")
    (old,) = remember(school, "The door code of the workshop is 4417.").added
    new = correct(school, old.id, "The door code of the workshop is 9023.")
    said = "The door code of the workshop is 9023. By the way, Ada manages the Lisbon office."
    end_chat(school, [("user", said), ("assistant", "Thanks.")], "chat")
    forget(school, [new.id])
    assert hits(root, "9023", "4417") == []
    assert [m.text for m in school.store.memories("ada")] == ["Ada manages the Lisbon office."]


@pytest.mark.parametrize("way", ["now", "before"])
def test_what_killed_writes_left_goes_with_any_deletion(
    root: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    school = living(root, "ada", FACTS)
    found = next(m for m in school.store.memories("ada") if "Mirelda" in m.text)
    left = [
        root / "nights" / "ada" / "night-0001" / "material.json",
        root / "reports" / "ada" / "a",
    ]
    if way == "now":
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", lambda *given, **named: None)
            patched.setattr(os, "replace", broken)
            for path in left:
                with pytest.raises(WorkspaceError):
                    write_atomic(path, "The gatekeeper is Mirelda.")
    else:
        for path in left:
            path.with_name(f".{path.name}.v4lxg1oi").write_text("The gatekeeper is Mirelda.")
    assert (
        len([hit for hit in hits(root, "is Mirelda") if hit.startswith(("nights", "reports"))]) == 2
    )
    forget(school, [found.id])
    assert hits(root, "Mirelda") == []


def broken(*given: object) -> None:
    raise OSError("killed")


def test_a_reader_that_keeps_the_log_alive_does_not_pass_for_a_deletion(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = open_school(root, tenant="ada")
    (told,) = remember(school, "The gatekeeper of Imbrey is called Mirelda.").added
    school.store.connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(school.workspace.database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(WorkspaceLocked, match="reads the database"):
            forget(school, [told.id])
        assert unfinished(school)
    finish(school)
    assert not unfinished(school)
    assert hits(root, "Mirelda") == []
    receipt = json.loads((root / "reports" / f"receipt-{tombstone(told.id)}.json").read_text())
    assert receipt["resumed"]
