"""The history tells what was served, and what was lost only by questions that both nights were asked."""

import re
from dataclasses import replace

from nightschool.morning import _uncovered
from nightschool.report.gather import NightRecord, make_morning
from nightschool.report.page import build_page
from nightschool.types import (
    Bank,
    BankKind,
    Check,
    Decision,
    Example,
    Item,
    Material,
    Message,
    Report,
    Result,
    Score,
    Verdict,
)


def item(number, memory):
    return Item(f"i{number}", f"Q{number}?", ("x",), memory_ids=(memory,), group="told")


FIRST = Bank(
    "b1", "t", BankKind.ACQUIRED, "night-0001", (item(1, "mA"), item(2, "mA"), item(3, "mB")), ""
)
SECOND = Bank("b2", "t", BankKind.ACQUIRED, "night-0002", (item(4, "mC"),), "")


def sat(night, **right):
    rows = [
        Result(
            name, "b2" if name == "i4" else "b1", "closed", "x" if ok else "y",
            Score(Verdict.CORRECT if ok else Verdict.WRONG, float(ok)), None, None, None, None,
        )
        for name, ok in right.items()
    ]  # fmt: skip
    decision = Decision(True, (Check("acquired", True, 0.5, 0.2, 0.0, 8, "r"),), 1, None)
    return NightRecord(
        night, None, decision, Report(f"r-{night}", "t", f"v-{night}", night, tuple(rows))
    )


def morning(*nights):
    return make_morning(
        tenant="t", workspace="w", at="2026-01-01T00:00:00+00:00", base="b", base_report=None,
        banks=[FIRST, SECOND], nights=nights,
    )  # fmt: skip


EARLIER = sat("night-0001", i1=True, i3=True)


def test_a_question_that_was_not_asked_before_loses_no_fact():
    found = morning(EARLIER, sat("night-0002", i1=True, i2=False, i3=True, i4=True))
    assert (found.lost.known, found.lost.total) == (0, 2)
    found = morning(EARLIER, sat("night-0002", i1=False, i3=True))
    assert (found.lost.known, found.lost.total) == (1, 2)


def test_a_night_promoted_by_hand_stays_so_when_others_follow():
    by_hand = replace(EARLIER, decision=replace(EARLIER.decision, promote=False, overridden_by="owner"))  # fmt: skip
    found = morning(by_hand, sat("night-0002", i1=False, i3=True))
    assert found.lost.known == 1
    pills = re.findall(r'<span class="pill[^>]*>([^<]*)</span>', build_page(found))
    assert "promoted by hand" in pills
    assert "refused" not in pills


def test_a_memory_without_a_question_is_named():
    written = [
        Example(f"e-{m}", "t", (m,), "rules", "qa", (Message("user", "?"),), "x.")
        for m in ("mC", "mD")
    ]
    assert _uncovered(Material(tuple(written), {}, ("mE",)), [SECOND], "night-0002") == ["mE", "mD"]
