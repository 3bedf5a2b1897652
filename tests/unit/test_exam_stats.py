"""Statistics by hand-computed values and invariances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.exam.stats import (
    AccuracyMatrix,
    accuracy_matrix,
    attainable,
    mcnemar,
    outcomes,
    paired,
    rate,
    risk_coverage,
    sign_test,
    transfer,
    wilson,
)
from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict


def items(n, per_fact=1):
    return [Item(f"i{k}", "q", ("x",), (f"m{k // per_fact}",)) for k in range(n)]


def result(item, right, confidence=None, mode="closed"):
    verdict = {1: Verdict.CORRECT, 0: Verdict.WRONG, None: Verdict.UNSCORED}[right]
    return Result(item, "b", mode, "", Score(verdict), None, None, None, confidence)


def test_rate_counts_facts_not_items():
    values = {f"i{k}": float(k < 20) for k in range(40)}
    single, quadruple = rate(values, items(40)), rate(values, items(40, per_fact=4))
    assert single.value == quadruple.value == 0.5
    assert (single.clusters, quadruple.clusters) == (40, 10)
    assert quadruple.high - quadruple.low > single.high - single.low
    assert rate(values, items(40)) == single
    assert rate({}, items(3)).value is None


def test_a_perfect_rate_is_not_certain():
    full = rate({f"i{k}": 1.0 for k in range(10)}, items(10))
    assert (full.value, full.high) == (1.0, pytest.approx(1.0))
    assert full.low == pytest.approx(0.7225, abs=1e-3)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-3)


def test_paired_by_hand():
    ours = {"i0": 1.0, "i1": 1.0, "i2": 0.0, "i3": 1.0}
    theirs = {"i0": 0.0, "i1": 0.0, "i2": 1.0, "i3": 1.0, "i9": 1.0}
    test = paired(ours, theirs, items(4), 0.05)
    assert test is not None
    assert test.difference == 0.25
    assert (test.gained, test.lost, test.n) == (2, 1, 4)
    assert test.p_gain == 0.5
    # (1 - 1.6449 * sqrt(3 + 1 - 1/6)) / 6
    assert test.low == pytest.approx(-0.3701, abs=1e-3)
    assert paired({}, theirs, items(4), 0.05) is None


def test_exact_tests_by_hand():
    assert sign_test(6, 0) == 1 / 64
    assert sign_test(0, 0) == 1.0
    assert mcnemar(6, 0) == 1 / 32
    assert mcnemar(3, 3) == 1.0


def test_an_unchanged_model_can_pass_on_240_general_items_but_not_on_ten():
    assert attainable(240, 0.05, 0.05 / 2)
    assert not attainable(10, 0.05, 0.05)
    assert not attainable(0, 1.0, 0.05)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_bound_lies_below_the_difference_and_rises_with_every_right_answer(pairs):
    names = items(len(pairs))
    ours = {i.id: float(a) for i, (a, _) in zip(names, pairs, strict=True)}
    theirs = {i.id: float(b) for i, (_, b) in zip(names, pairs, strict=True)}
    before = paired(ours, theirs, names, 0.025)
    assert before is not None
    assert before.low <= max(before.difference, 0.0)
    for item in names[:5]:
        after = paired(ours | {item.id: 1.0}, theirs, names, 0.025)
        assert after is not None
        assert after.low >= before.low - 1e-12
        assert after.p_gain <= before.p_gain + 1e-12


def test_matrix_and_transfer_by_hand():
    banks = [
        Bank(f"b{k}", "default", BankKind.ACQUIRED, f"n{k}", tuple(items(4)[2 * k : 2 * k + 2]), "")
        for k in range(2)
    ]

    def report(night, right):
        return Report(
            "r", "default", "v", night, tuple(result(f"i{k}", r) for k, r in enumerate(right))
        )

    matrix = accuracy_matrix(
        [report("n0", (1, 1, 1, 0)), report("n1", (1, 0, 1, 1))], banks, report("", (0, 0, 0, 0))
    )
    assert matrix == AccuracyMatrix(("n0", "n1"), ((1.0, 0.5), (0.5, 1.0)), (0.0, 0.0))
    measures = transfer(matrix)
    assert (measures.acc, measures.bwt, measures.fwt, measures.forgetting) == (0.75, -0.5, 0.5, 0.5)
    assert transfer(AccuracyMatrix((), (), ())).acc is None


def test_unscored_is_left_out_and_risk_falls_with_confidence():
    report = Report(
        "r",
        "default",
        "v",
        "n",
        (
            result("a", 1, -0.1),
            result("b", 0, -2.0),
            result("c", 1, -0.5),
            result("d", None, -0.2),
            result("e", 1),
        ),
    )
    assert outcomes(report) == {"a": 1.0, "b": 0.0, "c": 1.0, "e": 1.0}
    assert risk_coverage(report) == [(1 / 3, 0.0), (2 / 3, 0.0), (1.0, pytest.approx(1 / 3))]
