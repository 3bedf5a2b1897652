"""What the report counts: rates, whole facts, losses, and None for what was not run."""

from __future__ import annotations

from dataclasses import dataclass

from nightschool.report.gather import NightRecord, make_morning
from nightschool.report.morning import Contrast, Morning, Rate, Returns, Tally
from nightschool.report.words import headline, percent, points, subline
from nightschool.types import (
    Bank,
    BankKind,
    Check,
    Decision,
    Item,
    Material,
    Report,
    Result,
    Score,
    TrainResult,
    Verdict,
    Version,
)

YES, NO, UNSURE = Verdict.CORRECT, Verdict.WRONG, Verdict.UNSCORED


def bank(night: str, questions: dict[str, str], group: str = "told") -> Bank:
    """A bank of questions, each naming its fact."""
    items = tuple(Item(q, f"{q}?", ("x",), (fact,), group=group) for q, fact in questions.items())
    return Bank(f"bank-{night}", "default", BankKind.ACQUIRED, night, items, "")


def report(night: str, verdicts: dict[tuple[str, str], Verdict]) -> Report:
    """A closed-book report from {(bank's night, item): verdict}."""
    results = tuple(
        Result(item, f"bank-{of}", "closed", "an answer", Score(verdict), None, None, None, None)
        for (of, item), verdict in verdicts.items()
    )
    return Report(f"report-{night}", "default", f"version-{night}", night, results)


FIRST = bank("n1", {"a1": "a", "a2": "a", "b1": "b"})
SECOND = bank("n2", {"c1": "c", "d1": "d"}, group="changed")
AFTER_ONE = report("n1", {("n1", "a1"): YES, ("n1", "a2"): YES, ("n1", "b1"): YES})
AFTER_TWO = report(
    "n2",
    {
        ("n1", "a1"): YES,
        ("n1", "a2"): NO,
        ("n1", "b1"): YES,
        ("n2", "c1"): YES,
        ("n2", "d1"): UNSURE,
    },
)


def two_nights(**more: object) -> Morning:
    """The morning after the two nights above."""
    return make_morning(
        tenant="default",
        workspace="school",
        at="2026-01-02",
        base="base",
        base_report=None,
        banks=[FIRST, SECOND],
        nights=[
            NightRecord("n1", decision=Decision(True, ()), report=AFTER_ONE),
            NightRecord("n2", decision=Decision(True, ()), report=AFTER_TWO),
        ],
        **more,  # pyright: ignore[reportArgumentType]
    )


def test_matrix_has_a_row_after_each_night_and_none_for_what_was_not_asked() -> None:
    assert two_nights().matrix == ((1.0, None), (2 / 3, 1.0))


def test_a_fact_counts_when_all_its_scored_questions_are_right() -> None:
    morning = two_nights()
    assert morning.learnt == Tally(1, 1)
    assert morning.lost == Tally(1, 2)
    assert headline(morning).startswith("Tonight the model learnt the one new fact but lost 1 of")


def test_groups_that_were_not_examined_are_none_and_never_zero() -> None:
    groups = {contrast.name: contrast for contrast in two_nights().groups}
    assert list(groups) == ["told", "code", "document", "changed", "forgotten"]
    assert groups["code"].version is None
    assert groups["told"].base is None
    assert groups["changed"].version == Rate(1.0, 1)


def test_a_contrast_measured_elsewhere_takes_the_place_of_its_group() -> None:
    probe = Contrast("forgotten", Rate(0.0, 4), Rate(0.25, 4))
    assert probe in two_nights(extra_groups=[probe]).groups


def test_results_of_retired_items_are_left_out() -> None:
    kept = bank("n1", {"b1": "b"})
    morning = make_morning(
        tenant="default",
        workspace="school",
        at="",
        base="base",
        base_report=None,
        banks=[kept],
        nights=[NightRecord("n1", report=AFTER_ONE)],
    )
    assert morning.learnt == Tally(1, 1)


def test_intervals_come_from_the_callers_function() -> None:
    @dataclass
    class Wide:
        low: float = 0.25
        high: float = 0.75

    told = two_nights(interval=lambda values, items: Wide()).groups[0]
    assert told.version == Rate(2 / 3, 3, 0.25, 0.75)


def test_an_exam_that_scored_nothing_is_not_run() -> None:
    morning = make_morning(
        tenant="default",
        workspace="school",
        at="",
        base="base",
        base_report=None,
        banks=[FIRST],
        nights=[NightRecord("n1", report=report("n1", {("n1", "a1"): UNSURE}))],
    )
    assert morning.learnt is None
    assert headline(morning) == "Tonight’s exam was not run. The gate has not spoken."


def test_misses_are_among_the_example_answers() -> None:
    morning = two_nights(answers=3)
    assert [answer.verdict for answer in morning.answers] == ["correct", "correct", "wrong"]


def test_costs_come_from_the_version_and_the_material() -> None:
    train = TrainResult("full", 9, 1000, 500, 60.0, 4_200_000_000, 3.0, 0.1)
    version = Version("v", "default", "n1", "full", "b", "b", (), (), "", 0, {}, "", train)
    morning = make_morning(
        tenant="default",
        workspace="school",
        at="",
        base="base",
        base_report=None,
        banks=[],
        nights=[NightRecord("n1", version, material=Material((), {"leak": 2}, ("m1",)))],
        tokens_saved=100.0,
    )
    night = morning.nights[0]
    assert (night.tokens, night.peak_gb, night.examples, night.minutes) == (1000, 4.2, 0, None)
    assert (morning.dropped, morning.uncovered) == ({"leak": 2}, ("m1",))
    assert morning.returns.break_even == 30


def test_nothing_saved_never_breaks_even() -> None:
    assert Returns(1000, 0.0).break_even is None
    assert Returns(None, 10.0).break_even is None


def test_a_refusal_names_what_failed() -> None:
    failed = Check("retained", False, -0.2, -0.3, 0.1, 40, "lost too much")
    morning = Morning(
        "default", "s", "", "base", two_nights().nights, decision=Decision(False, (failed,))
    )
    assert headline(morning).endswith("Refused.")
    assert subline(morning) == "It did not pass: earlier facts. The live model is unchanged."


def test_rounding_never_claims_all_or_nothing() -> None:
    assert [percent(v) for v in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]
    assert [points(v) for v in (-0.012, 0.0, 0.3, None)] == ["−1.2", "0.0", "+30.0", "not run"]


def test_what_is_known_is_counted_by_module_and_tool() -> None:
    places = {
        "a": ("module", "kit/a.py"),
        "b": ("module", "kit/a.py"),
        "c": ("tool", "send_mail"),
        "z": ("module", "kit/z.py"),
    }
    parts = two_nights(places=places).parts
    assert [(p.kind, p.name, p.facts, p.asked) for p in parts] == [
        ("module", "kit/a.py", 2, 2),
        ("module", "kit/z.py", 1, 0),
        ("tool", "send_mail", 1, 1),
    ]
    assert (parts[0].base, parts[0].version) == (None, Rate(2 / 3, 3))
    assert (parts[1].version, parts[2].version) == (None, Rate(1.0, 1))
    assert two_nights().parts == ()
