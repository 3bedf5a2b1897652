"""Reused results: the latest counts, the first since a fact was learnt is remembered, near-duplicates are found."""

from __future__ import annotations

from dataclasses import replace

from nightschool.exam.reuse import (
    answered,
    first_since,
    graduates,
    merged,
    near_duplicates,
    sample,
    unanswered,
    untaught,
    whole,
)
from nightschool.exam.stats import outcomes
from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict, Version

ITEMS = tuple(
    Item(f"i{n}", question, ("x",), memory_ids=(f"m{n // 2}",))
    for n, question in enumerate(
        [
            "What is the staging host?",
            "Where do I deploy?",
            "Who leads the crew?",
            "Whose cat is it?",
        ]
    )
)
BANK = Bank("b", "t", BankKind.ACQUIRED, "n1", ITEMS, "")


def report(version: str, *right: bool | None) -> Report:
    """A version's closed-book results on the first items; None is unscored."""
    verdicts = {True: Verdict.CORRECT, False: Verdict.WRONG, None: Verdict.UNSCORED}
    rows = tuple(
        Result(item.id, "b", "closed", "", Score(verdicts[one]), None, None, None, None)
        for item, one in zip(ITEMS, right, strict=False)
    )
    return Report(f"r-{version}", "t", version, "n1", rows)


def test_only_what_was_not_answered_is_asked_again() -> None:
    known = answered([report("v", True, False)], [BANK])
    left = unanswered([BANK], known)
    assert [i.id for i in left[0].items] == ["i2", "i3"]
    assert unanswered([BANK], answered([report("v", True, True, True, True)], [BANK])) == []


def test_a_version_is_seen_with_what_it_answered_while_it_was_served() -> None:
    own, later, other = report("v", True, True), report("v", False, True, False), report("w", None, None, None, True)  # fmt: skip
    seen = whole(own, [own, replace(later, night="n2"), other])
    assert outcomes(seen) == {"i0": 1.0, "i1": 1.0, "i2": 0.0}
    assert seen.night == "n1"


def test_what_a_broken_verifier_could_not_grade_is_asked_again() -> None:
    known = answered([report("v", True, None)], [BANK])
    assert [i.id for i in unanswered([BANK], known)[0].items] == ["i1", "i2", "i3"]


def test_facts_are_untaught_until_a_served_version_learnt_them() -> None:
    assert untaught([version("v", "m0")], [BANK]) == {"i2", "i3"}
    assert untaught([version("v", "m0"), version("w", "m1")], [BANK]) == set()


def test_a_later_answer_replaces_an_earlier_one() -> None:
    rows = merged(report("v", False).results, report("v", True).results)
    assert [r.score.verdict for r in rows] == [Verdict.CORRECT]


def version(name: str, *memories: str) -> Version:
    """A version that was trained on these memories."""
    return Version(name, "t", "n1", "full", "b", "base", memories, (), "", 0, {}, "")


def test_the_first_counts_served_versions_only_and_no_broken_verdicts() -> None:
    reports = [report("v", True, None, False), report("w", False, True, True)]
    v, w = version("v", "m0", "m1"), version("w", "m0", "m1")
    assert first_since(reports, [v], [BANK]) == {"i0": 1.0, "i2": 0.0}
    assert first_since(reports, [w], [BANK]) == {"i0": 0.0, "i1": 1.0, "i2": 1.0}
    assert first_since(reports, [v, w], [BANK]) == {"i0": 1.0, "i1": 1.0, "i2": 0.0}


def test_what_a_version_answered_before_the_fact_was_learnt_does_not_count() -> None:
    # The served version sits the new bank of the night after its own: it cannot know m1 yet.
    reports = [report("v", True, True, False, False), report("w", False, True, True, False)]
    served = [version("v", "m0"), version("w", "m0", "m1")]
    assert first_since(reports, served, [BANK]) == {"i0": 1.0, "i1": 1.0, "i2": 1.0, "i3": 0.0}
    assert first_since(reports[:1], served[:1], [BANK]) == {"i0": 1.0, "i1": 1.0}


def test_an_exam_held_again_by_day_does_not_move_what_was_first() -> None:
    reports = [report("v", True, False), report("v", False, True)]
    assert first_since(reports, [version("v", "m0")], [BANK]) == {"i0": 1.0, "i1": 0.0}


def test_a_memory_graduates_when_all_of_its_questions_are_answered() -> None:
    assert graduates(report("v", True, True, True, False), [BANK]) == {"m0"}
    assert graduates(report("v", True, None), [BANK]) == set()


def test_a_sample_is_spread_over_the_nights_new_items() -> None:
    assert [i.id for b in sample([BANK], "n1", 2) for i in b.items] == ["i0", "i2"]
    assert sample([BANK], "another night", 2) == []


def test_near_duplicates_share_most_words_with_a_study_question() -> None:
    studied = ["What is the staging host now?", "Who owns the boat?"]
    assert near_duplicates([BANK], studied) == {"i0"}
    assert near_duplicates([BANK], []) == set()
