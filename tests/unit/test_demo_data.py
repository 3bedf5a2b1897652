"""The demo's life holds together: every question has its fact, every fact stands in a source."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import Any

from nightschool.demo_data import folder
from nightschool.demo_days import PACKAGE
from nightschool.language import normalise


def rows(name: str) -> list[dict[str, Any]]:
    """Read a JSONL file of the demo."""
    return [json.loads(line) for line in (folder() / name).read_text("utf-8").splitlines()]


def said(day: int) -> str:
    """Everything that people say on a day."""
    return " ".join(
        message["content"]
        for chat in rows(f"day{day}/chats.jsonl")
        for message in chat["messages"]
        if message["role"] == "user"
    )


def documents() -> str:
    """All documents as one line of text."""
    files: list[Path] = sorted((folder() / "day1" / "docs").glob("*.md"))
    assert len(files) == 2
    return " ".join(" ".join(file.read_text("utf-8").split()) for file in files)


def package() -> str:
    """The source of the package that the demo reads."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return "\n".join(f.read_text("utf-8") for f in sorted(Path(spec.origin).parent.rglob("*.py")))


def test_questions_are_distinct_and_do_not_give_their_answer_away() -> None:
    questions = rows("questions.jsonl")
    assert len({normalise(row["question"]) for row in questions}) == len(questions)
    assert len({row["id"] for row in questions}) == len(questions)
    for row in questions:
        assert row["answer"]
        for answer in row["answer"]:
            words = f" {normalise(row['question'])} "
            assert f" {normalise(answer)} " not in words, row


def test_every_answer_stands_in_its_fact_and_in_what_was_learnt() -> None:
    sources = {1: said(1), 2: said(2)}
    code = package()
    for row in rows("questions.jsonl"):
        if row["group"] == "api":
            assert any(answer in code for answer in row["answer"]), row
            continue
        assert any(answer.lower() in row["about"].lower() for answer in row["answer"]), row
        if row["group"] == "document":
            assert row["about"] in documents(), row
            continue
        source = sources[1 if row["group"] == "forgotten" else row["day"]]
        names = (*row["answer"], *(["I'm the one"] if row["answer"] == ["Idris"] else []))
        assert any(name.lower() in source.lower() for name in names), row


def test_each_fact_has_the_promised_number_of_questions() -> None:
    asked = [row for row in rows("questions.jsonl") if row["group"] != "api"]
    assert len(asked) == len(rows("questions.jsonl")) - 40
    counts = Counter((row["group"], row["about"]) for row in asked)
    assert {count for (group, _), count in counts.items() if group == "document"} == {1}
    assert {count for (group, _), count in counts.items() if group != "document"} == {2}
    facts = Counter(group for group, _ in counts)
    assert facts == {"told": 60, "document": 17, "changed": 6, "forgotten": 4}


def test_forgotten_facts_were_told_on_the_first_day() -> None:
    told = {row["about"] for row in rows("questions.jsonl") if row["group"] == "told"}
    assert {row["about"] for row in rows("day2/forget.jsonl")} < told


def test_a_changed_facts_old_value_was_right_on_the_first_day() -> None:
    first = [row for row in rows("questions.jsonl") if row["day"] == 1]
    for row in rows("questions.jsonl"):
        assert bool(row["stale"]) == (row["group"] == "changed")
        for stale in row["stale"][:1]:
            assert any(stale in answer for old in first for answer in old["answer"]), row
