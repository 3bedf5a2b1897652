"""Compressed proofs: their letters as numbers, and the normal proof that they stand for.

Source:
    Metamath book, appendix B (compressed proofs).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple, TypeVar

from nightschool.errors import ProofRefused
from nightschool.verify.metamath.database import Assertion, Database, Hypothesis

T = TypeVar("T")
SAVE = 0
"""Keep what is on top of the stack for later (`Z`)."""
UNKNOWN = -1
"""A step that nobody has proved yet (`?`)."""
_CODE = re.compile(r"[U-Y]{0,7}[A-T]|Z|\?")
"""Seven letters before the last one count to a million and more labels; nothing needs more."""


class Decoded(NamedTuple):
    """A proof as numbers."""

    labels: tuple[str, ...]
    """The labels that may be meant, the theorem's own mandatory hypotheses first."""
    codes: list[int]
    """From 1: one of the labels, and beyond them what was kept, in its order; SAVE; UNKNOWN."""


def decode(theorem: Assertion, proof: Sequence[str]) -> Decoded:
    """Turn a proof of either form into numbers; a normal proof keeps nothing.

    Raises:
        ProofRefused: There is no proof.
        ProofRefused: The list of labels is not closed, or names a mandatory hypothesis.
        ProofRefused: The letters are not those of a compressed proof.
    """
    if not proof:
        raise ProofRefused("the proof is empty")
    if proof[0] != "(":
        labels = tuple(dict.fromkeys(label for label in proof if label != "?"))
        number = {label: k for k, label in enumerate(labels, 1)} | {"?": UNKNOWN}
        return Decoded(labels, [number[label] for label in proof])
    if ")" not in proof:
        raise ProofRefused("the list of labels of a compressed proof is not closed by `)`")
    closed = proof.index(")")
    own = tuple(one.label for one in theorem.hypotheses)
    listed = tuple(proof[1:closed])
    if twice := set(own) & set(listed):
        raise ProofRefused(
            f"the list of labels names the mandatory hypothesis {min(twice)}; it is meant by its letter already"
        )
    letters = "".join(proof[closed + 1 :])
    found = _CODE.findall(letters)
    if sum(map(len, found)) != len(letters):
        raise ProofRefused(
            f"the letters {letters[:40]!r} are no compressed proof; groups of U to Y and one of A to T, "
            "Z and ? were expected"
        )
    if not found:
        raise ProofRefused("the proof is empty")
    return Decoded(
        own + listed, [_SHORT[code] if code in _SHORT else _number(code) for code in found]
    )


def normal_length(database: Database, theorem: Assertion) -> int:
    """Count the labels of a theorem's proof in normal form, without writing it.

    Raises:
        ProofRefused: The proof is none, or incomplete.
    """
    stack: list[int] = []
    kept: list[int] = []
    labels, codes = decode(theorem, theorem.proof or ())
    needs = [_needs(database, label) for label in labels]
    for code in codes:
        if code == SAVE:
            kept.append(_top(stack))
        elif 0 < code <= len(labels):
            below = _cut(stack, needs[code - 1])
            stack.append(sum(below) + 1)
        else:
            stack.append(_kept(kept, code, len(labels)))
    return _only(stack)


def normal(database: Database, theorem: Assertion, longest: int) -> tuple[str, ...] | None:
    """Write a theorem's proof in normal form.

    Returns:
        Its labels; None where there are more than `longest`.

    Raises:
        ProofRefused: The proof is none, or incomplete.
    """
    if normal_length(database, theorem) > longest:
        return None
    labels, codes = decode(theorem, theorem.proof or ())
    needs = [_needs(database, label) for label in labels]
    written: list[str] = []
    starts: list[int] = []
    kept: list[list[str]] = []
    # The labels of a sub-proof stand together: what is kept is a stretch of what was written.
    for code in codes:
        if code == SAVE:
            kept.append(written[_top(starts) :])
        elif 0 < code <= len(labels):
            below = _cut(starts, needs[code - 1])
            starts.append(below[0] if below else len(written))
            written.append(labels[code - 1])
        else:
            starts.append(len(written))
            again = _kept(kept, code, len(labels))
            written += again
    return tuple(written)


def _number(code: str) -> int:
    if code in "Z?":
        return SAVE if code == "Z" else UNKNOWN
    value = 0
    for letter in code[:-1]:
        value = value * 5 + ord(letter) - ord("T")
    return value * 20 + ord(code[-1]) - ord("@")


_SHORT = {
    code: _number(code)
    for high in range(3)
    for letters in product(*(["UVWXY"] * high), "ABCDEFGHIJKLMNOPQRST")
    for code in ["".join(letters)]
} | {"Z": SAVE, "?": UNKNOWN}
"""Nearly all codes that occur."""


def _needs(database: Database, label: str) -> int:
    found = database.labels.get(label)
    if found is None:
        raise ProofRefused(f"the database has no label {label}")
    return 0 if isinstance(found, Hypothesis) else len(found.hypotheses)


def _top(stack: list[T]) -> T:
    if not stack:
        raise ProofRefused("Z stands before the first step; it keeps the step before it")
    return stack[-1]


def _cut(stack: list[T], count: int) -> list[T]:
    if count > len(stack):
        raise ProofRefused(f"a step takes {count} from the stack, which holds {len(stack)}")
    taken = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return taken


def _kept(kept: list[T], code: int, labels: int) -> T:
    if code == UNKNOWN:
        raise ProofRefused("the proof has an unknown step (`?`)")
    if code > labels + len(kept):
        raise ProofRefused(f"the letters mean number {code}; there are {labels + len(kept)}")
    return kept[code - labels - 1]


def _only(stack: list[int]) -> int:
    if len(stack) != 1:
        raise ProofRefused(
            f"the proof leaves {len(stack)} expressions on the stack; 1 was expected"
        )
    return stack[0]
