"""The statistics of exams, pure: rates, paired differences, the continual-learning measures.

Definitions, with R[k][j] the accuracy after night k on the bank sealed in night j (nights
counted from 0), b[j] the base's accuracy on it and T the last night:

- ACC: mean over j of R[T][j].
- BWT (backward transfer): mean over j < T of R[T][j] - R[j][j]; negative where nights hurt
  what earlier nights taught.
- FWT (forward transfer): mean over j > 0 of R[j-1][j] - b[j]; what earlier nights gave to a
  bank before its own night.
- Forgetting: mean over j < T of (max over j <= k < T of R[k][j]) - R[T][j].

Source:
    ACC, BWT, FWT: Lopez-Paz and Ranzato, Gradient Episodic Memory (2017). Forgetting:
    Chaudhry et al., Riemannian Walk (2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nightschool.types import Bank, BankKind, Item, Report, Verdict

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in [0, 1] with its 95% interval; all None without items."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Paired:
    """A paired difference of rates (candidate minus reference) over facts."""

    difference: float
    low: float
    """Lower one-sided bound at the error rate asked for."""
    p_gain: float
    """One-sided exact p-value of the hypothesis that there is no gain."""
    n: int
    """Items."""
    clusters: int
    """Facts."""
    gained: int
    """Facts that did better than the reference."""
    lost: int
    """Facts that did worse."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of figures that may be negative, with its two-sided 95% interval."""

    value: float
    low: float
    high: float
    n: int
    """How many independent figures."""


@dataclass(frozen=True, slots=True)
class AccuracyMatrix:
    """Accuracy over nights: a row after each night, a column for each night's bank."""

    nights: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]
    """None where a version did not sit a bank."""
    base: tuple[float | None, ...]
    """The base's accuracy on each column."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """The continual-learning measures (see the module); None where not defined yet."""

    acc: float | None
    bwt: float | None
    fwt: float | None
    forgetting: float | None


def outcomes(report: Report, modes: Sequence[str] = ("closed", "choice")) -> dict[str, float]:
    """Map item ids to 1 (correct) or 0 (wrong) in the given modes; unscored items are left out."""
    return {
        result.item_id: float(result.score.verdict is Verdict.CORRECT)
        for result in report.results
        if result.mode in modes and result.score.verdict is not Verdict.UNSCORED
    }


def cluster_of(item: Item) -> str:
    """Name the fact that an item examines; an item of no memory is a fact of its own, or its pair is one."""
    return "+".join(sorted(item.memory_ids)) or item.pair or item.id


def rate(values: Mapping[str, float], items: Iterable[Item], seed: int = 0) -> Rate:
    """Estimate a rate with a 95% cluster-bootstrap interval by fact.

    Where all facts agree, the bootstrap has no spread: the Wilson interval over facts is given.

    Args:
        values: Item id -> a figure in [0, 1] (an outcome, an F1); items without one are left out.
        items: The items of the bank.
        seed: Of the resampling.
    """
    import numpy as np

    clusters = _clustered((cluster_of(i), values[i.id]) for i in items if i.id in values)
    count = sum(len(part) for part in clusters)
    if not count:
        return Rate(None, None, None, 0, 0)
    sums = np.array([sum(part) for part in clusters])
    sizes = np.array([len(part) for part in clusters], dtype=float)
    value = float(sums.sum() / count)
    means = sums / sizes
    if np.ptp(means) == 0:
        low, high = wilson(value, len(clusters))
    else:
        picks = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
        draws = sums[picks].sum(1) / sizes[picks].sum(1)
        low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
    return Rate(value, low, high, count, len(clusters))


def wilson(value: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a rate observed on n independent facts."""
    centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired(
    candidate: Mapping[str, float],
    reference: Mapping[str, float],
    items: Iterable[Item],
    alpha: float,
) -> Paired | None:
    """Compare two results on the same items, fact by fact; None when they share no scored item.

    The lower bound is an adjusted Wald bound over facts: half a fact gained and half a fact
    lost (and one unchanged) are added, so that it is honest for few facts and for no change
    at all, where a bootstrap would claim certainty. Gains never lower it: it is the better of
    the bounds with the gains counted and with them counted as no change.

    Args:
        candidate: Item id -> outcome.
        reference: Item id -> outcome.
        items: The items to compare on; those that either side lacks are left out.
        alpha: One-sided error rate of the bound.

    Source:
        Agresti and Min, Simple improved confidence intervals for comparing matched
        proportions (2005); here with a fact's mean difference as the unit.
    """
    clusters = _clustered(
        (cluster_of(item), candidate[item.id] - reference[item.id])
        for item in items
        if item.id in candidate and item.id in reference
    )
    if not clusters:
        return None
    means = [sum(part) / len(part) for part in clusters]
    gained = sum(mean > 0 for mean in means)
    lost = sum(mean < 0 for mean in means)
    return Paired(
        difference=sum(means) / len(means),
        low=max(_adjusted_low(means, alpha), _adjusted_low([min(m, 0) for m in means], alpha)),
        p_gain=sign_test(gained, lost),
        n=sum(len(part) for part in clusters),
        clusters=len(means),
        gained=gained,
        lost=lost,
    )


def mean(figures: Sequence[float], reach: float) -> Mean | None:
    """Estimate a mean with the adjusted Wald interval of `paired`, two-sided at 95%; None without a figure.

    Args:
        figures: One for each independent thing, such as a pair of questions.
        reach: The largest absolute value that a figure can have.
    """
    if not figures:
        return None
    parts = [figure / reach for figure in figures]
    low = reach * _adjusted_low(parts, 0.025)
    high = -reach * _adjusted_low([-part for part in parts], 0.025)
    return Mean(sum(figures) / len(figures), low, high, len(figures))


def attainable(n: int, margin: float, alpha: float) -> bool:
    """Tell whether a model that changed nothing on n facts would be shown non-inferior."""
    return n > 0 and _adjusted_low([0.0] * n, alpha) >= -margin


def sign_test(gained: int, lost: int) -> float:
    """Return the exact one-sided p-value of `gained` against `lost` under even odds."""
    from scipy.stats import binom

    return float(binom.sf(gained - 1, gained + lost, 0.5)) if gained + lost else 1.0


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided McNemar p-value for two versions on the same items."""
    return min(1.0, 2 * sign_test(max(gained, lost), min(gained, lost)))


def accuracy_matrix(
    reports: Sequence[Report], banks: Sequence[Bank], base: Report | None = None
) -> AccuracyMatrix:
    """Lay out closed-book accuracy on acquired banks over nights.

    Args:
        reports: The served model's report after each night, in the order of the nights; their
            `night` names rows and columns.
        banks: All banks; only acquired ones of those nights are columns.
        base: The base's report on the same banks; None leaves its row empty.
    """
    nights = tuple(dict.fromkeys(report.night for report in reports))
    last = {report.night: report for report in reports}
    columns = [
        [i for b in banks if b.kind is BankKind.ACQUIRED and b.night == night for i in b.items]
        for night in nights
    ]

    def row(report: Report) -> tuple[float | None, ...]:
        values = outcomes(report, ("closed",))
        return tuple(_mean(values[i.id] for i in items if i.id in values) for items in columns)

    empty: tuple[float | None, ...] = tuple(None for _ in nights)
    rows = tuple(row(last[night]) for night in nights)
    return AccuracyMatrix(nights, rows, row(base) if base else empty)


def transfer(matrix: AccuracyMatrix) -> Transfer:
    """Compute ACC, BWT, FWT and forgetting (definitions in the module); None where undefined."""
    rows, last = matrix.rows, len(matrix.rows) - 1
    if last < 0:
        return Transfer(None, None, None, None)

    def minus(left: float | None, right: float | None) -> list[float]:
        return [] if left is None or right is None else [left - right]

    bwt, fwt, lost = [], [], []
    for j in range(last):
        bwt += minus(rows[last][j], rows[j][j])
        best = max((v for r in rows[j:last] if (v := r[j]) is not None), default=None)
        lost += minus(best, rows[last][j])
    for j in range(1, last + 1):
        fwt += minus(rows[j - 1][j], matrix.base[j])
    acc = _mean(value for value in rows[last] if value is not None)
    return Transfer(acc, _mean(bwt), _mean(fwt), _mean(lost))


def risk_coverage(report: Report, modes: Sequence[str] = ("closed",)) -> list[tuple[float, float]]:
    """Return (coverage, risk) points: answer only the most confident share, err so often.

    Results without a confidence or a verdict are left out; equal confidences enter together.
    """
    scored = sorted(
        (-result.confidence, float(result.score.verdict is not Verdict.CORRECT))
        for result in report.results
        if result.mode in modes
        and result.confidence is not None
        and result.score.verdict is not Verdict.UNSCORED
    )
    points, wrong = [], 0.0
    for done, (key, error) in enumerate(scored, start=1):
        wrong += error
        if done == len(scored) or scored[done][0] != key:
            points.append((done / len(scored), wrong / done))
    return points


def _adjusted_low(means: Sequence[float], alpha: float) -> float:
    from scipy.stats import norm

    n = len(means) + 2
    total = sum(means)
    spread = sum(mean * mean for mean in means) + 1 - total * total / n
    return max(-1.0, (total - float(norm.isf(alpha)) * math.sqrt(max(spread, 0.0))) / n)


def _clustered(pairs: Iterable[tuple[str, float]]) -> list[list[float]]:
    groups: dict[str, list[float]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return list(groups.values())


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
