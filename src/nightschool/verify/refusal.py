"""The verifier of abstention: the right answer is to say that one does not know."""

from __future__ import annotations

import re

from nightschool.negation import denies
from nightschool.types import Item, Score, Verdict
from nightschool.verify.metrics import canonical

_REFUSAL = re.compile(
    r"\b(?:"
    r"(?:i|we) (?:do not|don't|didn't|did not) (?:actually |really )?(?:know|recall|remember)\b"
    r"|(?:nobody|no one|no-one) (?:has |ever |has ever )?(?:told|said|mentioned|taught|given)\b"
    r"|(?:do not|don't) have (?:it|that|this|one)\b"
    r"|(?:do not|don't|did not) have (?:\w+ ){0,3}(?:information|access|record|records|knowledge"
    r"|details|data|memory|answer)\b"
    r"|(?:am|i'm|are) (?:not|un) ?(?:sure|certain|aware|familiar|able|told)\b"
    r"|(?:i'm|am) (?:unsure|uncertain|unaware|unable|unfamiliar)\b"
    r"|no (?:information|record|records|knowledge|idea|details|data)\b"
    r"|(?:can't|cannot|can not|could not|couldn't) (?:say|tell|answer|find|determine|know|help"
    r"|provide|confirm)\b"
    r"|(?:have not|haven't|has not|was not|wasn't|were not|never) (?:been |yet )?(?:told|given"
    r"|informed|taught|said|learnt|learned|mentioned|heard)\b"
    r"|(?:is|was|has|it's) (?:not|never) (?:been )?(?:known|specified|mentioned|provided|given"
    r"|stated|recorded)\b"
    r"|(?:isn't|wasn't|hasn't been) (?:known|specified|mentioned|provided|given|stated|recorded)\b"
    r"|(?:is|remains) (?:unknown|unspecified)\b"
    r")|^\W*(?:unknown|unsure|not sure|no idea|not known|not specified|n/a)\W*$",
    re.IGNORECASE,
)
_NEVERTHELESS = re.compile(
    r"\b(?:but|however|although|still|anyway|that said)\b[^.!?]*?\b(?:i (?:think|believe|guess)|is"
    r"|are|was|were|it's|probably|maybe|likely|must be|could be|might be|would be)\b",
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"[.!;,:]\s*(?:(?:it|its|the|i (?:think|believe|guess))\b[^.!?]*\b(?:is|are|was|were|it's|has|have)\b"
    r"(?!\s+un\w+\b)|it's\b|(?:probably|maybe|perhaps|possibly|try)\b)[^.!?]*",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[\w.:/-]*\d[\w.:/-]*")
"""A number, a date, a name with a digit: what nobody says who gives no value."""


class RefusalVerifier:
    """Accepts an answer that declines to give a value, and gives none all the same."""

    def verify(self, item: Item, answer: str) -> Score:
        """Grade: a refusal without an assertion after it, and without a value that the question does not name, is correct; empty is wrong."""
        flat = re.sub(r"\s+", " ", answer.replace("’", "'")).strip()
        if not flat:
            return Score(Verdict.WRONG, 0.0, "empty answer")
        found = _REFUSAL.search(flat)
        if found is None:
            return Score(Verdict.WRONG, 0.0, "no refusal in it")
        rest = flat[found.end() :]
        guessed = any(not denies(match[0]) for match in _GUESS.finditer(rest))
        asked = canonical(item.question).split()
        given = [v for v in _VALUE.findall(flat) if not set(canonical(v).split()) <= set(asked)]
        if guessed or given or _NEVERTHELESS.search(rest):
            return Score(Verdict.WRONG, 0.0, "refuses, then answers all the same")
        return Score(Verdict.CORRECT, 1.0)
