"""A document is remembered as passages and as statements: what takes one out takes out the other, wherever it stands."""

import json

import pytest

from nightschool import language
from nightschool.curate import correct, course_of, pick_up_edits, review, use_memory_tool
from nightschool.day import ask, learn, remember
from nightschool.errors import SourceMalformed
from nightschool.forget import forget
from nightschool.language import parse
from nightschool.scope import cost
from nightschool.sources import read
from nightschool.types import Trust
from nightschool.wire import open_school
from nightschool.workspace import Workspace

TEXT = "# Ops\n\nThe vault code is 7731. The night guard is Pelle Holm.\n"


@pytest.fixture
def school(tmp_path):
    return open_school(Workspace.create(tmp_path / "school", "").root)


@pytest.fixture
def learnt(school, tmp_path):
    def learnt(name="a.md", text=TEXT):
        (tmp_path / name).write_text(text)
        learn(school, read(str(tmp_path / name), "default").readings)
        return texts(school)

    return learnt


def texts(school, **which):
    return {m.text: m for m in school.store.memories("default", **which)}


def everything(school):
    files = [p.read_text() for p in school.workspace.memories.rglob("*.md")]
    return school.workspace.database.read_bytes().decode("latin-1") + "\n".join(files)


def test_forgetting_a_statement_takes_the_passage_and_leaves_its_neighbour(school, learnt):
    known = learnt()
    assert len(known) == 3
    gone = known["The vault code is 7731."]
    assert {m.text for m in cost(school, [gone.id]).memories} == {
        "The vault code is 7731.", "The vault code is 7731. The night guard is Pelle Holm.",
    }  # fmt: skip
    receipt = forget(school, [gone.id])
    assert len(receipt.tombstones) == 2
    assert list(texts(school, include_retired=True)) == ["The night guard is Pelle Holm."]
    assert "7731" not in everything(school)


def test_adapters_that_a_killed_practice_run_left_go_with_any_deletion(school, learnt):
    known = learnt()
    (school.handed_over / "practice-1").mkdir(parents=True)
    forget(school, [next(iter(known.values())).id])
    assert not school.handed_over.exists()


def test_forgetting_a_passage_takes_the_statements_read_from_it(school, learnt):
    known = learnt(text=TEXT + "\n# Yard\n\nThe north crane is called Odin.\n")
    passage = next(m for m in known.values() if m.form == "passage" and "vault" in m.text)
    forget(school, [passage.id])
    left = school.store.memories("default", include_retired=True)
    assert {m.text for m in left} == {"The north crane is called Odin."}


def test_the_same_words_from_another_source_are_forgotten_with_it(school, learnt):
    learnt("a.md")
    learnt("b.md")
    ours = [m for m in school.store.memories("default") if m.source.endswith("a.md")]
    receipt = forget(school, [m.id for m in ours])
    assert len(receipt.tombstones) == 6
    assert not school.store.memories("default", include_retired=True)
    assert "Pelle" not in everything(school)
    learnt("b.md")
    assert len(texts(school)) == 3, "a source that is read anew may say it anew"


@pytest.mark.parametrize("way", ["command", "file"])
def test_a_corrected_statement_is_not_contradicted_by_its_passage(school, learnt, way):
    old = learnt()["The night guard is Pelle Holm."]
    if way == "command":
        correct(school, old.id, "The night guard is Bo Lund.")
    else:
        for path in school.workspace.memories.rglob("*.md"):
            path.write_text(path.read_text().replace("- The night guard is Pelle Holm", "- The night guard is Bo Lund"))  # fmt: skip
        edits = pick_up_edits(school)
        assert [m.text for m in edits.changed] == ["The night guard is Bo Lund."]
        assert [m.form for m in edits.retired] == ["passage"]
    assert set(texts(school)) == {"The vault code is 7731.", "The night guard is Bo Lund."}
    assert set(learnt()) == set(texts(school)), "its source does not bring the passage back"


def test_a_rejected_statement_takes_its_passage_out(school, learnt):
    old = learnt()["The night guard is Pelle Holm."]
    done = review(school, [old.id], approve=False)
    assert [m.form for m in done] == ["said", "passage"]
    assert set(texts(school)) == {"The vault code is 7731."}


def test_a_line_that_lost_its_id_is_the_same_memory(school, learnt):
    before = {m.id for m in learnt().values()}
    (path,) = (p for p in school.workspace.memories.rglob("a*.md"))
    marked = path.read_text()
    bare = "\n".join(line.split(" <!--")[0] for line in marked.splitlines()) + "\n"
    assert bare != marked
    path.write_text(bare)
    assert not pick_up_edits(school)
    assert {m.id for m in school.store.memories("default")} == before
    assert path.read_text() == marked


def test_turns_of_openai_in_all_their_shapes(school, tmp_path):
    parts = [{"type": "text", "text": "The staging host is kestrel-7."}, {"type": "image_url"}]
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "user", "content": "The office cat is called \ud800 Biscuit."},
    ]
    (tmp_path / "talk.jsonl").write_text("\n".join(map(json.dumps, turns)))
    learn(school, read(str(tmp_path / "talk.jsonl"), "default").readings)
    assert any("kestrel-7" in text for text in texts(school))


def test_a_paragraph_without_an_end_is_cut(school, learnt):
    lines = "\n".join(f"worker {n} finished its job" for n in range(400))
    known = learnt("log.txt", f"The office cat is called Biscuit.\n\n{lines}\n")
    assert "The office cat is called Biscuit." in known
    assert max(map(len, known)) <= 4000


def test_a_text_longer_than_a_parser_takes_is_parsed_in_parts(monkeypatch):
    text = " ".join(f"The crane number {n} is called Odin the {n}th." for n in range(12))
    whole = [sentence.text for sentence in parse(text).sents]
    monkeypatch.setattr(language, "PARSED_AT_ONCE", 200)
    parse.cache_clear()
    parts = parse(text)
    assert parts.text == text
    assert len(parts) == sum(len(s.split()) + 1 for s in whole)
    assert sum(sentence.text in whole for sentence in parts.sents) >= len(whole) - 4
    parse.cache_clear()


@pytest.mark.parametrize("said", ["caf\udce9 is open", "", "  "])
def test_what_is_no_text_is_refused_by_day(school, said):
    with pytest.raises(SourceMalformed, match=r"not UTF-8 text|is empty"):
        ask(school, said)
    with pytest.raises(SourceMalformed, match=r"not UTF-8 text|is empty"):
        remember(school, said)
    assert not texts(school, include_retired=True)


def test_ids_and_days_are_words_and_statements_end_in_words(school, learnt):
    known = learnt(
        text="The user id is 4417. We meet on Wed at noon. The server tells = and more of it.\n"
    )
    said = {text for text, memory in known.items() if memory.form == "said"}
    assert "The user id is 4417." in said
    assert not any("author" in text or text.endswith(("=", "=.")) for text in said), said


def test_the_history_is_the_same_from_any_of_its_ids(school):
    (first,) = remember(school, "The door code is 4417.").added
    second = correct(school, first.id, "The door code is 9023.")
    third = correct(school, second.id, "The door code is 1111.")
    for one in (first, second, third):
        assert [m.id for m in course_of(school, one.id)] == [third.id, second.id, first.id]


@pytest.mark.parametrize("way", ["correct", "reject", "file"])
def test_what_the_owner_takes_out_is_said_by_no_other_source(school, learnt, way):
    learnt()
    (own,) = remember(school, "The vault code is 7731.").added
    if way == "correct":
        correct(school, own.id, "The vault code is 9023.")
    elif way == "reject":
        review(school, [own.id], approve=False)
    else:
        (path,) = school.workspace.memories.rglob("said*.md")
        path.write_text(path.read_text().replace("7731", "9023"))
        assert not pick_up_edits(school).ignored
    new = {"The vault code is 9023."} if way != "reject" else set()
    assert set(texts(school)) == {"The night guard is Pelle Holm."} | new
    assert set(learnt()) == set(texts(school)), "its source does not bring it back"


def test_two_files_that_are_corrected_alike_are_not_told_of(school, learnt):
    learnt()
    remember(school, "The vault code is 7731.")
    for path in school.workspace.memories.rglob("*.md"):
        path.write_text(path.read_text().replace("- The vault code is 7731. <", "- The vault code is 9023. <"))  # fmt: skip
    edits = pick_up_edits(school)
    assert not edits.ignored
    assert [m.text for m in edits.changed] == ["The vault code is 9023."]
    assert set(texts(school)) == {"The vault code is 9023.", "The night guard is Pelle Holm."}


def test_a_note_has_its_writers_tier_however_its_path_is_spelt(school):
    def call(command, **given):
        tool = school.memory_tool()
        assert not use_memory_tool(school, tool, {"command": command, **given}, Trust.WEB).is_error

    call("create", path="/memories/b.md/", file_text="- The gateway b listens on port 8443.\n")
    call("create", path="/memories/d/c.md", file_text="- The gateway c listens on port 8444.\n")
    call("rename", old_path="/memories/d", new_path="/memories/e")
    assert {m.source: m.trust for m in school.store.memories("default")} == {
        "/memories/b.md": Trust.WEB, "/memories/e/c.md": Trust.WEB,
    }  # fmt: skip
