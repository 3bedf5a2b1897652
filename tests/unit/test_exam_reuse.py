"""Reused results: the latest counts, the best is remembered, near-duplicates are found."""

from __future__ import annotations

from nightschool.exam.reuse import (
    answered,
    best_since,
    graduates,
    merged,
    near_duplicates,
    sample,
    unanswered,
)
from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict

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


def test_a_later_answer_replaces_an_earlier_one() -> None:
    rows = merged(report("v", False).results, report("v", True).results)
    assert [r.score.verdict for r in rows] == [Verdict.CORRECT]


def test_the_best_counts_served_versions_only_and_no_broken_verdicts() -> None:
    reports = [report("v", True, None, False), report("w", False, True, True)]
    assert best_since(reports, {"v"}) == {"i0": 1.0, "i2": 0.0}
    assert best_since(reports, {"v", "w"}) == {"i0": 1.0, "i1": 1.0, "i2": 1.0}


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
