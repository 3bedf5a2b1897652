"""Recall at 10 thousand, 100 thousand and 1 million memories: latency, what is found, start-up, memory.

    python bench/recall_scale.py --json bench/results/recall_scale.json

A made-up world (`bench/world.py`) is stored by the store's own `absorb`, in batches while it grows, and
one statement at a time where writing is measured. The questions have 8 to 15 words and share few of
them with what was said. Latency, what is found, and memory are of one configuration: the shipped one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import world
from nightschool.memory.store import SqliteStore
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id
from nightschool.workspace import Workspace
from record import Record

BATCH = 2000
QUESTIONS = 400
WRITES = 200
SIZES = (10_000, 100_000, 1_000_000)
FIGURES = {
    "search_p50_ms": ("ms", QUESTIONS), "search_p99_ms": ("ms", QUESTIONS),
    "write_p50_ms": ("ms", WRITES), "write_p99_ms": ("ms", WRITES),
    "recall_at_1": ("rate", QUESTIONS), "recall_at_10": ("rate", QUESTIONS),
    "open_ms": ("ms", 1), "first_search_ms": ("ms", 1), "peak_mb": ("MB", 1), "disk_mb": ("MB", 1),
}  # fmt: skip


def main() -> None:
    """Grow one store to each size and measure there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--probe", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.probe:
        _probe(args.probe)
        return
    with tempfile.TemporaryDirectory(prefix="nightschool-scale-") as folder:
        rows = _grow(Path(folder), sorted(args.sizes), args.seed)
    result = Record(args.json, "recall_scale")
    result.body["seeds"], result.body["rows"] = [args.seed], rows
    for row in rows:
        for name, (unit, n) in FIGURES.items():
            result.figure(f"{name}_{short(row['size'])}", row[name], n=n, unit=unit)
    result.save()


def short(size: int) -> str:
    return f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size // 1000}k"


def _grow(root: Path, sizes: list[int], seed: int) -> list[dict[str, Any]]:
    workspace = Workspace.create(root, "")
    store = SqliteStore(workspace)
    stream = world.facts(max(sizes) + WRITES * len(sizes), seed)
    kept: list[tuple[str, str]] = []
    rng = random.Random(seed)
    stored, rows = 0, []
    for size in sizes:
        while stored < size:
            batch = list(itertools.islice(stream, min(BATCH, size - stored)))
            ids = absorb(store, batch)
            kept += [
                (f.question, i)
                for f, i in zip(batch, ids, strict=True)
                if rng.random() < 0.05 or size <= 20_000
            ]
            stored += len(batch)
            print(f"\r{stored:,} of {max(sizes):,} memories", end="", file=sys.stderr)
        writes = [
            timed(lambda fact=fact: absorb(store, [fact]))
            for fact in itertools.islice(stream, WRITES)
        ]
        stored += WRITES
        asked = rng.sample([(q, i) for q, i in kept if 8 <= len(q.split()) <= 15], QUESTIONS)
        for question, _ in asked[:20]:
            store.recall("default", question, 10)
        times, first, ten = [], 0, 0
        for question, wanted in asked:
            found: list[str] = []
            times.append(
                timed(
                    lambda q=question, f=found: f.extend(
                        m.id for m, _ in store.recall("default", q, 10)
                    )
                )
            )
            first += found[:1] == [wanted]
            ten += wanted in found
        probe = json.loads(subprocess.run(
            [sys.executable, __file__, "--json", "x", "--probe", str(root)],
            check=True, capture_output=True, text=True).stdout)  # fmt: skip
        row = {
            "size": size,
            "search_p50_ms": quantile(times, 0.5), "search_p99_ms": quantile(times, 0.99),
            "write_p50_ms": quantile(writes, 0.5), "write_p99_ms": quantile(writes, 0.99),
            "recall_at_1": round(first / QUESTIONS, 4), "recall_at_10": round(ten / QUESTIONS, 4),
            "disk_mb": round((root / "nightschool.db").stat().st_size / 1e6),
            **probe,
        }  # fmt: skip
        print("\r" + json.dumps(row))
        rows.append(row)
    return rows


def absorb(store: SqliteStore, batch: list[world.Fact]) -> list[str]:
    text = "\n".join(fact.text for fact in batch)
    episode = Episode(
        new_id("ep"), "default", SourceKind.STATEMENT, "said", "", text, digest(text),
        "2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    findings = tuple(
        Finding(f.text, "said", key=f"said|{f.person}|{f.attribute}", speaker="owner")
        for f in batch
    )
    added, _ = store.absorb(Reading(episode, findings))
    return [memory.id for memory in added]


def _probe(root: Path) -> None:
    """Open the store anew, as every command does, and search once; print seconds and peak memory."""
    question = "In which city would I find Ada Larsen at home in the evening?"
    begun = time.monotonic()
    store = SqliteStore(Workspace(root))
    opened = time.monotonic() - begun
    first = timed(lambda: store.recall("default", question, 10))
    for _ in range(50):
        store.recall("default", question, 10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"open_ms": round(opened * 1000, 2), "first_search_ms": first, "peak_mb": round(peak)}
        )
    )


def timed(call: Any) -> float:
    begun = time.perf_counter()
    call()
    return round((time.perf_counter() - begun) * 1000, 3)


def quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
