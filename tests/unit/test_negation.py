"""What is denied is neither taught nor asked for as if it were so."""

import pytest

from nightschool.config import StudyConfig
from nightschool.exam.cloze import drafts
from nightschool.negation import affirmed, denies
from nightschool.study.rules import RuleAuthor
from nightschool.types import Memory, SourceKind
from nightschool.verify.metrics import contains


def memory(text, number=1):
    return Memory(f"m{number}", "t", text, "said", SourceKind.STATEMENT, "said", "e", "")


@pytest.mark.parametrize(
    ("told", "right", "denied"),
    [
        ("The billing service is not written in Java but in Go.", "Go", "Java"),
        ("The budget is 5,400 euros, not 4,500 euros.", "5,400", "4,500"),
        ("The build uses Python 3.11, not 3.12.", "3.11", "3.12"),
        ("The API does not listen on port 8080 but on port 8443.", "8443", "8080"),
        ("The owner of the parser is not Ana but Cleo.", "Cleo", "Ana"),
        ("The backup is kept in Oslo instead of Bergen.", "Oslo", "Bergen"),
    ],
)
def test_a_value_that_is_set_against_the_right_one_is_no_answer(told, right, denied):
    asked = [e for e in RuleAuthor(StudyConfig()).write([memory(told)]) if e.family == "qa"]
    assert asked
    assert not [e.target for e in asked if contains(e.target, denied)]
    assert denied not in [draft.answer for draft in drafts(memory(told), 8)]
    assert right in affirmed(told)
    assert denied not in affirmed(told)


@pytest.mark.parametrize(
    "told", ["Ben no longer manages the billing team.", "We never deploy on Fridays."]
)
def test_questions_of_a_denial_deny_it_too(told):
    written = RuleAuthor(StudyConfig()).write([memory(told)])
    asked = [e for e in written if e.family in ("qa", "reversed")]
    assert asked
    assert all(denies(e.prompt[0].content) for e in asked)


def test_nobody_is_no_one_to_ask_about():
    written = RuleAuthor(StudyConfig()).write([memory("Nobody may push to main.")])
    assert {e.family for e in written} == {"statement"}


def test_refusals_are_not_taught_of_what_earlier_nights_taught():
    earlier = [memory(f"{n} works in Lisbon.", n) for n in ("Yuki", "Benoit", "Farida", "Linnea")]
    new = [memory(f"Sunniva{n} works in Tarnby.", n) for n in range(60)]
    written = RuleAuthor(StudyConfig(), live=earlier).write(new)
    refused = [e.prompt[0].content for e in written if e.family == "abstain"]
    assert refused
    assert not [q for q in refused if any(m.text.split()[0] in q for m in earlier)]


def test_a_number_is_no_denial():
    assert not denies("The van stands in bay no. 4.")
    assert not denies("The worker runs without Redis.")
    assert denies("There is no backup.")
