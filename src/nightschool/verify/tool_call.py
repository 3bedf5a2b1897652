"""The verifier of tool calls: the right tool, arguments that obey its schema, and the right values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from nightschool.calls import Call, Schema, arguments_of, flaw
from nightschool.types import Item, Score, Verdict

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)


class ToolCallVerifier:
    """Accepts one JSON call of the item's tool whose arguments are valid and equal to an accepted call's.

    An optional argument may be left out or given with its default; numbers are equal by value, texts
    but for white space around them. Words around the call do not matter; a second call does.
    """

    def verify(self, item: Item, answer: str) -> Score:
        """Grade by the schema first, then by the values; the reason says what is wrong.

        Raises:
            ValueError: The item's own accepted answer is no call.
            jsonschema.SchemaError: The item's schema is none.
        """
        schema = json.loads(item.schema)
        accepted = [call for call in map(parse_call, item.answers) if call]
        if len(accepted) < len(item.answers):
            raise ValueError(f"the accepted answers {item.answers!r} are not all tool calls")
        given = parse_call(answer)
        if given is None:
            return Score(Verdict.WRONG, 0.0, "no single tool call in JSON in it")
        if given.name not in {call.name for call in accepted}:
            return Score(Verdict.WRONG, 0.0, f"calls {given.name!r}")
        broken = flaw(given.arguments, schema)
        if broken:
            return Score(Verdict.WRONG, 0.0, f"breaks the schema: {broken}")
        told = _filled(given.arguments, schema)
        wanted = [_filled(call.arguments, schema) for call in accepted if call.name == given.name]
        if told not in wanted:
            wrong = sorted(
                k for k in {*told, *wanted[0]} if told.get(k, ...) != wanted[0].get(k, ...)
            )
            return Score(Verdict.WRONG, 0.0, f"other values for {', '.join(wrong)}")
        return Score(Verdict.CORRECT, 1.0)


def parse_call(answer: str) -> Call | None:
    """Read the one tool call in an answer: `{"name": ..., "arguments": {...}}`.

    Returns:
        The call; None where there is no such object, or more than one of any kind.
    """
    fenced = _FENCE.search(answer)
    text = fenced[1] if fenced else answer
    start = text.find("{")
    try:
        body, end = json.JSONDecoder().raw_decode(text, max(start, 0))
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(body, dict) or "{" in text[end:] + (answer[fenced.end() :] if fenced else ""):
        return None
    arguments = body.get("arguments")
    if isinstance(arguments, str):  # as OpenAI's API writes them
        try:
            arguments = json.loads(arguments)
        except (json.JSONDecodeError, RecursionError):
            return None
    if not isinstance(body.get("name"), str) or not isinstance(arguments, dict):
        return None
    return Call(body["name"], arguments)


def is_valid(answer: str, tools: Mapping[str, Schema]) -> bool:
    """Tell whether an answer is a call of one of the tools that its schema allows, whatever the values.

    Args:
        answer: What a model said.
        tools: Name -> JSON Schema of the arguments.

    Raises:
        jsonschema.SchemaError: The called tool's schema is none.
    """
    call = parse_call(answer)
    return call is not None and call.name in tools and not flaw(call.arguments, tools[call.name])


def _filled(arguments: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return valid arguments with the defaults of those left out, texts without outer white space."""
    defaults = {
        one.name: one.schema["default"] for one in arguments_of(schema) if "default" in one.schema
    }
    return {key: _trimmed(value) for key, value in (defaults | arguments).items()}


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_trimmed(one) for one in value]
    if isinstance(value, dict):
        return {key: _trimmed(one) for key, one in value.items()}
    # True equals 1 in Python, and not in JSON.
    return (value,) if isinstance(value, bool) else value
