"""Environments of others: a rubric's weights, coroutines, several turns, and Gymnasium's episodes."""

from types import SimpleNamespace

import pytest

from nightschool.errors import EnvironmentBroken
from nightschool.practice import answers
from nightschool.practice.adapters import GymnasiumEnvironment, VerifiersEnvironment
from nightschool.practice.check import played, problems
from nightschool.types import Case, Verdict


def exact(completion, answer):
    return float(completion[-1]["content"].strip() == answer)


async def short(completion, **rest):
    return float(len(completion[-1]["content"]) < 9)


def broken(completion):
    raise RuntimeError("no judge")


def inner(*functions, weights=None, **more):
    rows = [{"question": f"Say {n}.", "answer": str(n)} for n in range(40)]
    rubric = SimpleNamespace(funcs=list(functions), weights=weights or [1.0] * len(functions))
    return SimpleNamespace(dataset=rows, rubric=rubric, **more)


def table(task):
    right = task.facts["answer"]
    return answers(
        right=[right], wrong=[f"{right}1"], malformed=[f"({right}"], truncated=["1" + right + "."],
        adversarial=[f"{right} {right}"],
    )  # fmt: skip


def test_a_dataset_with_a_rubric_keeps_the_rules():
    found = VerifiersEnvironment("numbers", inner(exact, short), table)
    assert problems(found, seeds=6) == []
    task = found.task("train", 0)
    half = played(found, task, ["no"]).score
    assert (half.verdict, half.value) == (Verdict.WRONG, 0.5)


def test_functions_without_weight_are_no_reward_and_one_that_breaks_is_unscored():
    found = VerifiersEnvironment("numbers", inner(exact, broken, weights=[1.0, 0.0]), table)
    assert problems(found, seeds=4) == []
    found = VerifiersEnvironment("numbers", inner(exact, broken), table)
    assert played(found, found.task("train", 0), ["1"]).score.verdict is Verdict.UNSCORED
    with pytest.raises(EnvironmentBroken, match="weighted reward functions"):
        VerifiersEnvironment("numbers", inner(exact, weights=[0.0]), table)


def test_evaluation_rows_that_are_trained_on_are_left_out():
    evaluation = [{"question": "Say 3.", "answer": "3"}, {"question": "Say 99.", "answer": "99"}]
    found = VerifiersEnvironment("numbers", inner(exact, eval_dataset=evaluation), table)
    assert {found.task("held_out", n).facts["answer"] for n in range(4)} == {"99"}


def test_several_turns():
    def heard(messages, state):
        return [{"role": "user", "content": "Sure?"}]

    several = inner(exact, env_response=heard, is_completed=lambda m, s: s["turn"] >= 2)
    found = VerifiersEnvironment("numbers", several, table)
    task = found.task("train", 0)
    attempt = found.start(task)
    assert attempt.step("first").observation[0].content == "Sure?"
    assert attempt.step(task.facts["answer"]).score.verdict is Verdict.CORRECT


class Space:
    max_length = 10

    def contains(self, text):
        return text.isascii() and text.isalnum() and len(text) <= self.max_length


class Guess:
    """Guess a number in two tries; 10 points."""

    action_space = Space()

    def reset(self, seed):
        self.number, self.tries = seed, 2
        return f"Guess a number near {seed}.", {}

    def step(self, action):
        self.tries -= 1
        hit = action == str(self.number)
        return "No.", 10.0 * hit, hit, self.tries == 0, {}


def guesses(task):
    right = str(task.facts["seed"])
    rows = [
        ("right", ("7x", right)),
        ("wrong", ("a", "b")),
        ("malformed", ("?",)),
        ("empty", ("",)),
    ]
    rows += [("truncated", (right + "0", right + "1")), ("adversarial", ("x" * 50,))]
    verdicts = {"right": Verdict.CORRECT}
    return [Case(kind, actions, verdicts.get(kind, Verdict.WRONG)) for kind, actions in rows]


def test_gymnasiums_episodes_of_text():
    found = GymnasiumEnvironment("guess", Guess, guesses, rewards=(0.0, 10.0))
    assert problems(found, seeds=6) == []
    seeds = {split: {found.task(split, n).facts["seed"] for n in range(20)} for split in ("train", "held_out")}  # fmt: skip
    assert not seeds["train"] & seeds["held_out"]


class Tenths(Guess):
    """Gives a tenth for each of ten moves."""

    def reset(self, seed):
        self.moves = 0
        return "Go.", {}

    def step(self, action):
        self.moves += 1
        return "On.", 0.1, self.moves == 10, False, {}


def test_rewards_that_add_up_to_the_best_but_for_rounding_are_right():
    found = GymnasiumEnvironment("tenths", Tenths, guesses, rewards=(0.0, 1.0))
    task = found.task("train", 0)
    assert played(found, task, ["go"] * 10).score.verdict is Verdict.CORRECT
