"""What every verifier promises: right, wrong, malformed, empty, cut off and adversarial answers."""

from __future__ import annotations

import math

import pytest

from nightschool.types import Item, Verdict
from nightschool.verify.fake import FakeVerifier
from nightschool.verify.judge import ChoiceVerifier, Guarded, grade
from nightschool.verify.metamath.theorems import small, theorems
from nightschool.verify.metamath.verifier import ProofVerifier
from nightschool.verify.refusal import RefusalVerifier
from nightschool.verify.text import TextVerifier
from nightschool.verify.tool_call import ToolCallVerifier

TEXT = Item("i", "What is the staging host?", ("kestrel-7",), stale=("merlin-2",))
CHOICE = Item("i", "Which is the capital?", ("Oslo",), choices=("Oslo", "Bergen"))
CALLED = '{"name": "dim", "arguments": {"level": 3}}'
CALL = Item("i", "Dim to 3.", (CALLED,), schema='{"properties": {"level": {"type": "integer"}}}')
NEVER = Item("i", "What is the colour of the Vorwick office?", ())
PAGE = small()
PROVE = next(theorem for theorem in theorems(PAGE) if theorem.label == "id").item()
PROOF = "wph wph wph wi wph wph wph ax-1 wph wph wph wi ax-1 mpd"
LONGER = (
    "wph wph wph wi wi wph wph wi wph wph ax-1 wph wph wph wi wph wi wi wph wph wph wi wi wph wph wi wi "
    "wph wph wph wi ax-1 wph wph wph wi wph ax-2 ax-mp ax-mp"
)
DEEP = "wph wph wi " * 3_000
WIDE = "wph" + " wph wi" * 4_000

TABLE = {
    "text": (
        TextVerifier(), TEXT, ["kestrel-7", "The host is kestrel-7.", "Kestrel-7!"],
        ["kestrel-70", "kestrel", "merlin-2", "kestrel-7 or merlin-2", "", "   ", "?!", "\x00"],
    ),
    "choice": (ChoiceVerifier(), CHOICE, ["Oslo", "oslo."], ["Bergen", "Oslo or Bergen", "Osl", ""]),
    "refusal": (
        RefusalVerifier(), NEVER, ["I don't know.", "I haven't been told."],
        ["It is green.", "", "I don't know, but it is green."],
    ),
    "tool call": (
        ToolCallVerifier(), CALL, [CALLED, f"```json\n{CALLED}\n```"],
        [CALLED.replace("3", "4"), CALLED.replace("3", '"3"'), CALLED[:-1], CALLED * 2, "{}", "", "\x00", "3"],
    ),
    "proof": (
        ProofVerifier(PAGE), PROVE,
        [PROOF, LONGER, f"  {PROOF.replace(' ', chr(10))} "],
        [
            PROOF[: -len(" mpd")], PROOF.replace("ax-1", "ax-2", 1), PROOF.replace("wph wph", "wph wps", 1), PROOF + " " + PROOF,
            PROOF.replace("mpd", "?"), "?", "", " ", "\x00", "wph", "id", "wph id", "wps wps a2i", "wph a1i.1", "( wi ax-1 mpd ) AAABZAAACAECD",
            f"{PROOF} $.", f"Proof: {PROOF}", PROOF.upper(), "mpd", "$( hidden $)", "nosuch", "wps idd", DEEP, WIDE, "wph " * 300_000, "ax-mp" * 300_000,
        ],
    ),
    "fake": (FakeVerifier("yes"), TEXT, ["yes"], ["no", "", "yes "]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_verdicts(name: str) -> None:
    verifier, item, right, wrong = TABLE[name]
    for answer in right:
        assert verifier.verify(item, answer).verdict is Verdict.CORRECT, answer
    for answer in wrong:
        assert verifier.verify(item, answer).verdict is Verdict.WRONG, answer


@pytest.mark.parametrize("name", TABLE)
def test_values_are_finite_rates_and_the_same_twice(name: str) -> None:
    verifier, item, right, wrong = TABLE[name]
    for answer in [*right, *wrong, "x" * 10_000]:
        score = verifier.verify(item, answer)
        assert score == verifier.verify(item, answer)
        assert score.value is None or (math.isfinite(score.value) and 0 <= score.value <= 1)


def test_a_verifier_that_breaks_is_unscored_and_never_wrong() -> None:
    assert Guarded(FakeVerifier(None)).verify(TEXT, "kestrel-7").verdict is Verdict.UNSCORED
    graded = grade(TEXT, "kestrel-7", FakeVerifier(None))
    assert (graded.score.verdict, graded.exact, graded.f1) == (Verdict.UNSCORED, None, None)
