"""What one more statement costs the memory files, among 1 thousand, 10 thousand and 100 thousand memories.

    python bench/files_scale.py --json bench/results/files_scale.json

All of them are statements, so they stand under one source: its last page is what a statement changes.
Measured is `sync_files` after a statement is stored: what people edited is looked for, and the page is
rendered.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import world
from nightschool.memory.files import edited, sync_files
from nightschool.memory.store import SqliteStore
from nightschool.sources import said
from nightschool.workspace import Workspace
from recall_scale import BATCH, absorb, quantile, short, timed
from record import Record

STATEMENTS = 20
SIZES = (1_000, 10_000, 100_000)
TENANT = "default"


def main() -> None:
    """Grow one workspace to each size and measure there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    args = parser.parse_args()
    result = Record(args.json, "files_scale")
    with tempfile.TemporaryDirectory(prefix="nightschool-files-") as folder:
        rows = list(_grow(Path(folder), sorted(args.sizes), args.seed))
    result.body["seeds"], result.body["rows"] = [args.seed], rows
    for row in rows:
        for name in ("sync_p50_ms", "sync_max_ms", "look_p50_ms"):
            result.figure(f"{name}_{short(row['size'])}", row[name], n=STATEMENTS, unit="ms")
    result.save()


def _grow(root: Path, sizes: list[int], seed: int) -> Iterator[dict[str, Any]]:
    workspace = Workspace.create(root, "")
    store = SqliteStore(workspace)
    stream = world.facts(max(sizes) + STATEMENTS * len(sizes), seed)
    stored = 0

    def sync() -> None:
        sync_files(store, workspace, TENANT, lambda text: said(text, TENANT))

    for size in sizes:
        while stored < size:
            batch = list(itertools.islice(stream, min(BATCH, size - stored)))
            absorb(store, batch)
            stored += len(batch)
            print(f"\r{stored:,} of {max(sizes):,} memories", end="", file=sys.stderr)
        first = timed(sync)
        looks, syncs = [], []
        for fact in itertools.islice(stream, STATEMENTS):
            absorb(store, [fact])
            looks.append(timed(lambda: edited(workspace, TENANT, known=True)))
            syncs.append(timed(sync))
        stored += STATEMENTS
        row = {
            "size": size, "first_sync_ms": first, "sync_p50_ms": quantile(syncs, 0.5),
            "sync_max_ms": max(syncs), "look_p50_ms": quantile(looks, 0.5),
        }  # fmt: skip
        print("\r" + json.dumps(row))
        yield row


if __name__ == "__main__":
    main()
