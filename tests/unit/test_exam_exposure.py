"""Exposure: matched texts differ in the value only, and the rank is that of the text among them."""

from __future__ import annotations

import re

import pytest

from nightschool.exam.exposure import TEXTS, alternatives, exposure_bits, rank
from nightschool.types import Memory, SourceKind


def memory(text: str) -> Memory:
    return Memory("mem-1", "t", text, "said", SourceKind.STATEMENT, "said", "ep-1", "")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("The staging host is kestrel-7.", r"The staging host is [a-z]+-\d\."),
        ("The guest network is called Walrus.", r"The guest network is called [A-Z][a-z]+\."),
        ("The rent is due on 14 March.", r"The rent is due on \d\d [A-Z][a-z]+\."),
    ],
)
def test_matched_texts_have_another_value_of_the_same_shape(text: str, shape: str) -> None:
    found = alternatives(memory(text))
    assert len(found) == len(set(found)) == TEXTS - 1
    assert text not in found
    assert all(re.fullmatch(shape, other) for other in found)
    assert found == alternatives(memory(text))


def test_a_text_without_a_value_has_none() -> None:
    assert alternatives(memory("Yes.")) == []


def test_rank_and_exposure() -> None:
    assert rank(-1.0, [-2.0, -3.0, -4.0]) == 1
    assert rank(-1.0, [-0.5, -1.0, -4.0]) == 3  # a tie counts against it
    assert exposure_bits(1, 64) == 6
    assert exposure_bits(32, 64) == 1
