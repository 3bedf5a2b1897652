"""Advantages by hand, and when a rising reward is suspicious."""

import itertools
import math

import pytest

from nightschool.practice.signals import Measured, advantages, suspicious


def test_a_group_without_a_difference_tells_nothing():
    assert advantages([0.5, 0.5, 0.5]) is None
    assert advantages([1.0]) is None
    assert advantages([1.0, 1.0], "pass@k", 2) is None


def test_advantages_are_centred_on_the_group():
    assert advantages([1, 0, 0, 0]) == [0.75, -0.25, -0.25, -0.25]
    root = math.sqrt(3)
    assert advantages([1, 0, 0, 0], "std") == pytest.approx([root, -1 / root, -1 / root, -1 / root])


def test_the_advantage_of_sets_is_the_mean_over_all_sets():
    rewards, k = [1, 0, 0, 1, 0, 0], 3
    sets = list(itertools.combinations(range(6), k))
    worth = [float(any(rewards[i] for i in one)) for one in sets]
    mean = sum(worth) / len(worth)
    spread = math.sqrt(mean * (1 - mean))
    expected = []
    for i in range(6):
        mine = [value for one, value in zip(sets, worth, strict=True) if i in one]
        expected.append((sum(mine) / len(mine) - mean) / spread)
    assert advantages(rewards, "pass@k", k) == pytest.approx(expected)


def test_where_every_set_is_right_nothing_is_left_to_learn():
    assert advantages([1, 1, 1, 0], "pass@k", 2) is None


RISING = [0.1, 0.12] * 10 + [0.6, 0.62] * 10


def test_a_rise_without_any_on_held_out_tasks_is_told():
    assert "may not be what is meant" in suspicious(RISING, [Measured(10, 200), Measured(11, 200)])


@pytest.mark.parametrize(
    ("rewards", "held_out"),
    [
        (RISING, [Measured(10, 200), Measured(90, 200)]),  # it learns
        ([0.1, 0.5] * 20, [Measured(10, 200), Measured(10, 200)]),  # noise
        (RISING, [Measured(0, 4), Measured(0, 4)]),  # too few to tell
        (RISING[:6], [Measured(10, 200), Measured(10, 200)]),
    ],
)
def test_no_alarm_without_reason(rewards, held_out):
    assert suspicious(rewards, held_out) is None
