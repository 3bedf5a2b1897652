"""Tool calling: nothing is done before it is asked for, and calls are counted once."""

import pytest

from nightschool.environments import environment
from nightschool.practice.check import played
from nightschool.types import Verdict


def test_no_task_is_done_before_anything_is():
    env = environment("calls?level=1")
    for seed in (
        *range(120),
        331,
        399,
    ):  # of the last two, the value that was asked for stood there already
        task = env.task("train", seed)
        assert task.facts["expected"] != task.facts["world"]["records"]
        assert env.start(task).step("Done.").score.verdict is Verdict.WRONG


@pytest.mark.parametrize("level", [1, 2, 3])
def test_each_call_is_counted_once(level):
    env = environment(f"calls?level={level}")
    task = env.task("train", 5)
    attempt = env.start(task)
    steps = [attempt.step(action) for action in task.solution]
    assert steps[-1].score.verdict is Verdict.CORRECT
    made = len(task.solution) - bool(task.facts["answer"])
    for name in ("calls", "valid_calls"):
        assert sum(step.info[name] for step in steps) == made


def test_a_denied_answer_is_wrong_though_the_request_says_nothing_else() -> None:
    world = environment("calls?level=2")
    for seed in range(10):
        task = world.task("train", seed)
        *calls, answer = task.solution
        step = played(world, task, (*calls, f"It is not {answer}."))
        assert step.score
        assert step.score.verdict is Verdict.WRONG
        step = played(world, task, (*calls, f"It is {answer}."))
        assert step.score
        assert step.score.verdict is Verdict.CORRECT


def test_a_broken_character_in_a_call_does_not_reach_the_next_prompt():
    world = environment("calls?level=2")
    attempt = world.start(world.task("train", 0))
    step = attempt.step('{"name": "no_such_tool", "arguments": {"id": "\\ud83d"}}')
    assert all(message.content.encode("utf-8") for message in step.observation)
    step = attempt.step('{"name": "\\ud83d", "arguments": {}}')
    assert all(message.content.encode("utf-8") for message in step.observation)
