"""Proposals: settings grow where nearly all is solved, shrink where nearly nothing is, and have to be valid."""

import pytest

from nightschool.errors import EnvironmentBroken
from nightschool.practice.curiosity import Standing
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.frontier import proposals


def make(name):
    """Make an environment with bounds: `sums?min=1&max=3`, of which min may not be above max, nor max above 9."""
    found = FakeEnvironment()
    found.name = name
    settings = dict(part.split("=") for part in name.partition("?")[2].split("&") if part)
    low, high = int(settings.get("min", 1)), int(settings.get("max", 9))
    if not 1 <= low <= high <= 9:
        raise EnvironmentBroken(f"{name} is refused.")
    return found


def standing(arm, success):
    return Standing(arm, 20, 160, success, progress=0.0, moved=False, novelty=0.0)


def propose(arm, success, arms=()):
    return proposals([standing(arm, success)], make, 7, arms)


def test_what_is_solved_gets_larger_and_says_where_it_comes_from():
    (one,) = propose("sums?min=1&max=3", 0.9)
    assert one.name == "sums?min=1&max=5"
    assert (one.parent, one.setting, one.old, one.new) == ("sums?min=1&max=3", "max", 3, 5)
    assert (one.success, one.attempts, one.round) == (0.9, 160, 7)


def test_what_is_out_of_reach_gets_smaller():
    assert [one.name for one in propose("sums?min=2&max=6", 0.0)] == ["sums?min=1&max=6"]
    assert [one.name for one in propose("sums?min=1&max=6", 0.0)] == ["sums?min=1&max=4"]


@pytest.mark.parametrize("success", [0.05, 0.5, 0.8, None])
def test_between_the_bounds_nothing_is_proposed(success):
    assert propose("sums?min=1&max=3", success) == []


def test_what_the_environment_refuses_or_is_practised_already_is_not_proposed():
    assert propose("sums?min=9&max=9", 1.0) == []
    assert propose("sums?max=3&how=loud", 1.0, arms=("sums?max=5&how=loud",)) == []
    assert propose("sums", 1.0) == []
