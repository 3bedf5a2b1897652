"""The verifier of tool calls: the right tool, arguments that obey its schema, and the right values."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nightschool.calls import Schema, flaw, parse_call, settled
from nightschool.types import Item, Score, Verdict


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
        told = settled(given.arguments, schema)
        wanted = [settled(call.arguments, schema) for call in accepted if call.name == given.name]
        if told not in wanted:
            wrong = sorted(
                k for k in {*told, *wanted[0]} if told.get(k, ...) != wanted[0].get(k, ...)
            )
            return Score(Verdict.WRONG, 0.0, f"other values for {', '.join(wrong)}")
        return Score(Verdict.CORRECT, 1.0)


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
