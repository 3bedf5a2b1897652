"""What every author promises: examples that name their memories, and nothing about others."""

from __future__ import annotations

from typing import get_args

import pytest

from nightschool.config import Family, StudyConfig
from nightschool.models.fake import FakeSampler
from nightschool.protocols import Author
from nightschool.study.fake import FakeAuthor
from nightschool.study.families import FAMILIES
from nightschool.study.rules import RuleAuthor
from nightschool.study.sampled import SampledAuthor
from nightschool.types import Memory, SourceKind

REPLIES = {
    "questions": "Q: Who leads the crew?\nA: Ada",
    "text": "Ada leads the crew.\nThe crew runs kestrel-7.",
    "malformed": "Q: Q: Sure",
    "empty": "",
}


def model(reply: str) -> SampledAuthor:
    return SampledAuthor("self", FakeSampler({}, reply), StudyConfig(families=tuple(FAMILIES)))


AUTHORS = {
    "rules": lambda: RuleAuthor(StudyConfig()),
    "fake": FakeAuthor,
    **{f"model, {name}": lambda r=reply: model(r) for name, reply in REPLIES.items()},
}


@pytest.fixture(params=AUTHORS)
def author(request: pytest.FixtureRequest) -> Author:
    return AUTHORS[request.param]()


def memory(name: str, text: str) -> Memory:
    return Memory(name, "t", text, "said", SourceKind.STATEMENT, "said", "ep-1", "2026-01-01")


MEMORIES = [
    memory("mem-1", "The staging host is kestrel-7."),
    memory("mem-2", "Ada leads the crew."),
]


def test_examples_name_known_memories_their_tenant_and_their_author(author: Author) -> None:
    for example in author.write(MEMORIES):
        assert example.memory_ids
        assert set(example.memory_ids) <= {"mem-1", "mem-2"}
        assert (example.tenant, example.author) == ("t", author.name)
        assert example.target.strip()


def test_examples_have_names_of_their_own_and_a_question_or_none(author: Author) -> None:
    written = author.write(MEMORIES)
    assert len({example.id for example in written}) == len(written)
    for example in written:
        assert [m.role for m in example.prompt] in ([], ["user"])


def test_every_family_of_the_settings_is_in_the_table() -> None:
    assert set(get_args(Family)) == set(FAMILIES)


def test_the_same_memories_make_the_same_examples(author: Author) -> None:
    assert author.write(MEMORIES) == author.write(MEMORIES)


def test_nothing_to_write_about(author: Author) -> None:
    assert author.write([]) == []


def test_progress_ends_at_its_total(author: Author) -> None:
    seen: list[tuple[int, int]] = []
    author.write(MEMORIES, progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert seen[-1][0] == seen[-1][1]
