"""Environments of others, as ours: `verifiers`-style ones, and Gymnasium's with texts for actions and observations.

Both are taken by what they do, not by what they are, so that neither library has to be installed here. Not taken: rubrics
that need a judge model, `verifiers` environments of the kinds that run a harness of their own, and Gymnasium
spaces other than text.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum
from typing import Any

from nightschool.errors import EnvironmentBroken
from nightschool.practice.base import (
    ALWAYS,
    HELD_OUT,
    Once,
    over,
    scored,
    side_of,
    task_id,
)
from nightschool.types import Case, Message, Score, Split, Step, Task, Verdict

Table = Callable[[Task], Sequence[Case]]
"""Task -> the author's own table; what is the same for every text is added."""


class VerifiersEnvironment:
    """A dataset and a rubric of weighted reward functions; implements `protocols.Environment`.

    Rows have `prompt` (messages) or `question`, and optionally `answer`, `info` and `task`. A reward function takes any of
    `prompt`, `completion`, `answer`, `info`, `state`, `task` and `parser` by name, and may be a coroutine. Rows of the evaluation dataset
    are held out, without those that are also trained on; where there is none, one row in five is. More turns than one need `env_response`
    and `is_completed`, as `MultiTurnEnv` has them.
    """

    def __init__(
        self, name: str, inner: Any, table: Table, about: str = "", most_turns: int = 10
    ) -> None:
        """Take an environment, and the table of its verifier.

        Args:
            name: What it is called here.
            inner: The environment: a `dataset` and a `rubric`, or the methods that return them.
            table: Answers and their verdicts, of each kind; `answers` of `nightschool.practice` helps.
            about: What is practised in it, in one sentence.
            most_turns: An attempt at several turns ends after so many.

        Raises:
            EnvironmentBroken: It has no dataset, no reward functions, or no rows for one of the splits.
        """
        self.name, self.about = name, about or f"{name}, by its own rubric."
        self._inner, self._table, self._most_turns = inner, table, most_turns
        self._functions = _rewards(getattr(inner, "rubric", None), name)
        self._rows = _rows(inner, name)

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed: rows in their order, and again from the first."""
        rows = self._rows[split]
        row = rows[seed % len(rows)]
        kept = {key: row[key] for key in ("answer", "info", "task") if row.get(key) is not None}
        return Task(
            task_id(self.name, split, seed), self.name, split, seed, _messages(row), facts=kept
        )

    def start(self, task: Task) -> Once | _VerifiersAttempt:
        """Start an attempt; see `protocols.Environment.start`."""
        if hasattr(self._inner, "env_response"):
            return _VerifiersAttempt(task, self._inner, self._reward, self._most_turns)
        return Once(lambda answer: self._reward(task, [_said(answer)], _state(task)))

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the author's table, and what is wrong in every one; see `protocols.Environment.cases`."""
        return (*self._table(task), *(Case(one.kind, one.actions, None) for one in ALWAYS))

    def _reward(self, task: Task, completion: list[dict[str, str]], state: dict[str, Any]) -> float:
        """Return the weighted mean of the rewards: 1 where every function that counts gives its full mark."""
        known = _state(task) | {
            "completion": completion, "state": state | {"completion": completion},
            "parser": getattr(self._inner, "parser", None),
        }  # fmt: skip
        total = sum(weight for _, weight in self._functions)
        earned = sum(
            weight * float(_awaited(function, known)) for function, weight in self._functions
        )
        return float(earned / total)


class _VerifiersAttempt:
    """Turns as `MultiTurnEnv` takes them."""

    def __init__(
        self, task: Task, inner: Any, reward: Callable[..., float], most_turns: int
    ) -> None:
        self._task, self._inner, self._reward = task, inner, reward
        self._state = _state(task)
        self._messages: list[dict[str, str]] = list(self._state["prompt"])
        self._completion: list[dict[str, str]] = []
        self._left, self._done = most_turns, False

    def step(self, action: str) -> Step:
        if self._done:
            raise over()
        self._left -= 1
        self._add(_said(action))
        try:
            heard = [] if self._over() else self._heard()
        except Exception as error:
            self._done = True
            told = f"the environment broke: {type(error).__name__}: {error}"
            return Step(done=True, score=Score(Verdict.UNSCORED, None, told))
        if heard and self._left > 0 and not self._over():
            return Step(tuple(Message(one["role"], one["content"]) for one in heard))
        self._done = True
        return Step(
            done=True,
            score=scored(lambda: self._reward(self._task, self._completion, self._state)),
        )

    def _add(self, message: dict[str, str]) -> None:
        self._messages.append(message)
        self._completion.append(message)
        self._state["turn"] += 1

    def _over(self) -> bool:
        return bool(_finished(self._inner.is_completed(self._messages, self._state)))

    def _heard(self) -> list[dict[str, str]]:
        """Return what the environment says; older ones return it with a new state."""
        said = _finished(self._inner.env_response(self._messages, self._state))
        if isinstance(said, tuple):
            said, self._state = said
        rows = [said] if isinstance(said, Mapping) else said
        heard = [{str(key): str(value) for key, value in one.items()} for one in rows]
        self._messages += heard
        self._completion += heard
        return heard


class GymnasiumEnvironment:
    """A Gymnasium environment of texts; implements `protocols.Environment`.

    Its seeds are split, not what it asks: that a held-out episode is not a training one is as true as its generator makes different
    episodes of different seeds.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
        table: Table,
        about: str = "",
        rewards: tuple[float, float] = (0.0, 1.0),
        most_turns: int = 50,
    ) -> None:
        """Take what makes the environment, and the table of its verifier.

        Args:
            name: What it is called here.
            make: Makes one, such as `lambda: gymnasium.make("Words-v0")`; each attempt has its own.
            table: Actions and their verdicts, of each kind.
            about: What is practised in it, in one sentence.
            rewards: The sums of an episode's rewards that mean 0 and full marks.
            most_turns: An episode ends after so many actions.

        Raises:
            EnvironmentBroken: The rewards are not in order, or its actions are no texts.
        """
        low, high = rewards
        if low >= high:
            raise EnvironmentBroken(
                f"{name}: rewards are {rewards}; expected the lower first. Turn them round."
            )
        if not hasattr(make().action_space, "max_length"):
            raise EnvironmentBroken(
                f"{name}: its actions are no texts; expected gymnasium.spaces.Text. Wrap it so that they are."
            )
        self.name, self.about = name, about or f"{name}, a Gymnasium environment."
        self._make, self._table, self._rewards, self._most_turns = make, table, rewards, most_turns

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed: every fifth seed of its own is held out."""
        groups, place = divmod(seed, HELD_OUT - 1)
        own = seed * HELD_OUT if split == "held_out" else groups * HELD_OUT + place + 1
        observation, _ = self._make().reset(seed=own)
        return Task(
            task_id(self.name, split, seed), self.name, split, seed,
            (Message("user", str(observation)),), facts={"seed": own},
        )  # fmt: skip

    def start(self, task: Task) -> _GymnasiumAttempt:
        """Start an episode; see `protocols.Environment.start`."""
        inner = self._make()
        inner.reset(seed=task.facts["seed"])
        return _GymnasiumAttempt(inner, self._rewards, self._most_turns)

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the author's table; see `protocols.Environment.cases`."""
        return self._table(task)


ROUNDING = 1e-6
"""So little below the best episode is the best one: rewards of tenths do not add up to a whole."""


class _GymnasiumAttempt:
    def __init__(self, inner: Any, rewards: tuple[float, float], most_turns: int) -> None:
        self._inner, self._left = inner, most_turns
        self._low, self._high = rewards
        self._rewards: list[float] = []
        self._done = False

    def step(self, action: str) -> Step:
        if self._done:
            raise over()
        self._left -= 1
        if not self._inner.action_space.contains(action):
            # Spaces of text have an alphabet and a longest text, and an action outside is none.
            self._done = True
            return Step(
                done=True, score=Score(Verdict.WRONG, 0.0, "not a text of its action space")
            )
        try:
            observation, reward, ended, cut, _ = self._inner.step(action)
        except Exception as error:
            self._done = True
            told = f"the environment broke: {type(error).__name__}: {error}"
            return Step(done=True, score=Score(Verdict.UNSCORED, None, told))
        self._rewards.append(float(reward))
        self._done = bool(ended or cut or self._left <= 0)
        if self._done:
            return Step(done=True, score=scored(self._value))
        return Step((Message("user", str(observation)),))

    def _value(self) -> float:
        value = (fsum(self._rewards) - self._low) / (self._high - self._low)
        return 1.0 if value > 1 - ROUNDING else max(0.0, value)


# -- what verifiers-style environments consist of ---------------------------------------------


def _rewards(rubric: Any, name: str) -> list[tuple[Callable[..., Any], float]]:
    """Pair a rubric's functions with their weights; those without weight are statistics, and are left out."""
    functions = _first(rubric, "funcs", "reward_funcs", "get_reward_funcs")
    weights = _first(rubric, "weights", "reward_weights", "get_reward_weights")
    functions = list(functions or ())
    pairs = list(zip(functions, list(weights or [1.0] * len(functions)), strict=False))
    kept = [(function, float(weight)) for function, weight in pairs if weight]
    if not kept or any(weight < 0 for _, weight in kept):
        raise EnvironmentBroken(
            f"{name}: its rubric has {len(kept)} weighted reward functions; expected one at least, and no weight below 0. "
            "Give its rubric functions and weights."
        )
    return kept


def _rows(inner: Any, name: str) -> dict[Split, list[dict[str, Any]]]:
    known = [dict(row) for row in _first(inner, "dataset", "get_dataset") or ()]
    examined = [dict(row) for row in _first(inner, "eval_dataset", "get_eval_dataset") or ()]
    rows: dict[Split, list[dict[str, Any]]] = {"train": [], "held_out": []}
    if examined:
        trained = {_asked(row) for row in known}
        rows = {
            "train": known,
            "held_out": [row for row in examined if _asked(row) not in trained],
        }
    else:
        for row in known:
            rows[side_of(_asked(row))].append(row)
    for split, found in rows.items():
        if not found:
            raise EnvironmentBroken(
                f"{name}: its dataset has no {split} rows ({len(known)} rows, {len(examined)} for evaluation). Give it more."
            )
    return rows


def _first(owner: Any, *names: str) -> Iterable[Any] | None:
    """Return the first of an object's attributes that is there and not None; a method is called."""
    for name in names:
        found = getattr(owner, name, None)
        if callable(found):
            found = found()
        if found is not None:
            return list(found)
    return None


def _messages(row: Mapping[str, Any]) -> tuple[Message, ...]:
    prompt = row.get("prompt") or row.get("question") or ""
    if isinstance(prompt, str):
        return (Message("user", prompt),)
    return tuple(Message(str(one["role"]), str(one["content"])) for one in prompt)


def _asked(row: Mapping[str, Any]) -> str:
    return "\n".join(message.content for message in _messages(row))


def _said(action: str) -> dict[str, str]:
    return {"role": "assistant", "content": action}


def _state(task: Task) -> dict[str, Any]:
    """Return what a rollout's state begins with; `info` may be written as JSON."""
    info = task.facts.get("info", {})
    return {
        "prompt": [{"role": one.role, "content": one.content} for one in task.prompt],
        "answer": task.facts.get("answer", ""), "task": task.facts.get("task", "default"),
        "info": json.loads(info) if isinstance(info, str) else info, "turn": 0,
    }  # fmt: skip


def _awaited(function: Callable[..., Any], known: Mapping[str, Any]) -> Any:
    """Call a reward function with what its signature names."""
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return _finished(function(**known))
    return _finished(function(**{one.name: known[one.name] for one in parameters if one.name in known}))  # fmt: skip


def _finished(value: Any) -> Any:
    async def wait() -> Any:
        return await value

    return asyncio.run(wait()) if inspect.isawaitable(value) else value
