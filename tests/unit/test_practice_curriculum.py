"""A curriculum: rounds over several environments that go on after a kill as if there had been none."""

import json

import pytest

from nightschool.errors import PracticeError, WorkspaceCorrupt
from nightschool.models.fake import FakeSampler
from nightschool.practice.curriculum import Curriculum, curriculum
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.rollouts import roll_out
from nightschool.types import SPLITS


def make(name):
    found = FakeEnvironment()
    found.name = name
    return found


ARMS = ("right?size=4", "wrong", "broken")


def started(kind="progress", **more):
    return curriculum(ARMS, make, kind, tasks=6, seed=3, **more)


def play(lessons, number):
    """Attempt each task of a round twice: one arm is always solved, one never, and one breaks its verifier."""
    tasks = lessons.choose(number)
    table = {}
    for task in tasks:
        said = {"right?size=4": task.solution[0], "wrong": "0", "broken": "break"}
        # Two arms may ask the same; the text of a prompt is all that the fake sampler goes by.
        played = FakeSampler({task.prompt[0].content: said[task.environment]})
        roll_out(lessons.environment, [task, task], played, max_tokens=5, temperature=1.0)
        table[task.id] = task.environment
    lessons.close(number)
    return list(table)


@pytest.mark.parametrize("kind", ["progress", "uniform", "easiest"])
def test_a_run_that_is_resumed_chooses_the_same_tasks(kind):
    whole = started(kind)
    expected = [play(whole, number) for number in range(12)]
    lessons, found = started(kind), []
    for number in range(12):
        lessons.choose(number)  # killed within the round
        again = started(kind)
        again.resume(lessons.state())
        lessons = again
        found.append(play(lessons, number))
    assert found == expected
    assert lessons.notes == whole.notes


def test_an_arms_tasks_never_repeat_and_what_breaks_says_nothing():
    lessons = started()
    chosen = [name for number in range(5) for name in play(lessons, number)]
    assert len(set(chosen)) == 30
    by_arm = {group.arm: group for group in lessons.notes.log}
    assert by_arm["right?size=4"].solved == by_arm["right?size=4"].attempts == 2
    assert by_arm["wrong"].solved == 0
    assert by_arm["broken"].attempts == 0


def test_a_solution_is_new_once_whatever_its_white_space_and_capitals():
    lessons = Curriculum([make("right?size=4")], tasks=1)
    for number, said in enumerate(("10", " 10 ")):
        lessons.choose(number)
        # The same number twice, as if two tasks had one solution.
        task = make("right?size=4").task("train", 0)
        lessons._scores = {}
        attempt = lessons.environment.start(task)
        attempt.step(task.solution[0] if said == "10" else f" {task.solution[0]} ")
        lessons._told = tuple(
            p.__class__(p.round, task.id, p.arm, p.chance, p.running, p.look, p.surer)
            for p in lessons._told
        )
        lessons.close(number)
    assert [group.new for group in lessons.notes.log] == [1, 0]


def test_held_out_tasks_are_not_heard():
    lessons = Curriculum([make("right?size=4")], tasks=1)
    (chosen,) = lessons.choose(0)
    task = lessons.environment.task("held_out", 0)
    lessons.environment.start(task).step(task.solution[0])
    lessons.close(0)
    assert lessons.notes.log[0].attempts == 0
    assert chosen.split == "train"


def test_a_flat_run_proposes_new_settings_and_goes_on_with_them():
    lessons = curriculum(["right?size=4"], make, tasks=8)
    assert lessons.extend(0, make) == []
    for number in range(2):
        play(lessons, number)
    (found,) = lessons.extend(1, make)
    assert (found.name, found.parent) == ("right?size=6", "right?size=4")
    assert {task.environment for task in lessons.choose(2)} == {"right?size=4", "right?size=6"}
    again = curriculum(["right?size=4"], make, tasks=8)
    again.resume(lessons.state(), make)
    assert again.choose(2) == lessons.choose(2)
    assert any("Proposed in round 1: right?size=6" in line for line in lessons.report())


def test_a_state_of_another_run_is_refused():
    lessons = started()
    with pytest.raises(PracticeError, match="chose by progress"):
        started("uniform").resume(lessons.state())
    with pytest.raises(PracticeError, match="seed"):
        curriculum(ARMS[:2], make, tasks=6, seed=3).resume(lessons.state())
    with pytest.raises(WorkspaceCorrupt):
        started().resume(lessons.state()[:-9])
    with pytest.raises(WorkspaceCorrupt):
        started().resume(json.dumps({"arms": 1}))


def test_choosers_and_environments_are_checked():
    with pytest.raises(PracticeError, match="expected one of progress"):
        started("dice")
    with pytest.raises(PracticeError, match="each once"):
        curriculum(["wrong", "wrong"], make, tasks=1)


def test_looks_are_kept_with_the_predictions_and_the_report_says_how_they_turned_out():
    lessons = started(look=lambda tasks: [-0.5] * len(tasks))
    play(lessons, 0)
    assert {one.look for one in lessons.notes.predictions} == {-0.5}
    text = "\n".join(lessons.report())
    assert "Brier score" in text
    assert "right?size=4" in text


def test_a_mixture_takes_turns_on_both_splits():
    mixed = started().environment
    for split in SPLITS:
        tasks = [mixed.task(split, seed) for seed in range(6)]
        assert [task.environment for task in tasks] == [*ARMS, *ARMS]
        assert len({task.id for task in tasks}) == 6
    assert mixed.cases(mixed.task("train", 0))
    assert mixed.name == " + ".join(ARMS)
