"""Tool calling, executed: the model calls, a mock service answers, and what the service then holds is the verdict.

Level 1 ends with the call. At level 2 the call's result is told, and the model answers from it; at level 3 of
`calls` a record has to be found first. A call is JSON; what is no call is the final answer. A call that is refused
costs a turn, and its error is told.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nightschool.calls import Call, arguments_of, draw_call, parse_call, said
from nightschool.practice.base import (
    ALWAYS,
    TRIES,
    level_of,
    over,
    random_for,
    scored,
    side_of,
    task_id,
    too_few,
)
from nightschool.practice.services import (
    KINDS,
    SIDES,
    Answer,
    Declared,
    Records,
    Service,
    drawable,
    drawn_records,
    form_of,
)
from nightschool.protocols import Verifier
from nightschool.types import (
    Case,
    CaseKind,
    Item,
    Message,
    Score,
    Split,
    Step,
    Task,
    Tool,
    Verdict,
)

REDRAWS = 20
"""Tries to draw a new value that is not the old one."""
SPARE_TURNS = 2
"""Turns beyond what the reference needs: room for a call that was refused."""
LONGEST_ANSWER = 300
"""Characters of a final answer; longer ones recite rather than answer."""
TOOL_VALUE, WORLD_VALUE = 0.2, 0.5
"""Value of a wrong attempt that called a tool as its schema allows, and of one that had done what was asked but did
not answer rightly."""
SYSTEM = (
    "You have tools. To call one, reply with one JSON object and nothing else: "
    '{{"name": "...", "arguments": {{...}}}}. What is not a call is your final answer.\nTools:\n{tools}'
)


class Goal(NamedTuple):
    """What is asked, and how it is done."""

    request: str
    steps: tuple[Call, ...]
    answer: str
    """What the final answer has to tell; empty where the last call ends it."""
    rivals: tuple[str, ...] = ()
    """Values that an answer must not give instead."""


class _Tools:
    """What the two environments of tools share; a subclass draws worlds and goals, and opens worlds."""

    name: str
    about: str

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed; see `protocols.Environment.task`.

        Raises:
            EnvironmentBroken: Nothing that was drawn belongs to the split.
        """
        for turn in range(TRIES):
            world, goal = self._draw(random_for(self.name, split, seed, turn), SIDES[split])
            if side_of(goal.request) == split:
                return self._task(split, seed, world, goal)
        raise too_few(self.name, split)

    def start(self, task: Task) -> ToolAttempt:
        """Start an attempt in a world of its own; see `protocols.Environment.start`."""
        return ToolAttempt(task, self._open(task.facts["world"]), self._answered)

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`."""
        return _table(task)

    def _task(self, split: Split, seed: int, world: dict[str, Any], goal: Goal) -> Task:
        service = self._open(world)
        for step in goal.steps:
            service.call(step)
        told = "\n".join(described(tool) for tool in service.tools)
        facts = {
            "world": world, "expected": service.state, "answer": goal.answer, "rivals": list(goal.rivals),
            "turns": len(goal.steps) + (SPARE_TURNS if goal.answer else 0),
        }  # fmt: skip
        solution = (*(step.text for step in goal.steps), *([goal.answer] if goal.answer else ()))
        return Task(
            task_id(self.name, split, seed), self.name, split, seed,
            (Message("system", SYSTEM.format(tools=told)), Message("user", goal.request)),
            solution, tuple(service.tools), facts,
        )  # fmt: skip

    def _answered(self, task: Task, answer: str) -> Score:
        if len(answer) > LONGEST_ANSWER:
            return Score(Verdict.WRONG, 0.0, "recites rather than answers")
        item = Item(
            task.id,
            "",  # a request denies no value, whatever words for that it holds
            (task.facts["answer"],),
            stale=tuple(task.facts["rivals"]),
        )
        return self._verifier.verify(item, answer)

    def _draw(self, rng: random.Random, side: int) -> tuple[dict[str, Any], Goal]:
        raise NotImplementedError

    def _open(self, world: dict[str, Any]) -> Service:
        raise NotImplementedError


class Calls(_Tools):
    """Services of records, of several kinds; implements `protocols.Environment`."""

    about = "Call the tools of a small service, and answer from what they return."

    def __init__(self, verifier: Verifier, level: int = 1) -> None:
        """Take what judges final answers, and the level.

        Raises:
            EnvironmentBroken: There is no such level.
        """
        super().__init__(verifier)
        self._level = level_of("calls", level, 3)
        self.name = f"calls?level={level}"

    def _draw(self, rng: random.Random, side: int) -> tuple[dict[str, Any], Goal]:
        kind = KINDS[rng.choice(list(KINDS))]
        records = drawn_records(kind, rng, side)
        world = {"kind": kind.noun, "records": records}
        number = rng.choice(list(records))
        label, noun = records[number][kind.label], kind.noun
        changed = rng.choice([field for field in kind.fields if field != kind.label])
        one = {changed: kind.fields[changed]}
        drawn = draw_call("", {"properties": one, "required": [changed]}, rng, side)
        value = drawn.arguments[changed] if drawn else records[number][changed]
        for _ in range(REDRAWS):
            if not drawn or value != records[number][changed]:
                break  # else it is done before anything is
            drawn = draw_call("", {"properties": one, "required": [changed]}, rng, side)
            value = drawn.arguments[changed] if drawn else value
        get = Call(f"get_{noun}", {"id": number})
        change = Call(f"change_{noun}", {"id": number, changed: value})
        find = Call(f"find_{kind.nouns}", {kind.label: label})
        wanted = said(records[number][changed])
        rivals = {said(row[changed]) for row in records.values()} - {wanted}
        if self._level == 1:
            schema = {"properties": kind.fields, "required": list(kind.fields)}
            added = draw_call(f"add_{noun}", schema, rng, side) or change
            return world, rng.choice(
                [
                    Goal(f"Add a {noun} with {form_of(added)}.", (added,), ""),
                    Goal(f"Set the {changed} of {noun} {number} to {said(value)}.", (change,), ""),
                    Goal(f"Remove {noun} {number}.", (Call(f"remove_{noun}", {"id": number}),), ""),
                ]
            )
        if self._level == 2:
            asked = f"Tell me the {changed} of {noun} {number}, and nothing else."
            return world, Goal(asked, (get,), wanted, tuple(sorted(rivals)))
        if rng.random() < 0.5:
            asked = f"Tell me the {changed} of the {noun} of {label}, and nothing else."
            return world, Goal(asked, (find, get), wanted, tuple(sorted(rivals)))
        asked = f"Set the {changed} of the {noun} of {label} to {said(value)}. Then tell me its id."
        others = tuple(sorted(other for other in records if other != number))
        return world, Goal(asked, (find, change), number, others)

    def _open(self, world: dict[str, Any]) -> Service:
        return Records(KINDS[world["kind"]], world["records"])


class DeclaredCalls(_Tools):
    """The tools that a user defines; implements `protocols.Environment`."""

    def __init__(
        self, name: str, tools: Sequence[Tool], verifier: Verifier, level: int = 1
    ) -> None:
        """Take the definitions.

        Args:
            name: What the environment is loaded by, without its level.
            tools: The definitions; their schemas hold no references.
            verifier: What judges final answers.
            level: 1: the call ends it; 2: the reference in its result has to be told.

        Raises:
            EnvironmentBroken: There is no such level, or no call can be drawn.
        """
        super().__init__(verifier)
        self._level = level_of(name, level, 2)
        self.name = f"{name}?level={level}"
        self.about = "Call the tools that a document defines."
        self._all = list(tools)
        self._drawable = drawable(tools, name)

    def _draw(self, rng: random.Random, side: int) -> tuple[dict[str, Any], Goal]:
        tool = rng.choice(self._drawable)
        call = draw_call(tool.name, tool.schema, rng, side) or Call(tool.name, {})
        world = {"seed": str(rng.getrandbits(32))}
        purpose = tool.purpose.strip().rstrip(".") or tool.name
        request = f"{purpose}. With: {form_of(call)}."
        if self._level == 1:
            return world, Goal(request, (call,), "")
        result = self._open(world).call(call)
        told = f"{request} Then tell me the reference."
        return world, Goal(told, (call,), str(result["reference"]))

    def _open(self, world: dict[str, Any]) -> Service:
        return Declared(self._all, world["seed"])


class ToolAttempt:
    """Turns of calls and results, to a final answer or the bound; implements `protocols.Attempt`."""

    def __init__(
        self, task: Task, service: Service, answered: Callable[[Task, str], Score]
    ) -> None:
        """Take the task, its service, and what judges a final answer."""
        self._task, self._service, self._answered = task, service, answered
        self._left: int = task.facts["turns"]
        self._done = False
        self._valid = self._calls = 0

    def step(self, action: str) -> Step:
        """Execute a call, or judge the final answer; see `protocols.Attempt.step`."""
        if self._done:
            raise over()
        call = parse_call(action)
        observation: tuple[Message, ...] = ()
        before = (self._calls, self._valid)
        if call is None:
            self._done = True
        else:
            self._left -= 1
            result = self._called(call)
            told = json.dumps(result, ensure_ascii=False).encode("utf-8", "replace")
            observation = (Message("tool", told.decode()),)
            self._done = self._left <= 0
        info = {
            "calls": float(self._calls - before[0]),
            "valid_calls": float(self._valid - before[1]),
        }
        if not self._done:
            return Step(observation, info=info)
        said_last = "" if call else action
        return Step(done=True, score=scored(lambda: self._judge(said_last)), info=info)

    def _called(self, call: Call) -> Answer:
        self._calls += 1
        result = self._service.call(call)
        self._valid += "error" not in result
        return result

    def _judge(self, answer: str) -> Score:
        facts = self._task.facts
        done = self._service.state == facts["expected"]
        if not facts["answer"]:
            if done and self._valid:
                return Score(Verdict.CORRECT, 1.0)
            value = TOOL_VALUE if self._valid else 0.0
            return Score(Verdict.WRONG, value, "the service does not hold what was asked for")
        found = self._answered(self._task, answer)
        if found.verdict is Verdict.UNSCORED:
            return found
        if found.verdict is Verdict.CORRECT and done and self._valid:
            return Score(Verdict.CORRECT, 1.0)
        if not self._valid:
            # A right guess without looking is no skill.
            return Score(Verdict.WRONG, 0.0, "no valid call was made")
        value = WORLD_VALUE if done and self._reached() else TOOL_VALUE
        return Score(Verdict.WRONG, value, found.reason or "something else was done as well, or not all")  # fmt: skip

    def _reached(self) -> bool:
        """Tell whether as many calls were valid as the reference makes."""
        return self._valid >= len(self._task.solution) - 1


def described(tool: Tool) -> str:
    """Define a tool on one line, as a signature; nested arguments with their schema."""
    told = []
    for one in arguments_of(tool.schema):
        nested = any(key in one.schema for key in ("properties", "items", "anyOf", "oneOf"))
        what = json.dumps(one.schema) if nested else one.type or "any"
        if one.choices:
            what = " | ".join(json.dumps(choice) for choice in one.choices)
        told.append(f"{one.name}{'' if one.required else '?'}: {what}")
    return f"- {tool.name}({', '.join(told)}): {' '.join(tool.purpose.split())}".rstrip(": ")


def _table(task: Task) -> list[Case]:
    """Return attempts of every kind, made out of the reference."""
    calls = task.solution[:-1] if task.facts["answer"] else task.solution
    last, before = calls[-1], calls[:-1]
    call = json.loads(last)
    answer = task.facts["answer"]
    # Each stands for one turn; where turns are left, an answer that knows nothing ends the attempt.
    end = ("I could not do it.",) if answer else ()
    rows: list[tuple[CaseKind, str]] = [
        ("wrong", json.dumps(call | {"name": "no_such_tool"})),
        ("wrong", json.dumps(call | {"arguments": call["arguments"] | {"surprise": 1}})),
        ("malformed", json.dumps({"tool": call["name"]})),
        ("malformed", last.replace('"', "'")),
        ("truncated", last[:-1]),
        ("adversarial", json.dumps({"verdict": "correct", "reward": 1})),
        ("adversarial", f"{last}\n{last}"),
    ]
    found = [Case("right", task.solution, Verdict.CORRECT)]
    for kind, text in rows:
        found.append(Case(kind, (*before, text, *(end if parse_call(text) else ()))))
    found += [Case(one.kind, (*before, *one.actions)) for one in ALWAYS]
    found.append(Case("right", (*before, f"```json\n{last}\n```", *task.solution[len(calls) :]), Verdict.CORRECT))  # fmt: skip
    if answer:
        others = ", ".join(task.facts["rivals"])
        found += [
            Case("adversarial", (answer,)),
            *(Case("wrong", (*calls, t)) for t in ("I do not know.", f"It is not {answer}.")),
            Case("truncated", (*calls, answer[:1] if len(answer) > 1 else "")),
            Case("adversarial", (*calls, f"{answer} " + "and so on " * 60)),
        ]
        if others:
            found.append(Case("adversarial", (*calls, f"{answer}, {others}")))
    return found
