"""The gate promotes what gained and kept, refuses what is damaged, and never punishes being right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.config import GateConfig
from nightschool.exam.gate import attempt_alpha, decide
from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict

CONFIG = GateConfig()
SIZES = {"new": 12, "old": 40, "general": 240, "abstain": 40}


def bank(name, kind, night, n):
    items = tuple(Item(f"{name}{i}", f"q{i}", ("x",), (f"m-{name}{i}",)) for i in range(n))
    return Bank(name, "default", kind, night, items, "")


def banks(sizes):
    kinds = {
        "new": (BankKind.ACQUIRED, "n2"),
        "old": (BankKind.ACQUIRED, "n1"),
        "general": (BankKind.GENERAL, ""),
        "abstain": (BankKind.ABSTENTION, "n2"),
    }
    return [bank(name, *kinds[name], size) for name, size in sizes.items()]


def report(outcomes, unscored=()):
    results = tuple(
        Result(
            item,
            "b",
            "choice" if item.startswith("general") else "closed",
            "",
            Score(
                Verdict.UNSCORED
                if item in unscored
                else (Verdict.CORRECT if right else Verdict.WRONG)
            ),
            None,
            None,
            None,
            None,
        )
        for item, right in outcomes.items()
    )
    return Report("r", "default", "v", "n2", results)


def marks(new, old=1.0, general=0.6, abstain=0.3, sizes=SIZES):
    shares = {"new": new, "old": old, "general": general, "abstain": abstain}
    return {
        f"{name}{i}": float(i < round(share * sizes[name]))
        for name, share in shares.items()
        for i in range(sizes[name])
    }


def judge(candidate, live, best=None, sizes=SIZES, **options):
    if best is None:
        best = {k: v for k, v in live.items() if k.startswith("old")}
    return decide(report(candidate), report(live), best, banks(sizes), CONFIG, **options)


def failed(decision):
    return {check.name for check in decision.checks if not check.passed}


def test_gain_without_loss_is_promoted():
    decision = judge(marks(0.9), marks(0.0))
    assert decision.promote, decision
    assert all(check.reason for check in decision.checks)


def test_an_unchanged_model_gains_nothing_but_keeps_everything():
    decision = judge(marks(0.0), marks(0.0))
    assert failed(decision) == {"acquired"}


def test_damage_anywhere_is_refused():
    live = marks(0.0)
    assert failed(judge(marks(0.9, old=0.7), live)) == {"retained"}
    assert failed(judge(marks(0.9, general=0.5), live)) == {"general"}
    assert failed(judge(marks(0.9, abstain=0.0), live)) == {"abstention"}
    assert not judge(marks(0.0, 0.0, 0.25, 0.0), live).promote


def test_small_losses_cannot_add_up_against_live_alone():
    live = marks(0.0, old=0.75)
    best = {f"old{i}": 1.0 for i in range(40)}
    assert judge(marks(0.9, old=0.75), live).promote
    assert failed(judge(marks(0.9, old=0.75), live, best)) == {"retained"}


def test_first_night_has_nothing_earlier():
    sizes = SIZES | {"old": 0}
    decision = judge(marks(0.9, sizes=sizes), marks(0.0, sizes=sizes), sizes=sizes)
    assert decision.promote
    assert "nothing earlier" in decision.checks[2].reason


def test_too_few_items_is_said():
    for name in ("new", "old", "abstain"):
        sizes = SIZES | {name: 5}
        decision = judge(marks(1.0, sizes=sizes), marks(0.0, sizes=sizes), sizes=sizes)
        assert not decision.promote
        assert any("insufficient evidence" in check.reason for check in decision.checks)


def test_a_night_that_only_forgets_needs_no_new_items():
    sizes = SIZES | {"new": 0}
    same = marks(0.0, sizes=sizes)
    assert not judge(same, same, sizes=sizes).promote
    assert judge(same, same, sizes=sizes, expect_new=False).promote


def test_probe_and_broken_verifier_refuse():
    assert failed(judge(marks(0.9), marks(0.0), probe_ok=False)) == {"probe"}
    broken = {f"general{i}" for i in range(60)}
    decision = decide(
        report(marks(0.9), broken), report(marks(0.0)), {}, banks(SIZES), CONFIG, 1, True
    )
    assert failed(decision) == {"general"}
    assert "verdict" in next(c for c in decision.checks if c.name == "general").reason


def test_attempts_share_one_error_budget():
    assert sum(attempt_alpha(0.05, k) for k in range(1, 60)) <= 0.05
    assert judge(marks(0.5), marks(0.0), attempt=1).promote
    assert not judge(marks(0.5), marks(0.0), attempt=4).promote


SMALL = {"new": 10, "old": 30, "general": 60, "abstain": 30}
flags = st.lists(st.booleans(), min_size=130, max_size=130)


@settings(max_examples=150)
@given(
    live=flags,
    noise=st.lists(st.integers(0, 7), min_size=130, max_size=130),
    more=flags,
    attempt=st.integers(1, 6),
)
def test_more_correct_never_turns_promote_into_refuse(live, noise, more, attempt):
    names = list(marks(0, sizes=SMALL))
    reference = {n: float(v and not n.startswith("new")) for n, v in zip(names, live, strict=True)}
    # A candidate near the border: mostly right on the new, few flips elsewhere.
    worse = {
        n: float(k != 0) if n.startswith("new") else (1 - reference[n] if k == 0 else reference[n])
        for n, k in zip(names, noise, strict=True)
    }
    better = {n: max(worse[n], float(m)) for n, m in zip(names, more, strict=True)}
    config = GateConfig(margin_retained=0.2, margin_general=0.15, margin_abstention=0.2)

    def verdict(candidate):
        return decide(
            report(candidate), report(reference), {}, banks(SMALL), config, attempt=attempt
        )

    before, after = verdict(worse), verdict(better)
    for left, right in zip(before.checks, after.checks, strict=True):
        assert right.passed or not left.passed, (left, right)


@settings(max_examples=50)
@given(flags)
def test_equal_but_for_a_gain_on_the_new_is_promoted(live):
    names = list(marks(0, sizes=SMALL))
    reference = {n: float(v and not n.startswith("new")) for n, v in zip(names, live, strict=True)}
    candidate = {n: 1.0 if n.startswith("new") else v for n, v in reference.items()}
    assert judge(candidate, reference, sizes=SMALL | {"general": 60}).promote
