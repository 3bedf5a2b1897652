"""Rounds of practice: what is learnt from, what is not, and that a stopped run goes on the same."""

import pytest

from nightschool.config import PracticeConfig
from nightschool.errors import PracticeError
from nightschool.practice.attempts import RESERVED, SEED_STEP, attempted, first_task
from nightschool.practice.examples import demonstrations, solutions, worked_examples
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.learner import practise
from nightschool.train.fake import FakePolicy
from nightschool.types import Score, Step, Verdict

CONFIG = PracticeConfig(tasks=4, group=6)


class Judged(FakeEnvironment):
    """Grades every action by a rule of the test."""

    def __init__(self, judge):
        super().__init__()
        self._judge = judge

    def start(self, task):
        return _Judged(self._judge, task)


class _Judged:
    def __init__(self, judge, task):
        self._judge, self._task = judge, task

    def step(self, action):
        return Step(done=True, score=self._judge(action, self._task), info={"calls": 2.0})


@pytest.mark.parametrize("method", ["policy-gradient", "expert"])
@pytest.mark.parametrize("turns", [1, 2])
def test_practice_solves_held_out_tasks(method, turns):
    environment, policy = FakeEnvironment(turns), FakePolicy()
    config = CONFIG.model_copy(update={"method": method})
    done = practise(environment, policy, config, rounds=30)
    assert done[-1].solved > done[0].solved + 0.3
    tasks = [environment.task("held_out", seed) for seed in range(6)]
    final = attempted(environment, policy, config, tasks, number=99)
    assert sum(one.right for group in final for one in group.attempts) > 0.8 * 6 * 6


def test_rounds_without_signal_move_nothing():
    policy = FakePolicy()
    environment = Judged(lambda action, task: Score(Verdict.WRONG, 0.0))
    (only,) = practise(environment, policy, CONFIG, rounds=1)
    assert (only.update, only.used_groups, only.mean_reward) == (None, 0, 0.0)


@pytest.mark.parametrize(("steps", "taken"), [(1, 1), (2, 2), (9, 4)])
def test_a_round_takes_its_steps_on_equal_parts_of_its_groups(steps, taken):
    seen = []

    class Counting(FakePolicy):
        def update(self, credits, over=None):
            seen.append((len(credits), over))
            return super().update(credits, over)

    config = CONFIG.model_copy(update={"steps": steps})
    (only,) = practise(FakeEnvironment(), Counting(), config, rounds=1)
    drawn = sum(one.tokens for group in only.groups for one in group.attempts)
    assert len(seen) == min(taken, only.used_groups)
    assert {over for _, over in seen} == {drawn / len(seen)}
    assert only.update.tokens == sum(one.tokens for g in only.groups if _tells(g) for one in g.attempts)  # fmt: skip


def _tells(group):
    return len({one.score.value for one in group.attempts}) > 1


def test_what_could_not_be_graded_gets_no_credit_and_pulls_no_mean():
    def judge(action, task):
        if action != task.solution[0]:
            return Score(Verdict.UNSCORED, None, "broken")
        return Score(Verdict.CORRECT, 1.0)

    (only,) = practise(Judged(judge), FakePolicy(), CONFIG, rounds=1)
    assert only.dropped > 0
    assert only.update is None, "right answers beside broken verdicts are no better than each other"
    assert only.solved == 1.0


def test_part_marks_count_until_they_no_longer_do():
    environment = Judged(lambda action, task: Score(Verdict.WRONG, len(action) / 100))
    config = CONFIG.model_copy(update={"dense_rounds": 1})
    first, second = practise(environment, FakePolicy(), config, rounds=2)
    assert first.update is not None
    assert second.update is None


def test_attempts_that_were_cut_off_can_be_left_out():
    config = CONFIG.model_copy(update={"max_tokens": 1})
    (counted,) = practise(FakeEnvironment(), FakePolicy(), config, rounds=1)
    masked = config.model_copy(update={"mask_cut": True})
    (left_out,) = practise(FakeEnvironment(), FakePolicy(), masked, rounds=1)
    assert counted.cut == left_out.cut == 1.0
    assert counted.update is not None
    assert left_out.update is None


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path):
    environment = FakeEnvironment()
    whole = practise(environment, FakePolicy(), CONFIG, rounds=6)
    torn = FakePolicy()
    practise(environment, torn, CONFIG, rounds=3)
    torn.keep(tmp_path / "kept")
    again = FakePolicy()
    assert again.restore(tmp_path / "kept")
    rest = practise(environment, again, CONFIG, rounds=6, first=3)
    assert [one.groups for one in rest] == [one.groups for one in whole[3:]]


def test_worked_examples_go_before_every_prompt():
    environment = FakeEnvironment()
    shown = worked_examples(environment, 2)
    assert [message.role for message in shown] == ["user", "assistant"] * 2
    group = attempted(environment, FakePolicy(), CONFIG, [environment.task("train", 0)], shown)[0]
    assert group.attempts[0].said[0].prompt[:4] == shown


def test_worked_examples_that_do_not_fit_one_conversation_are_refused():
    with pytest.raises(PracticeError, match=r"practice\.shots=0"):
        worked_examples(FakeEnvironment(2), 1)


def test_the_shortest_right_attempt_is_what_is_demonstrated():
    environment = FakeEnvironment(2)
    policy = FakePolicy()
    practise(environment, policy, CONFIG, rounds=30)
    group = attempted(environment, policy, CONFIG, [environment.task("train", 0)])[0]
    examples = demonstrations(group)
    assert [example.target for example in examples][-1] == environment.task("train", 0).solution[-1]
    assert len({example.id for example in examples}) == 2


def test_solutions_are_examples_of_what_stands_before_each_of_their_turns():
    environment = FakeEnvironment(2)
    shown = worked_examples(FakeEnvironment(), 1)
    tasks = [environment.task("train", seed) for seed in range(2)]
    first, second, *others = solutions(environment, tasks, shown)
    assert (first.prompt, first.target) == ((*shown, *tasks[0].prompt), "ask")
    # The context was cleared: what had been shown stands there still, the task does not.
    assert second.prompt[:-1] == shown
    assert second.prompt[-1].content == f"The number is {tasks[0].facts['number']}. Say it."
    assert second.target == tasks[0].solution[1]
    assert len({first.id, second.id, *(e.id for e in others)}) == 4


def test_counts_of_the_environment_are_kept():
    environment = Judged(lambda action, task: Score(Verdict.WRONG, 0.0))
    (only,) = practise(environment, FakePolicy(), CONFIG, rounds=1)
    assert only.info == {"calls": 2.0}


def test_practice_without_an_end_is_refused():
    with pytest.raises(PracticeError, match="rounds"):
        practise(FakeEnvironment(), FakePolicy(), CONFIG)


def test_no_seed_practises_what_is_shown_with_its_solution():
    assert first_task(0) == 0
    assert first_task(49) + SEED_STEP <= RESERVED.start
    assert all(first_task(seed) not in RESERVED for seed in range(200))
    assert [first_task(seed + 1) - first_task(seed) for seed in (3, 60, 90)] == [SEED_STEP] * 3
