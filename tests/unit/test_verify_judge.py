"""Answers are graded as a careful person would grade them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.types import Item, Verdict
from nightschool.verify.judge import grade, verifier_for
from nightschool.verify.metrics import canonical, containment, contains, exact_match, token_f1

HOST = Item("i1", "What is the staging host?", ("kestrel-7",), stale=("heron-2",))
BORN = Item("i2", "When was Ana born?", ("4 May 1991",))
SEATS = Item("i3", "How many seats are there?", ("5,000",))
CATS = Item("i4", "How many cats?", ("three",))
DEFAULT = Item("i5", "Default of b?", ("-1",))
CITY = Item("i6", "Where?", ("New York City",), stale=("New York",))
PAIR = Item("i7", "Where is the office?", ("Paris, France",))
PORT = Item("i8", "What is the staging port?", ())
SYMBOL = Item("i9", "Symbol of gold?", ("Au",), choices=("Au", "Ag", "Fe"))
STAR = Item("i10", "Which glob?", ("*",))
NAME = Item("i11", "Which function?", ("retry",))


@pytest.mark.parametrize(
    ("item", "answer", "right"),
    [
        (HOST, "kestrel-7", True),
        (HOST, "The staging host is Kestrel-7.", True),
        (HOST, "It is `kestrel-7`!", True),
        (HOST, "host=kestrel-7", True),
        (HOST, "It is not heron-2 but kestrel-7.", True),
        (HOST, "kestrel-7, not heron-2", True),
        (HOST, "No, it is kestrel-7.", True),
        (HOST, "osprey-9", False),
        (HOST, "", False),
        (HOST, "  \n", False),
        (HOST, "kestrel-", False),
        (HOST, "kestrel-77", False),
        (HOST, "{'host': ", False),
        (HOST, "not kestrel-7", False),
        (HOST, "It isn't kestrel-7.", False),
        (HOST, "I don't think it is kestrel-7", False),
        (HOST, "It is no longer kestrel-7", False),
        (HOST, "kestrel-7 or osprey-9", False),
        (HOST, "either osprey-9 or kestrel-7", False),
        (HOST, "kestrel-7, heron-2", False),
        (HOST, "kestrel-7, osprey-9, wren-1, swift-4", False),
        (HOST, "osprey-9\nwren-1\nkestrel-7\nswift-4", False),
        (BORN, "She was born on May 4, 1991.", True),
        (BORN, "May 4th 1991", True),
        (BORN, "1991-05-04", True),
        (BORN, "on the 4th of May, 1991", True),
        (BORN, "4 May", False),
        (BORN, "5 May 1991", False),
        (SEATS, "There are 5000 seats", True),
        (SEATS, "5,000.", True),
        (SEATS, "50000", False),
        (SEATS, "15,000", False),
        (CATS, "3 cats", True),
        (CATS, "She has three.", True),
        (CATS, "thirteen", False),
        (DEFAULT, "`-1`", True),
        (DEFAULT, "The default is -1.", True),
        (DEFAULT, "b=-1", True),
        (DEFAULT, "1", False),
        (CITY, "New York City", True),
        (CITY, "New York", False),
        (PAIR, "It is in Paris, France.", True),
        (STAR, "the glob is * here", True),
        (STAR, "none", False),
        (PORT, "I don't know.", True),
        (PORT, "I do not know that.", True),
        (PORT, "I'm not sure about that.", True),
        (PORT, "I have no information about it.", True),
        (PORT, "I haven’t been told the staging port.", True),
        (PORT, "I don't have that information", True),
        (PORT, "Sorry, I cannot answer that. It was never mentioned.", True),
        (PORT, "The staging port is 8080.", False),
        (PORT, "I don't know, but it is probably 8080.", False),
        (PORT, "I don't know. It is 8080.", False),
        (PORT, "", False),
        (PORT, "I don", False),
        (PORT, "I know it: 8080", False),
        (SYMBOL, "Au", True),
        (SYMBOL, "Ag", False),
        (SYMBOL, "Au Ag Fe", False),
        (SYMBOL, "", False),
    ],
)
def test_table(item, answer, right):
    assert (verifier_for(item).verify(item, answer).verdict is Verdict.CORRECT) == right


def test_a_broken_verifier_is_unscored_and_says_why():
    class Broken:
        def verify(self, item, answer):
            raise RuntimeError("no judge today")

    graded = grade(HOST, "kestrel-7", Broken())
    assert graded.score.verdict is Verdict.UNSCORED
    assert "no judge today" in graded.score.reason
    assert graded.exact is None
    assert graded.score.value is None


def test_figures_by_hand():
    assert exact_match("The Kestrel-7.", ["kestrel-7"]) == 1
    assert containment("it is kestrel-7", ["kestrel-7"]) == 1
    assert exact_match("it is kestrel-7", ["kestrel-7"]) == 0
    assert token_f1("it is kestrel-7", ["kestrel-7"]) == pytest.approx(0.5)
    assert token_f1("", ["x"]) == 0
    assert token_f1("x", []) == 0


@given(st.text(max_size=60) | st.from_regex(r"[\w. `/]{0,40}retry[\w. `/]{0,9}", fullmatch=True))
def test_canonical_form_is_stable_and_grading_never_breaks(text):
    assert canonical(canonical(text)) == canonical(canonical(canonical(text)))
    for item in (HOST, BORN, PORT, SYMBOL, STAR, NAME):
        score = verifier_for(item).verify(item, text)
        assert score.verdict is not Verdict.UNSCORED
        assert score.value is not None
        assert math.isfinite(score.value)


@pytest.mark.parametrize(
    ("answer", "accepted", "right"),
    [
        ("`pluggy.PluginManager.is_blocked`: tells it.", "is_blocked", True),
        ("It is PluginManager.is_blocked.", "PluginManager.is_blocked", True),
        ("See pluggy/_hooks.py", "_hooks.py", True),
        ("See pluggy/_hooks.py", "_hooks", True),
        ("See pluggy/_hooks_old.py", "_hooks", False),
        ("Use `stamina.retry()`", "retry", True),
        ("stamina.retry_context", "retry", False),
        ("retry.context", "retry", False),
        ("bob@site.com", "com", False),
        ("version 2.7", "7", False),
    ],
)
def test_a_name_is_right_with_its_place_before_it(answer: str, accepted: str, right: bool) -> None:
    assert contains(answer, accepted) is right
    verdict = Verdict.CORRECT if right else Verdict.WRONG
    assert grade(Item("i", "?", (accepted,)), answer).score.verdict is verdict


def test_a_name_denied_with_its_place_is_not_asserted() -> None:
    item = Item("i", "Which?", ("is_blocked",))
    verdict = grade(item, "Not pluggy.PluginManager.is_blocked, I think.").score.verdict
    assert verdict is Verdict.WRONG


def test_a_path_of_many_folders_is_one_answer():
    path, module = "griffe/_internal/docstrings/models.py", "griffe._internal.docstrings.models"
    item = Item("i", "Which file defines it?", (path, module))
    for said in (path, f"{path}.", f"It is in {path}.", f"`{path}`", module):
        assert grade(item, said).score.verdict is Verdict.CORRECT, said
    for said in (
        f"{path}, griffe/logger.py, griffe/c3linear.py or griffe/mixins.py",
        "models.py/logger.py/c3linear.py/mixins.py",
        "griffe/_internal/docstrings/google.py",
        f"Not in {path}.",
    ):
        assert grade(item, said).score.verdict is not Verdict.CORRECT, said
