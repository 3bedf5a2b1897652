"""The end of a night: which memories the new version is said to hold."""

from pathlib import Path

from nightschool.consolidate import settle
from nightschool.course import Course
from nightschool.day import remember
from nightschool.registry.nights import Night, open_night
from nightschool.types import (
    Bank,
    BankKind,
    Check,
    Decision,
    Item,
    Memory,
    Report,
    Result,
    Score,
    Verdict,
    Version,
)
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace

YES = Decision(True, (Check("acquired", True, 0.5, 0.3, None, 20, "learnt"),))
FACTS = (
    "The vault of Corvane is in Ostrelle.",
    "The ferry of Tolben is painted in vermilion.",
    "The gatekeeper of Imbrey is called Mirelda.",
)


def night_of(school: School, course: Course, answered: dict[str, Verdict]) -> str:
    """Live the last step of a night that asked about these memories; return its version."""
    night: Night = open_night(school.workspace, "default")
    version = Version(
        f"ver-{night.id}", "default", night.id, "full", "b", course.start, tuple(answered), (), "", 0, {}, ""
    )  # fmt: skip
    (school.workspace.versions / version.id).mkdir()
    (school.workspace.versions / version.id / "train.json").write_text("{}", "utf-8")
    school.registry.add(version)
    results = tuple(
        Result(f"item-{m}", "bank-1", "closed", "so", Score(verdict), None, None, None, None)
        for m, verdict in answered.items()
    )
    report = Report(f"rep-{night.id}", "default", version.id, night.id, results)
    settle(school, night, course, version, YES, report, [])
    night.finish("promoted")
    return version.id


def taught(root: Path) -> tuple[School, list[Memory]]:
    Workspace.create(root, "")
    school = open_school(root)
    for fact in FACTS:
        remember(school, fact)
    memories = sorted(school.store.memories("default"), key=lambda m: FACTS.index(m.text))
    items = tuple(Item(f"item-{m.id}", f"Is it so? {m.text}", ("yes",), (m.id,)) for m in memories)
    bank = Bank("bank-1", "default", BankKind.ACQUIRED, "night-0001", items, "")
    school.exams.save_bank(bank)
    return school, memories


def test_what_a_continued_night_did_not_ask_stays_held_and_what_it_lost_does_not(tmp_path):
    school, (asked, unasked, never) = taught(tmp_path)
    first = night_of(
        school,
        Course("rebuild", "base", (), ""),
        {asked.id: Verdict.CORRECT, unasked.id: Verdict.CORRECT, never.id: Verdict.WRONG},
    )
    second = night_of(school, Course("continue", first, (), ""), {asked.id: Verdict.WRONG})
    held = {m.id for m in school.store.memories("default") if second in m.graduated}
    assert held == {unasked.id}


def test_a_rebuild_holds_only_what_it_has_shown(tmp_path):
    school, (one, other, _) = taught(tmp_path)
    base = Course("rebuild", "base", (), "")
    night_of(school, base, {one.id: Verdict.CORRECT, other.id: Verdict.CORRECT})
    second = night_of(school, base, {one.id: Verdict.CORRECT})
    held = {m.id for m in school.store.memories("default") if second in m.graduated}
    assert held == {one.id}
