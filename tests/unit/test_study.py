"""Study material: varied, supported by its source, and never an exam question."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.config import StudyConfig
from nightschool.errors import LeakError, StudyError
from nightschool.language import fingerprint, normalise
from nightschool.models.fake import FakeSampler
from nightschool.sources.code import read_package
from nightschool.study.code_words import clause_of, is_imperative, spoken
from nightschool.study.imported import read_material
from nightschool.study.leaks import drop_leaks
from nightschool.study.mixture import compose
from nightschool.study.phrasings import embed, vary
from nightschool.study.rules import RuleAuthor
from nightschool.study.sampled import SampledAuthor
from nightschool.study.statements import questions
from nightschool.study.support import supported
from nightschool.types import Example, Memory, Message, SourceKind


def memory(text, name="mem-1"):
    return Memory(name, "t", text, "said", SourceKind.STATEMENT, "said", "ep-1", "2026-01-01")


def example(question, answer, name="ex-1"):
    return Example(name, "t", ("mem-1",), "self", "qa", (Message("user", question),), answer)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("The staging host is kestrel-7.", "What is the staging host?", "kestrel-7"),
        ("Sunniva lives in Tarnby.", "Where does Sunniva live?", "Tarnby"),
        ("The gate closes at 21:40.", "What time does the gate close?", "21:40"),
        ("The map is backed up to a store named coldharbor.", None, "coldharbor"),
        ("The till runs on port 47315.", "Which port does the till run on?", "47315"),
        ("The cafe is run by Ada Lund.", "Who runs the cafe?", "Ada Lund"),
        ("The mirror weighs 86 kilograms.", "How heavy is the mirror?", "86 kilograms"),
        ("The talk lasts 50 minutes.", "How long does the talk last?", "50 minutes"),
        ("The dome holds at most 27 visitors.", "How many visitors does the dome hold?", "27"),
        (
            "The probe sends a reading every 85 seconds.",
            "How often does the probe send a reading?",
            "85",
        ),
        (
            "The Wi-Fi password is plum-anvil-62.",
            "What is the Wi-Fi password?",
            "plum-anvil-62",
        ),
    ],
)
def test_a_statement_becomes_questions(text, question, answer):
    asked = questions(text)
    assert any(answer in a.answer for a in asked)
    if question:
        assert question in [a.question for a in asked]


def test_indirect_questions():
    assert embed("Where does Ines work?") == "where Ines works"
    assert embed("What is the staging host?") == "what the staging host is"


def test_wordings_are_distinct_and_never_give_the_answer():
    found = vary("Who leads the field crew?", "Maren", 16)
    assert found[0] == "Who leads the field crew?"
    assert len(set(found)) == 16
    assert not any("Maren" in one for one in found)
    assert any("in charge of the" in one or "heads the" in one for one in found)


def test_a_noun_is_not_exchanged_for_a_verb():
    # "host" the machine, not "host" the verb: never "What is the staging run?"
    found = vary("What is the staging host?", "the staging host", 30)
    assert not any(one.rstrip("?").endswith(" run") for one in found)


def test_statements_mostly_ask_for_the_value_and_not_for_the_thing():
    # Asking back too often teaches the model to answer with what the question is about.
    written = RuleAuthor(StudyConfig()).write([memory("The staging host is kestrel-7.")])
    back = [e for e in written if e.family == "reversed"]
    assert len(back) <= 0.15 * len(written)
    person = RuleAuthor(StudyConfig()).write([memory("Ada Lund leads the field crew.")])
    assert len([e for e in person if e.family == "reversed"]) >= 0.25 * len(person)


def test_at_least_ten_expressions_of_a_fact():
    texts = (
        "The staging host is kestrel-7.",
        "Sunniva lives in Tarnby.",
        "Juniper was built by Oda.",
    )
    for text in texts:
        written = [
            e for e in RuleAuthor(StudyConfig()).write([memory(text)]) if e.family != "abstain"
        ]
        assert len({(e.prompt, e.target) for e in written}) >= 10
        assert all(e.memory_ids == ("mem-1",) and e.author == "rules" for e in written)


def test_code_is_asked_in_both_directions():
    reading = read_package("nightschool", "t")
    finding = next(f for f in reading.findings if f.facets.get("short") == "digest")
    code = Memory("mem-9", "t", finding.text, finding.form, SourceKind.CODE, "s", "e", "x",
                  facets=finding.facets)  # fmt: skip
    written = RuleAuthor(StudyConfig()).write([code])
    assert {"qa", "reversed"} <= {e.family for e in written}
    names = {e.target for e in written if e.family == "reversed"}
    assert "`digest`." in names
    assert not any("nightschool.types.digest" in name for name in names)


def test_a_flag_is_asked_for_by_what_it_brings_about_and_a_function_by_all_that_is_said_of_it() -> (
    None
):
    flag = {"name": "strict", "default": "False", "kind": "", "annotation": "bool",
            "doc": "If `True` (rarely), unknown keys end the run."}  # fmt: skip
    facets = {
        "name": "kit.load", "short": "load", "module": "kit", "package": "kit", "owner": "",
        "signature": "load(strict: bool=False)", "parameters": json.dumps([flag]), "returns": "",
        "result": "", "raises": "", "purpose": "Read the settings of a workspace.",
        "details": json.dumps(["Later files win over earlier ones.", "See `dump` for the other way."]),
        "file": "kit/load.py",
    }  # fmt: skip
    code = replace(memory("kit.load"), form="code.function", facets=facets)
    written = RuleAuthor(StudyConfig()).write([code])
    back = [(e.prompt[0].content, e.target) for e in written if e.family == "reversed"]
    assert any("unknown keys end the run" in q and a == "`strict`." for q, a in back)
    assert not any("rarely" in question for question, _ in back)
    assert any("later files win over earlier ones" in q and a == "`load`." for q, a in back)
    assert not any("dump" in question for question, _ in back)


@pytest.mark.parametrize(
    ("purpose", "clause"),
    [
        ("Return a list of (name, size) pairs.", "return a list of (name, size) pairs"),
        ("Close the box, so that nothing falls out.", "close the box, so that nothing falls out"),
        ("Close the big wooden box, and lock it (twice).", "close the big wooden box"),
        ("Put the lid on it (twice).", "put the lid on it"),
    ],
)
def test_a_clause_is_cut_where_enough_is_left_and_never_inside_a_parenthesis(
    purpose: str, clause: str
) -> None:
    assert clause_of(purpose) == clause


@pytest.mark.parametrize(
    ("purpose", "does"),
    [
        ("Return the plugin name.", True),
        ("Set hooks that are called after a retry.", True),
        ("Wait for all jobs.", True),
        ("Decorator for marking functions.", False),
        ("Iterator that yields contexts.", False),
        ("The number of attempts.", False),
        ("", False),
    ],
)
def test_what_a_thing_does_is_told_from_what_it_is(purpose: str, does: bool) -> None:
    assert is_imperative(purpose) is does


def test_the_same_facts_make_the_same_material_whatever_their_ids() -> None:
    reading = read_package("nightschool", "t")
    finding = next(f for f in reading.findings if f.facets.get("short") == "digest")
    told = memory("Juniper was built by Oda.")
    code = replace(told, text=finding.text, form=finding.form, facets=finding.facets)
    for fact in (told, code):
        one, two = (
            RuleAuthor(StudyConfig()).write([replace(fact, id=name)]) for name in ("mem-1", "mem-2")
        )
        assert [(e.prompt, e.target) for e in one] == [(e.prompt, e.target) for e in two]


def test_a_name_is_spoken_as_words() -> None:
    assert spoken("PluginManager") == "plugin manager"
    assert spoken("get_hookcallers") == "get hookcallers"
    assert spoken("HTTPServer2") == "HTTP server 2"
    assert spoken("retry") == "retry"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("kestrel-7", True),
        ("osprey-2", False),
        ("Kestrel and 9 others", False),
        ("The host.", True),
        ("Osprey is the staging host.", False),
        ("The staging host is one of nine.", False),
    ],
)
def test_what_a_model_writes_must_stand_in_the_source(answer, kept):
    assert supported(example("What?", answer), "The staging host is kestrel-7.") is kept


@given(
    st.text(alphabet="abcdefg ?", min_size=8, max_size=40).filter(
        lambda t: len(normalise(t).split()) > 2
    )
)
def test_an_exam_question_never_survives_the_leak_filter(question):
    kept, dropped = drop_leaks([example(question.upper(), "x")], [fingerprint(question)], 0.85)
    assert (kept, dropped) == ([], 1)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Question: What is the staging host?\nAnswer: kestrel-7", False),
        ("We met. What is the staging host? It is kestrel-7.", False),
        ("Q: Name the staging host\nA: kestrel-7", True),
        ("The staging host is kestrel-7.", True),
        ("What is the port? It is 8472.", True),
    ],
)
def test_an_exam_question_within_a_plain_text_is_a_leak(text, kept):
    plain = replace(example("", text), prompt=())
    sealed = [fingerprint("What is the staging host?")]
    assert drop_leaks([plain], sealed, 0.85) == ([plain] if kept else [], 0 if kept else 1)


def test_too_many_leaks_fail_the_night():
    sealed = [fingerprint(a.question) for a in questions("The staging host is kestrel-7.")]
    given_ = [example("What is the staging host?", "kestrel-7")]
    with pytest.raises(LeakError, match="1 of 1"):
        compose([memory("The staging host is kestrel-7.")], [], given_, sealed, StudyConfig())


def test_a_models_material_is_read_and_checked():
    text = "The staging host is kestrel-7."
    reply = "Q: What is the staging host?\nA: kestrel-7\n\nQ: What is the port?\nA: 8472"
    author = SampledAuthor("teacher", FakeSampler({}, reply), StudyConfig())
    material = compose([memory(text)], [author], [], [], StudyConfig())
    assert [e.target for e in material.examples] == ["kestrel-7"]
    assert material.dropped["unsupported"] == 1
    assert material.uncovered == ()


def test_imported_material(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(
        json.dumps({"question": "Who?", "answer": "Ada"}) + "\n\n" + json.dumps({"text": "x"})
    )
    assert [(e.family, e.target) for e in read_material(path, "t")] == [
        ("qa", "Ada"),
        ("passage", "x"),
    ]
    path.write_text("{}\n")
    with pytest.raises(StudyError, match="line 1"):
        read_material(path, "t")


def code_memory(**facets):
    plain = {
        "name": "kit.pack", "short": "pack", "module": "kit", "package": "kit", "owner": "", "signature": "",
        "parameters": "[]", "returns": "", "result": "", "raises": "", "purpose": "", "details": "[]", "file": "kit/core.py",
    }  # fmt: skip
    return replace(
        memory("The function `kit.pack`."),
        form="code.function",
        source_kind=SourceKind.CODE,
        facets=plain | facets,
    )


def test_a_call_from_a_test_is_shown_and_asked_back():
    usage = json.dumps([["kit.pack('tea', layers=2)", "tests/a.py"], ["pack(x)", "tests/b.py"]])
    pairs = {
        (e.prompt[0].content, e.target)
        for e in RuleAuthor(StudyConfig()).write([code_memory(usage=usage)])
        if e.prompt
    }
    shown = [q for q, a in pairs if a == "`kit.pack('tea', layers=2)`"]
    back = [q for q, a in pairs if a == "`pack`." and "____('tea', layers=2)" in q]
    assert len(shown) >= 2
    assert back
    assert not any("____(x)" in q for q, _ in pairs)


def test_other_languages_are_neither_imported_as_python_nor_called_classes():
    java = code_memory(language="Java", kind="record")
    asked = RuleAuthor(StudyConfig()).write([java])
    assert not any(e.target.startswith("from ") for e in asked)
    assert {e.target for e in asked if e.target.startswith("A ")} == {"A record."}
    optional = json.dumps(
        [
            {
                "name": "b",
                "default": None,
                "kind": "optional",
                "annotation": None,
                "doc": "",
                "of": "",
            }
        ]
    )
    script = RuleAuthor(StudyConfig()).write(
        [code_memory(language="JavaScript", parameters=optional)]
    )
    assert not any("is required" in e.target for e in script)
