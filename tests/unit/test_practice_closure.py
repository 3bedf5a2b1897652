"""The statistics of the closure ledger by known values, brute force and invariances."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.practice.closure import (
    Matrix,
    affordable,
    bits,
    count,
    curve,
    doublings,
    exact_interval,
    kind_of,
    majority,
    matrix,
    mcnemar,
    pass_at,
    reached,
)

draws = st.text("01", min_size=1, max_size=12)


def test_exact_intervals_by_known_values():
    assert exact_interval(0, 128) == (0.0, pytest.approx(1 - 0.025 ** (1 / 128)))
    assert exact_interval(5, 10) == pytest.approx((0.18709, 0.81291), abs=1e-5)
    assert exact_interval(10, 10) == (pytest.approx(0.025**0.1), 1.0)
    assert exact_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        exact_interval(3, 2)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_rate_and_mirrors(pair):
    right, n = pair
    low, high = exact_interval(right, n)
    assert low <= right / n <= high
    assert exact_interval(n - right, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize("rate", [0.02, 0.3, 0.9])
def test_an_interval_covers_at_least_as_often_as_it_says(rate):
    n, covered = 40, 0.0
    for right in range(n + 1):
        low, high = exact_interval(right, n)
        if low <= rate <= high:
            covered += math.comb(n, right) * rate**right * (1 - rate) ** (n - right)
    assert covered >= 0.95


@given(draws, st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(marks, data):
    k = data.draw(st.integers(1, len(marks)))
    subsets = list(itertools.combinations(marks, k))
    share = sum("1" in subset for subset in subsets) / len(subsets)
    assert pass_at(len(marks), marks.count("1"), k) == pytest.approx(share)


def test_pass_at_k_by_known_values():
    assert pass_at(10, 1, 1) == pytest.approx(0.1)
    assert pass_at(128, 1, 128) == 1.0
    assert pass_at(128, 0, 128) == 0.0
    assert pass_at(200, 5, 100) == pytest.approx(1 - math.comb(195, 100) / math.comb(200, 100))
    for n, right, k in ((4, 5, 1), (4, 1, 5), (4, 1, 0)):
        with pytest.raises(ValueError, match="expected right and k within n"):
            pass_at(n, right, k)


@given(st.lists(draws, min_size=1, max_size=8))
def test_curves_rise_and_lie_in_their_bands(rows):
    marks = {str(n): row.ljust(12, "0") for n, row in enumerate(rows)}
    points = curve(marks, doublings(12))
    assert [p.k for p in points] == [1, 2, 4, 8, 12]
    assert all(a.value <= b.value + 1e-12 for a, b in itertools.pairwise(points))
    assert all(p.low - 1e-9 <= p.value <= p.high + 1e-9 for p in points)


def test_a_curve_without_any_right_draw_is_not_certain():
    (point,) = curve({str(n): "0" * 8 for n in range(50)}, [8])
    assert (point.value, point.low) == (0.0, 0.0)
    assert point.high == pytest.approx(1 - 0.025 ** (1 / 50))


def test_what_cannot_be_scored_counts_for_nothing():
    assert (count("1?0?").right, count("1?0?").n) == (1, 2)
    assert str(count("??")) == "nothing could be scored"
    assert reached("0?1", 2)
    assert reached("?1", 2) is None
    assert curve({"a": "1?", "b": "01"}, [2])[0].tasks == 1


def test_never_reached_is_said_with_its_bound():
    assert str(count("0" * 128)) == "not reached within 128 (at most 2.8% of draws)"
    assert str(count("1" + "0" * 127)).startswith("1 of 128 (")


def test_every_task_is_one_of_four():
    base = {"kept": "01", "new": "00", "lost": "10", "no": "00", "short": "0?", "alone": "1"}
    version = {"kept": "10", "new": "01", "lost": "00", "no": "00", "short": "11"}
    assert matrix(base, version, 2) == Matrix(2, 1, 1, 1, 1, 1, 1.0, 0, 0)
    assert kind_of("01", "11", 1) == "expanded"


def test_the_paired_test_is_exact():
    assert mcnemar(6, 0) == pytest.approx(1 / 32)
    assert mcnemar(3, 3) == mcnemar(0, 0) == 1.0
    one_sided = matrix({str(n): "0" for n in range(9)}, {str(n): "1" for n in range(9)}, 1)
    assert one_sided.p_value == pytest.approx(2 / 2**9)


def test_luck_of_the_draw_is_told_from_change():
    base = {"rare": "0" * 64, "new": "0" * 64, "lost": "1" * 64}
    version = {"rare": "0" * 63 + "1", "new": "1" * 64, "lost": "0" * 64}
    found = matrix(base, version, 64)
    assert (found.expanded, found.expanded_clear) == (2, 1)
    assert (found.shrunk, found.shrunk_clear) == (1, 1)


@given(st.lists(st.tuples(draws, draws), max_size=10))
def test_expansion_is_the_shrinkage_of_the_other_direction(pairs):
    there = {str(n): a for n, (a, _) in enumerate(pairs)}
    back = {str(n): b for n, (_, b) in enumerate(pairs)}
    one, other = matrix(there, back, 3), matrix(back, there, 3)
    assert (one.expanded, one.shrunk) == (other.shrunk, other.expanded)
    assert (one.expanded_clear, one.shrunk_clear) == (other.shrunk_clear, other.expanded_clear)
    assert one.p_value == other.p_value
    assert one.tasks + one.left_out == len(pairs)


def test_bits_are_those_of_the_whole_solution():
    found = bits([[math.log(0.5), math.log(0.25)], [math.log(0.5)]])
    assert (found.total, found.tokens) == (pytest.approx(4.0), 3)
    assert found.per_token == pytest.approx(4 / 3)


def test_the_majority_votes_without_a_verifier():
    assert majority(["7", "8", " 8"], "100", 3) is False
    assert majority(["7", "8", "8"], "100", 1) is True
    assert majority(["7", "8"], "10", 2) is True  # of equals the first
    assert majority(["x", "8", "7"], "?01", 2) is False
    assert majority(["7"], "1", 2) is None


def test_what_practice_spent_buys_draws():
    assert affordable(spent=6400, tasks=50, tokens_a_draw=8) == 16
    assert affordable(spent=10, tasks=50, tokens_a_draw=8) == 1
