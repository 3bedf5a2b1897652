"""The front of the room: the verifier for an item, and an answer graded with all its figures."""

from __future__ import annotations

from dataclasses import dataclass

from nightschool.protocols import Verifier
from nightschool.types import Item, Score, Verdict
from nightschool.verify.metrics import canonical, containment, exact_match, token_f1
from nightschool.verify.refusal import RefusalVerifier
from nightschool.verify.text import TextVerifier
from nightschool.verify.tool_call import ToolCallVerifier


@dataclass(frozen=True, slots=True)
class Grade:
    """A verdict and the figures beside it; the figures are None where no answer is accepted."""

    score: Score
    exact: float | None
    f1: float | None
    contained: float | None


class ChoiceVerifier:
    """Accepts exactly the right one of an item's choices."""

    def verify(self, item: Item, answer: str) -> Score:
        """Grade by equality of canonical forms, or of the raw text where those are empty."""
        given = canonical(answer) or answer.strip()
        if not given:
            return Score(Verdict.WRONG, 0.0, "empty answer")
        right = {canonical(accepted) or accepted.strip() for accepted in item.answers}
        verdict = Verdict.CORRECT if given in right else Verdict.WRONG
        return Score(verdict, float(verdict is Verdict.CORRECT))


class Guarded:
    """Wraps a verifier so that one that breaks says `unscored`, never wrong."""

    def __init__(self, inner: Verifier) -> None:
        self._inner = inner

    def verify(self, item: Item, answer: str) -> Score:
        """Grade with the wrapped verifier; its exception becomes the reason."""
        try:
            return self._inner.verify(item, answer)
        except Exception as error:
            return Score(Verdict.UNSCORED, None, f"{type(error).__name__}: {error}")


def verifier_for(item: Item) -> Verifier:
    """Choose the verifier for an item: by choices, refusal (no accepted answer), tool call, else text."""
    if item.choices:
        return Guarded(ChoiceVerifier())
    if not item.answers:
        return Guarded(RefusalVerifier())
    if item.schema:
        return Guarded(ToolCallVerifier())
    return Guarded(TextVerifier())


def grade(item: Item, answer: str, verifier: Verifier | None = None) -> Grade:
    """Grade one answer: the verdict, exact match, token F1 and containment.

    Args:
        item: The question with its accepted answers.
        answer: What the model said.
        verifier: Who gives the verdict; None chooses by item (`verifier_for`).
    """
    judge = Guarded(verifier) if verifier is not None else verifier_for(item)
    score = judge.verify(item, answer)
    if not item.answers or score.verdict is Verdict.UNSCORED:
        return Grade(score, None, None, None)
    accepted = item.answers
    return Grade(
        score,
        exact_match(answer, accepted),
        token_f1(answer, accepted),
        containment(answer, accepted),
    )
