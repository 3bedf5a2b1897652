"""The gate: the pure rule that turns two exam reports into promote or refuse, with reasons.

Promotion needs all of: the weights examined are the trained ones; a significant gain on
tonight's items, and on those that refused nights were to teach, that is not too small to matter; and no worse than the margin, with confidence,
on earlier nights' items, on general items and on abstention. Too few items to tell is a refusal
that says so.

Earlier items are compared twice: with the version that is served, and with what the first
served version that had learnt each one answered, so that small losses cannot add up night after
night. So are held-out tasks of practised skills: a practice run has to gain on those of its own skill, and nothing
may lose those of others. A school of few facts is held to the margin that so few can show. Attempts at one night
share one error budget: attempt k works at alpha / 2^k, and the sum over all attempts stays below
alpha.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from nightschool.config import GateConfig
from nightschool.exam.stats import Paired, attainable, outcomes, paired, sign_test
from nightschool.types import Bank, BankKind, Check, Decision, Item, Report

MIN_PAIRED = 0.9
"""A check needs a verdict on both sides for at least this share of its items."""

ACQUIRED, PRACTISED = "acquired", "practised"
"""The checks of what is new: facts that were studied, and a skill that was practised."""
RETAINED, SINCE_LEARNT = "retained", "since_learnt"
SKILLS, SINCE_PRACTISED = "skills", "since_practised"
SINCE = {SINCE_LEARNT: "learnt", SINCE_PRACTISED: "practised"}
EARLIER = (RETAINED, SINCE_LEARNT, SKILLS, SINCE_PRACTISED)
"""The checks of earlier facts and skills: against the served version, and against the first that had learnt them."""
FEW = 1.6
"""The margin on n questions is at least FEW / sqrt(n). Of two trainings of the same material one question in five is
answered by one and not by the other (`bench/flips.py`): a spread of 0.44 a question, also between those of one fact.
A margin of 3.6 standard errors of that passes such a pair in 0.95 of all cases, at the error rate of a first attempt.
For earlier facts only: of the other banks' items more can be had by a setting, and their margins are set from the same flips."""
WIDEST = 0.9
"""No margin is wider: a school of one fact must not lose it."""


def attempt_alpha(alpha: float, attempt: int) -> float:
    """Return the error rate of the k-th attempt (from 1) at one night: alpha / 2^k.

    Raises:
        ValueError: The attempt is below 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}; attempts are counted from 1.")
    return float(alpha / 2**attempt)


def margin_in_force(margin: float, questions: int) -> float:
    """Return the loss that is tolerated on so many questions, as a rate.

    >>> [margin_in_force(0.1, questions) for questions in (8, 20, 40, 100, 500)]
    [0.57, 0.36, 0.25, 0.16, 0.1]

    Args:
        margin: The one that is set.
        questions: How many there are to compare on, at least 1.
    """
    return max(margin, min(WIDEST, round(FEW / math.sqrt(questions), 2)))


def decide(
    candidate: Report,
    live: Report,
    first: Mapping[str, float],
    banks: Sequence[Bank],
    config: GateConfig,
    attempt: int = 1,
    probe_ok: bool = True,
    *,
    expect_new: bool = True,
    untaught: Collection[str] = (),
) -> Decision:
    """Decide whether the candidate replaces the live version.

    Args:
        candidate: The new version's report; its `night` tells new banks from earlier ones.
        live: The live version's report on the same banks (the base's before the first promotion).
        first: Item id -> the outcome of the first served version that had learnt the item's fact or
            practised its skill; items that no served version has learnt are not in it.
        banks: The banks that both sat.
        config: Margins, error rate, the least gain and the least number of new items.
        attempt: Which attempt at this night this is, from 1.
        probe_ok: Whether a probe showed the examined weights to be the trained ones.
        expect_new: False for a night that teaches nothing new (after `forget`): then having no
            new items is no reason to refuse.
        untaught: Ids of items of earlier nights whose facts no version that was ever served has learnt: what
            refused nights were to teach is still new.

    Raises:
        ValueError: The attempt is below 1.
    """
    alpha = attempt_alpha(config.alpha, attempt)
    theirs, ours = outcomes(live), outcomes(candidate)
    new: list[Item] = []
    earlier: list[Item] = []
    for bank in banks:
        if bank.kind is BankKind.ACQUIRED:
            for item in bank.items:
                tonights = bank.night == candidate.night or item.id in untaught
                (new if tonights else earlier).append(item)
    learnt = [item for item in earlier if item.id in first]
    checks: tuple[Check, ...] = (
        _probe(probe_ok),
        _gain(ours, theirs, new, alpha, config, expect_new),
        _kept(RETAINED, ours, theirs, earlier, config.margin_retained, alpha),
        _kept(SINCE_LEARNT, ours, first, learnt, config.margin_retained, alpha),
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
        *_skills(ours, theirs, first, banks, candidate.night, alpha, config),
    )
    return Decision(all(check.passed for check in checks), checks, attempt)


def _skills(
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    first: Mapping[str, float],
    banks: Sequence[Bank],
    night: str,
    alpha: float,
    config: GateConfig,
) -> list[Check]:
    """Judge held-out tasks: a gain on what was just practised, and no loss of other skills; no check without any.

    A gain may be small, since practice goes on from where it ended; it has to be significant.
    """
    skills = [bank for bank in banks if bank.kind is BankKind.SKILLS]
    now = [item for bank in skills if bank.night == night for item in bank.items]
    before = [item for bank in skills if bank.night != night for item in bank.items]
    checks = [_gain(ours, theirs, now, alpha, config, True, PRACTISED)] if now else []
    if before:
        shown = [item for item in before if item.id in first]
        margin = config.margin_retained
        checks.append(_kept(SKILLS, ours, theirs, before, margin, alpha))
        checks.append(_kept(SINCE_PRACTISED, ours, first, shown, margin, alpha))
    return checks


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
    config: GateConfig,
    expect_new: bool,
    name: str = ACQUIRED,
) -> Check:
    if not items and not expect_new:
        return Check(name, True, None, None, None, 0, "nothing new was taught")
    test = paired(ours, theirs, items, alpha)
    short = _too_few(name, test, items, config.min_items, None)
    if short or test is None:
        return short or _missing(name, None, 0)
    word, where = ("facts", "new items") if name == ACQUIRED else ("tasks", "held-out tasks")
    few = "new facts" if name == ACQUIRED else "tasks (`practice.held_out`)"
    least = config.least_gain if name == ACQUIRED else 0.0
    significant = test.p_gain <= alpha
    enough = round(test.difference, 9) >= least
    counted = f"{test.gained} {word} gained, {test.lost} lost of {test.clusters}"
    tested = f"p {test.p_gain:.2g}, needs {alpha:.2g}"
    best_p = sign_test(test.clusters, 0)
    if not significant and best_p > alpha:
        reason = (
            f"insufficient evidence: {test.clusters} {few} cannot show a gain, all of them "
            f"gained would be p {best_p:.2g} and {alpha:.2g} is needed ({counted}); "
            f"more {few} or the owner's override"
        )
    elif significant and not enough:
        reason = (
            f"gain on {where} too small: {test.difference:+.3f}, at least "
            f"{least:g} is needed: {counted} ({tested})"
        )
    else:
        told = "significant" if significant else "not significant"
        reason = f"{told} gain on {where}: {counted} ({tested})"
    passed = significant and enough
    return Check(name, passed, test.difference, test.low, 0.0, test.n, reason)


def _kept(
    name: str,
    ours: Mapping[str, float],
    reference: Mapping[str, float],
    items: Sequence[Item],
    margin: float,
    alpha: float,
) -> Check:
    if not items:
        if name in EARLIER:
            return Check(name, True, None, None, margin, 0, "nothing earlier to lose")
        return _missing(name, margin, 0)
    test = paired(ours, reference, items, alpha)
    short = _too_few(name, test, items, 1, margin)
    if short or test is None:
        return short or _missing(name, margin, 0)
    allowed = margin_in_force(margin, test.n) if name in EARLIER else margin
    limit = f"{allowed:g}" + (f" since each was {SINCE[name]}" if name in SINCE else "")
    if allowed > margin:
        limit += f" ({test.n} questions cannot tell a smaller loss from chance)"
    passed = test.low >= -allowed
    if passed:
        reason = f"no worse than {limit}: lower bound {test.low:+.3f}"
    elif not attainable(test.clusters, allowed, alpha):
        reason = (
            f"insufficient evidence: {test.clusters} facts cannot show a loss below {allowed:g} "
            f"(lower bound {test.low:+.3f}); more items, a wider margin or the owner's override"
        )
    else:
        reason = (
            f"may be worse by more than {limit}: lower bound {test.low:+.3f}, "
            f"{test.lost} facts lost and {test.gained} gained of {test.clusters}"
        )
    return Check(name, passed, test.difference, test.low, allowed, test.n, reason)


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
    setting = " (`gate.min_items`)" if name in (ACQUIRED, PRACTISED) else ""
    reason = f"insufficient evidence: {n} scored items, at least {least} are needed{setting}"
    return Check(name, False, None, None, margin, n, reason)
