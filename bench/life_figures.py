"""The figures of a long life, from its rows: learnt, retained, changed, deleted, cost, and what else moved.

A fact counts by each of its questions; intervals are bootstrapped over facts. "Still true" is with the value that is
right after the last night at which everything was asked. Rows of way `continue` give the figures without a suffix,
those of the reference a suffix `_rebuild_nightK`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eight_nights import interval
from life import Life
from nightschool.exam.stats import rate, wilson
from nightschool.types import Item
from record import Record

REFERENCE = 5
"""The night whose cost others are compared with; the first in shorter lives."""
STEPS = ("night", "train", "study", "exam")
"""What is timed: all of a night, and its parts that grow; `study` holds the test of what is held."""
Row = dict[str, Any]


def state(record: Record, lived: Life, rows: list[Row]) -> None:
    """State the figures of what was lived so far; those of before are replaced."""
    record.body["figures"] = {}
    base = next((row for row in rows if row["way"] == "base"), None)
    nights = sorted((r for r in rows if r["way"] == "continue"), key=lambda r: r["night"])
    if nights:
        learning(record, lived, nights)
        changes(record, lived, nights)
        costs(record, nights)
        drift(record, nights[-1], "")
        if base:
            deletions(record, lived, nights, base["asked"])
    if base and base["asked"]:
        rated(record, "known_base", values(base["asked"]))
    for row in sorted((r for r in rows if r["way"] == "rebuild"), key=lambda r: r["night"]):
        reference(record, lived, row, nights)


def learning(record: Record, lived: Life, nights: list[Row]) -> None:
    """State what was learnt right after being told, what was kept of that, and all that is known."""
    after: dict[str, str] = {}
    for row in nights:
        day = lived.days[row["night"] - 1]
        told = [n for n in (*day.told, *day.corrected) if str(n) in row["asked"]]
        after |= {f"{n}-{row['night']}": row["asked"][str(n)] for n in told}
    rated(record, "learnt_right_after", values(after))
    whole = next((row for row in reversed(nights) if row["whole"]), None)
    if whole is None:
        return
    last = whole["night"]
    kept: dict[str, list[float]] = {}
    early: dict[str, list[float]] = {}
    for n in lived.live(last):
        then, now = after[f"{n}-{lived.said_on(n, last)}"], whole["asked"][str(n)]
        right = [float(b == "1") for a, b in zip(then, now, strict=True) if a == "1" and b != "u"]
        if lived.said_on(n, last) < last and right:
            kept[str(n)] = right
            if lived.said_on(n, last) <= last / 3:
                early[str(n)] = right
    rated(record, "retained_continue", kept)
    rated(record, "retained_continue_first_third", early)
    known = {str(n): whole["asked"][str(n)] for n in lived.live(last)}
    rated(record, f"known_night{last}", values(known))


def changes(record: Record, lived: Life, nights: list[Row], suffix: str = "") -> None:
    """State whether corrected facts are answered with the new value, or still with the old one."""
    whole = next((row for row in reversed(nights) if row["whole"]), None)
    if whole is None:
        return
    last = whole["night"]
    asked = {str(n): whole["asked"][str(n)] for n in lived.live(last) if lived.has_changed(n, last)}
    rated(record, f"changed_current{suffix}", values(asked))
    rated(record, f"changed_stale{suffix}", values(asked, "s"))


def deletions(record: Record, lived: Life, nights: list[Row], base: Mapping[str, str]) -> None:
    """State how much better than by the base the forgotten facts are answered, before and at the end."""
    rows = {row["night"]: row for row in nights}
    whole = next((row for row in reversed(nights) if row["whole"]), None)
    gone = {n: day for n, day in lived.forgotten_on.items() if day in rows and day - 1 in rows}
    before = [(rows[day - 1]["asked"].get(str(n)), base[str(n)]) for n, day in gone.items()]
    differs(record, "deleted_before_over_base", [(a, b) for a, b in before if a])
    right_after = [(rows[day]["asked"][str(n)], base[str(n)]) for n, day in gone.items()]
    differs(record, "deleted_right_after_over_base", right_after)
    if whole:
        late = [n for n, day in gone.items() if day <= whole["night"]]
        pairs = [(whole["asked"][str(n)], base[str(n)]) for n in late]
        differs(record, "deleted_over_base", pairs)


def costs(record: Record, nights: list[Row]) -> None:
    """State what the last night cost beside an early one, nights of deletion apart, and refusals."""
    rows = {row["night"]: row for row in nights}
    last = max(rows)
    early = REFERENCE if last > REFERENCE and REFERENCE in rows else min(rows)
    deleting = [k for k, row in rows.items() if "forgot" in row and k != last]
    for night in (last, *deleting):
        name = f"night{night}_over_night{early}"
        ratio(record, f"cost_{name}", rows[night], rows[early], "tokens", "ratio of tokens")
        for step in STEPS:
            ratio(record, f"{step}_seconds_{name}", rows[night], rows[early], f"{step}_seconds", "ratio of seconds")  # fmt: skip
    for step in STEPS:
        record.figure(f"{step}_seconds_night{last}", rows[last][f"{step}_seconds"], n=1, unit="s")
    refused = sum(not row["promoted"] for row in nights)
    record.figure("nights_refused", refused, n=len(nights), unit="nights")
    again = sum(row["kind"] == "rebuild" for row in nights)
    record.figure("nights_rebuilt", again, n=len(nights), unit="nights")
    missing = rows[last]["missing"]
    record.figure("facts_missing_in_memory", missing, n=rows[last]["memories"], unit="facts")
    leaks = sum(row["questions_in_material"] for row in nights)
    asked = sum(2 * len(row["asked"]) for row in nights)
    record.figure("questions_in_material", leaks, n=asked, unit="examples")


def drift(record: Record, row: Row, suffix: str) -> None:
    """State what became of general ability, of plain text, and of the habit of not knowing."""
    for name in ("general", "abstention"):
        pairs = list(zip(row[name], row[f"{name}_base"], strict=True))
        differs(record, f"{name}_delta{suffix}", pairs)
    marks = {str(k): mark for k, mark in enumerate(row["abstention"])}
    rated(record, f"abstention{suffix}", values(marks))
    if row["perplexity"] and row["perplexity_base"]:
        value = row["perplexity"] / row["perplexity_base"]
        record.figure(f"perplexity_ratio{suffix}", value, n=1, unit="ratio")


def reference(record: Record, lived: Life, row: Row, nights: list[Row]) -> None:
    """State what a night from the base on all that is true knows, and how `continue` compares with it."""
    night = row["night"]
    suffix = f"_rebuild_night{night}"
    mine = {str(n): row["asked"][str(n)] for n in lived.live(night)}
    rated(record, f"known{suffix}", values(mine))
    changes(record, lived, [row], suffix)
    drift(record, row, suffix)
    record.figure(f"promoted{suffix}", float(row["promoted"]), n=1, unit="night")
    other = next((r for r in nights if r["night"] == night), None)
    if other:
        ratio(record, f"cost_over{suffix}", other, row, "tokens", "ratio of tokens")
        ratio(record, f"train_seconds_over{suffix}", other, row, "train_seconds", "ratio of seconds")  # fmt: skip
    if other and other["whole"]:
        pairs = [(other["asked"][n], marks) for n, marks in mine.items()]
        differs(record, f"known_over{suffix}", pairs)


# -- parts --------------------------------------------------------------------------------


def values(marks: Mapping[str, str], wanted: str = "1") -> dict[str, list[float]]:
    """Turn each fact's marks into ones and zeros; unscored answers are left out."""
    return {fact: [float(m == wanted) for m in text if m != "u"] for fact, text in marks.items()}


def rated(record: Record, name: str, found: Mapping[str, list[float]]) -> None:
    """State a rate over all questions, with its interval over facts; `n` counts facts."""
    items = [
        Item(f"{fact}-{k}", "", (), (fact,)) for fact, row in found.items() for k in range(len(row))
    ]
    flat = [value for row in found.values() for value in row]
    known = rate(dict(zip((item.id for item in items), flat, strict=True)), items)
    record.figure(name, known.value, low=known.low, high=known.high, n=known.clusters, unit="rate")


def differs(record: Record, name: str, pairs: Iterable[tuple[str | None, str]]) -> None:
    """State the mean difference of two models' marks on the same facts, with its interval over facts."""
    gaps = [_mean(a) - _mean(b) for a, b in pairs if a]
    if not gaps:
        record.figure(name, None, n=0, unit="rate")
        return
    value = sum(gaps) / len(gaps)
    low, high = interval(gaps)
    if low == high:  # a bootstrap of equal values claims certainty
        slack = wilson(0.0, len(gaps))[1]
        low, high = value - slack, value + slack
    record.figure(name, value, low=low, high=high, n=len(gaps), unit="rate")


def ratio(record: Record, name: str, above: Row, below: Row, field: str, unit: str) -> None:
    """State how many times one row's cost another's is; None where there was none."""
    value = above[field] / below[field] if below[field] else None
    record.figure(name, value, n=1, unit=unit)


def _mean(marks: str) -> float:
    scored = [mark == "1" for mark in marks if mark != "u"]
    return sum(scored) / max(1, len(scored))
