"""Rollouts: a batch a turn, groups, cleared contexts, and attempts that nobody can score."""

from nightschool.models.fake import FakeSampler
from nightschool.practice.base import scored, side_of
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.rollouts import MOST_TURNS, roll_out
from nightschool.types import Message, Score, Step, Verdict


def play(environment, tasks, table):
    return roll_out(environment, tasks, FakeSampler(table), max_tokens=20, temperature=0.0)


def test_a_group_of_one_task_and_another_are_played_in_one_batch():
    environment = FakeEnvironment()
    one, two = environment.task("train", 0), environment.task("train", 1)
    found = play(environment, [one, one, two], {one.prompt[0].content: one.solution[0]})
    assert [r.score.value for r in found] == [1.0, 1.0, 0.0]
    assert [r.task for r in found] == [one, one, two]
    assert found[0].moves[0].prompt == one.prompt


def test_a_cleared_context_is_all_that_the_model_sees():
    environment = FakeEnvironment(turns=2)
    task = environment.task("held_out", 2)
    asked = f"The number is {task.solution[1]}. Say it."
    (found,) = play(environment, [task], {task.prompt[0].content: "ask", asked: task.solution[1]})
    assert found.moves[1].prompt == (Message("user", asked),)
    assert found.score.verdict is Verdict.CORRECT
    assert found.moves[0].step.info == {"asked": 1.0}


def test_what_cannot_be_scored_has_no_reward():
    environment = FakeEnvironment()
    task = environment.task("train", 0)
    (found,) = play(environment, [task], {task.prompt[0].content: "break"})
    assert (found.score.verdict, found.score.value) == (Verdict.UNSCORED, None)


class Endless(FakeEnvironment):
    def start(self, task):
        return self

    def step(self, action):
        return Step((Message("user", "Go on."),))


def test_an_attempt_that_never_ends_is_unscored():
    environment = Endless()
    (found,) = play(environment, [environment.task("train", 0)], {})
    assert found.score.verdict is Verdict.UNSCORED
    assert len(found.moves) == MOST_TURNS


def test_a_score_that_breaks_the_rules_is_unscored():
    assert scored(lambda: True) == Score(Verdict.CORRECT, 1.0)
    assert scored(lambda: 0.25) == Score(Verdict.WRONG, 0.25)
    for graded in (1.5, float("nan"), Score(Verdict.WRONG, 1.0), Score(Verdict.CORRECT, 0.5)):
        assert scored(lambda graded=graded: graded).verdict is Verdict.UNSCORED
    assert "ZeroDivisionError" in scored(lambda: 1 / 0).reason


def test_splits_are_told_by_what_is_asked():
    assert side_of("What is  2 + 2?") == side_of("what is 2 + 2?\n")
    held = sum(side_of(f"What is {n}?") == "held_out" for n in range(1000))
    assert 150 < held < 250


class Breaks(FakeEnvironment):
    """Breaks at any action."""

    def start(self, task):
        class Attempt:
            def step(self, action):
                return 1 / 0

        return Attempt()


def test_an_action_that_breaks_the_environment_leaves_its_attempt_unscored():
    environment = Breaks()
    task = environment.task("train", 0)
    (found,) = play(environment, [task], {task.prompt[0].content: "anything"})
    assert (found.score.verdict, found.score.value) == (Verdict.UNSCORED, None)
    assert "ZeroDivisionError" in found.score.reason
