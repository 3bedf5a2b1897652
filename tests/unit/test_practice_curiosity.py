"""What is practised next: where success changes, and not where it is random, impossible or mastered."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.practice.curiosity import (
    CHOOSERS,
    FEWEST,
    FLOOR,
    PATIENCE,
    Practised,
    flat,
    learning_progress,
    picks,
    shares,
    standings,
)

ATTEMPTS = 8


def groups(arm, chances, seed=0, new=0):
    """Practise an arm with known chances of success, a group each."""
    rng = random.Random(f"{arm}{seed}")
    return [
        Practised(number, arm, ATTEMPTS, sum(rng.random() < chance for _ in range(ATTEMPTS)), new)
        for number, chance in enumerate(chances)
    ]


def rising(count):
    return [min(0.9, 0.1 + 0.8 * step / count) for step in range(count)]


@pytest.mark.parametrize("success", [[0.0], [1.0], [0.5]])
def test_what_never_changes_shows_no_progress(success):
    assert learning_progress(success * 40) == 0
    assert learning_progress(success * (2 * FEWEST - 1)) is None


def test_progress_is_the_change_of_success_whichever_way_it_goes():
    up = [0.0] * FEWEST + [1.0] * FEWEST
    assert learning_progress(up) == learning_progress(up[::-1]) == 1 / FEWEST


@pytest.mark.parametrize("seed", range(5))
def test_the_learning_arm_gets_what_is_not_the_floor(seed):
    log = [
        *groups("learning", rising(60), seed), *groups("random", [0.5] * 2 * PATIENCE, seed),
        *groups("impossible", [0.0] * 60), *groups("mastered", [1.0] * 60),
    ]  # fmt: skip
    arms = ["learning", "random", "impossible", "mastered"]
    shared = shares("progress", standings(arms, log))
    assert shared["learning"] == max(shared.values())
    assert shared["impossible"] == shared["mastered"] == pytest.approx(FLOOR / 4)


def share_of_random(seed):
    """Practise 120 rounds beside an arm that learns slowly, and return what the random arm gets from the 40th on."""
    log: list[Practised] = []
    rng = random.Random(seed)
    drawn, level = [], 0.0
    for number in range(120):
        arms = picks(shares("progress", standings(["learning", "random"], log)), 8, number, seed)
        for arm in arms:
            level += (arm == "learning") / 1000
            chance = min(0.9, 0.05 + 0.85 * level) if arm == "learning" else 0.5
            solved = sum(rng.random() < chance for _ in range(ATTEMPTS))
            log.append(Practised(number, arm, ATTEMPTS, solved, 0))
        drawn += arms if number >= 40 else []
    return drawn.count("random") / len(drawn)


def test_a_random_arm_gets_little_more_than_its_floor_in_the_long_run():
    found = [share_of_random(seed) for seed in range(8)]
    floor = FLOOR / 2
    assert floor - 0.01 <= sum(found) / len(found) < floor + 0.06


@given(st.integers(0, 2**32), st.integers(2 * FEWEST, 200))
def test_beside_progress_a_random_arm_without_a_chance_run_gets_its_floor(seed, count):
    log = [*groups("learning", rising(60)), *groups("random", [0.5] * count, seed)]
    known = standings(["learning", "random"], log)
    assert known[0].progress > 0
    shared = shares("progress", known)
    if not known[1].progress:
        assert shared["random"] == pytest.approx(FLOOR / 2)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_chance_passes_for_progress_in_about_one_window_of_ten(seed):
    runs = [groups("random", [0.5] * 32, f"{seed}-{n}") for n in range(60)]
    passed = sum(standings(["random"], run)[0].progress > 0 for run in runs)
    assert passed < 60 * 0.4


def test_an_arm_that_has_moved_before_is_preferred_where_nothing_moves():
    solved = [1] * PATIENCE + [5] * 2 * PATIENCE
    moved = [Practised(number, "moved", ATTEMPTS, count, 0) for number, count in enumerate(solved)]
    log = [*moved, *groups("random", [0.5] * 3 * PATIENCE, seed=1)]
    known = standings(["moved", "random"], log)
    assert flat(known)
    assert shares("progress", known)["random"] == pytest.approx(FLOOR / 2)


@given(st.integers(2, 6), st.integers(0, 100), st.sampled_from(CHOOSERS), st.integers(0, 60))
def test_shares_sum_to_one_and_none_is_below_the_floor(arms, seed, kind, count):
    rng = random.Random(seed)
    names = [f"arm{n}" for n in range(arms)]
    log = [group for name in names for group in groups(name, [rng.random()] * count, seed)]
    shared = shares(kind, standings(names, log))
    assert sum(shared.values()) == pytest.approx(1)
    assert min(shared.values()) >= FLOOR / arms - 1e-9


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(1, 40), st.integers(0, 50))
def test_each_arm_is_drawn_as_often_as_its_share_says_give_or_take_one(weights, count, number):
    shared = {f"arm{n}": weight / sum(weights) for n, weight in enumerate(weights)}
    drawn = picks(shared, count, number, seed=1)
    assert len(drawn) == count
    assert all(abs(drawn.count(arm) - share * count) <= 1 + 1e-6 for arm, share in shared.items())
    assert drawn == picks(shared, count, number, seed=1)


def test_what_is_unknown_is_tried_first_as_if_it_were_the_best():
    log = groups("known", rising(40))
    shared = shares("progress", standings(["known", "new"], log))
    assert shared["new"] == shared["known"] == 0.5


def test_new_solutions_count_where_there_is_progress_and_for_nothing_elsewhere():
    same = rising(40)
    log = [
        *groups("repeats", same), *(_renamed(g, "varied", g.solved) for g in groups("repeats", same)),
        *groups("noise", [0.0] * 40),
    ]  # fmt: skip
    log = [*log, *(Practised(40, "noise", ATTEMPTS, 0, 0) for _ in range(PATIENCE))]
    shared = shares("progress", standings(["repeats", "varied", "noise"], log))
    assert shared["varied"] > shared["repeats"] > shared["noise"] == pytest.approx(FLOOR / 3)


def _renamed(group, arm, new):
    return Practised(group.round, arm, group.attempts, group.solved, new)


def test_easiest_first_takes_the_highest_success_that_is_not_mastered():
    log = [*groups("easy", [1.0] * 20), *groups("hard", [0.1] * 20), *groups("middle", [0.6] * 20)]
    shared = shares("easiest", standings(["easy", "hard", "middle"], log))
    assert shared["middle"] == pytest.approx(1 - FLOOR + FLOOR / 3)


def test_it_is_flat_where_nothing_changes_and_all_is_known():
    log = [*groups("mastered", [1.0] * 20), *groups("impossible", [0.0] * 20)]
    assert flat(standings(["mastered", "impossible"], log))
    assert not flat(standings(["mastered", "impossible", "new"], log))
    assert not flat(standings(["mastered", "up"], [*log, *groups("up", rising(60))]))


def test_groups_that_nobody_could_score_say_nothing():
    log = [*groups("arm", [1.0] * 20), *(Practised(20, "arm", 0, 0, 0) for _ in range(20))]
    (one,) = standings(["arm"], log)
    assert (one.groups, one.success, one.mastered) == (20, 1.0, True)
