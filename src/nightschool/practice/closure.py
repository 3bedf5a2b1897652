"""The statistics of the closure ledger, pure: did practice create ability, or only bring out what the base could draw?

For each held-out task both models draw n times. What neither reached within n may still be possible: nothing here
says "impossible". At a stated k each task is one of four:

- preserved: base and version reach it within their first k draws;
- expanded: the version alone does;
- shrunk: the base alone does;
- neither.

Not here: drawing and its file (`ledger.py`), and prompts that bring a base's ability out (`elicit.py`).

Source:
    pass@k: Chen et al., Evaluating Large Language Models Trained on Code (2021), equation 1. The four kinds: Wu et al.,
    The Invisible Leash (2025, arXiv 2507.14843), there over the union of several banks and thresholds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

RIGHT, WRONG, UNSCORED = "1", "0", "?"
"""Marks of draws: a task's draws are one string, in the order in which they were drawn."""
RESAMPLES = 2000
Kind = Literal["preserved", "expanded", "shrunk", "neither"]
KINDS: tuple[Kind, ...] = ("preserved", "expanded", "shrunk", "neither")
Marks = Mapping[str, str]
"""Task id -> the marks of its draws."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of n were right, with the exact 95% interval of the rate behind it."""

    right: int
    n: int
    """Scored ones only."""
    low: float
    high: float

    def __str__(self) -> str:
        """Say it; where none was right, how often it may be nevertheless."""
        if not self.n:
            return "nothing could be scored"
        if self.right:
            return f"{self.right} of {self.n} ({self.low:.1%} to {self.high:.1%})"
        return f"not reached within {self.n} (at most {self.high:.1%} of draws)"


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a pass@k curve, averaged over tasks."""

    k: int
    value: float
    low: float
    high: float
    """The 95% band is over tasks."""
    tasks: int
    """With at least k scored draws."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What became of the tasks between base and version, within k draws of each."""

    k: int
    preserved: int
    expanded: int
    shrunk: int
    neither: int
    left_out: int
    """Tasks with fewer than k scored draws of either."""
    p_value: float
    """McNemar's exact test, two-sided, of expanded against shrunk."""
    expanded_clear: int
    shrunk_clear: int
    """Among all tasks, those whose own counts differ by Fisher's exact test at 0.05, shared by all tasks: luck of the draw
    alone moves tasks that are reached once in about k draws to and fro."""

    @property
    def tasks(self) -> int:
        """How many tasks were compared."""
        return self.preserved + self.expanded + self.shrunk + self.neither


@dataclass(frozen=True, slots=True)
class Bits:
    """How unlikely one solution was under the base: minus log2 of its probability at temperature 1."""

    total: float
    tokens: int
    """The token that ends each action is one of them."""

    @property
    def per_token(self) -> float:
        """Bits a token."""
        return self.total / self.tokens if self.tokens else 0.0


def count(marks: str) -> Count:
    """Count a task's right draws; what could not be scored counts for nothing."""
    right, n = marks.count(RIGHT), marks.count(RIGHT) + marks.count(WRONG)
    return Count(right, n, *exact_interval(right, n))


def exact_interval(right: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the exact two-sided interval of a rate; (0, 1) where n is 0.

    Args:
        right: How many of the n.
        n: Independent trials.
        alpha: One minus the confidence.

    Raises:
        ValueError: `right` is not from 0 to n.

    Source:
        Clopper and Pearson (1934), by quantiles of the beta distribution.
    """
    if not 0 <= right <= n:
        raise ValueError(f"{right} of {n} were right; expected from 0 to {n}.")
    if not n:
        return 0.0, 1.0
    from scipy.stats import beta

    low = float(beta.ppf(alpha / 2, right, n - right + 1)) if right else 0.0
    high = float(beta.ppf(1 - alpha / 2, right + 1, n - right)) if right < n else 1.0
    return low, high


def pass_at(n: int, right: int, k: int) -> float:
    """Estimate without bias how likely at least one of k draws is right, from n draws.

    Raises:
        ValueError: Not 0 <= right <= n and 1 <= k <= n.

    Source:
        Chen et al. (2021), equation 1: 1 - C(n - right, k) / C(n, k).
    """
    if not (0 <= right <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {right} right in {n} draws; expected right and k within n.")
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def doublings(n: int) -> list[int]:
    """Return the k of a curve: 1, 2, 4 and so on, and n itself."""
    return [*(1 << power for power in range(n.bit_length()) if 1 << power < n), *([n] if n else [])]


def curve(marks: Marks, ks: Iterable[int], seed: int = 0) -> list[Point]:
    """Estimate pass@k over tasks with a band; a k that no task has enough draws for has no point.

    The band is a bootstrap over tasks. Where all tasks agree it would have no width: there it is the exact
    interval of so many tasks.

    Args:
        marks: The draws of one model.
        ks: Which k.
        seed: Of the resampling.
    """
    import numpy as np

    counts = [count(drawn) for drawn in marks.values()]
    points = []
    for k in ks:
        values = np.array([pass_at(c.n, c.right, k) for c in counts if c.n >= k])
        if not len(values):
            continue
        if np.ptp(values) < 1e-12:
            low, high = exact_interval(round(float(values.sum())), len(values))
        else:
            picks = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
            low, high = (float(q) for q in np.quantile(values[picks].mean(1), [0.025, 0.975]))
        points.append(Point(k, float(values.mean()), low, high, len(values)))
    return points


def reached(marks: str, k: int) -> bool | None:
    """Tell whether one of the first k scored draws is right; None where fewer were scored."""
    scored = marks.replace(UNSCORED, "")
    return RIGHT in scored[:k] if len(scored) >= k else None


def kind_of(base: str, version: str, k: int) -> Kind | None:
    """Tell what became of a task within k draws; None where either has fewer scored ones."""
    before, after = reached(base, k), reached(version, k)
    if before is None or after is None:
        return None
    if before:
        return "preserved" if after else "shrunk"
    return "expanded" if after else "neither"


def matrix(base: Marks, version: Marks, k: int) -> Matrix:
    """Lay out what became of the tasks that both models attempted, with an exact paired test."""
    both = [task for task in base if task in version]
    found = Counter(kind_of(base[task], version[task], k) for task in both)
    more = fewer = 0
    for task in both:
        before, after = count(base[task]), count(version[task])
        if before.n and after.n and _fisher(before, after) < 0.05 / len(both):
            more += after.right * before.n > before.right * after.n
            fewer += after.right * before.n < before.right * after.n
    counts = {kind: found[kind] for kind in KINDS}
    return Matrix(
        k,
        **counts,
        left_out=found[None],
        p_value=mcnemar(found["expanded"], found["shrunk"]),
        expanded_clear=more,
        shrunk_clear=fewer,
    )


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of `gained` against `lost` under even odds; 1 where nothing moved."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def bits(nats: Sequence[Sequence[float]]) -> Bits:
    """Turn the base's log-probabilities (nats) of the tokens of each action into bits of the whole solution."""
    return Bits(-sum(map(sum, nats)) / math.log(2), sum(map(len, nats)))


# -- without learning ---------------------------------------------------------------------


def majority(answers: Sequence[str], marks: str, k: int) -> bool | None:
    """Tell whether the answer that was given most often in the first k scored draws is right; of equals the first.

    Args:
        answers: What was said, one for each mark.
        marks: Of the same draws.
        k: How many votes.

    Returns:
        The verdict on that answer; None where fewer than k were scored.
    """
    votes = [
        (answer.strip(), mark)
        for answer, mark in zip(answers, marks, strict=True)
        if mark != UNSCORED
    ][:k]
    if len(votes) < k or not k:
        return None
    verdict = dict(reversed(votes))  # of each answer its first mark
    winner, _ = Counter(answer for answer, _ in votes).most_common(1)[0]
    return verdict[winner] == RIGHT


def affordable(spent: int, tasks: int, tokens_a_draw: float) -> int:
    """Return how many draws a task the tokens that practice spent would have paid for, at least one."""
    return max(1, int(spent / max(1, tasks) / max(1.0, tokens_a_draw)))


def _fisher(before: Count, after: Count) -> float:
    from scipy.stats import fisher_exact

    table = [[before.right, before.n - before.right], [after.right, after.n - after.right]]
    return float(fisher_exact(table).pvalue)
