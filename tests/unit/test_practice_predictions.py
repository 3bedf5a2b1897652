"""Predictions: from the past alone, as sure as confidence has been right, and scored by hand-computed figures."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.practice.predictions import Prediction, brier, calibration, foretell, told


def said(chance, attempts, solved, running=0.5):
    return Prediction(0, "t", "arm", chance, running, None, 0.0, attempts, solved)


def test_the_brier_score_and_the_calibration_error_by_hand():
    found = calibration([said(0.95, 4, 4), said(0.25, 4, 2)])
    assert found.brier == pytest.approx((4 * 0.05**2 + 2 * 0.75**2 + 2 * 0.25**2) / 8)
    assert found.error == pytest.approx((4 * 0.05 + 4 * 0.25) / 8)
    assert found.base_rate == 0.75
    assert found.skill == pytest.approx(1 - found.brier / (0.75 * 0.25))
    assert found.brier_running == pytest.approx(0.25)


def test_what_was_not_attempted_or_not_scored_counts_for_nothing():
    assert calibration([said(0.9, 0, 0)]) is None
    assert calibration([said(0.9, 0, 0), said(0.5, 2, 1)]).attempts == 2
    assert "nothing" in told(None)[0]


def test_without_any_difference_of_outcomes_there_is_no_skill_to_speak_of():
    found = calibration([said(0.9, 8, 8)])
    assert found.skill is None
    assert "not defined" in told(found)[0]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 8), st.data()), min_size=1, max_size=20))
def test_the_base_rate_is_the_best_constant(rows):
    made = [(p, n, data.draw(st.integers(0, n))) for p, n, data in rows]
    found = calibration([said(p, n, k) for p, n, k in made])
    assert sum(one.attempts for one in found.bins) == found.attempts
    for constant in (0.0, 0.3, 0.5, 1.0):
        assert brier([(constant, n, k) for _, n, k in made]) >= found.brier_base - 1e-9


def ask(past, look, arm="arm"):
    (found,) = foretell(past, 9, [("task", arm, look)])
    return found


def practised(rounds, rule):
    """Practise tasks with a confidence that follows a rule."""
    past = []
    for number in range(rounds):
        look = -1.0 if number % 2 else -0.2
        (one,) = foretell(past, number, [(f"t{number}", "arm", look)])
        past.append(replace(one, attempts=8, solved=rule(look)))
    return past


def test_the_first_prediction_knows_nothing_and_later_ones_the_arms_success():
    assert ask([], -0.3).chance == 0.5
    past = [said(0.5, 8, 0)] * 5
    assert ask(past, None).chance == pytest.approx(1 / 42)
    assert ask(past, None, arm="other").chance == 0.5


def test_confidence_counts_as_much_as_it_has_been_right_before():
    right = practised(40, lambda look: 7 if look > -0.5 else 1)
    assert ask(right, -0.2).chance > 0.7 > 0.3 > ask(right, -1.0).chance
    vain = practised(40, lambda look: 4)
    assert ask(vain, -0.2).chance == pytest.approx(ask(vain, -1.0).chance, abs=0.02)


def test_a_prediction_does_not_look_at_its_own_outcome():
    past = practised(10, lambda look: 4)
    open_ = replace(said(0.5, 0, 0), look=-5.0)
    assert ask([*past, open_], -0.2) == ask(past, -0.2)
