"""Outlines become checked proofs; what may not be used is refused; part marks stay part marks."""

from __future__ import annotations

import pytest

from nightschool.environments import environment
from nightschool.errors import EnvironmentBroken, SourceUnreadable, StudyError
from nightschool.practice.check import played
from nightschool.types import Verdict
from nightschool.verify.metamath.book import ProofBook, before, book
from nightschool.verify.metamath.checker import Checker
from nightschool.verify.metamath.reader import parse
from nightschool.verify.metamath.theorems import small

LOGIC = """
$c ( ) -> A. wff setvar |- $.
$v ph ps ch x y $.
wph $f wff ph $.  wps $f wff ps $.  wch $f wff ch $.  vx $f setvar x $.  vy $f setvar y $.
wi $a wff ( ph -> ps ) $.
wal $a wff A. x ph $.
${ min $e |- ph $. maj $e |- ( ph -> ps ) $. mp $a |- ps $. $}
k $a |- ( ph -> ( ps -> ph ) ) $.
${ $d x ph $. free $a |- ( ph -> A. x ph ) $. $}
${ a1.1 $e |- ph $. a1 $p |- ( ps -> ph ) $= wph wps wph wi a1.1 wph wps k mp $. $}
${ bound.1 $e |- ph $. bound $p |- A. x ph $= ? $. $}
${ $d x ph $. gen.1 $e |- ph $. gen $p |- A. x ph $= wph vx wal gen.1 wph vx free mp $. $}
${ again.1 $e |- ph $. again $p |- ( ch -> ( ps -> ph ) ) $= ? $. $}
"""


@pytest.fixture(scope="module")
def logic():
    return ProofBook(parse(LOGIC))


def test_an_outline_of_every_theorem_of_the_page_becomes_a_proof_that_the_checker_accepts():
    found = ProofBook(small())
    listed = found.asked(steps=20)
    assert len(listed) > 20
    checker = Checker(found.database)
    for one in listed:
        tried = found.attempt(one.label, one.outline)
        assert tried.score.verdict is Verdict.CORRECT, (one.label, tried.score)
        checker.check(found.database.labels[one.label], tried.proof)


@pytest.mark.parametrize(
    ("label", "answer", "says"),
    [
        ("again", "h1 a1 again", "is what is to be proved"),
        ("a1", "h1 gen", "comes later"),
        ("again", "a1.1", "no such theorem"),
        ("again", "again.1 a1 a1", "no name of a hypothesis"),
        ("again", "wps", "no such theorem"),
        ("again", "wph wi", "no such theorem"),
        ("again", "h1 ? mp", "no such theorem"),
        ("again", "h1 k", "leaves 2"),
        ("again", "mp", "takes 2"),
        ("again", "h1 h1 mp", "does not fit"),
        ("again", "h1", "something else"),
        ("bound", "h1 free mp", "distinct"),
        ("again", "", "0 labels"),
        ("again", "h1 " * 100, "100 labels"),
    ],
)
def test_what_is_no_proof_is_wrong_and_says_why(logic, label, answer, says):
    tried = logic.attempt(label, answer.split())
    assert tried.score.verdict is Verdict.WRONG
    assert says in tried.score.reason
    assert not tried.proof


def test_another_proof_than_the_databases_is_right(logic):
    for answer in ("h1 a1 a1", "h1 k mp a1", "h1 a1 k mp"):
        tried = logic.attempt("again", answer.split())
        assert tried.score.verdict is Verdict.CORRECT, answer
        assert len(tried.proof) > len(answer.split())
    assert logic.attempt("gen", ["h1", "free", "mp"]).score.verdict is Verdict.CORRECT


def test_part_marks_rise_with_what_applies_and_hypotheses_alone_earn_none(logic):
    def marks(answer):
        return logic.attempt("again", answer.split()).score.value

    assert marks("h1") == marks("h1 h1") == marks("?") == marks("") == 0
    assert 0 < marks("h1 k nonsense") < marks("h1 k") < marks("h1 a1") < 0.5


def test_formulas_that_double_are_refused_and_not_waited_for(logic):
    tried = logic.attempt("again", ["h1", *["k", "mp"] * 18])
    assert tried.score.verdict is Verdict.WRONG


def test_the_last_theorems_are_held_out_and_premises_come_before():
    found = environment("proof?path=small&steps=9")
    sides = {
        split: [found.task(split, seed) for seed in range(found.size(split))]
        for split in ("train", "held_out")
    }
    assert max(t.facts["place"] for t in sides["train"]) < min(t.facts["place"] for t in sides["held_out"])  # fmt: skip
    database = small()
    for task in sides["held_out"]:
        lines = task.prompt[0].content.splitlines()[1:-1]
        offered = [line.split(":")[0] for line in lines if line.split(":")[0] in database.labels]
        assert offered
        assert all(database.labels[label].order < task.facts["place"] for label in offered)
        assert task.facts["label"] not in task.prompt[0].content


def test_named_premises_hold_those_of_the_proof():
    found = environment("proof?path=small&premises=named&steps=9")
    for seed in range(found.size("held_out")):
        task = found.task("held_out", seed)
        own = {f"h{k + 1}" for k in range(len(task.facts["given"]))}
        offered = {line.split(":")[0] for line in task.prompt[0].content.splitlines()}
        assert set(task.solution[0].split()) - own <= offered


def test_a_task_of_another_database_is_unscored():
    found = environment("proof?path=small&steps=9")
    task = found.task("train", 0)
    task.facts["goal"] = "ph"
    score = played(found, task, task.solution).score
    assert score is not None
    assert score.verdict is Verdict.UNSCORED


def test_a_database_that_is_missing_is_told_with_the_package_that_has_it(tmp_path):
    with pytest.raises(SourceUnreadable, match="metamath-databases"):
        environment(f"proof?path={tmp_path}/none.mm")


def test_settings_out_of_range_are_refused():
    for bad in ("steps=0", "premises=all", "shown=-1", "steps=1"):
        with pytest.raises(EnvironmentBroken):
            environment(f"proof?path=small&{bad}")
    with pytest.raises(StudyError, match="Correct `from`"):
        environment("proof?path=small&from=nothing")


def test_only_what_stands_before_a_label_is_read(tmp_path):
    text = LOGIC + "$( not gen $a $) ${ open.1 $e |- ph $. late $a |- ps $. $} $( broken"
    assert "late" not in before(text, "late", "page").split()
    assert parse(before(text, "late", "page")).labels["again"]
    path = tmp_path / "page.mm"
    path.write_text(text, "ascii")
    assert "gen" not in book(str(path), "gen").database.labels
    with pytest.raises(StudyError, match="Correct `to`"):
        book(str(path), "never")


def test_theorems_without_a_proof_are_no_tasks(logic):
    assert [one.label for one in logic.asked()] == ["a1"], "and what an earlier one states is none"
