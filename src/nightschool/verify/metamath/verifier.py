"""The verifier of formal proofs: an answer is the labels of a proof, and the checker has the last word."""

from __future__ import annotations

from nightschool.errors import ProofRefused, ProofUndecided
from nightschool.types import Item, Score, Verdict
from nightschool.verify.metamath.checker import ANSWER, Bounds, Checker
from nightschool.verify.metamath.database import Assertion, Database

LONGEST_LABEL = 100
"""Characters of a label on average that an answer may have; set.mm's longest has about 40."""


class ProofVerifier:
    """Accepts a proof in normal form of the theorem that the item names.

    The answer is labels with white space between them, and nothing else: a proof among words is
    wrong, since picking it out would be a guess. So is one with an unknown step (`?`), one that uses
    the theorem itself or what comes later, a compressed one, and one beyond the bounds, which are
    part of the task. Unscored is what the checker cannot tell: an item of another database, and a
    check that takes too long.

    Args:
        database: Where the item's theorem stands.
        bounds: What a proof may cost.
    """

    def __init__(self, database: Database, bounds: Bounds = ANSWER) -> None:
        self._database = database
        self._checker = Checker(database, bounds)
        self._longest = bounds.steps * LONGEST_LABEL

    def verify(self, item: Item, answer: str) -> Score:
        """Grade by running the proof; the reason names the step and what was expected there."""
        theorem = self._database.labels.get(item.id)
        if not isinstance(theorem, Assertion) or not self._asked(item, theorem):
            why = f"{self._database.name} has no theorem {item.id} that says what the item asks"
            return Score(Verdict.UNSCORED, None, why)
        if len(answer) > self._longest:
            return Score(Verdict.WRONG, 0.0, f"the answer has more than {self._longest} characters")
        labels = answer.split()
        if not labels:
            return Score(Verdict.WRONG, 0.0, "empty answer")
        if labels[0] == "(":
            return Score(
                Verdict.WRONG, 0.0, "a compressed proof; labels in normal form were asked for"
            )
        try:
            self._checker.check(theorem, labels)
        except ProofRefused as error:
            return Score(Verdict.WRONG, 0.0, str(error))
        except ProofUndecided as error:
            return Score(Verdict.UNSCORED, None, str(error))
        return Score(Verdict.CORRECT, 1.0)

    def _asked(self, item: Item, theorem: Assertion) -> bool:
        """Tell whether an item asks for this theorem, and not for its namesake in another database."""
        statement = self._database.show(theorem.expression, len(theorem.expression))
        return item.question.endswith(f"= {statement}")
