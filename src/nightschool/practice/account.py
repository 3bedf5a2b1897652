"""What a closure ledger says: counts a task, what became of each, bits, and what the base does without learning.

Expansion and shrinkage are told in the same line and the same words, whichever is larger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from nightschool.practice.closure import (
    RIGHT,
    UNSCORED,
    Bits,
    Count,
    Kind,
    Matrix,
    Point,
    affordable,
    bits,
    count,
    curve,
    doublings,
    exact_interval,
    kind_of,
    majority,
    matrix,
)
from nightschool.practice.elicit import Tried
from nightschool.practice.ledger import BASE, VERSION, Draws, Ledger, Terms
from nightschool.types import Task

SHOWN = 200
"""Characters of a task that the account repeats."""


@dataclass(frozen=True, slots=True)
class Line:
    """One held-out task."""

    task: str
    asked: str
    """The end of what it asks."""
    base: Count
    """Asked in its own best way."""
    version: Count
    kind: Kind | None
    """Within all draws; None where too few could be scored."""
    found: str | None
    """The last action of the version's first right draw; None where it had none."""
    bits: Bits | None
    """Of that very solution under the base; None where there is none."""


@dataclass(frozen=True, slots=True)
class Weight:
    """How unlikely the version's solutions were under the base; medians over tasks, None without one."""

    tasks: int
    bits: float | None
    bits_per_token: float | None


@dataclass(frozen=True, slots=True)
class WithoutLearning:
    """What the base does on the same tasks for what practice cost, and without any model."""

    version_once: Point | None
    """The version's rate with one draw, for comparison."""
    spent: int | None
    """Tokens that practice spent; None: not known, and then all draws are taken."""
    tokens_a_draw: float
    draws: int
    """So many draws a task that would buy, spread over these tasks."""
    used: int
    """So many of them there are."""
    majority: Count | None
    """Tasks on which the most frequent of them is right, without a verifier; None where attempts have several actions."""
    best_of: Point | None
    """Tasks on which one of them is right, with the verifier as the chooser."""
    constant: Count | None
    """Tasks on which the best constant answer of the train split is right; None where none applies."""
    constant_answer: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one ledger."""

    terms: Terms
    tasks: int
    base_way: str
    """How the base was asked: the way that did best on the train split."""
    version_way: str
    tried: dict[str, tuple[Tried, ...]]
    matrices: tuple[Matrix, ...]
    """Base and version each in its own way, at several k; the last is of all draws."""
    same_way: tuple[Matrix, ...]
    """The same with the base asked as the version is."""
    curves: dict[str, tuple[Point, ...]]
    """Who and how -> pass@k."""
    weight: Weight
    expanded_weight: Weight
    """The same of the expanded tasks alone."""
    without_learning: WithoutLearning
    unscored: int
    """Draws that could not be scored; they count for nothing."""
    lines: tuple[Line, ...]

    @property
    def whole(self) -> Matrix:
        """The matrix of all draws."""
        return self.matrices[-1]


def account_of(ledger: Ledger, tasks: Sequence[Task], spent: int | None = None) -> Account:
    """Work out what a ledger says about these tasks, all of which have been drawn for.

    Args:
        ledger: With draws, nats and lengths for each task.
        tasks: The held-out tasks, in the order in which they are listed.
        spent: Tokens that practice spent; None: not known.
    """
    n = ledger.terms.samples
    own, theirs = ledger.way(BASE), ledger.way(VERSION)
    rows = {
        f"base, {own.name}": ledger.draws(BASE, own),
        f"base, {theirs.name}": ledger.draws(BASE, theirs),
        f"version, {theirs.name}": ledger.draws(VERSION, theirs),
    }
    base, same, version = (_marks(ledger.draws(w, h), tasks) for w, h in (
        (BASE, own), (BASE, theirs), (VERSION, theirs)
    ))  # fmt: skip
    ks = sorted({1, min(8, n), n})
    lines = tuple(_line(ledger, task, base[task.id], version[task.id], n) for task in tasks)
    return Account(
        ledger.terms,
        len(tasks),
        own.name,
        theirs.name,
        {who: tuple(tried) for who, tried in ledger.tried.items()},
        tuple(matrix(base, version, k) for k in ks),
        tuple(matrix(same, version, k) for k in ks),
        {name: tuple(curve(_marks(found, tasks), doublings(n))) for name, found in rows.items()},
        _weight([line.bits for line in lines]),
        _weight([line.bits for line in lines if line.kind == "expanded"]),
        _without_learning(ledger, tasks, base, version, spent),
        sum(marks.count(UNSCORED) for one in (base, version) for marks in one.values()),
        lines,
    )


def _marks(rows: Mapping[str, Draws], tasks: Sequence[Task]) -> dict[str, str]:
    return {task.id: rows[task.id].marks for task in tasks}


def _line(ledger: Ledger, task: Task, base: str, version: str, k: int) -> Line:
    won = ledger.draws(VERSION, ledger.way(VERSION))[task.id].won
    weighed = bits(ledger.nats[task.id]) if won else None
    return Line(
        task.id,
        task.prompt[-1].content[-SHOWN:],
        count(base),
        count(version),
        kind_of(base, version, k),
        won[-1].action if won else None,
        weighed,
    )


def _weight(found: Sequence[Bits | None]) -> Weight:
    known = [one for one in found if one]
    if not known:
        return Weight(0, None, None)
    return Weight(
        len(known), median(one.total for one in known), median(one.per_token for one in known)
    )


def _without_learning(
    ledger: Ledger,
    tasks: Sequence[Task],
    base: Mapping[str, str],
    version: Mapping[str, str],
    spent: int | None,
) -> WithoutLearning:
    """Work out what the base does with as many tokens as practice spent, and the best constant answer."""
    n, rows = ledger.terms.samples, ledger.draws(BASE, ledger.way(BASE))
    tokens = sum(ledger.lengths[task.id] for task in tasks) / len(tasks)
    draws = n if spent is None else affordable(spent, len(tasks), tokens)
    used = min(n, draws)
    votes = None
    if all(len(rows[task.id].first) == 1 for task in tasks):
        found = [majority(rows[task.id].texts, base[task.id], used) for task in tasks]
        votes = _of([one for one in found if one is not None])
    marks = ledger.constant.get("marks", {})
    return WithoutLearning(
        next(iter(curve(version, [1])), None),
        spent,
        tokens,
        draws,
        used,
        votes,
        next(iter(curve(base, [used])), None),
        _of([marks[t.id] == RIGHT for t in tasks if marks[t.id] != UNSCORED]) if marks else None,
        ledger.constant.get("answer"),
    )


def _of(verdicts: Sequence[bool]) -> Count:
    return Count(sum(verdicts), len(verdicts), *exact_interval(sum(verdicts), len(verdicts)))


# -- words --------------------------------------------------------------------------------


def told(account: Account) -> str:
    """Say the account in lines."""
    terms, all_ = account.terms, account.whole
    lines = [
        f"{terms.environment}: {account.tasks} held-out tasks, {terms.samples} draws each at temperature "
        f"{terms.temperature:g}, at most {terms.max_tokens} tokens.",
        f"base ({terms.base}) asked: {account.base_way}; version ({terms.version}) asked: {account.version_way}. "
        "Each way was chosen on tasks of the train split.",
        "",
        *_table(account.matrices),
    ]
    if account.base_way != account.version_way:
        lines += ["", f"Base asked as the version is ({account.version_way}):"]
        lines += _table(account.same_way)
    lines += ["", f"{'pass@k':<28}" + "".join(f"{k:>8}" for k in doublings(terms.samples))]
    for name, points in account.curves.items():
        lines.append(f"{name:<28}" + "".join(f"{point.value:>8.3f}" for point in points))
    lines += ["", *_weighed(account), *_cheaper(account.without_learning)]
    if account.unscored:
        lines.append(f"{account.unscored} draws could not be scored and count for nothing.")
    lines.append(
        f"Within {all_.k} draws: expanded {all_.expanded}, shrunk {all_.shrunk}. What was not reached within {all_.k} "
        "may still be possible."
    )
    return "\n".join(lines)


def _table(matrices: Sequence[Matrix]) -> list[str]:
    head = f"{'within':<10}{'preserved':>10}{'expanded':>10}{'shrunk':>10}{'neither':>10}  McNemar p   beyond luck (+/-)"
    return [head] + [
        f"{f'k = {m.k}':<10}{m.preserved:>10}{m.expanded:>10}{m.shrunk:>10}{m.neither:>10}  {m.p_value:<9.3g}   "
        f"{m.expanded_clear} / {m.shrunk_clear}" + (f"  ({m.left_out} left out)" if m.left_out else "")
        for m in matrices
    ]  # fmt: skip


def _weighed(account: Account) -> list[str]:
    found = []
    for name, weight in (
        ("solutions found", account.weight),
        ("of expanded tasks", account.expanded_weight),
    ):
        if weight.bits is not None and weight.bits_per_token is not None:
            found.append(
                f"Bits under the base, {name}: median {weight.bits:.1f} a solution, {weight.bits_per_token:.2f} a "
                f"token ({weight.tasks} tasks)."
            )
    return found


def _cheaper(found: WithoutLearning) -> list[str]:
    bought = (
        "all draws"
        if found.spent is None
        else f"{found.draws} draws a task for {found.spent} tokens"
    )
    if found.used < found.draws:
        bought += f", of which there are {found.used}"
    lines = [f"The base without learning ({bought}):"]
    if found.majority:
        lines.append(f"  most frequent answer: {found.majority.right} of {found.majority.n} tasks")
    if found.best_of:
        lines.append(f"  best of them by the verifier: {found.best_of.value:.1%} of tasks")
    if found.constant:
        lines.append(
            f"  best constant answer ({found.constant_answer!r:.40}): {found.constant.right} of {found.constant.n}"
        )
    if found.version_once:
        lines.append(f"  the version with one draw: {found.version_once.value:.1%} of draws")
    return lines
