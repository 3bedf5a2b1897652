"""A night's steps without a real model: what is interrupted, refused or overtaken, and what a version is said to hold."""

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from nightschool import consolidate as flow
from nightschool.consolidate import NightOutcome, consolidate, give_up, settle
from nightschool.course import Course, choose
from nightschool.curate import correct
from nightschool.day import remember
from nightschool.errors import ConfigError, LeakError, StudyError
from nightschool.exam.questions import Question
from nightschool.models.fake import FakeSampler
from nightschool.prepare import plan
from nightschool.registry.nights import Night, nights, open_night
from nightschool.train.fake import FakeTrainer
from nightschool.types import (
    Bank,
    BankKind,
    Check,
    Decision,
    Example,
    Item,
    Memory,
    Message,
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


class Killed(BaseException):
    """What ends a night in the middle."""


class Grown(FakeSampler):
    """Finds every target likelier than its parent did; knows what it is told to."""

    generation: int = 0

    def score(self, pairs, *, progress=None):
        return [[self.generation - 9.0] * max(1, len(target.split())) for _, target in pairs]


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., NightOutcome]:
    """Return a school of which only weights and the network are pretended, and which answers what `knows` says."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "train.json").write_text("{}", "utf-8")
    Workspace.create(tmp_path / "w", "")
    small = (
        "exam.general_items=8",
        "exam.abstention_items=20",
        "exam.riddle_items=0",
        "gate.margin_general=0.9",
    )
    school = open_school(tmp_path / "w", small)

    def sampler(self: School, name: str) -> Grown:
        version = self.registry.resolve("default", name)
        found = Grown(KNOWS if version else {})
        while version:
            found.generation += 1
            version = self.registry.resolve("default", version.parent)
        return found

    monkeypatch.setattr(School, "sampler", sampler)
    monkeypatch.setattr(School, "base_folder", lambda self: base)
    monkeypatch.setattr(School, "check_base", lambda self: None)
    monkeypatch.setattr(School, "trainer", lambda self, bar: FakeTrainer())
    monkeypatch.setattr(flow, "peak_rate", lambda *given: 1e-4)
    monkeypatch.setattr(flow, "write_morning", lambda school: Path("page"))
    KNOWS.clear()
    return school


KNOWS: dict[str, str] = {}


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


def night(school: School, **how) -> NightOutcome:
    return consolidate(school, bar=silent, **how)


def tell(school: School, count: int, first: int = 0) -> list[Question]:
    """Tell facts; return a question of each."""
    questions = []
    for n in range(first, first + count):
        name = f"Vor{'abcdefghijklmnopqrstuvwxyz'[n]}mar"
        remember(school, f"The guard of {name} is called Tes{n}ka.")
        questions.append(Question(f"Who guards {name}?", (f"Tes{n}ka",), about=f"The guard of {name} is called Tes{n}ka."))  # fmt: skip
    return questions


def test_what_learnt_nothing_is_refused_again_though_nothing_is_new(life):
    asked = tell(life, 12)
    assert not night(life, questions=asked).decision.promote
    again = night(life)
    assert not again.decision.promote
    assert {c.name for c in again.decision.checks if not c.passed} == {"acquired"}


def test_days_of_few_facts_add_up(life):
    asked = tell(life, 5)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    assert "at least 8 are needed" in str(night(life, questions=asked).decision.checks)
    more = tell(life, 5, first=5)
    KNOWS.update({q.question: q.answers[0] for q in more})
    (gained,) = [c for c in night(life, questions=more).decision.checks if c.name == "acquired"]
    assert (gained.passed, gained.n) == (True, 10)


def test_a_version_names_all_that_its_material_came_from(life, monkeypatch):
    (asked,) = tell(life, 1)
    (old,) = life.store.memories("default")
    with monkeypatch.context() as killing:
        killing.setattr(FakeTrainer, "train", stop)
        with pytest.raises(Killed):
            night(life, questions=[asked])
    correct(life, old.id, "The guard of Voramar is called Ilse.")
    tell(life, 1, first=1)
    (begun,) = nights(life.workspace, "default")
    made = begun.stored("version.txt")
    assert not plan(life, bar=silent).resumed  # of what it had begun with nothing is left
    with monkeypatch.context() as killing:
        killing.setattr(FakeTrainer, "train", stop)
        with pytest.raises(Killed):
            night(life)
    assert begun.stored("version.txt") != made
    newest = [m for m in life.store.memories("default") if "Ilse" in m.text]
    last = correct(life, newest[0].id, "The guard of Voramar is called Brida.")
    version = night(life).version
    assert newest[0].id in version.memory_ids
    assert last.id not in version.memory_ids


def stop(*given, **more):
    raise Killed


def test_a_night_that_was_asked_for_too_early_stands_in_nobodys_way(life):
    with pytest.raises(StudyError, match="nothing to learn"):
        night(life)
    tell(life, 2)
    assert night(life).night_id == "night-0001"


def test_leaking_questions_can_be_replaced(life):
    tell(life, 2)
    (memory, _) = life.store.memories("default")
    asked = "Which guard has Voramar?"
    given = [
        Example(
            f"e{n}",
            "default",
            (memory.id,),
            "imported",
            "qa",
            (Message("user", asked),),
            f"Tes0ka, {n}",
        )
        for n in range(40)
    ]
    leaking = Question(asked, ("Tes0ka",), memory=memory.id)
    with pytest.raises(LeakError):
        night(life, questions=[leaking], imported=given)
    other = Question(
        "Whom do they let stand at the gates of Voramar?", ("Tes0ka",), memory=memory.id
    )
    night(life, questions=[other], imported=given)
    sealed = life.exams.banks("default", BankKind.ACQUIRED)
    questions = {item.question for bank in sealed for item in bank.items}
    assert other.question in questions
    assert asked not in questions


def test_no_earlier_question_is_studied_though_few_are_asked_again(life):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    assert night(life, questions=asked).decision.promote
    tell(life, 2, first=12)
    few = life.settings.exam.model_copy(update={"earlier_items": 2})
    small = replace(life, settings=life.settings.model_copy(update={"exam": few}))
    memory = next(m for m in life.store.memories("default") if "Voramar" in m.text)
    given = [
        Example(
            f"e{n}", "default", (memory.id,), "imported", "qa", (Message("user", q.question),), "so"
        )
        for n, q in enumerate(asked)
    ]
    outcome = night(small, kind="continue", imported=given[:2])
    studied = nights(life.workspace, "default")[-1].stored("material.json")
    assert outcome.version.parent != "base"
    assert not any(q.question in studied for q in asked)


def test_an_interrupted_night_does_not_bring_back_what_was_taken_back(life, monkeypatch):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    first = night(life, questions=asked)
    assert first.decision.promote, [c.reason for c in first.decision.checks if not c.passed]
    tell(life, 10, first=12)
    with monkeypatch.context() as killing:
        killing.setattr(flow, "examine", stop)
        with pytest.raises(Killed):
            night(life, kind="continue")
    (_, begun) = nights(life.workspace, "default")
    made = begun.stored("version.txt")
    life.registry.rollback("default")
    outcome = night(life)
    assert (outcome.night_id, outcome.version.parent) == ("night-0002", "base")
    assert outcome.version.id != made
    assert not (life.workspace.versions / made).exists()


def with_adapters(school: School) -> School:
    train = school.settings.train.model_copy(update={"method": "lora"})
    return replace(school, settings=school.settings.model_copy(update={"train": train}))


def test_adapters_are_trained_on_the_base_and_on_nothing_else(life, monkeypatch):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    assert night(life, questions=asked).decision.promote
    tell(life, 1, first=12)
    lora = with_adapters(life)
    memories = life.store.memories("default")
    assert choose(life, memories, None).kind == "continue"
    course = choose(lora, memories, None)
    assert (course.kind, course.reason) == ("rebuild", "adapters are trained on the base")
    with pytest.raises(ConfigError, match=r"train\.method is lora"):
        choose(lora, memories, "continue")
    with monkeypatch.context() as killing:
        killing.setattr(FakeTrainer, "train", stop)
        with pytest.raises(Killed):
            night(life)
    assert night(lora).version.parent == "base"  # the interrupted night begins anew


def test_a_candidate_is_compared_with_what_is_served_now(life, monkeypatch):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    first = night(life, questions=asked).version
    with monkeypatch.context() as killing:
        killing.setattr(flow, "settle", stop)
        with pytest.raises(Killed):
            night(life, kind="rebuild")
    (_, begun) = nights(life.workspace, "default")
    assert begun.stored("rival.txt") == first.id
    life.registry.rollback("default")
    night(life)
    assert begun.stored("rival.txt") == "base"
    assert begun.stored("report-live.json") is None


def test_a_night_that_only_lacks_its_end_does_not_serve_again_what_was_taken_back(
    life, monkeypatch
):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    with monkeypatch.context() as killing:
        killing.setattr(Night, "finish", stop)
        with pytest.raises(Killed):
            night(life, questions=asked)
    made = life.registry.alias("default", "live")
    assert made != "base"
    life.registry.rollback("default")
    assert night(life).version.id == made
    assert life.registry.alias("default", "live") == "base"
    assert nights(life.workspace, "default")[0].outcome == "promoted"


def test_a_night_is_given_up(life, monkeypatch):
    assert give_up(life) is None
    tell(life, 2)
    with monkeypatch.context() as killing:
        killing.setattr(flow, "examine", stop)
        with pytest.raises(Killed):
            night(life)
    assert give_up(life) == "night-0001"
    assert list(life.workspace.versions.iterdir()) == []
    assert life.registry.versions("default") == []


def test_a_question_whose_answer_is_corrected_is_graded_anew_for_all(life, monkeypatch):
    asked = tell(life, 12)
    right = {q.question: q.answers[0] for q in asked}
    KNOWS.update(right)
    monkeypatch.setattr(School, "sampler", lambda self, name: Grown(KNOWS))  # the base, too
    with monkeypatch.context() as killing:
        killing.setattr(flow, "judge", stop)
        with pytest.raises(Killed):
            night(life, questions=[replace(q, answers=("Zzz",)) for q in asked])
    assert give_up(life) == "night-0001"
    (gained,) = [c for c in night(life, questions=asked).decision.checks if c.name == "acquired"]
    assert (gained.passed, gained.difference) == (False, 0.0)


def test_reports_and_decisions_of_another_version_are_not_taken_for_this_ones(life, monkeypatch):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    with monkeypatch.context() as killing:
        killing.setattr(flow, "settle", stop)
        with pytest.raises(Killed):
            night(life, questions=asked)
    (begun,) = nights(life.workspace, "default")
    assert '"promote": true' in (begun.stored("decision.json") or "")
    KNOWS.clear()  # what is trained from now on knows nothing
    for name in ("version.txt", "course.json", "memories.json"):  # an earlier program was killed
        (begun.folder / name).unlink()
    outcome = night(life)
    assert outcome.report.version_id == outcome.version.id
    assert not outcome.decision.promote
    assert life.registry.alias("default", "live") == "base"


def test_a_decision_that_is_taken_back_does_not_begin_the_count_of_attempts_again(
    life, monkeypatch
):
    asked = tell(life, 12)
    assert not night(life, questions=asked).decision.promote
    KNOWS.update({q.question: q.answers[0] for q in asked})
    with monkeypatch.context() as killing:
        killing.setattr(flow, "settle", stop)
        with pytest.raises(Killed):
            night(life)
    (_, begun) = nights(life.workspace, "default")
    begun.take_back("decision.json")
    assert night(life).decision.attempt == 2


def test_a_night_that_only_lacks_its_end_gets_there_though_nothing_it_began_with_is_left(
    life, monkeypatch
):
    asked = tell(life, 12)
    KNOWS.update({q.question: q.answers[0] for q in asked})
    with monkeypatch.context() as killing:
        killing.setattr(Night, "finish", stop)
        with pytest.raises(Killed):
            night(life, questions=asked)
    made = life.registry.alias("default", "live")
    for memory in life.store.memories("default"):
        correct(life, memory.id, memory.text.replace("called ", "called Neo"))
    assert plan(life, bar=silent).resumed
    assert night(life).version.id == made
    assert nights(life.workspace, "default")[0].outcome == "promoted"
    assert night(life).night_id == "night-0002"


def test_the_minutes_of_a_night_that_was_killed_are_those_of_both_processes(life, monkeypatch):
    tell(life, 2)

    with monkeypatch.context() as killing:
        killing.setattr(flow, "judge", stop)
        with pytest.raises(Killed):
            night(life)
    (begun,) = nights(life.workspace, "default")
    first = noted(begun)
    night(life)
    second = noted(begun)[len(first) :]
    assert second[0][1] == "taken up"
    ends = second[[event for _, event in second].index("start facts.json")][0]
    worked = (first[-1][0] - first[0][0]) + (ends - second[0][0])
    minutes = json.loads(begun.stored("facts.json") or "{}")["minutes"]
    assert 60 * minutes == pytest.approx(worked.total_seconds())


def noted(one: Night) -> list[tuple[datetime, str]]:
    """Return when each line of a night's journal was written, and what it says."""
    lines = map(json.loads, (one.stored("journal.jsonl") or "").splitlines())
    return [(datetime.fromisoformat(line["at"]), line["event"]) for line in lines]
