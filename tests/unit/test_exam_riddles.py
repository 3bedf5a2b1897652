"""The riddles: forms that differ, orders that are one question, and the gap between forms."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.config import ExamConfig
from nightschool.exam.riddles import TEMPLATES, gap_change, mark, riddle_bank, widened
from nightschool.exam.seal import fingerprints, follow, thinned
from nightschool.exam.sit import sit
from nightschool.language import fingerprint, overlap
from nightschool.study.general import PROMPTS
from nightschool.types import Bank, BankKind, Item, Score, Verdict
from nightschool.verify.judge import grade

SECTION = {template.__name__: name for name, found in TEMPLATES.items() for template in found}
NIGHTS = st.integers(0, 10_000).map("night-{:04}".format)


def options(question):
    return re.split(r", | or ", question.split(": ")[1].rstrip("?"))


def template(item):
    return item.pair.rpartition("-")[0]


def pairs(bank):
    first = {item.pair: item for item in bank.items if item.form == "familiar"}
    return [(first[item.pair], item) for item in bank.items if item.form != "familiar"]


@settings(max_examples=15, deadline=None)
@given(NIGHTS)
def test_the_familiar_answer_is_wrong_in_the_altered_form_and_a_choice_there(night):
    for familiar, other in pairs(riddle_bank(night, 160)):
        assert familiar.question != other.question
        assert familiar.choices == other.choices
        if other.form == "altered":
            assert grade(other, familiar.answers[0]).score.verdict is Verdict.WRONG


@settings(max_examples=15, deadline=None)
@given(NIGHTS)
def test_another_order_is_the_same_question(night):
    swapped = [found for found in pairs(riddle_bank(night, 160)) if found[1].form == "reversed"]
    assert swapped
    for one, two in swapped:
        assert one.answers == two.answers
        assert options(one.question) == options(two.question)[::-1]
        assert one.question.split(": ")[0] == two.question.split(": ")[0]
        assert options(one.question)[1] != one.answers[0], "the right one moves"


def test_a_night_gets_its_own_riddles_and_the_same_ones_again():
    first, again, second = (riddle_bank(n, 96) for n in ("night-0001", "night-0001", "night-0002"))
    assert first.items == again.items
    assert len({item.id for item in first.items}) == len(first.items) == 96
    shared = {i.question for i in first.items} & {i.question for i in second.items}
    assert len(shared) < 10
    assert len({i.question for i in riddle_bank("night-0001", 96, "ada").items} - shared) > 80


def test_half_are_well_known_riddles_and_each_template_comes_before_one_comes_twice():
    bank = riddle_bank("night-0001", ExamConfig().riddle_items)
    assert Counter(item.group for item in bank.items) == {
        "well-known": 48, "counting": 12, "spelling": 12, "premises": 12, "order": 12,
    }  # fmt: skip
    used = Counter(template(one) for one, _ in pairs(bank))
    assert max(used[name] for name, section in SECTION.items() if section == "well-known") == 1


def test_none_are_drawn_where_the_setting_is_off():
    assert riddle_bank("night-0001", 0).items == ()


def test_riddles_examine_no_memory_and_are_not_asked_again():
    bank = riddle_bank("night-0001", 8)
    assert follow([bank], [])[0].items == bank.items
    assert thinned([bank], "night-0001", 5, 5)[0].items == bank.items
    assert thinned([bank], "night-0002", 5, None)[0].items == ()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("they weigh the same", Verdict.CORRECT),
        ("They weigh the same.", Verdict.CORRECT),
        ("iron", Verdict.WRONG),
        ("", Verdict.WRONG),
        ("they weigh the", Verdict.WRONG),
        ("iron, they weigh the same, feathers", Verdict.WRONG),
        ("\x00they weigh the same or not", Verdict.WRONG),
    ],
)
def test_only_exactly_the_right_choice_counts(answer, verdict):
    bank = riddle_bank("night-0001", 400)
    item = next(i for i in bank.items if i.answers == ("they weigh the same",))
    assert grade(item, answer).score.verdict is verdict


def test_a_broken_verifier_leaves_an_answer_unscored():
    class Broken:
        def verify(self, item, answer):
            raise RuntimeError("broken")

    item = riddle_bank("night-0001", 8).items[0]
    assert grade(item, item.answers[0], Broken()).score.verdict is Verdict.UNSCORED


def test_study_prompts_are_held_apart_and_the_leak_filter_knows_every_riddle():
    bank = riddle_bank("night-0001", 800)
    prints = fingerprints([bank])
    assert {fingerprint(item.question).exact for item in bank.items} == {p.exact for p in prints}
    studied = [fingerprint(prompt) for prompt in PROMPTS]
    assert max(overlap(one, two) for one in prints for two in studied) < 0.6


# -- what is counted ------------------------------------------------------------------------


class Habitual:
    """Likes what a rule says of an item."""

    def __init__(self, bank, choose):
        self.liked = {item.question: choose(item) for item in bank.items}

    def score(self, asked, *, progress=None):
        return [[0.0 if self.liked[p[-1].content] == a else -9.0] for p, a in asked]


def sat(bank, choose, night="night-0001"):
    return sit(
        Habitual(bank, choose), [bank], version_id="v", night=night, tenant="default", config=ExamConfig(), grade=grade
    )  # fmt: skip


def by_heart(bank):
    """Always the familiar form's answer; of an order pair what is named first."""
    known = {item.pair: item.answers[0] for item in bank.items if item.form == "familiar"}
    return lambda i: options(i.question)[0] if i.group == "order" else known[i.pair]


BANK = riddle_bank("night-0001", 96)
RIGHT = sat(BANK, lambda item: item.answers[0])
HABIT = sat(BANK, by_heart(BANK))


def test_a_model_that_reads_has_no_gap_and_treats_all_pairs_alike():
    marks = mark(RIGHT, BANK)
    assert (marks.familiar.value, marks.altered.value) == (1, 1)
    assert marks.gap.value == 0
    assert {section.alike.value for section in marks.sections.values()} == {1}


def test_a_model_that_recites_has_the_whole_gap():
    marks = mark(HABIT, BANK)
    assert (marks.familiar.value, marks.altered.value, marks.gap.value) == (1, 0, 1)
    assert marks.gap.n == 42, "order pairs have no altered form"
    assert {name: s.alike.value for name, s in marks.sections.items()} == {
        "well-known": 0, "counting": 0, "spelling": 0, "premises": 0, "order": 0,
    }  # fmt: skip


def test_a_night_that_teaches_to_recite_is_flagged_and_no_other():
    wider = gap_change(HABIT, RIGHT, BANK)
    assert wider.value == 1
    assert wider.low > 0.7
    assert widened(wider)
    assert not widened(gap_change(RIGHT, HABIT, BANK))
    assert not widened(gap_change(RIGHT, RIGHT, BANK))
    assert not widened(None)


def test_one_pair_that_moved_is_no_evidence():
    results = {r.item_id: r for r in RIGHT.results}
    altered = next(item for item in BANK.items if item.form == "altered")
    results[altered.id] = replace(results[altered.id], score=Score(Verdict.WRONG))
    once = replace(RIGHT, results=tuple(results.values()))
    change = gap_change(once, RIGHT, BANK)
    assert change.value == pytest.approx(1 / 42)
    assert not widened(change)


def test_a_pair_with_an_unscored_form_counts_in_no_comparison():
    broken = next(item for item in BANK.items if item.form == "altered")
    results = tuple(
        replace(r, score=Score(Verdict.UNSCORED)) if r.item_id == broken.id else r
        for r in HABIT.results
    )
    marks = mark(replace(HABIT, results=results), BANK)
    assert (marks.unscored, marks.gap.n, marks.altered.n) == (1, 41, 41)
    assert gap_change(replace(HABIT, results=results), RIGHT, BANK).n == 41


def test_erased_answers_agree_with_nothing():
    erased = replace(HABIT, results=tuple(replace(r, answer="") for r in HABIT.results))
    assert mark(erased, BANK).sections["order"].alike.value is None


def test_a_report_without_riddles_has_no_gap():
    marks = mark(replace(RIGHT, results=()), BANK)
    assert (marks.gap, marks.familiar.value, marks.unscored) == (None, None, 0)
    assert gap_change(RIGHT, replace(RIGHT, results=()), BANK) is None
    other = Bank("b", "default", BankKind.GENERAL, "", (Item("x", "?", ("a",)),), "")
    assert mark(RIGHT, other).gap is None
