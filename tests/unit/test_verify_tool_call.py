"""Tool calls are graded by name, schema and values; whatever cannot be read as one call is wrong."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.calls import EXAM, draw_call
from nightschool.types import Item, Verdict
from nightschool.verify.judge import grade, verifier_for
from nightschool.verify.tool_call import ToolCallVerifier, is_valid, parse_call

SCHEMA = {
    "type": "object",
    "properties": {
        "club": {"type": "string"},
        "players": {"type": "integer", "minimum": 2, "maximum": 4},
        "surface": {"type": "string", "enum": ["clay", "grass"], "default": "clay"},
        "lights": {"type": "boolean"},
    },
    "required": ["club", "players"],
    "additionalProperties": False,
}
RIGHT = '{"name": "reserve", "arguments": {"club": "Elm", "players": 2}}'
ITEM = Item("i", "A court at Elm for 2.", (RIGHT,), schema=json.dumps(SCHEMA))


def call(name="reserve", **arguments):
    return json.dumps({"name": name, "arguments": {"club": "Elm", "players": 2} | arguments})


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        f"```json\n{RIGHT}\n```",
        f"Here is the call: {RIGHT} Done.",
        call(surface="clay"),
        call(club=" Elm "),
        call(players=2.0),
        '{"arguments": {"players": 2, "club": "Elm"}, "name": "reserve"}',
        json.dumps({"name": "reserve", "arguments": '{"club": "Elm", "players": 2}'}),
    ],
)
def test_right_calls(answer):
    assert grade(ITEM, answer).score.verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no single tool call"),
        (RIGHT[:-1], "no single tool call"),
        ("reserve(club='Elm', players=2)", "no single tool call"),
        (f"{RIGHT}\n{call(players=3)}", "no single tool call"),
        (f"```json\n{RIGHT}\n```\n{call(players=3)}", "no single tool call"),
        ("[" * 50_000, "no single tool call"),
        ('{"name": "reserve"}', "no single tool call"),
        ('{"name": "reserve", "arguments": "{"}', "no single tool call"),
        (call("cancel"), "calls 'cancel'"),
        (call(players="2"), "players: '2' is not of type 'integer'"),
        (call(players=9), "players: 9 is greater"),
        (call(surface="mud"), "surface: 'mud' is not one of"),
        (call(colour="red"), "Additional properties"),
        (call(club="Oak"), "other values for club"),
        (call(surface="grass"), "other values for surface"),
        (call(lights=False), "other values for lights"),
    ],
)
def test_wrong_calls_and_why(answer, reason):
    score = grade(ITEM, answer).score
    assert score.verdict is Verdict.WRONG
    assert reason in score.reason


def test_true_is_not_one():
    schema = {"type": "object", "properties": {"n": {}}}
    item = Item("i", "?", ('{"name": "t", "arguments": {"n": 1}}',), schema=json.dumps(schema))
    answer = '{"name": "t", "arguments": {"n": true}}'
    assert grade(item, answer).score.verdict is Verdict.WRONG


def test_a_broken_item_is_unscored_and_never_wrong():
    for item in (
        Item("i", "?", ("no call",), schema="{}"),
        Item("i", "?", (RIGHT,), schema='{"type": "thing"}'),
        Item("i", "?", (RIGHT,), schema="{"),
    ):
        assert grade(item, RIGHT).score.verdict is Verdict.UNSCORED


def test_valid_whatever_the_values():
    tools = {"reserve": SCHEMA}
    assert is_valid(call(club="Somewhere else"), tools)
    assert not is_valid(call(players=1), tools)
    assert not is_valid(call("cancel"), tools)
    assert not is_valid("I don't know.", tools)


@given(st.integers(0, 5000), st.text(max_size=20))
def test_a_call_is_right_for_itself_alone(seed, other):
    drawn = draw_call("reserve", SCHEMA, random.Random(seed), EXAM)
    item = Item("i", "?", (drawn.text,), schema=json.dumps(SCHEMA))
    verifier = ToolCallVerifier()
    assert verifier.verify(item, f"```\n{drawn.text}\n```").verdict is Verdict.CORRECT
    changed = drawn.arguments | {"club": drawn.arguments["club"] + "x" + other}
    answer = json.dumps({"name": "reserve", "arguments": changed})
    assert verifier.verify(item, answer).verdict is Verdict.WRONG


@given(st.text(max_size=60))
def test_anything_can_be_read_without_breaking(text):
    found = parse_call(text)
    assert found is None or isinstance(found.arguments, dict)
    assert verifier_for(ITEM).verify(ITEM, text).verdict is Verdict.WRONG
