"""Exam questions about tools: requests that no study material has, with values that it never draws.

Deliberately another mechanism than study material's requests: the task as the definition words it,
and the values as a filled-in form.
"""

from __future__ import annotations

import json
import random
import re
from typing import NamedTuple

from nightschool.calls import EXAM, arguments_of, draw_call, said
from nightschool.types import Memory, digest

CALLS = 3
"""Requests for each tool, whatever the limit: one that comes right says little of a tool's other arguments."""
FORMS = (
    "I have this to do: {task}. The form says: {form}. Which call does it?",
    "{form}. With these entries, make the tool call for: {task}.",
    "Task: {task}.\nEntries: {form}.\nTool call:",
)
LONGEST = 40
"""Characters of an answer in words."""


class Asked(NamedTuple):
    """A question, its answer, and the schema of the tool where that is a call."""

    question: str
    answer: str
    schema: str


def tool_questions(memory: Memory, limit: int) -> list[Asked]:
    """Write questions about a tool: `CALLS` calls first, then of its arguments, up to `limit` in all.

    No call is asked for where none can be drawn, nor of a tool without a description.
    """
    facets = memory.facets
    name, task = facets["name"], facets["purpose"].rstrip(".")
    schema = json.loads(facets["schema"])
    found: list[Asked] = []
    for turn in range(CALLS) if task else ():
        rng = random.Random(digest("exam", name, str(turn)))
        call = draw_call(name, schema, rng, EXAM)
        if call is None:
            break
        form = "; ".join(f"{_label(key)} = {said(one)}" for key, one in call.arguments.items())
        question = FORMS[turn % len(FORMS)].format(task=task, form=form or "nothing to fill in")
        found.append(Asked(question, call.text, facets["schema"]))
    found += _about_arguments(name, schema)
    return list({one.question: one for one in found}.values())[: max(limit, CALLS)]


def _about_arguments(name: str, schema: dict[str, object]) -> list[Asked]:
    asked = []
    for one in arguments_of(schema):
        if one.type:
            asked.append(
                Asked(f"`{name}` gets a value for `{one.name}`: of which JSON type?", one.type, "")
            )
        if "default" in one.schema and len(str(one.schema["default"])) <= LONGEST:
            default = said(one.schema["default"])
            asked.append(
                Asked(f"`{name}` is called without `{one.name}`. What is assumed?", default, "")
            )
    return asked


def _label(name: str) -> str:
    return re.sub(r"[_\W]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()
