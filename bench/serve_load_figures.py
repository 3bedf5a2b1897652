"""The figures of `serve_load.py`, from its rows: percentiles with intervals bootstrapped over requests."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from load import Told, percentile, ratio
from record import Record

TIMES = ("ttft_ms", "whole_ms", "tpot_ms")
Row = dict[str, Any]


def figures(found: Sequence[Told]) -> Row:
    """Return the times of whole answers: of each, and their percentiles.

    `tpot_ms` is the time between two parts of a text, of all answers together.
    """
    whole = [told for told in found if not told.failure]
    times = {
        "ttft_ms": [round(told.ttft_ms, 2) for told in whole],
        "whole_ms": [round(told.whole_ms, 2) for told in whole],
        "tpot_ms": [round(gap, 2) for told in whole for gap in told.gaps_ms],
    }
    known = {
        f"{n.removesuffix('_ms')}_p{q}_ms": percentile(v, q)
        for n, v in times.items()
        for q in (50, 99)
    }
    return {**known, **times}


def state(record: Record, rows: list[Row]) -> None:
    """State what the rows say; what is not measured yet is left out."""
    record.body["figures"] = {}
    for row in rows:
        if row["stage"] == "overhead":
            _overhead(record, row)
        if row["stage"] == "capacity":
            _one(record, "capacity_requests_per_s", row["requests_per_s"], row["requests"], "1/s")
    loops = [row for row in rows if row["stage"] == "open loop"]
    many = [row for row in rows if row["stage"] == "many clients"]
    _counts(record, "", loops)
    _counts(record, "many_clients_", many)
    nights = [row for row in loops if row["night"]]
    quiet = [row for row in loops if not row["night"]]
    if nights:
        tokens, seconds = (
            max(r[name] for r in nights) for name in ("train_tokens", "night_seconds")
        )
        _one(record, "night_train_tokens", tokens, len(nights), "tokens")
        _one(record, "night_seconds", seconds, len(nights), "s")
        by_gate = sum(r["promoted_by"] == "gate" for r in nights)
        _one(record, "promoted_by_gate", by_gate, len(nights), "nights")
    for name in TIMES:
        pooled = [[x for row in part for x in row[name]] for part in (quiet, nights)]
        short = name.removesuffix("_ms")
        for q in (50, 99):
            for part, values in zip(("quiet", "night"), pooled, strict=True):
                if values:
                    _one(
                        record, f"{short}_p{q}_ms_{part}", percentile(values, q), len(values), "ms"
                    )
            if all(pooled):
                value, low, high = ratio(pooled[1], pooled[0], q)
                record.figure(
                    f"{short}_p{q}_ratio_night", round(value, 3), n=len(pooled[1]), unit="ratio",
                    low=round(low, 3), high=round(high, 3),
                )  # fmt: skip


def _counts(record: Record, prefix: str, rows: list[Row]) -> None:
    for name, of in (
        ("failed_requests", "requests"),
        ("mixed_answers", "requests"),
        ("unlike_alone", "checked_answers"),
    ):
        if rows:
            n = sum(row[of] for row in rows)
            _one(record, f"{prefix}{name}", sum(row[name] for row in rows), n, "answers")


def _overhead(record: Record, row: Row) -> None:
    """State the medians of what the service adds to each pair, and the ratio of the speeds."""
    pairs = np.asarray(row["pairs"])
    middle = "" if row["way"] == "closed-book" else "recall_"
    for name, column in (("ttft", 0), ("", 1)):
        added = pairs[:, column + 3] - pairs[:, column]
        named = f"overhead_{middle}{name}_".replace("__", "_")
        low, high = _interval(added)
        record.figure(
            f"{named}p50_ms", round(median(added), 3), n=len(added), unit="ms", low=low, high=high
        )
        apart = np.percentile(pairs[:, column + 3], 99) - np.percentile(pairs[:, column], 99)
        _one(record, f"{named}p99_ms", round(float(apart), 3), len(added), "ms")
    speeds = pairs[:, 5] / np.maximum(pairs[:, 2], 1e-9)
    low, high = _interval(speeds)
    record.figure(
        f"{middle}ratio_tokens_per_s", round(float(np.median(speeds)), 4), n=len(speeds), unit="ratio",
        low=low, high=high,
    )  # fmt: skip
    if not middle:
        _one(
            record,
            "bare_tokens_per_s",
            round(float(np.median(pairs[:, 2])), 2),
            len(pairs),
            "tokens/s",
        )


def _interval(values: Any) -> tuple[float, float]:
    """Return the 95% bootstrap interval of the median."""
    drawn = np.median(np.random.default_rng(0).choice(values, (2000, len(values))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)


def _one(record: Record, name: str, value: float | None, n: int, unit: str) -> None:
    record.figure(name, value, n=n, unit=unit)
