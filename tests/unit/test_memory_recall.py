"""The ranking finds what shares the question's rare words, whatever else is stored, and tells tenants apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightschool.memory.kinds import kind_of
from nightschool.memory.recall import POSTINGS, Index, query_stems
from nightschool.memory.store import SqliteStore
from nightschool.memory.surroundings import around, day_in_words
from nightschool.sources import conversation
from nightschool.types import Kind
from nightschool.workspace import Workspace, transaction


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(SqliteStore(Workspace.create(tmp_path, "")).connection, "recall")


def fill(index: Index, tenant: str, *texts: str) -> list[int]:
    with transaction(index.connection):
        return [index.add(tenant, text, "") for text in texts]


def test_a_rare_word_finds_its_text_among_many_that_hold_the_common_ones(index: Index) -> None:
    wanted, *_ = fill(index, "t", "The valve in the north cellar leaks.")
    fill(index, "t", *(f"The pump in room {n} of the cellar runs." for n in range(POSTINGS + 50)))
    assert index.nearest("t", "Which valve in the cellar is it that leaks?", 3)[0].slot == wanted


def test_a_question_of_common_words_alone_finds_the_newest(index: Index) -> None:
    slots = fill(index, "t", *("The pump in the cellar runs." for _ in range(POSTINGS + 50)))
    assert index.nearest("t", "Does the pump in the cellar run?", 1)[0].slot == slots[-1]


def test_what_another_tenant_stores_moves_no_score(index: Index) -> None:
    fill(index, "a", "The valve leaks.", "The pump runs.")
    before = index.nearest("a", "Which valve leaks?", 5)
    fill(index, "b", *("The valve leaks." for _ in range(500)))
    assert index.nearest("a", "Which valve leaks?", 5) == before
    assert index.nearest("nobody", "Which valve leaks?", 5) == []


def test_accents_and_forms_are_one_word_and_signs_are_none(index: Index) -> None:
    (slot,) = fill(index, "t", "Das Café in Zürich röstet täglich.")
    assert [hit.slot for hit in index.nearest("t", "cafe zurich", 5)] == [slot]
    assert index.nearest("t", '") OR * NEAR( _', 5) == []
    assert query_stems("The hosts were hosting") == query_stems("host")


def test_a_text_is_found_by_who_said_it_when_and_what_was_said_before(tmp_path: Path) -> None:
    messages = [
        {
            "role": "user",
            "name": "Caroline",
            "content": "Which instrument do you play in that band?",
        },
        {"role": "user", "name": "Melanie", "content": "The clarinet, since I was nine."},
        {"role": "tool", "content": "Zanzibar"},
    ]
    reading = conversation(messages, "t", "talk", at="2023-05-08T10:00:00")
    beside = around(reading.episode, reading.episode.turns[1].span, "Melanie")
    assert all(word in beside for word in ("Melanie", "8 May 2023", "instrument"))
    assert "Zanzibar" not in beside
    assert day_in_words("last spring") == "last spring"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The staging host is kestrel-7.", Kind.FACT),
        ("Nia prefers tea to coffee.", Kind.PREFERENCE),
        ("To restart the gateway, run `gw restart`.", Kind.PROCEDURE),
        ("The team moved to Ghent two weeks ago.", Kind.EVENT),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind
