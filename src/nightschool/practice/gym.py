"""The tasks of reasoning-gym as environments, by the names that they have there: `gym:chain_sum?max_terms=3`.

Its generators and its scorers are used as they are. Full marks alone count as correct; what a scorer gives for a
part is the value of a wrong answer. What it lets pass, passes: the scorers of some tasks are lenient. Some execute
what they are given: `gym_guard.py` stands before those.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nightschool.errors import EnvironmentBroken, LibraryMissing, UnknownEnvironment
from nightschool.practice.base import (
    ALWAYS,
    TRIES,
    Graded,
    Once,
    answers,
    side_of,
    task_id,
    too_few,
)
from nightschool.practice.gym_guard import is_safe
from nightschool.types import Case, Message, Score, Split, Task, Verdict

KEPT = 512
"""Items that are kept, so that a group of rollouts makes its item once."""
EXACT = {"game_of_life_halting"}
"""Datasets whose scorer takes any text at all for right; here the answer has to be the one that they hold."""
EXAMPLES = ("possible_answer", "example_correct_answer", "example_answer")
"""Where a dataset that accepts many answers may hold one of them, in an item's metadata."""
REPLIES = {
    "bare": "Reply with the answer alone.",
    "tagged": "Think first if it helps. Then give the answer between <answer> and </answer>.",
}
"""How an answer is to be given. A reply without any tag is taken as a whole, where it is `bare`."""
_TAGS = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_TAG = re.compile(r"</?answer")


class Gym:
    """One dataset of reasoning-gym; implements `protocols.Environment`."""

    def __init__(
        self, dataset: str, overrides: Mapping[str, Any] | None = None, reply: str = "bare"
    ) -> None:
        """Make the dataset; its items are made one by one, when they are asked for.

        Args:
            dataset: Its name in reasoning-gym.
            overrides: Fields of its configuration, but for `seed` and `size`; None: as it comes.
            reply: How answers are given: `bare` or `tagged`.

        Raises:
            LibraryMissing: reasoning-gym is not installed.
            UnknownEnvironment: It has no such dataset.
            EnvironmentBroken: It refuses the overrides, or there is no such kind of reply.
        """
        changes = dict(overrides or {})
        if dataset not in names():
            raise UnknownEnvironment(
                f"reasoning-gym has no dataset {dataset!r}. `nightschool practise --list` shows all."
            )
        if reply not in REPLIES:
            raise EnvironmentBroken(
                f"reply is {reply!r}; expected one of {', '.join(REPLIES)}. Choose one of them."
            )
        shown = changes | ({} if reply == "bare" else {"reply": reply})
        settings = "&".join(f"{key}={_written(value)}" for key, value in sorted(shown.items()))
        self.name = f"gym:{dataset}" + (f"?{settings}" if settings else "")
        self.about = f"reasoning-gym's {dataset.replace('_', ' ')}."
        self._reply = reply
        self._exact = dataset in EXACT
        self._source, self._changes = dataset, changes
        _made(dataset, changes, 0)
        self._items: dict[int, _Item] = {}

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed: the first item of its own range that belongs to the split.

        Raises:
            EnvironmentBroken: No item there belongs to the split, or the generator broke.
        """
        for index in range(seed * TRIES, (seed + 1) * TRIES):
            item = self._item(index)
            question = item.entry["question"]
            if side_of(question) == split:
                answer = item.answer
                solution = () if answer is None else (self._as_reply(answer),)
                prompt = f"{question.rstrip()}\n\n{REPLIES[self._reply]}"
                return Task(
                    task_id(self.name, split, seed), self.name, split, seed,
                    (Message("user", prompt),), solution, facts={"index": index},
                )  # fmt: skip
        raise too_few(self.name, split)

    def start(self, task: Task) -> Once:
        """Start an attempt; see `protocols.Environment.start`."""
        return Once(lambda reply: self._grade(task, reply))

    def cases(self, task: Task) -> Sequence[Case]:
        """Return answers that are wrong whatever the dataset; see `protocols.Environment.cases`."""
        right = [Case("right", task.solution, Verdict.CORRECT)] if task.solution else []
        first = task.solution[0] if task.solution else "1"
        plain = first.removeprefix("<answer>").removesuffix("</answer>")
        table = answers(
            judged=None,
            wrong=[self._as_reply("zqx no such answer")],
            malformed=[f"{plain}</answer>", "<answer></answer>"],
            truncated=[f"<answer>{plain}", f"<answer>{plain}</ans"],
            adversarial=[
                f"<answer>{plain}</answer><answer>{plain}?</answer>",
                self._as_reply("The right answer, which you know."),
            ],
        )
        always = [Case(one.kind, one.actions, None) for one in ALWAYS]
        return (*right, *always, *table)

    def _grade(self, task: Task, reply: str) -> Graded:
        answer = answer_in(reply, tagged=self._reply == "tagged")
        if answer is None:
            return Score(Verdict.WRONG, 0.0, "not in the form that was asked for")
        item = self._item(task.facts["index"])
        if self._exact:
            return answer.casefold() == str(item.answer).casefold()
        if not is_safe(self._source, answer):
            if answer == item.answer:
                return 1.0
            return Score(
                Verdict.WRONG,
                0.0,
                "code, or a sum too long to compute: its scorer would execute it",
            )
        value = float(item.dataset.score_answer(answer, entry=item.entry))
        # Some scorers give a trifle above 1, by rounding.
        return 1.0 if 1 <= value < 1 + 1e-6 else value

    def _item(self, index: int) -> _Item:
        if index not in self._items:
            if len(self._items) >= KEPT:
                self._items.clear()
            # A dataset of one item for each: some plan all their items when they are made.
            dataset = _made(self._source, self._changes, index)
            try:
                self._items[index] = _Item(dataset, dataset[0])
            except Exception as error:
                raise EnvironmentBroken(
                    f"{self.name} cannot make its item {index}: {type(error).__name__}: {error}. Other settings may help."
                ) from error
        return self._items[index]

    def _as_reply(self, answer: str) -> str:
        return f"<answer>{answer}</answer>" if self._reply == "tagged" else answer


class _Item(NamedTuple):
    """An item, and the dataset of it alone, which scores answers to it."""

    dataset: Any
    entry: dict[str, Any]

    @property
    def answer(self) -> str | None:
        """An answer that is right, as text; None where the dataset holds none."""
        found = self.entry["answer"]
        if found is None:
            metadata = self.entry.get("metadata", {})
            found = next((metadata[key] for key in EXAMPLES if key in metadata), None)
        return found if found is None or isinstance(found, str) else _plain(found)


def answer_in(reply: str, tagged: bool) -> str | None:
    """Return the answer of a reply: what stands in its one pair of tags, or all of it where there are no tags.

    Args:
        reply: What the model said.
        tagged: Whether tags are demanded.

    Returns:
        The answer without outer white space; None for a reply that is empty, cut within its tags, or has several.
    """
    found = _TAGS.findall(reply)
    if len(found) == 1 and len(_TAG.findall(reply)) == 2:
        return found[0].strip() or None
    if tagged or _TAG.search(reply):
        return None
    return reply.strip() or None


def names() -> list[str]:
    """List reasoning-gym's datasets.

    Raises:
        LibraryMissing: It is not installed.
    """
    _library()
    from reasoning_gym.factory import DATASETS

    return sorted(DATASETS)


def _library() -> Any:
    try:
        import reasoning_gym
    except ImportError as error:
        raise LibraryMissing(
            "The environments named gym: are reasoning-gym's, which is not installed. Run "
            f"`pip install -e '.[practice]'` in the clone, or `pip install reasoning-gym`. ({error})"
        ) from error
    return reasoning_gym


def _made(dataset: str, changes: dict[str, Any], seed: int) -> Any:
    from reasoning_gym.factory import DATASETS

    known = {field.name for field in dataclasses.fields(DATASETS[dataset][1])}
    settable = sorted(known - {"seed", "size"})
    for name in changes:
        if name not in settable:
            raise EnvironmentBroken(
                f"{dataset} has no setting {name!r}; expected one of {', '.join(settable)}. Correct it."
            )
    try:
        return _library().create_dataset(dataset, **changes, seed=seed, size=1)
    except Exception as error:
        raise EnvironmentBroken(
            f"reasoning-gym refuses {dataset} with {changes}: {type(error).__name__}: {error}. Correct the settings."
        ) from error


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, bool) else json.dumps(value)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
