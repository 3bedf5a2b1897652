"""Drawn calls obey their schema, are the same from the same seed, and keep study and exam apart."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import SchemaError
from referencing.exceptions import Unresolvable

from nightschool.calls import (
    EXAM,
    FIRST,
    LAST,
    PLACES,
    STUDY,
    SYLLABLES,
    arguments_of,
    draw_call,
    flaw,
    parse_call,
    role_of,
    said,
    type_of,
)

NAMES = st.sampled_from(["city", "due_date", "guest", "sku", "text", "nightsCount", "with_pets", "email"])  # fmt: skip
LEAVES = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "string", "format": "date"}),
    st.just({"type": "string", "enum": ["low", "high"]}),
    st.just({"type": ["string", "null"]}),
    st.just({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-50, 50),
        st.integers(0, 90),
    ),
    st.just({"type": "number", "minimum": 0, "maximum": 10}),
    st.just({"type": "boolean"}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one, "minItems": 1}, inner),
        st.builds(
            lambda rows: {"type": "object", "properties": rows, "required": sorted(rows)[:1]},
            st.dictionaries(NAMES, inner, max_size=3),
        ),
    ),
    max_leaves=6,
)
TOOLS = st.builds(
    lambda rows, many: {
        "type": "object",
        "properties": rows,
        "required": sorted(rows)[:many],
        "additionalProperties": False,
    },
    st.dictionaries(NAMES, SCHEMAS, max_size=5),
    st.integers(0, 5),
)


@given(TOOLS, st.integers(0, 1000), st.sampled_from([STUDY, EXAM]))
def test_a_drawn_call_obeys_its_schema_and_can_be_drawn_again(schema, seed, side):
    call = draw_call("tool", schema, random.Random(seed), side)
    assert call is not None
    assert not flaw(call.arguments, schema)
    assert set(schema["required"]) <= set(call.arguments)
    assert draw_call("tool", schema, random.Random(seed), side) == call
    assert json.loads(call.text) == {"name": "tool", "arguments": call.arguments}


def test_the_exams_words_are_never_the_studys():
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("city", "guest", "text")},
        "required": ["city", "guest", "text"],
    }
    said_ = {STUDY: set(), EXAM: set()}
    for side, words in said_.items():
        for seed in range(200):
            call = draw_call("t", schema, random.Random(seed), side)
            words |= {w for value in call.arguments.values() for w in value.replace("'s", "").lower().split()}  # fmt: skip
    fillers = {"for", "of", "and", "with"}
    assert said_[STUDY] & said_[EXAM] <= fillers
    for pool in (FIRST, LAST, PLACES, SYLLABLES):
        assert len(pool) == len(set(pool))


def test_a_pattern_is_met_by_the_shape_of_an_example_or_not_at_all():
    code = {"type": "string", "pattern": "^[A-Z]{2}[0-9]{4}$", "examples": ["QX1234"]}
    schema = {"type": "object", "properties": {"code": code}, "required": ["code"]}
    drawn = {draw_call("t", schema, random.Random(n), STUDY).arguments["code"] for n in range(9)}
    assert len(drawn) > 5
    code |= {"pattern": "^~{9}$", "examples": []}
    assert draw_call("t", schema, random.Random(1), STUDY) is None


def test_impossible_schemas_give_no_call():
    for one in ({"type": "integer", "minimum": 5, "maximum": 2}, {"type": "number", "minimum": 1e999}):  # fmt: skip
        schema = {"type": "object", "properties": {"n": one}, "required": ["n"]}
        assert draw_call("t", schema, random.Random(0), STUDY) is None


def test_what_breaks_a_schema_is_told_and_no_reference_is_ever_fetched():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert flaw({"n": 4}, schema) == ""
    assert flaw({"n": "4"}, schema).startswith("n: ")
    assert "required" in flaw({}, schema)
    with pytest.raises(SchemaError):
        flaw({}, {"type": "thing"})
    with pytest.raises(Unresolvable):
        flaw({"n": 1}, {"properties": {"n": {"$ref": "http://example.invalid/n.json"}}})


@pytest.mark.parametrize(
    ("name", "schema", "role"),
    [
        ("due_date", {}, "date"),
        ("checkIn", {"description": "Day of arrival, YYYY-MM-DD."}, "date"),
        ("when", {"format": "date-time"}, "moment"),
        ("departure_city", {}, "place"),
        ("customer_email", {}, "email"),
        ("order_number", {}, "id"),
        ("note", {}, "text"),
    ],
)
def test_what_a_text_holds_is_told_by_format_description_or_name(name, schema, role):
    assert role_of(name, schema) == role


def test_types_and_values_in_words():
    assert type_of({"type": "array", "items": {"type": "string"}}) == "array of string"
    assert type_of({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == "integer or null"
    assert type_of({"enum": ["a", "b"]}) == "string"
    assert said(["a", "b", "c"]) == "a, b and c"
    assert said(True) == "yes"
    assert said({"street": "Elm Road", "number": 4}) == "street Elm Road, number 4"
    assert [one.required for one in arguments_of({"properties": {"a": {}, "b": True}, "required": ["b"]})] == [False, True]  # fmt: skip


def test_a_number_too_long_to_read_is_no_call():
    digits = "1" * 5000
    assert parse_call('{"name": "pay", "arguments": {"sum": ' + digits + "}}") is None
    assert parse_call(json.dumps({"name": "pay", "arguments": '{"sum": ' + digits + "}"})) is None
