"""The gate: the pure rule that turns two exam reports into promote or refuse, with reasons.

Promotion needs all of: the weights examined are the trained ones; a significant gain on
tonight's items; and no worse than the margin, with confidence, on earlier nights' items, on
general items and on abstention. Too few items to tell is a refusal that says so.

Earlier items are compared with the best that any served version did on each since it was
learnt, so that small losses cannot add up night after night. Attempts at one night share one
error budget: attempt k works at alpha / 2^k, and the sum over all attempts stays below alpha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nightschool.config import GateConfig
from nightschool.exam.stats import Paired, attainable, outcomes, paired
from nightschool.types import Bank, BankKind, Check, Decision, Item, Report

MIN_PAIRED = 0.9
"""A check needs a verdict on both sides for at least this share of its items."""


def attempt_alpha(alpha: float, attempt: int) -> float:
    """Return the error rate of the k-th attempt (from 1) at one night: alpha / 2^k.

    Raises:
        ValueError: The attempt is below 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}; attempts are counted from 1.")
    return float(alpha / 2**attempt)


def decide(
    candidate: Report,
    live: Report,
    best: Mapping[str, float],
    banks: Sequence[Bank],
    config: GateConfig,
    attempt: int = 1,
    probe_ok: bool = True,
    *,
    expect_new: bool = True,
) -> Decision:
    """Decide whether the candidate replaces the live version.

    Args:
        candidate: The new version's report; its `night` tells new banks from earlier ones.
        live: The live version's report on the same banks (the base's before the first promotion).
        best: Item id -> the best outcome of any served version since the item's fact was learnt.
        banks: The banks that both sat.
        config: Margins, error rate and the least number of new items.
        attempt: Which attempt at this night this is, from 1.
        probe_ok: Whether a probe showed the examined weights to be the trained ones.
        expect_new: False for a night that teaches nothing new (after `forget`): then having no
            new items is no reason to refuse.

    Raises:
        ValueError: The attempt is below 1.
    """
    alpha = attempt_alpha(config.alpha, attempt)
    theirs, ours = outcomes(live), outcomes(candidate)
    new: list[Item] = []
    earlier: list[Item] = []
    for bank in banks:
        if bank.kind is BankKind.ACQUIRED:
            (new if bank.night == candidate.night else earlier).extend(bank.items)
    since = {
        item.id: max(best.get(item.id, 0.0), theirs.get(item.id, 0.0))
        for item in earlier
        if item.id in best or item.id in theirs
    }
    checks = (
        _probe(probe_ok),
        _gain(ours, theirs, new, alpha, config.min_items, expect_new),
        _kept("retained", ours, since, earlier, config.margin_retained, alpha),
        _kept(
            "general",
            ours,
            theirs,
            _items(banks, BankKind.GENERAL),
            config.margin_general,
            alpha,
        ),
        _kept(
            "abstention",
            ours,
            theirs,
            _items(banks, BankKind.ABSTENTION),
            config.margin_abstention,
            alpha,
        ),
    )
    return Decision(all(check.passed for check in checks), checks, attempt)


def _items(banks: Sequence[Bank], kind: BankKind) -> list[Item]:
    return [item for bank in banks if bank.kind is kind for item in bank.items]


def _probe(probe_ok: bool) -> Check:
    reason = (
        "the examined weights are the trained ones"
        if probe_ok
        else "the examined weights are not shown to be the newly trained ones: "
        "they equal the start's, or differ from what training wrote"
    )
    return Check("probe", probe_ok, None, None, None, 0, reason)


def _gain(
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    items: Sequence[Item],
    alpha: float,
    min_items: int,
    expect_new: bool,
) -> Check:
    if not items and not expect_new:
        return Check("acquired", True, None, None, None, 0, "nothing new was taught")
    test = paired(ours, theirs, items, alpha)
    short = _too_few("acquired", test, items, min_items, None)
    if short or test is None:
        return short or _missing("acquired", None, 0)
    passed = test.p_gain <= alpha
    word = "significant" if passed else "not significant"
    reason = (
        f"{word} gain on new items: {test.gained} facts gained, {test.lost} lost "
        f"of {test.clusters} (p {test.p_gain:.2g}, needs {alpha:.2g})"
    )
    return Check("acquired", passed, test.difference, test.low, 0.0, test.n, reason)


def _kept(
    name: str,
    ours: Mapping[str, float],
    reference: Mapping[str, float],
    items: Sequence[Item],
    margin: float,
    alpha: float,
) -> Check:
    if not items:
        if name == "retained":
            return Check(name, True, None, None, margin, 0, "nothing earlier to lose")
        return _missing(name, margin, 0)
    test = paired(ours, reference, items, alpha)
    short = _too_few(name, test, items, 1, margin)
    if short or test is None:
        return short or _missing(name, margin, 0)
    passed = test.low >= -margin
    if passed:
        reason = f"no worse than {margin:g}: lower bound {test.low:+.3f}"
    elif not attainable(test.clusters, margin, alpha):
        reason = (
            f"insufficient evidence: {test.clusters} facts cannot show a loss below {margin:g} "
            f"(lower bound {test.low:+.3f}); more items, a wider margin or the owner's override"
        )
    else:
        reason = (
            f"may be worse by more than {margin:g}: lower bound {test.low:+.3f}, "
            f"{test.lost} facts lost and {test.gained} gained of {test.clusters}"
        )
    return Check(name, passed, test.difference, test.low, margin, test.n, reason)


def _too_few(
    name: str, test: Paired | None, items: Sequence[Item], least: int, margin: float | None
) -> Check | None:
    n = test.n if test else 0
    if n >= least and n >= MIN_PAIRED * len(items):
        return None
    if len(items) < least or test is None:
        return _missing(name, margin, n, least)
    reason = (
        f"insufficient evidence: only {n} of {len(items)} items have a verdict on both sides "
        f"(at least {MIN_PAIRED:.0%} are needed); look for a verifier that breaks"
    )
    return Check(name, False, test.difference, test.low, margin, n, reason)


def _missing(name: str, margin: float | None, n: int, least: int = 1) -> Check:
    reason = f"insufficient evidence: {n} scored items, at least {least} are needed"
    return Check(name, False, None, None, margin, n, reason)
