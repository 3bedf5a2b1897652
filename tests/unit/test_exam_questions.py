"""Users' questions are read strictly and find the memory that they examine."""

import json

import pytest

from nightschool.errors import ExamError
from nightschool.exam.questions import Question, match_questions, read_questions
from nightschool.types import Memory, SourceKind


def memory(number, text):
    return Memory(f"mem-{number}", "default", text, "said", SourceKind.STATEMENT, "said", "e", "")


HOST = memory(1, "The staging host is kestrel-7.")
GUEST = memory(2, "The guest password is walrus-lantern.")
ANA = memory(3, "Ana was born on 4 May 1991.")
ALL = [HOST, GUEST, ANA]


def test_reads_questions(tmp_path):
    path = tmp_path / "q.jsonl"
    rows = [
        {"question": "Which host?", "answer": "kestrel-7"},
        {
            "question": "Born?",
            "answer": ["4 May 1991"],
            "about": ANA.text,
            "stale": ["1990"],
            "day": 1,
        },
    ]
    path.write_text("\n\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    first, second = read_questions(path)
    assert first == Question("Which host?", ("kestrel-7",))
    assert (second.about, second.stale, second.day) == (ANA.text, ("1990",), 1)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"answer": "x"}',
        '{"question": "x"}',
        '{"question": "x", "answer": []}',
        '{"question": "x", "answer": [1]}',
        '{"question": " ", "answer": "y"}',
        '{"question": "x", "answer": "y", "colour": 1}',
        '{"question": "x", "answer": "y", "day": "one"}',
    ],
)
def test_malformed_lines_are_named(tmp_path, line):
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "x", "answer": "y"}\n' + line, "utf-8")
    with pytest.raises(ExamError, match="line 2"):
        read_questions(path)


def test_missing_and_binary_files_are_errors(tmp_path):
    with pytest.raises(ExamError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ExamError, match="cannot be read"):
        read_questions(tmp_path / "b")


def test_matching():
    questions = [
        Question("Anything?", ("42",), memory="mem-2"),
        Question("How do guests log in?", ("walrus",), about=GUEST.text),
        Question("Which host do we use for staging?", ("kestrel-7",)),
        Question("Who rules Mars?", ("Zork",)),
        Question("What was the host?", ("kestrel-7",), group="forgotten"),
        Question("Gone?", ("x",), memory="mem-99"),
    ]
    match = match_questions(questions, ALL)
    assert [m.id for _, m in match.pairs] == ["mem-2", "mem-2", "mem-1"]
    assert match.unmatched == tuple(questions[3:])


def test_about_another_fact_of_the_same_shape_is_not_taken():
    question = Question("Admin password?", ("otter",), about="The admin password is otter-moon.")
    assert match_questions([question], ALL).unmatched == (question,)
