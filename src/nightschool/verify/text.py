"""The verifier of short factual answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightschool.negation import denies
from nightschool.types import Item, Score, Verdict
from nightschool.verify.metrics import canonical, contains, unqualified

_CLAUSE = re.compile(
    r"[.,;:!?](?=\s|$)|\n|\b(?:but|instead|rather it is|and (?:is |are )?(?:now|with))\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|without|except|cannot|no longer|other than|rather than|"
    r"instead of|used to be|formerly|previously|is no)\b|n['’]t\b|\bno$",
    re.IGNORECASE,
)
_WINDOW = 5
"""Words before an answer in which a negation denies it."""
_DENIED_AFTER = re.compile(r"(?:is|was|are|were) (?:not|no longer)\b|(?:is|was|are|were)n['’]?t\b")
_ASKED_BACK = re.compile(r"[^.!?\n]*\?(?=\s|$)")
"""A question in an answer asserts nothing."""
_PLACED = re.compile(r"(?:at|in|on|by|from|to|of|with|near|under|over)\b", re.IGNORECASE)
_LIST_LENGTH = 4
"""As many short alternatives as this are a guess at everything, not an answer."""


class TextVerifier:
    """Accepts an answer that asserts a right value and no value that used to be right.

    A value that is denied ("not kestrel-7"), hedged ("kestrel-7 or heron-2"), asked ("Is it kestrel-7?") or one of a list
    of four and more alternatives is not asserted. Where the question denies, so may the answer; and the words of
    the memory that the question is made of are right.
    """

    def verify(self, item: Item, answer: str) -> Score:
        """Grade by whole-word containment of canonical forms; an empty answer is wrong."""
        if not answer.strip():
            return Score(Verdict.WRONG, 0.0, "empty answer")
        held = [right for right in item.answers if contains(answer, right)]
        if not held:
            return Score(Verdict.WRONG, 0.0, "no accepted answer in it")
        told = canonical(answer)
        quotes = len(told.split()) > 1 and f" {told} " in f" {canonical(item.context)} "
        if not quotes and not any(_asserted(answer, right, item.question) for right in held):
            return Score(Verdict.WRONG, 0.0, "the accepted answer is denied or only guessed at")
        outside = _without(answer, held)
        rivals = (*item.stale, *(c for c in item.choices if c not in item.answers))
        for rival in rivals:
            if contains(outside, rival) and _asserted(outside, rival, ""):
                return Score(Verdict.WRONG, 0.0, f"also gives {rival!r}, which is not right (now)")
        return Score(Verdict.CORRECT, 1.0)


def _asserted(answer: str, value: str, question: str) -> bool:
    """Tell whether some mention of the value is neither denied, nor hedged, nor asked, nor in a long list."""
    words = canonical(value)
    if not words:
        return True
    stated = _ASKED_BACK.sub(" ", answer)
    if not contains(stated, value) or _is_list(unqualified(stated, value), value):
        return False
    if _hedged(unqualified(stated, value), value):
        return False
    answer = stated
    clauses = [clause for clause in _split_clauses(answer) if contains(clause, value)]
    if not clauses:
        # A value that itself spans a clause mark ("Paris, France").
        return True
    return denies(question) or any(
        not _denied(unqualified(clause, value), words) for clause in clauses
    )


def _hedged(answer: str, value: str) -> bool:
    """Tell whether another value stands beside it, as good as it: "kestrel-7 or heron-2", "heron-2 / kestrel-7"."""
    before, _, after = f" {canonical(answer)} ".partition(f" {canonical(value)} ")
    mention = re.escape(value.strip())
    slashed = rf"(?<!\w){mention}\s*\s/\s|\s/\s\s*{mention}(?!\w)"
    either = re.match(r"or\b", after) or re.search(r"\bor$", before.rstrip())
    return bool(either) or re.search(slashed, answer, re.IGNORECASE) is not None


def _denied(clause: str, words: str) -> bool:
    form = f" {canonical(clause)} "
    before, after = form.split(f" {words} ", 1)
    near = " ".join(before.split()[-_WINDOW:])
    return bool(_DENIED_AFTER.match(after) or _NEGATION.search(near) or _part_of(before, words))


def _part_of(before: str, words: str) -> bool:
    """Tell a part of a longer measure from it: "45 minutes" in "2 hours 45 minutes"."""
    measure = r"\d+ (?:hours?|minutes?|days?|weeks?|months?|years?)(?: and)?$"
    return bool(re.match(r"\d+ [a-z]", words) and re.search(measure, before.rstrip()))


def _split_clauses(answer: str) -> list[str]:
    # Thousands separators and "May 4, 1991" are inside a clause, not between two.
    flat = re.sub(r"(\d),\s*(?=\d{3,4}\b)", r"\1 ", re.sub(r"(?<=\d),(?=\d{3}\b)", "", answer))
    return _CLAUSE.split(flat)


def _is_list(answer: str, value: str) -> bool:
    if re.search(r",|\band\b|\bor\b|\n", value):
        return False
    # A path or an address is one thing, not as many as it has folders, whether it is the value or stands beside it.
    named = re.sub(
        r"[^\s,;]*/[^\s,;]*", lambda m: m[0] if contains(m[0], value) else "there", answer
    )
    others = _without(named, [value])
    parts = [part for part in re.split(r",|;|\n|/| and | or ", others) if part.strip()]
    short = [part for part in parts[1:] if len(part.split()) <= 4]
    placed = {match[0].lower() for part in parts if (match := _PLACED.match(part.strip()))}
    if len(placed) > 1:
        return False  # "on Tuesday, at 10:00, in room 4" is one answer
    return len(parts) >= _LIST_LENGTH and len(short) == len(parts) - 1


def _without(answer: str, held: Sequence[str]) -> str:
    """Return the answer with the accepted mentions taken out (a rival may be part of one)."""
    rest = answer
    for right in sorted(held, key=len, reverse=True):
        pattern = r"\W+".join(re.escape(word) for word in right.split())
        rest = re.sub(rf"(?<!\w){pattern}(?!\w)", " … ", rest, flags=re.IGNORECASE)
    return rest
