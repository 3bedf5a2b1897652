"""The reference memory server's file: our lines, its own lines, and lines that are neither."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.errors import SourceMalformed
from nightschool.memory.exchange.graph import FILE, exported, read, write
from nightschool.types import Memory, SourceKind, Trust

PATH = Path("g.jsonl")
OLD = Memory(
    "mem-1", "t", "", "said", SourceKind.STATEMENT, "said", "ep-1", "now", speaker="Ada", trust=Trust.WEB
)  # fmt: skip
ENTITY = '{"type":"entity","name":"Ada","entityType":"person","observations":["prefers tea","Ada is a nurse."]}'


@given(st.lists(st.text() | st.just("a\u2028b <!-- {"), max_size=5))
def test_texts_and_provenance_come_back_to_the_letter(texts) -> None:
    memories = [replace(OLD, id=f"mem-{n}", text=t) for n, t in enumerate(texts)]
    text = write(memories)[FILE]
    entries = read(PATH, {PATH: text})
    assert [(e.text, e.origin.id, e.origin.speaker, e.origin.trust) for e in entries] == [
        (m.text, m.id, "Ada", Trust.WEB) for m in memories
    ]
    assert exported(text)


def test_after_the_server_wrote_it_anew_the_texts_are_the_same() -> None:
    line = json.loads(write([replace(OLD, text="Tea is at four.")])[FILE])
    del line["nightschool"]
    text = json.dumps(line)
    assert [(e.text, e.origin) for e in read(PATH, {PATH: text})] == [("Tea is at four.", None)]
    assert not exported(text)


def test_observations_and_relations_become_sentences() -> None:
    other = '{"type":"entity","name":"Acme","entityType":"firm","observations":[]}'
    relation = '{"type":"relation","from":"Ada","to":"Acme","relationType":"works_at"}'
    entries = read(PATH, {PATH: f"{relation}\n\n{ENTITY}\n{other}"})
    assert [e.text for e in entries] == ["Ada works at Acme.", "Ada: prefers tea", "Ada is a nurse."]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5_000, "not JSON"),
        ("[]", "type is 'None'"),
        ('{"type":["entity"]}', "expected an object of type"),
        ('{"type":"thing"}', "type is 'thing'"),
        ('{"type":"entity","name":"x","observations":[]}', "entityType is missing"),
        ('{"type":"entity","name":"x","entityType":"y","observations":[1]}', "observations is missing"),
        ('{"type":"entity","name":"x","entityType":"y","observations":"z"}', "observations is missing"),
        ('{"type":"relation","from":"Ada","to":"Ada"}', "relationType is missing"),
        ('{"type":"relation","from":"Ada","to":"Bob","relationType":"knows"}', "a relation names 'Bob'"),
        ('{"type":"entity","name":"x","entityType":"y","observations":["z"],"nightschool":[]}', "does not tell"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_file_and_line(line: str, message: str) -> None:
    with pytest.raises(SourceMalformed, match=message) as caught:
        read(PATH, {PATH: f"{ENTITY}\n{line}\n"})
    assert str(caught.value).startswith("g.jsonl, line 2: ")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", [ENTITY, "no JSON", "[]", '{"type":"entity","name":"a","entityType":"b","observations":[],"nightschool":[]}'])  # fmt: skip
def test_somebody_elses_file_is_no_export(text: str) -> None:
    assert not exported(text)
