"""The ledger: drawn in batches, resumed after a kill, asked in the best way, and counted."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from nightschool.closure import fill, write_account
from nightschool.errors import EnvironmentBroken, WorkspaceCorrupt
from nightschool.models.fake import FakeSampler
from nightschool.practice.account import told
from nightschool.practice.elicit import CHOICE_FROM, HINT, WAYS, Elicited, best, ways_for
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.ledger import BASE, TRIED_TASKS, VERSION, Ledger, Terms, held_out
from nightschool.types import Message

TERMS = Terms("fake", "base-model", "ver-1", samples=4, max_tokens=20)
TASKS = 6


@contextmanager
def quiet(label):
    yield lambda done, total, loss=None: None


class Knowing(FakeSampler):
    """Knows the number in a task whose seed it was taught."""

    def __init__(self, seeds, shots=0, split="held_out"):
        tasks = [FakeEnvironment().task(split, seed) for seed in seeds]
        super().__init__({task.prompt[0].content: task.solution[0] for task in tasks})
        self.shots, self.asked = shots, 0

    def generate(self, prompts, **more):
        self.asked += len(prompts)
        said = super().generate(prompts, **more)
        return [
            text if len(prompt) > self.shots else "What?"
            for prompt, text in zip(prompts, said, strict=True)
        ]


def filled(folder, base, version, tasks=TASKS, terms=TERMS, environment=None):
    environment = environment or FakeEnvironment()
    ledger = Ledger.open(folder, terms)
    fill(ledger, environment, tasks, base=lambda: base, version=lambda: version, bar=quiet)
    return write_account(ledger, environment, tasks, None).account


def test_what_became_of_each_task_is_counted(tmp_path):
    account = filled(tmp_path, Knowing([0, 1, 2]), Knowing([1, 2, 3, 4]))
    whole = account.whole
    assert (whole.k, whole.preserved, whole.expanded, whole.shrunk, whole.neither) == (
        4, 2, 2, 1, 1,
    )  # fmt: skip
    assert [line.kind for line in account.lines] == [
        "shrunk", "preserved", "preserved", "expanded", "expanded", "neither",
    ]  # fmt: skip
    assert account.lines[3].base.right == 0
    assert account.lines[3].found == FakeEnvironment().task("held_out", 3).solution[0]
    # Five nats a token where the base does not know it (`models.fake`).
    assert account.lines[3].bits.total == pytest.approx(5 / 0.6931, abs=0.01)
    assert account.lines[0].bits is None
    assert account.expanded_weight.tasks == 2
    text = told(account)
    assert "expanded 2, shrunk 1" in text
    assert "may still be possible" in text
    assert "impossible" not in text


def test_a_base_that_needs_examples_is_given_them(tmp_path):
    numbers = range(CHOICE_FROM, CHOICE_FROM + TRIED_TASKS)
    knows = Knowing(range(4), shots=5)
    knows.answers |= Knowing(numbers, split="train").answers
    account = filled(tmp_path, knows, Knowing([]))
    assert account.base_way == "8 examples, first line"
    assert account.whole.shrunk == 4
    # Asked plainly, it would have shown nothing.
    assert {t.way.name: t.right for t in account.tried["base"]}["plain"] == 0
    assert account.same_way[-1].k == 4


def test_without_learning_there_is_the_majority_and_a_constant(tmp_path):
    cheap = filled(tmp_path, Knowing([0, 1, 2]), Knowing([3])).without_learning
    assert (cheap.majority.right, cheap.majority.n) == (3, TASKS)
    assert cheap.best_of.value == pytest.approx(0.5)
    assert (cheap.constant.right, cheap.constant.n) == (0, TASKS)
    assert cheap.version_once.value == pytest.approx(1 / 6)


def test_what_is_drawn_is_not_drawn_again(tmp_path):
    first = filled(tmp_path, Knowing([0]), Knowing([1]))
    base, version = Knowing([]), Knowing([])
    assert filled(tmp_path, base, version) == first
    assert base.asked == version.asked == 0
    more = filled(tmp_path, base, version, tasks=TASKS + 2)
    assert more.tasks == TASKS + 2
    assert more.lines[:TASKS] == first.lines
    assert base.asked > 0


def test_a_kill_loses_one_batch_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr("nightschool.practice.ledger.BATCH_DRAWS", 4)
    whole = filled(tmp_path / "whole", Knowing([0, 2]), Knowing([1, 2]))

    class Killed(BaseException):
        """Nothing catches it."""

    for after in range(1, 30, 6):
        left = [after]

        class Dying(Knowing):
            def generate(self, prompts, left=left, **more):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return super().generate(prompts, **more)

        folder = tmp_path / str(after)
        try:
            filled(folder, Dying([0, 2]), Dying([1, 2]))
        except Killed:
            before = Ledger.open(folder, TERMS)
            kept = sum(len(rows) for rows in before.drawn.values())
            found = filled(folder, Knowing([0, 2]), Knowing([1, 2]))
            assert kept <= sum(len(rows) for rows in Ledger.open(folder, TERMS).drawn.values())
        else:
            found = filled(folder, Knowing([]), Knowing([]))
        assert found == whole


def test_other_terms_have_another_file(tmp_path):
    one = Ledger.open(tmp_path, TERMS)
    other = Ledger.open(tmp_path, Terms("fake", "base-model", "ver-1", samples=8))
    assert one.path != other.path
    one.save()
    body = json.loads(one.path.read_text())
    one.path.write_text(json.dumps(body | {"terms": {}}))
    with pytest.raises(WorkspaceCorrupt, match="Delete it"):
        Ledger.open(tmp_path, TERMS)


def test_attempts_of_several_turns_are_accounted_for(tmp_path):
    environment = FakeEnvironment(turns=2)
    tasks = held_out(environment, 3)
    table = {}
    for task in tasks:
        table[task.prompt[0].content] = "ask"
        table[f"The number is {task.solution[1]}. Say it."] = task.solution[1]
    account = filled(
        tmp_path, FakeSampler({}), FakeSampler(table), 3,
        Terms("fake?turns=2", "b", "v", samples=2), environment,
    )  # fmt: skip
    assert account.whole.expanded == 3
    assert account.lines[0].bits.tokens == 2
    assert account.without_learning.majority is None
    assert account.without_learning.constant is None


def test_too_few_tasks_are_told():
    class Few(FakeEnvironment):
        def task(self, split, seed):
            return super().task(split, seed % 3)

    with pytest.raises(EnvironmentBroken, match="--tasks 3"):
        held_out(Few(), 5)


def test_each_way_to_ask_keeps_the_task_last():
    prompt = (Message("system", "Be brief."), Message("user", "Say 7."))
    environment = FakeEnvironment()
    ways = {w.name: Elicited(FakeSampler({}), w, environment).dressed(prompt) for w in WAYS}
    assert ways["plain"] == prompt
    assert ways["format told"][-1].content.startswith(f"Say 7.\n\n{HINT}")
    assert len(ways["3 examples"]) == 1 + 6 + 1
    assert len(ways["3 examples in one message"]) == 2
    for dressed in ways.values():
        assert dressed[0] == prompt[0]
        assert "Say 7." in dressed[-1].content


def test_the_first_line_alone_may_count():
    way = next(way for way in WAYS if way.first_line)
    model = FakeSampler({}, default="7\nAnd more.")
    model.generate = lambda prompts, **more: ["\n7\nAnd more." for _ in prompts]
    writer = Elicited(model, way, FakeEnvironment())
    assert writer.generate([(Message("user", "Say 7."),)], max_tokens=9) == ["7"]


def test_how_it_practised_is_one_of_the_ways():
    assert ways_for(FakeEnvironment()) == WAYS
    assert ways_for(FakeEnvironment(), practised=4)[-1].shots == 4

    class Unsolved(FakeEnvironment):
        def task(self, split, seed):
            return replace(super().task(split, seed), solution=())

    assert ways_for(Unsolved()) == (WAYS[0],)


def test_of_equal_ways_the_firmest_format_is_taken(tmp_path):
    filled(tmp_path, Knowing([]), Knowing([]))
    ledger = Ledger.open(tmp_path, TERMS)
    assert best(ledger.tried[BASE]) == best(ledger.tried[VERSION]) == WAYS[-1]
