"""A curriculum: rounds over several environments that go on after a kill as if there had been none."""

import json
from dataclasses import replace

import pytest

from nightschool.config import PracticeConfig
from nightschool.errors import PracticeError, WorkspaceCorrupt
from nightschool.practice.base import Once
from nightschool.practice.check import problems
from nightschool.practice.curriculum import Curriculum, Mixture, curriculum
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.learner import practise
from nightschool.practice.predictions import looks
from nightschool.types import SPLITS, Drawn, Message, Update


class Saying:
    """A policy that never learns: it says what a function of the prompt says."""

    def __init__(self, say):
        self.say = say

    def draw(self, prompts, *, max_tokens, temperature, seed):
        return [Drawn((1,), (2, 3), (-0.5, -0.1), True, self.say(p[-1].content)) for p in prompts]

    def update(self, credits, over=None):
        return Update(0.1, None, 0.0, 1.0, len(credits), 0.0)


class Named(FakeEnvironment):
    """An environment whose prompts begin with its name."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def task(self, split, seed):
        task = super().task(split, seed)
        told = Message("user", f"{self.name}: {task.solution[0]}")
        return replace(task, prompt=(told,))


def make(name):
    return Named(name)


ARMS = ("right?size=4", "wrong", "broken")


def started(kind="progress", **more):
    return curriculum(ARMS, make, kind, tasks=6, **more)


def said(prompt):
    """Solve one arm always, another never, and break the verifier of the third."""
    name, _, number = prompt.partition(": ")
    return {"wrong": "0", "broken": "break"}.get(name, number)


def play(lessons, number, say=said):
    """Practise one round, and return the ids of its tasks."""
    config = PracticeConfig(tasks=6, group=2)
    (done,) = practise(
        lessons.environment, Saying(say), config, choose=lessons.choose, rounds=number + 1,
        first=number, on_round=lessons.close,
    )  # fmt: skip
    return [group.task.id for group in done.groups]


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
    class Lenient(Named):
        """Takes `Yes` for right, whatever was asked."""

        def start(self, task):
            return Once(lambda answer: answer.strip().lower() == "yes")

    lessons = Curriculum(Mixture([Lenient("lenient")]), tasks=1)
    for number, text in enumerate(("yes", " YES\n", "no")):
        play(lessons, number, lambda prompt, text=text: text)
    assert [group.new for group in lessons.notes.log] == [1, 0, 0]
    assert [group.solved for group in lessons.notes.log] == [2, 2, 0]


def test_only_the_round_that_was_chosen_is_entered():
    lessons = started()
    first = lessons.choose(0)
    with pytest.raises(PracticeError, match="chosen last"):
        practise(
            lessons.environment, Saying(said), PracticeConfig(tasks=1, group=2),
            choose=lambda number: first[:1], rounds=1, on_round=lessons.close,
        )  # fmt: skip


def test_a_flat_run_proposes_new_settings_and_goes_on_with_them():
    lessons = curriculum(["right?size=4"], make, tasks=8)
    assert lessons.extend(0, make) == []
    for number in range(2):
        play(lessons, number)
    (found,) = lessons.extend(1, make)
    assert (found.name, found.parent) == ("right?size=6", "right?size=4")
    assert {task.facts["part"] for task in lessons.choose(2)} == {"right?size=4", "right?size=6"}
    again = curriculum(["right?size=4"], make, tasks=8)
    again.resume(lessons.state(), make)
    assert again.choose(2) == lessons.choose(2)
    assert any("Proposed in round 1: right?size=6" in line for line in lessons.report())


def test_a_state_of_another_run_is_refused():
    lessons = started()
    with pytest.raises(PracticeError, match="chose by progress"):
        started("uniform").resume(lessons.state())
    with pytest.raises(PracticeError, match="with seed 3"):
        curriculum(ARMS, make, tasks=6, seed=3).resume(lessons.state())
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
    def look(tasks):
        return looks(Saying(said), [task.prompt for task in tasks], max_tokens=9, seed=0)

    lessons = started(look=look)
    play(lessons, 0)
    assert {one.look for one in lessons.notes.predictions} == {-0.3}
    text = "\n".join(lessons.report())
    assert "Brier score" in text
    assert "right?size=4" in text


def test_a_mixture_takes_turns_on_both_splits():
    mixed = started().environment
    for split in SPLITS:
        tasks = [mixed.task(split, seed) for seed in range(6)]
        assert [task.facts["part"] for task in tasks] == [*ARMS, *ARMS]
        assert [task.id for task in tasks] == [f"{mixed.name}/{split}/{n}" for n in range(6)]
    assert problems(mixed) == []
    assert mixed.name == " + ".join(ARMS)
