"""Eight processes tell things for a minute and are killed at random; then a full disk; then a damaged index.

    python bench/concurrency.py --json bench/results/concurrency.json

A statement counts as kept once `remember` has returned, and a worker notes that on disk. Afterwards every noted statement
must be a memory, every memory one of the statements that were told, whole, and found by search; and so for the
readable files. The full disk is a limit on the size of files, which the system enforces.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import random
import re
import resource
import signal
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import world
from nightschool.day import remember
from nightschool.errors import NightschoolError
from nightschool.sources import said
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace
from record import Record

PROCESSES = 8


def main() -> None:
    """Run the three faults and record what was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    said("The parser is loaded once, for all processes.", "default")
    rows = []
    for fault in (killed, full, damaged):
        with tempfile.TemporaryDirectory(prefix="nightschool-faults-") as folder:
            Workspace.create(Path(folder) / "school", "")
            rows.append({"fault": fault.__name__, **fault(Path(folder), args.seconds, args.seed)})
            print(json.dumps(rows[-1]))
    result = Record(args.json, "concurrency")
    result.body["seeds"], result.body["rows"] = [args.seed], rows
    for row in rows:
        for name in ("lost", "torn", "not_found"):
            result.figure(f"{row['fault']}: {name}", row[name], n=row["told"], unit="memories")
    result.figure("kills", rows[0]["kills"], n=1, unit="kills")
    result.save()


def killed(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Tell from eight processes at once; kill one about every second and start another."""
    rng = random.Random(seed)
    forked = mp.get_context("fork")
    started, kills = 0, 0
    workers: list[mp.process.BaseProcess] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        while len(workers) < PROCESSES:
            worker = forked.Process(target=_tell, args=(folder, started, until))
            worker.start()
            workers.append(worker)
            started += 1
        time.sleep(rng.uniform(0.5, 1.5))
        victim = rng.choice(workers)
        if victim.pid and victim.is_alive():
            os.kill(victim.pid, signal.SIGKILL)
            kills += 1
        victim.join()
        workers.remove(victim)
    for worker in workers:
        worker.join()
    return {**_judged(folder), "kills": kills, "processes": started}


def full(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Tell until no file may grow any more."""
    forked = mp.get_context("fork")
    worker = forked.Process(
        target=_tell_into_a_full_disk, args=(folder, time.monotonic() + seconds)
    )
    worker.start()
    worker.join()
    refused = (folder / "refused.txt").read_text("utf-8")
    return {**_judged(folder), "refused_with": refused, "exit": worker.exitcode}


def damaged(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Overwrite the pages of the search index; the next search builds it anew."""
    _tell(folder, 0, time.monotonic() + seconds / 4)
    database = sqlite3.connect(folder / "school" / "nightschool.db")
    with database:
        database.execute("UPDATE recall_data SET block = randomblob(length(block)) WHERE id > 10")
    database.close()
    return _judged(folder)


def _tell(folder: Path, number: int, until: float) -> None:
    school = open_school(folder / "school")
    noted = (folder / f"noted-{number}.txt").open("a", encoding="utf-8")
    for fact in world.facts(100_000, number):
        if time.monotonic() > until:
            return
        _say(school, f"{fact.person} {number} has {fact.value} on the list.", folder, noted)


def _tell_into_a_full_disk(folder: Path, until: float) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    school = open_school(folder / "school")
    noted = (folder / "noted-0.txt").open("a", encoding="utf-8")
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
    refused = "nothing"
    for fact in world.facts(100_000, 0):
        if time.monotonic() > until:
            break
        try:
            _say(school, f"{fact.person} has {fact.value} on the list.", folder, noted)
        except (NightschoolError, sqlite3.Error, OSError) as error:
            refused = f"{type(error).__name__}: {str(error).replace(str(folder), '')}"
            break
    (folder / "refused.txt").write_text(refused, "utf-8")


def _say(school: School, text: str, folder: Path, noted: Any) -> None:
    with (folder / "told.txt").open("a", encoding="utf-8") as told:
        told.write(text + "\n")
    remember(school, text)
    noted.write(text + "\n")
    noted.flush()
    os.fsync(noted.fileno())


def _judged(folder: Path) -> dict[str, Any]:
    school = open_school(folder / "school")
    told = set((folder / "told.txt").read_text("utf-8").splitlines())
    noted = {
        line for path in folder.glob("noted-*.txt") for line in path.read_text("utf-8").splitlines()
    }
    with school.workspace.lock_memory("judging"):
        school.sync_files()
    kept = {memory.text for memory in school.store.memories("default", include_retired=True)}
    live = {memory.text for memory in school.store.memories("default")}
    asked = sorted(noted & live)[:500]  # one told about the same thing later takes another's place
    found = sum(t in [m.text for m, _ in school.store.recall("default", t, 10)] for t in asked)
    lines = set()
    for path in (folder / "school" / "memories" / "default").glob("*.md"):
        lines |= set(
            re.findall(r"^- (.*?) <!-- mem-\w+ -->$", path.read_text("utf-8"), re.MULTILINE)
        )
    return {
        "told": len(told), "acknowledged": len(noted), "stored": len(kept),
        "lost": len(noted - kept) + len(live - lines), "torn": len(kept - told) + len(lines - told),
        "not_found": len(asked) - found,
    }  # fmt: skip


if __name__ == "__main__":
    main()
