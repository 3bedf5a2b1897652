"""The three faces of the report: whole without a figure, safe with hostile text, self-contained."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from nightschool.report.morning import (
    Answer,
    Contrast,
    Guard,
    Morning,
    Night,
    Rate,
    Receipt,
    Returns,
    Tally,
)
from nightschool.report.page import build_page
from nightschool.report.png import draw_png
from nightschool.report.table import print_table
from nightschool.types import Check, Decision

EMPTY = Morning(
    "default",
    "school",
    "",
    "base",
    (Night("n1", None, None, None, None, None, None, None),),
    ((None,),),
    groups=(Contrast("told", None, None),),
    modes=(Contrast("closed", None, None),),
    guards=(Guard("general", None, None),),
)


def full(text: str = "plain") -> Morning:
    """A morning with every part filled, and `text` wherever a user's words may stand."""
    rate = Rate(0.95, 40, 0.88, 1.0)
    check = Check("retained", True, 0.0, -0.02, 0.1, 40, text)
    return Morning(
        text,
        text,
        "2026-01-02T06:00:00+00:00",
        text,
        (Night(text, text, True, 9.0, 4.1, 117_000, 1800, 40),),
        ((0.95,),),
        Tally(38, 40),
        Tally(0, 12),
        (Contrast("told", Rate(0.0, 40), rate), Contrast(text, None, rate)),
        (Contrast("closed", Rate(0.0, 40), rate),),
        (Guard("general", rate, rate, 0.0, -0.02, 0.05),),
        Decision(True, (check,), overridden_by=None),
        {"leak": 1, text: 2},
        (text,),
        (Answer(text, text, text, text, "wrong", text),),
        (Receipt(text, text, text, text, True),),
        Returns(117_000, 200.0),
        0.03,
        14.0,
        14.2,
    )


def table(morning: Morning) -> str:
    """What the terminal shows."""
    console = Console(file=io.StringIO(), width=120)
    print_table(morning, console)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def body(page: str) -> str:
    """The page's words, without style and drawings."""
    return re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.DOTALL)


def test_the_sentence_comes_first() -> None:
    sentence = "Tonight the model learnt 38 of 40 facts and forgot none. Promoted."
    assert f"<h1>{sentence}</h1>" in build_page(full())
    assert table(full()).strip().startswith(sentence)


def test_what_was_not_measured_is_not_run_and_never_a_zero() -> None:
    for shown in (body(build_page(EMPTY)), table(EMPTY)):
        assert shown.count("not run") >= 8
        assert not re.search(r"\b0(\.0)?%", shown)


def test_before_the_first_night_there_is_a_page_too() -> None:
    none = Morning("default", "school", "", "base")
    assert "No night yet" in build_page(none)
    assert "No night yet" in table(none)
    assert draw_png(none).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '" onload="x', "[red]a[/]", "$x_{", "夜学校"]
)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    page = build_page(full(text))
    assert "<script" not in page
    assert 'onload="x' not in page
    assert draw_png(full(text)).startswith(b"\x89PNG")
    assert text[:6] in table(full(text))


@settings(max_examples=15)
@given(st.text(max_size=40))
def test_no_text_adds_or_breaks_a_tag(text: str) -> None:
    def tags(page: str) -> list[str]:
        found: list[str] = []
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attrs: found.append(tag)  # type: ignore[method-assign]
        parser.feed(page)
        return found

    assert [t for t in tags(build_page(full("x" + text))) if t != "tspan"] == tags(
        build_page(full("x"))
    )


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = build_page(full())
    assert not re.search(r"(src|href)=|url\(|@import|https?://|<script|<link", page)
    assert "prefers-color-scheme: dark" in page


def test_the_picture_is_a_png_with_and_without_figures() -> None:
    for morning in (EMPTY, full()):
        assert draw_png(morning).startswith(b"\x89PNG")
