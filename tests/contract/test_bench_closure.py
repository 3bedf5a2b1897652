"""The skills and the curriculum of the closure bench; the ledger itself is the product's."""

import importlib

import pytest

from nightschool.practice.check import played, problems


@pytest.fixture
def skills(monkeypatch):
    monkeypatch.syspath_prepend("bench")
    return importlib.import_module("closure_skills")


def test_every_skill_keeps_the_rules_of_environments(skills):
    for skill in skills.STEPS:
        assert problems(skills.Digits(skill, 5)) == []


def test_a_row_is_done_place_by_place(skills):
    done = {skill: work("9034") for skill, (_, work) in skills.STEPS.items()}
    assert done == {
        "next": "0145", "complement": "0965", "reverse": "4309", "sort": "0349", "double": "99003344",
        "skip": "93",
    }  # fmt: skip


def test_part_marks_are_for_right_places_of_a_row_of_that_length(skills):
    environment = skills.Digits("next", 4)
    task = environment.task("train", 0)
    right = task.solution[0]
    half = right[:2] + "".join(str((int(d) + 5) % 10) for d in right[2:])
    assert played(environment, task, [half]).score.value == 0.25
    assert played(environment, task, [right + "0"]).score.value == 0.0


def test_it_goes_on_to_longer_rows_once_short_ones_are_mostly_right(skills):
    steps = [skills.Digits("next", length) for length in (2, 3)]
    course = skills.Curriculum(steps, tasks=2, seed=0)
    assert all(task.environment == steps[0].name for task in course.choose(0))
    for right in (0.9, 0.2, 0.7):
        course.saw(right)
        assert course.level == 0
    course.saw(0.8)
    assert [task.environment for task in course.choose(4)] == [steps[1].name] * 2
    assert not course.done
    course.saw(1.0)
    course.saw(1.0)
    assert course.done
    assert {task.split for task in course.choose(5)} == {"train"}
