"""Which answers count as right: forms of one value, denials, hedges, lists, and refusals that give a value after all."""

import pytest

from nightschool.exam.cloze import drafts
from nightschool.types import Item, Memory, SourceKind, Verdict
from nightschool.verify.judge import grade

RIGHT = [
    ("", "load_config", "It is `load_config` in src/nightschool/config/settings.py."),
    ("", "kestrel-7", "kestrel-7, see docs/ops/hosts.md"),
    ("", "kestrel-7", "kestrel-7 (https://wiki.example.com/ops/hosts/staging)"),
    ("What can Ines not eat?", "peanuts", "Ines cannot eat peanuts."),
    ("", "oat milk", "She drinks her coffee without sugar and with oat milk."),
    ("", "kestrel-7", "It was previously heron-2 and is now kestrel-7."),
    ("", "room 4", "On Tuesday, 4 May, at 10:00, in room 4."),
    ("", "mod.py", "src/pkg/sub/mod.py"),
    ("", "5 km", "5km"),
    ("", "€5", "5 euros"),
    ("", "$5", "It is 5 dollars."),
    ("", "09:00", "9 am"),
    ("", "14:30", "2:30 p.m."),
    ("", "v1.2", "1.2"),
    ("", "30", "thirty"),
    ("", "25", "Twenty-five."),
    ("", "205", "two hundred and five"),
    ("", "5,000", "5 000"),
    ("", "Müller", "Mu\u0308ller"),
    ("", "kestrel-7", "kestrel\u20117"),
    ("", "東京", "東京。"),
]
WRONG = [
    ("", "kestrel-7", "kestrel-7/heron-2/osprey-1/merlin-3"),
    ("", "kestrel-7", "kestrel-7 is not the staging host."),
    ("", "kestrel-7", "kestrel-7, or maybe heron-2"),
    ("", "kestrel-7", "heron-2 / kestrel-7"),
    ("", "kestrel-7", "Is it kestrel-7?"),
    ("", "2", "two hundred"),
    ("", "1", "twenty-one"),
    ("", "10", "10 000"),
    ("", "45 minutes", "2 hours 45 minutes"),
    ("", "1.2", "11.2"),
    ("", "9:00", "9 pm"),
    ("", "$5", "€5"),
    ("", "a/b.py", "a/b.py, c/d.py, e/f.py, g/h.py"),
]


def verdict(item, answer):
    return grade(item, answer).score.verdict


@pytest.mark.parametrize(("question", "value", "answer"), RIGHT)
def test_right_in_another_form(question, value, answer):
    assert verdict(Item("i", question, (value,)), answer) is Verdict.CORRECT


@pytest.mark.parametrize(("question", "value", "answer"), WRONG)
def test_wrong_although_the_value_stands_in_it(question, value, answer):
    assert verdict(Item("i", question, (value,)), answer) is Verdict.WRONG


@pytest.mark.parametrize(
    "told",
    [
        "We never deploy on Fridays.",
        "The gate does not open before 09:00.",
        "Ben no longer manages the billing team.",
        "The on-call rotation is Ana, Ben, Cleo and Dan.",
        "The staging host is kestrel-7, not heron-2.",
        "The budget is 5,400 euros, not 4,500 euros.",
    ],
)
def test_a_memorys_own_words_answer_its_question(told):
    memory = Memory("m", "t", told, "said", SourceKind.STATEMENT, "said", "e", "")
    (draft,) = drafts(memory, 1)
    item = Item("i", draft.question, draft.answers, context=told)
    assert verdict(item, told) is Verdict.CORRECT
    assert verdict(item, draft.answer) is Verdict.CORRECT


@pytest.mark.parametrize(
    "answer",
    [
        "The port is 8080. I'm not sure.",
        "8080, but I am not sure.",
        "I don't know. It's heron.",
        "I'm not sure, probably heron.",
        "I don't know: 8080.",
        "I cannot confirm it; port 8080.",
    ],
)
def test_a_refusal_that_gives_a_value_is_none(answer):
    assert verdict(Item("i", "What is the staging port?", ()), answer) is Verdict.WRONG


@pytest.mark.parametrize(
    "answer",
    [
        "Nobody told me.",
        "No one has told me that.",
        "I don't have it.",
        "I don't know. It is not something that was told.",
        "I don't know the port of kestrel-7.",
    ],
)
def test_a_refusal_in_other_words_is_one(answer):
    assert verdict(Item("i", "What is the port of kestrel-7?", ()), answer) is Verdict.CORRECT
