"""How fast llama.cpp answers alone, and beside another engine, by how long its threads wait before they sleep.

`python bench/engine_pair.py --json bench/results/engine_pair.json`

At a promotion two engines answer for a moment: the old version's requests end on it. Both have as many threads as there
are cores. A thread that waits for one of its own engine's which has no core waits in vain, and keeps the other engine's
from that core. Each engine answers one request at a time, over and over; two fair halves of the machine would take twice as
long as one alone. 300,000 turns are OpenMP's documented default; where nothing is said it may wait for fewer.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from nightschool.engines import gguf_files, start_engine
from nightschool.models.llama_engine import SPINS
from nightschool.protocols import Engine
from record import Record, base_name

TOKENS = 48
VARIABLE = "GOMP_SPINCOUNT"


def main() -> None:
    """Measure each way, in turn, and again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/engine_pair.json"))
    parser.add_argument("--spins", nargs="+", default=[str(SPINS), "300000", "200", "0"])
    parser.add_argument("--seconds", type=float, default=20.0, help="of answering beside another")
    parser.add_argument("--turns", type=int, default=2)
    args = parser.parse_args()
    record = Record(args.json, "engine_pair")
    record.body["seeds"] = list(range(args.turns))
    for turn in range(args.turns):
        for spins in args.spins:
            key = {"spins": spins, "turn": turn, "seconds": args.seconds}
            record.measure(key, lambda s=spins: pair(s, args.seconds))
            state(record)
    for name, figure in record.body["figures"].items():
        print(name, figure)


def pair(spins: str, seconds: float) -> dict[str, Any]:
    """Start two engines, and time the answers of one alone and beside the other."""
    os.environ[VARIABLE] = spins
    files = gguf_files(base_name(), None, "full", "f16")
    one, other = start_engine({"base": files}), start_engine({"base": files})
    try:
        asked(one, 0)
        asked(other, 0)
        alone = [asked(one, number) for number in range(10)]
        over = threading.Event()
        beside = threading.Thread(target=answering, args=(other, over))
        beside.start()
        shared, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            shared.append(asked(one, len(shared)))
        over.set()
        beside.join()
    finally:
        one.close()
        other.close()
        del os.environ[VARIABLE]
    return {"alone_s": [round(s, 3) for s in alone], "beside_s": [round(s, 3) for s in shared]}


def answering(engine: Engine, over: threading.Event) -> None:
    """Ask one engine until it is enough."""
    number = 0
    while not over.is_set():
        asked(engine, number)
        number += 1


def asked(engine: Engine, number: int) -> float:
    """Return the seconds of one answer."""
    begun = time.monotonic()
    body = {
        "messages": [{"role": "user", "content": f"Tell me a long story about boat number {number}."}],
        "max_tokens": TOKENS, "temperature": 0,
    }  # fmt: skip
    reply = httpx.post(
        f"{engine.address}/v1/chat/completions",
        headers=dict(engine.headers),
        json=body,
        timeout=300,
    )
    reply.raise_for_status()
    return time.monotonic() - begun


def state(record: Record) -> None:
    """State the medians of each way, over its turns."""
    for spins in dict.fromkeys(row["spins"] for row in record.body["rows"]):
        rows = [row for row in record.body["rows"] if row["spins"] == spins]
        name = f"spins_{spins}"
        alone = median(s for row in rows for s in row["alone_s"])
        beside = median(s for row in rows for s in row["beside_s"])
        count = sum(len(row["beside_s"]) for row in rows)
        record.figure(f"{name}_alone_s", round(alone, 3), n=10 * len(rows), unit="s")
        record.figure(f"{name}_beside_s", round(beside, 3), n=count, unit="s")
        record.figure(f"{name}_ratio", round(beside / alone, 2), n=count, unit="ratio")
    record.save()


if __name__ == "__main__":
    main()
