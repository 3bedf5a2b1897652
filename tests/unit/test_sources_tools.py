"""Tool definitions become one memory a tool; what is malformed is named, with what to do."""

import json
import os

import pytest

from nightschool.errors import SourceMalformed, SourceUnreadable
from nightschool.memory.fake import FakeStore
from nightschool.sources import read
from nightschool.sources.tools import read_tools

COURT = {
    "name": "reserve_court",
    "description": "Reserve a tennis court at a club. Members only.",
    "parameters": {
        "type": "object",
        "properties": {
            "club": {"type": "string", "description": "Name of the club."},
            "players": {"type": "integer", "minimum": 2},
            "surface": {"type": "string", "enum": ["clay", "grass"], "default": "clay"},
        },
        "required": ["club", "players"],
    },
}
OPENAI = [{"type": "function", "function": COURT}]
MCP = {
    "tools": [
        {
            "name": COURT["name"],
            "description": COURT["description"],
            "inputSchema": COURT["parameters"],
        }
    ]
}
API = {
    "openapi": "3.0.3",
    "info": {"title": "Harbour", "version": "1"},
    "paths": {
        "/boats/{boat}": {
            "parameters": [{"$ref": "#/components/parameters/boat"}],
            "post": {
                "operationId": "moorBoat",
                "summary": "Moor a boat",
                "parameters": [{"name": "X-Trace", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Berth"}}
                    },
                },
            },
            "get": {"description": "Shows where a boat lies."},
        }
    },
    "components": {
        "parameters": {
            "boat": {
                "name": "boat",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "description": "Name of the boat.",
            }
        },
        "schemas": {
            "Berth": {
                "type": "object",
                "required": ["pier"],
                "properties": {
                    "pier": {
                        "type": "integer",
                        "minimum": 0,
                        "exclusiveMinimum": True,
                        "example": 4,
                    },
                    "next": {"$ref": "#/components/schemas/Berth"},
                    "note": {"type": "string", "nullable": True},
                },
            }
        },
    },
}


def found(body):
    reading = read_tools(json.dumps(body), "t", "tools.json")
    return {f.facets["name"]: f for f in reading.findings}


@pytest.mark.parametrize("body", [OPENAI, MCP, MCP["tools"], [{**COURT, "type": "function"}]])
def test_every_format_of_a_list_gives_the_same_tool(body):
    (tool,) = found(body).values()
    assert (tool.form, tool.key) == ("tool", "tool:reserve_court")
    assert tool.facets["purpose"] == "Reserve a tennis court at a club."
    assert json.loads(tool.facets["schema"]) == COURT["parameters"]
    assert tool.text == (
        "The tool `reserve_court` can be called. Reserve a tennis court at a club. Members only. "
        "Argument `club` (string, required): Name of the club. Argument `players` (integer, required, minimum 2). "
        'Argument `surface` (string, optional, one of clay, grass, default "clay").'
    )


def test_operations_become_tools_with_their_references_resolved():
    tools = found(API)
    assert set(tools) == {"moorBoat", "get_boats_boat"}
    schema = json.loads(tools["moorBoat"].facets["schema"])
    assert schema["required"] == ["boat", "pier"]
    assert schema["properties"]["boat"]["description"] == "Name of the boat."
    pier = schema["properties"]["pier"]
    assert (pier["exclusiveMinimum"], pier["examples"], "minimum" in pier) == (0, [4], False)
    assert schema["properties"]["next"] == {}  # the body holds itself
    assert schema["properties"]["note"]["type"] == ["string", "null"]
    assert "X-Trace" not in tools["moorBoat"].text
    assert "of Harbour" in tools["moorBoat"].text


def test_a_field_of_the_body_that_is_named_like_a_parameter_does_not_hide_it():
    body = json.loads(json.dumps(API))
    body["components"]["schemas"]["Berth"]["properties"]["boat"] = {"type": "string"}
    schema = json.loads(found(body)["moorBoat"].facets["schema"])
    assert set(schema["properties"]) == {"boat", "body"}
    assert schema["required"] == ["boat", "body"]


def test_parts_of_a_body_are_joined():
    body = json.loads(json.dumps(API))
    berth = body["components"]["schemas"]["Berth"]
    body["components"]["schemas"]["Berth"] = {
        "allOf": [berth, {"properties": {"hours": {"type": "integer"}}, "required": ["hours"]}]
    }
    schema = json.loads(found(body)["moorBoat"].facets["schema"])
    assert schema["required"] == ["boat", "pier", "hours"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "defines no tools"),
        ("7", "holds a number"),
        ('{"rows": []}', r"holds an object with \['rows'\]"),
        ('["x"]', "tool 1 is a text"),
        ('[{"name": "two words"}]', "expected a word without spaces"),
        ('[{"name": "a"}, {"name": "a"}]', "more than once"),
        ('[{"name": "a", "parameters": []}]', "parameters are a list"),
        ('[{"name": "a", "parameters": {"type": "array"}}]', "expected an object"),
        ('[{"name": "a", "parameters": {"properties": {"b": {"type": "strng"}}}}]', r"properties\.b\.type"),
        ('[{"name": "a", "parameters": {"properties": {"b": {"pattern": "("}}}}]', "no regular expression"),
        ('[{"name": "a", "parameters": {"properties": {"b": {"$ref": "#/x"}}}}]', "names nothing"),
        ('[{"name": "a", "parameters": {"properties": {"b": {"$ref": "http://x"}}}}]', "nothing is fetched"),
        ('{"swagger": "2.0", "paths": {}}', "expected OpenAPI 3"),
        ('{"openapi": "3.1.0"}', "its paths are a null"),
        ('{"openapi": "3.1.0", "paths": {"/a": {"get": []}}}', "GET /a is a list"),
        ('{"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [{"in": "query"}]}}}}', "has no name"),
        ('{"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [7]}}}}', "a number stands where"),
        ('{"openapi": "3.1.0", "paths": {}}', "defines no tools"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named(text, told):
    with pytest.raises(SourceMalformed, match=told):
        read_tools(text, "t", "tools.json")


def test_a_file_is_learnt_by_its_name_and_a_changed_tool_replaces_the_older(tmp_path):
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(OPENAI), "utf-8")
    store = FakeStore()
    for reading in read(str(path), "t").readings:
        store.absorb(reading)
    changed = {**COURT, "description": "Reserve a squash court."}
    path.write_text(json.dumps([changed]), "utf-8")
    (reading,) = read(str(path), "t").readings
    added, superseded = store.absorb(reading)
    assert [m.facets["purpose"] for m in added] == ["Reserve a squash court."]
    assert len(superseded) == 1


def test_other_json_in_a_folder_is_passed_over_with_a_reason(tmp_path):
    (tmp_path / "tools.json").write_text(json.dumps(OPENAI), "utf-8")
    (tmp_path / "package.json").write_text('{"private": true}', "utf-8")
    every = read(str(tmp_path), "t")
    assert len(every.readings) == 1
    ((path, reason),) = every.skipped
    assert path.endswith("package.json")
    assert "Expected an OpenAPI 3 document" in reason


def test_an_empty_file_is_told(tmp_path):
    (tmp_path / "tools.json").write_text(" ", "utf-8")
    with pytest.raises(SourceUnreadable, match="empty"):
        read(str(tmp_path / "tools.json"), "t")


@pytest.mark.parametrize(
    "operation",
    [
        {"parameters": 5},
        {"summary": 5},
        {"requestBody": {"content": [1]}},
        {"requestBody": {"content": {"application/json": {"schema": {"allOf": [True]}}}}},
    ],
)
def test_a_value_of_the_wrong_type_is_named_and_stops_no_folder(operation, tmp_path):
    body = json.dumps({"openapi": "3.0.0", "paths": {"/x": {"get": operation}}})
    with pytest.raises(SourceMalformed, match="wrong type"):
        read_tools(body, "t", "spec.json")
    (tmp_path / "spec.json").write_text(body)
    (tmp_path / "a.md").write_text("The gate closes at nine.\n")
    found = read(str(tmp_path), "t")
    assert [r.episode.title for r in found.readings] == ["a"]
    assert "wrong type" in found.skipped[0][1]


def test_links_out_of_a_folder_pipes_and_strange_kinds_are_not_read(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "b.md").write_text("The door code is 8812.\n")
    (inside / "a.md").write_text("The gate closes at nine.\n")
    (inside / "notes.txt").symlink_to(outside / "b.md")
    (inside / "more").symlink_to(outside)
    os.mkfifo(inside / "pipe.md")
    found = read(str(inside), "t")
    assert [r.episode.title for r in found.readings] == ["a"]
    reasons = dict(found.skipped)
    assert "leads out" in reasons[str(inside / "notes.txt")]
    assert "leads out" in reasons[str(inside / "more")]
    assert "no regular file" in reasons[str(inside / "pipe.md")]
    for name in ("n.ipynb", "c.csv", ".env"):
        (outside / name).write_text("The door code is 8812.\n")
        with pytest.raises(SourceUnreadable, match="of kind"):
            read(str(outside / name), "t")
