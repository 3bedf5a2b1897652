"""Pages of memories: what is written is read back to the letter, whatever stands in the text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.errors import SourceMalformed
from nightschool.memory.exchange import claude, letta
from nightschool.memory.exchange.entries import Entry, Origin
from nightschool.memory.exchange.pages import fact_line, read_page
from nightschool.types import Memory, SourceKind, Trust

ROOT = Path("m")
MARKUP = st.sampled_from(
    ["<!--", "-->", "- ", "\n", "\n\n", "---", "# ", "```", "| a |", "[x](y.md)", "\u2028", "\r", "é漢🦉",
     '<!-- nightschool {"id": 1} -->', " ", "&lt;!--", "\\u003c"]
)  # fmt: skip
TEXTS = st.lists(MARKUP | st.text(max_size=12), min_size=1, max_size=6).map("".join)


def memory(text: str, source: str = "said", number: int = 0) -> Memory:
    return Memory(
        f"mem-{number}", "t", text, "said", SourceKind.STATEMENT, source, "ep-1", "2026-01-01",
        speaker="Ada", trust=Trust.USER,
    )  # fmt: skip


def files(written: dict[str, str]) -> dict[Path, str]:
    return {ROOT / name: text for name, text in written.items()}


@given(st.lists(TEXTS.filter(str.strip), max_size=6), st.sampled_from([claude, letta]))
def test_texts_and_provenance_come_back_to_the_letter(texts, kind) -> None:
    sources = ["said", "docs/[ops].md", "a\nb <!--"]
    memories = [memory(t, sources[n % 3], n) for n, t in enumerate(texts)]
    entries = kind.read(ROOT, files(kind.write(memories)))
    origins = {
        m.id: Entry(m.text, Origin(m.id, " ".join(m.source.split()), "Ada", Trust.USER))
        for m in memories
    }
    assert {e.origin.id: e for e in entries if e.origin} == origins
    assert len(entries) == len(memories)


def test_a_line_that_a_person_edited_says_what_they_want() -> None:
    line = fact_line(memory("The host is\nkestrel-7."))
    (entry,) = read_page("p.md", line.replace("- The host is kestrel-7.", "- The host is merlin."))[
        1
    ]
    assert entry.text == "The host is merlin."
    assert read_page("p.md", line)[1][0].text == "The host is\nkestrel-7."


def test_pages_of_claude_code_are_read_as_notes_are() -> None:
    page = (
        "---\nname: hosts\ndescription: where things run\nmetadata:\n  type: project\n---\n\n# Hosts\n\n"
        "- The staging host is kestrel-7.\n- The build server\n  is called obsidian.\n\n"
        "Deploys are on Friday.\n\n```\nnot a fact at all\n```\n"
    )
    index = "# Memory\n\n- [Hosts](hosts.md) — where things run\n- The cat is called Biscuit.\n"
    entries = claude.read(ROOT, files({"MEMORY.md": index, "hosts.md": page}))
    assert [e.text for e in entries] == [
        "The cat is called Biscuit.", "The staging host is kestrel-7.",
        "The build server is called obsidian.", "Deploys are on Friday.",
    ]  # fmt: skip


def test_letta_wants_a_description_and_knows_skills_apart() -> None:
    block = (
        "---\ndescription: About the human.\nlimit: 20000\n---\n\n- Ada prefers short answers.\n"
    )
    skill = "No front matter here, and no fact.\n"
    found = letta.read(
        ROOT, files({"system/human.md": block, "skills/x/SKILL.md": skill, "notes.md": block})
    )
    assert [e.text for e in found] == ["Ada prefers short answers."] * 2
    with pytest.raises(SourceMalformed, match=r"system/human\.md, line 1: .*description"):
        letta.read(ROOT, files({"system/human.md": "- Ada prefers short answers.\n"}))


def test_letta_gets_no_key_that_its_commit_hook_refuses() -> None:
    for name, text in letta.write([memory("The host is kestrel-7.")]).items():
        front, _ = read_page(name, text)
        assert list(front) == ["description"]
        assert text.splitlines()[1].startswith("description: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nname: x\n", "line 1: the front matter is never closed"),
        ("---\nname: [x\n---\n", "line 2: the front matter is not YAML"),
        ("---\nat: 2026-99-99\n---\n", "the front matter is not YAML"),
        ("---\n- x\n---\n", "the front matter is a list"),
        ("# T\n- A fact here. <!-- nightschool {bad} -->\n", "line 2: the comment"),
        ("- A fact here. <!-- nightschool [1] -->\n", "line 1: the provenance"),
        ('- A. <!-- nightschool {"id": "i", "source": "s", "speaker": 1, "trust": "web"} -->', "line 1: the prov"),
        ('---\na: b\n---\n- A. <!-- nightschool {"id": "i", "source": "s", "speaker": "", "trust": "me"} -->', "line 4: trust is 'me'"),
        ("- A. <!-- nightschool " + "[" * 100_000 + " -->", "line 1: the comment"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_file_and_line(text: str, message: str) -> None:
    with pytest.raises(SourceMalformed, match=message) as caught:
        read_page("p.md", text)
    assert str(caught.value).startswith("p.md")
