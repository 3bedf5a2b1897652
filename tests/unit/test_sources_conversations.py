"""What people say becomes self-contained statements."""

import json

import pytest

from nightschool.errors import SourceMalformed
from nightschool.sources.clauses import Context, statements
from nightschool.sources.conversations import conversation, read_jsonl, said
from nightschool.sources.keys import statement_key


def found(text, speaker="Ada"):
    return [s.text for s in statements(text, Context(speaker))]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("I live in Tarnby, so I take the 7:12 ferry to work.",
         ["Ada lives in Tarnby.", "Ada takes the 7:12 ferry to work."]),
        ("My birthday is on 11 November, in case you want to congratulate me.",
         ["Ada's birthday is on 11 November."]),
        ("Brindle is the robot that collects litter, and it weighs 43 kilograms.",
         ["Brindle is the robot that collects litter.", "Brindle weighs 43 kilograms."]),
        ("Ottoline is a pilot. She works in Oslo.",
         ["Ottoline is a pilot.", "Ottoline works in Oslo."]),
        ("Is the lift broken?", []),
        ("Please check that for me.", []),
        ("I'm allergic to cashews, so be careful when you suggest a lunch place.",
         ["Ada is allergic to cashews."]),
    ],
)  # fmt: skip
def test_statements(spoken, kept):
    assert found(spoken) == kept


def test_the_assistant_teaches_nothing():
    reading = conversation(
        [
            {"role": "assistant", "content": "The staging host is osprey-2."},
            {"role": "user", "content": "No. The staging host is kestrel-7."},
        ],
        "default",
        "talk",
    )
    assert [f.text for f in reading.findings] == ["The staging host is kestrel-7."]
    span = reading.findings[0].span
    assert "kestrel-7" in reading.episode.text[span.start : span.end]


def test_a_new_value_has_the_old_ones_key():
    assert statement_key("The staging host is kestrel-7.") == statement_key(
        "The staging host is now merlin-2."
    )
    assert statement_key("The staging host is kestrel-7.") != statement_key(
        "The backup host is kestrel-7."
    )


def test_the_owners_words_are_kept():
    assert (
        said("  Deploys  happen on\nTuesdays ", "t").findings[0].text
        == "Deploys happen on Tuesdays"
    )
    with pytest.raises(SourceMalformed, match="empty"):
        said(" ", "t")


def test_jsonl_of_conversations_and_of_messages():
    message = {"role": "user", "name": "Ada", "content": "The gate closes at nine."}
    whole = read_jsonl(json.dumps({"title": "a", "messages": [message]}), "t", "f")
    loose = read_jsonl(json.dumps(message), "t", "f")
    assert [f.text for f in whole[0].findings] == [f.text for f in loose[0].findings]
    with pytest.raises(SourceMalformed, match="line 2"):
        read_jsonl(json.dumps(message) + "\n[1]", "t", "f")
    with pytest.raises(SourceMalformed, match="role 'king'"):
        read_jsonl(json.dumps({"role": "king", "content": "x"}), "t", "f")
