"""Frames: which statements they fit, and what they ask."""

from __future__ import annotations

import re

import pytest

from nightschool.study.frames import PART, SLOT, framed, frames


def _main(statement: str) -> dict[str, str]:
    return {q: group.answer for group in framed(statement) if group.main for q in group.questions}


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("Corvin is allergic to sesame.", "sesame"),
        ("The plotter weighs 61 kilograms.", "61 kilograms"),
        ("The password of the tide gauge is otter-cymbal.", "otter-cymbal"),
        ("The choir practice is held in the Walnut Room.", "the Walnut Room"),
        ("Halla's birthday is on 3 May.", "3 May"),
        ("The archive server is now called lapwing-4.", "lapwing-4"),
    ],
)
def test_a_statement_is_asked_for_in_many_ways(statement: str, value: str) -> None:
    asked = {q for q, answer in _main(statement).items() if answer.lower() == value.lower()}
    assert len(asked) >= 10
    assert not any(value.lower() in question.lower() for question in asked)


def test_a_code_keeps_its_case_in_the_answer() -> None:
    assert "lapwing-4" in _main("The archive server is called lapwing-4.").values()


def test_plural_nouns_are_lower_case_inside_a_question_and_names_are_not() -> None:
    asked = [
        q for g in framed("Incidents are discussed in the channel red-buoy.") for q in g.questions
    ]
    assert asked
    assert not any(re.search(r"(?<=\w )Incidents", question) for question in asked)
    named = [q for g in framed("Corvin is allergic to sesame.") for q in g.questions]
    assert any(re.search(r"(?<=\w )Corvin", question) for question in named)


def test_asking_back_gives_what_the_statement_is_about() -> None:
    back = [g for g in framed("The plotter weighs 61 kilograms.") if not g.main]
    assert back
    assert {group.answer.lower() for group in back} == {"the plotter"}


def test_no_frame_for_what_is_no_statement() -> None:
    assert framed("Hello there!") == []


def test_every_slot_of_a_question_is_in_all_patterns_and_no_question_holds_its_answer() -> None:
    assert len(frames()) > 300
    for frame in frames():
        held = [{name for name, _ in SLOT.findall(p.text)} for p in frame.patterns]
        for answer, questions in frame.asks:
            own = {name for name, _ in SLOT.findall(answer)}
            assert questions, frame.patterns
            for question in questions:
                used = {name.lower() for name in re.findall(r"\{(\w)!?\}", question)}
                assert all(used <= names for names in held), question
                assert not (own and own <= used), question


def test_every_pattern_is_an_expression_whose_words_can_be_told_from_its_slots() -> None:
    patterns = [pattern for frame in frames() for pattern in frame.patterns]
    for pattern in patterns:
        assert "".join(PART.findall(pattern.text)) == pattern.text, pattern.text
        assert re.compile(SLOT.sub(".+", pattern.text))
        between = [part for part in PART.findall(pattern.text) if part[0] not in "({"]
        assert "|" not in "".join(between), pattern.text


FILLED = {
    "": "the Walnut Room", "person": "Ada Byron", "time": "9:30", "date": "3 May", "number": "61 kilograms",
    "code": "otter-7", "place": "the Walnut Room",
}  # fmt: skip


def test_what_a_pattern_says_itself_is_never_passed_over_by_the_look_at_its_words() -> None:
    patterns = [pattern for frame in frames() for pattern in frame.patterns]
    fitted = 0
    for pattern in patterns[::12]:
        once: dict[str, str] = {}
        said = re.sub(r"\(\?[^)]*\)", "", pattern.text)
        said = SLOT.sub(lambda m, o=once: o.setdefault(m[1], FILLED[m[2] or ""]), said)
        for wording in (
            re.sub(r"\(([^()|]*)[^()]*\)\??", r"\1", said),
            re.sub(r"\((?:[^()]*\|)?([^()|]*)\)\??", r"\1", said).upper(),
        ):
            whole = pattern.regex.fullmatch(wording)
            assert (pattern.fits(wording) is None) == (whole is None), wording
            fitted += whole is not None
    assert fitted > 150
