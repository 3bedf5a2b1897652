"""Theorems as tasks: what is asked, what may be used, what is held out."""

import pytest

from nightschool.errors import StudyError
from nightschool.types import Verdict
from nightschool.verify.judge import grade
from nightschool.verify.metamath.checker import Checker
from nightschool.verify.metamath.reader import parse
from nightschool.verify.metamath.theorems import allowed, small, split, theorems
from nightschool.verify.metamath.verifier import ProofVerifier

PAGE = small()
ALL = {theorem.label: theorem for theorem in theorems(PAGE)}


def test_a_theorem_asks_with_all_that_a_proof_needs_and_without_its_proof():
    assert ALL["alrimiv"].question().splitlines() == [
        "Prove alrimiv", "wph wff ph", "wps wff ps", "vx setvar x", "alrimiv.1 |- ( ph -> ps )", "$d ph x",
        "= |- ( ph -> A. x ps )",
    ]  # fmt: skip


def test_the_proofs_are_in_normal_form_and_right():
    verifier = ProofVerifier(PAGE)
    for theorem in ALL.values():
        assert len(theorem.proof) == theorem.length
        item = theorem.item()
        assert grade(item, item.answers[0], verifier).score.verdict is Verdict.CORRECT


def test_a_proof_that_is_too_long_is_counted_and_not_written():
    short = {theorem.label: theorem for theorem in theorems(PAGE, longest=12)}
    assert (short["id"].proof, short["id"].length, short["id"].item().answers) == ((), 14, ())
    assert short["syl"].proof == ALL["syl"].proof


def test_a_proof_may_use_what_comes_before_it_and_its_own_hypotheses():
    labels = allowed(PAGE, "a2i")
    assert {"ax-2", "a1i", "mp2", "a2i.1", "wph"} <= set(labels)
    assert not {"a2i", "mpd", "a1i.1", "min", "vx"} & set(labels)
    for label, theorem in ALL.items():
        assert set(theorem.proof) <= set(allowed(PAGE, label))


def test_a_theorem_that_was_said_before_names_what_said_it():
    assert {label: t.restates for label, t in ALL.items() if t.restates} == {
        "con4": "ax-3", "again": "ax-1", "alim": "ax-4",
    }  # fmt: skip
    apart = parse(
        "$c |- setvar $. $v x y $. vx $f setvar x $. vy $f setvar y $. ${ $d x y $. a $a |- x y $. $} "
        "b $p |- x y $= ? $. ${ $d x y $. c $p |- y x $= vy vx a $. $}"
    )
    Checker(apart).check(apart.labels["c"])
    assert [t.restates for t in theorems(apart, since="c")] == ["a"]


def test_a_stretch_of_the_database_is_taken_in_order_and_its_end_is_held_out():
    first = theorems(PAGE, until="wal")
    assert [t.label for t in first] == list(ALL)[: len(first)]
    assert [t.label for t in theorems(PAGE, since="wal")] == list(ALL)[len(first) :]
    parts = split(first, 0.25)
    assert [*parts.earlier, *parts.later] == first
    assert len(parts.later) == round(len(first) / 4)
    assert (split(first, 0).later, split(first, 1).earlier) == ((), ())


def test_what_is_asked_of_a_database_has_to_be_in_it():
    with pytest.raises(StudyError, match="no label nosuch"):
        theorems(PAGE, until="nosuch")
    with pytest.raises(StudyError, match="no theorem ax-1"):
        allowed(PAGE, "ax-1")
    with pytest.raises(StudyError, match="between 0 and 1"):
        split([], 2)


def test_an_item_of_another_database_is_unscored():
    item = ALL["id"].item()
    other = parse("$c |- wff $. $v p $. wp $f wff p $. id.1 $e |- p $. id $p |- p $= id.1 $.")
    for database in (other, parse("$c |- $.")):
        assert ProofVerifier(database).verify(item, "id.1").verdict is Verdict.UNSCORED
