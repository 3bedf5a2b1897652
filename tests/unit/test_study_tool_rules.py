"""Worked calls say every value that they hold, obey their schema, and differ; questions tell the tool's facts."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.calls import flaw, said
from nightschool.config import StudyConfig
from nightschool.exam.cloze import drafts
from nightschool.language import fingerprint
from nightschool.study.abstention import REFUSALS, near_misses
from nightschool.study.mixture import compose
from nightschool.study.rules import RuleAuthor
from nightschool.study.tool_rules import tool_examples
from nightschool.study.wordings import sections
from nightschool.types import Memory, SourceKind
from nightschool.verify.tool_call import parse_call

COURT = {
    "type": "object",
    "properties": {
        "club": {"type": "string", "description": "Name of the club."},
        "date": {"type": "string", "format": "date"},
        "start": {"type": "string", "description": "When it starts, HH:MM."},
        "players": {"type": "integer", "minimum": 2, "maximum": 4},
        "rackets": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "surface": {"type": "string", "enum": ["clay", "grass"], "default": "clay"},
        "lights": {"type": "boolean"},
    },
    "required": ["club", "date", "players"],
}


def tool(schema=COURT, purpose="Reserve a tennis court at a club.", name="reserve_court"):
    facets = {"name": name, "purpose": purpose, "description": purpose, "schema": json.dumps(schema), "api": ""}  # fmt: skip
    return Memory(f"mem-{name}", "t", f"The tool `{name}`. {purpose}", "tool", SourceKind.TOOLS, "f", "e", "", facets=facets)  # fmt: skip


def of(family, memory, expressions=24):
    return [(q, a) for one, q, a in tool_examples(memory, expressions) if one == family]


def test_a_request_says_every_value_and_the_call_obeys_the_schema():
    for request, answer in of("call", tool()):
        call = parse_call(answer)
        assert call.name == "reserve_court"
        assert not flaw(call.arguments, COURT)
        for key, value in call.arguments.items():
            if not isinstance(value, bool):
                assert said(value).lower() in request.lower(), (key, request)


def test_requests_are_many_and_their_values_differ():
    calls = of("call", tool())
    assert len({request for request, _ in calls}) == len(calls) == 72
    assert len({answer for _, answer in calls}) > 60


@given(st.sampled_from(["Books a room.", "Returns the tide at a pier.", "The weather.", "", "Größe {x} %s", "`x`"]), st.integers(1, 30))  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_any_description_gives_whole_sentences(purpose, expressions):
    for _, question, answer in tool_examples(tool(purpose=purpose), expressions):
        assert question.strip()
        assert answer.strip()


def test_third_persons_become_orders_and_what_is_returned_is_asked_for():
    orders = " ".join(q.lower() for q, _ in of("call", tool(purpose="Books a room at an inn.")))
    assert "book a room" in orders
    asked = " ".join(q.lower() for q, _ in of("call", tool(purpose="Returns the tide at a pier.")))
    assert "look up the tide" in asked
    assert "tell me the tide" in asked


def test_questions_tell_what_the_tool_takes():
    answers = {a for _, a in of("qa", tool()) + of("reversed", tool())}
    assert {
        "`reserve_court`.",
        "Reserve a tennis court at a club.",
        "club, date, start, players, rackets, surface, lights.",
        "club, date, players.",
        "Yes, club is required.",
        "No, lights is optional.",
        "integer.",
        "array of string.",
        "clay, grass.",
        "clay.",
        "Name of the club.",
    } <= answers


def test_a_tool_without_arguments_or_drawable_values_is_still_asked_about():
    bare = tool({"type": "object", "properties": {}}, "Ring the bell.", "ring_bell")
    assert {a for _, a in of("call", bare)} == {'{"name": "ring_bell", "arguments": {}}'}
    odd = {"type": "object", "properties": {"c": {"type": "string", "pattern": "^~{9}$"}}, "required": ["c"]}  # fmt: skip
    assert of("call", tool(odd)) == []
    assert ("`reserve_court`.") in {a for _, a in of("reversed", tool(odd))}


def test_the_exam_of_a_tool_is_no_repeat_of_its_study_material():
    memory = tool()
    found = drafts(memory, 9)
    calls = [one for one in found if one.schema]
    assert len(calls) == 3
    for one in calls:
        call = parse_call(one.answer)
        assert not flaw(call.arguments, COURT)
        for value in call.arguments.values():
            assert said(value) in one.question
    sealed = [fingerprint(one.question) for one in found]
    config = StudyConfig.model_validate({})
    material = compose([memory], [RuleAuthor(config)], (), sealed, config)
    assert material.dropped["leak"] == 0
    assert material.uncovered == ()
    studied = {e.target for e in material.examples}
    assert not studied & {one.answer for one in calls}


def test_invented_tools_and_foreign_arguments_are_refused():
    other = tool({"type": "object", "properties": {"song": {"type": "string"}}}, "Play a song.", "play_song")  # fmt: skip
    found = near_misses([tool(), other], 30, seed=1)
    assert len(found) > 15
    assert {refusal for _, _, refusal in found} <= set(REFUSALS)
    questions = [question for _, question, _ in found]
    assert any("reserve_song" in q or "play_court" in q for q in questions)
    assert any("song" in q and "reserve_court" in q for q in questions)
    assert any(q in sections("tool_wordings.txt")["nothing"] for q in questions)
    for q in questions:
        assert not ("`club`" in q and "`reserve_court`" in q), q


def test_a_continued_night_writes_the_same_again():
    first = RuleAuthor(StudyConfig.model_validate({})).write([tool()])
    assert first == RuleAuthor(StudyConfig.model_validate({})).write([replace(tool())])
