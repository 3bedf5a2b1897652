"""A verifier that was told what to say: for tests of everything that grades."""

from __future__ import annotations

from nightschool.types import Item, Score, Verdict


class FakeVerifier:
    """Says `correct` to one answer and `wrong` to all others; None breaks, as real ones may."""

    def __init__(self, right: str | None) -> None:
        self._right = right

    def verify(self, item: Item, answer: str) -> Score:
        """Grade by equality with the answer that it was told.

        Raises:
            RuntimeError: It was told to break.
        """
        if self._right is None:
            raise RuntimeError("this verifier is broken on purpose")
        verdict = Verdict.CORRECT if answer == self._right else Verdict.WRONG
        return Score(verdict, float(verdict is Verdict.CORRECT))
