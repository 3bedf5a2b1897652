"""The proof checker: what each rule refuses and at which step, and what a hostile proof may cost."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.errors import ProofError, ProofRefused, ProofUndecided
from nightschool.verify.metamath.checker import ANSWER, WHOLE, Checker
from nightschool.verify.metamath.compressed import decode, normal, normal_length
from nightschool.verify.metamath.reader import parse
from nightschool.verify.metamath.theorems import small

PAGE = small()
NORMAL = "wph wph wph wi wph wph wph ax-1 wph wph wph wi ax-1 mpd".split()
REFUSED = {
    "unknown label": ("id", "wph nosuch", "step 2: the database has no label nosuch"),
    "itself": ("id", "wph id", "step 2: id is what is to be proved"),
    "later": ("id", "wph wps idd", "step 3: idd comes later"),
    "another's hypothesis": ("id", "a1i.1", "step 1: a1i.1 is a hypothesis of something else"),
    "stack empty": ("id", "wph wi", "step 2: wi takes 2 from the stack, which holds 1"),
    "wrong type": ("id", "vx", "step 1: vx comes later"),
    "wrong type of expression": ("id", "wph wph wph ax-1 wi", "step 5: wi takes a wff for its hypothesis wps"),
    "wrong supposition": (
        "mp2", "wps wch mp2.1 mp2.2 ax-mp", "takes `|- ps` for its hypothesis min, and got `|- ph`",
    ),
    "another theorem": ("id", "wph wph ax-1", "the proof proves `|- ( ph -> ( ph -> ph ) )`"),
    "two things": ("id", "wph wph", "leaves 2 expressions"),
    "unfinished": ("id", "wph ?", "step 2: it is unknown"),
    "nothing": ("id", "", "is empty"),
    "open list": ("id", "( wi AAB", "not closed"),
    "own hypothesis listed": ("id", "( wph wi ) AAB", "mandatory hypothesis wph"),
    "list with a word of no label": ("id", "( wi ax-1 mpd zzz ) AAABZAAACAECD", "no label zzz"),
    "letters of no code": ("id", "( wi ) AAb", "no compressed proof"),
    "number cut off": ("id", "( wi ) AAU", "no compressed proof"),
    "number beyond the list": ("id", "( wi ) AAC", "step 3: its letters mean number 3; there are 2"),
    "huge number": ("id", "( wi ) A" + "U" * 5000 + "A", "no compressed proof"),
    "kept nothing": ("id", "( wi ) ZAAB", "Z follows no axiom"),
    "kept a hypothesis": ("id", "( wi ) AZAB", "step 1: Z follows no axiom"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_proof_that_is_none_is_refused_at_its_step(name):
    label, proof, what = REFUSED[name]
    with pytest.raises(ProofRefused) as caught:
        Checker(PAGE).check(PAGE.labels[label], proof.split())
    assert what in str(caught.value)


def test_every_theorem_of_the_page_passes_in_both_forms():
    checker = Checker(PAGE)
    for theorem in PAGE.theorems():
        checker.check(theorem)
        written = normal(PAGE, theorem, 1000)
        checker.check(theorem, written)
        assert len(written) == normal_length(PAGE, theorem)


def test_a_condition_on_distinct_variables_has_to_stand_in_the_theorem():
    text = (
        "$c A. wff setvar |- $. $v p x y $. wp $f wff p $. vx $f setvar x $. vy $f setvar y $. "
        "al $a wff A. x p $. ${ $d x p $. ax $a |- A. x p $. $} "
        "${ %s same $p |- A. x A. y p $= wp vy al vx ax $. $}"
    )
    for given_, what in {
        "$d x y p $.": None,
        "$d x y $. $d x p $.": None,
        "$d x p $.": "y and x",
        "$d x y $.": "p and x",
        "": "ax needs",
    }.items():
        database = parse(text % given_)
        if what is None:
            Checker(database).check(database.labels["same"])
        else:
            with pytest.raises(ProofRefused, match=what):
                Checker(database).check(database.labels["same"])
    met = parse(
        text.replace("A. x A. y p $=", "A. x A. x p $=").replace("vy al", "vx al") % "$d x p $."
    )
    with pytest.raises(ProofRefused, match="x and x"):
        Checker(met).check(met.labels["same"])


def test_letters_count_as_the_book_says():
    # Appendix B: A is 1, T is 20, UA is 21, YT is 120, UUA is 121, YYT is 620.
    for letters, number in {
        "A": 1,
        "T": 20,
        "UA": 21,
        "YT": 120,
        "UUA": 121,
        "YYT": 620,
        "UUUA": 621,
    }.items():
        assert decode(PAGE.labels["id"], ["(", ")", letters]).codes == [number]
    numbers = [
        decode(PAGE.labels["id"], ["(", ")", f"{h}{c}"]).codes[0]
        for h in ("", *"UVWXY")
        for c in "ABCDEFGHIJKLMNOPQRST"
    ]
    assert all(b == a + 1 for a, b in pairwise(numbers))


def test_a_proof_that_doubles_what_it_keeps_stops_at_its_bound():
    doubling = [
        "(",
        "wi",
        ")",
        "AABZ" + "".join(f"{code}{code}BZ" for code in "CDEFGHIJKLMNOPQRST") + "A",
    ]
    start = perf_counter()
    with pytest.raises(ProofRefused, match="too large"):
        Checker(PAGE).check(PAGE.labels["id"], doubling)
    assert perf_counter() - start < 5


def test_the_bounds_are_those_of_the_caller():
    for bound in ({"steps": 10}, {"stack": 3}, {"symbols": 4}, {"work": 40}):
        with pytest.raises(ProofRefused, match=r"at most|more than"):
            Checker(PAGE, replace(ANSWER, **bound)).check(PAGE.labels["id"], NORMAL)
    with pytest.raises(ProofUndecided, match="allow more time"):
        Checker(PAGE, replace(ANSWER, seconds=-1)).check(PAGE.labels["id"], ["wph"] * 300)
    Checker(PAGE, WHOLE).check(PAGE.labels["id"], NORMAL)


@pytest.mark.parametrize(
    "letters", ["AAABZAAACAECD", "AAABZZAAACAECD", "AAABZZAAACAFCD", "AAABZAAACAECDZ"]
)
def test_a_result_may_be_kept_twice_and_at_the_end(letters):
    # As the reference program has it; the book is silent.
    Checker(PAGE).check(PAGE.labels["id"], ["(", "wi", "ax-1", "mpd", ")", letters])


@given(st.lists(st.sampled_from([*NORMAL, "wps", "vx", "?", "mp2.1", "id", "("]), max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_list_of_labels_breaks_the_checker(labels):
    with suppress(ProofError):
        Checker(PAGE).check(PAGE.labels["id"], labels)


@given(st.text("ABCDEFGSTUVYZ?", max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_letters_break_the_checker(letters):
    with suppress(ProofError):
        Checker(PAGE).check(PAGE.labels["id"], ["(", "wi", "ax-1", "mpd", ")", letters])
