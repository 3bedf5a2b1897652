"""Do our proof checker and the reference program agree, on everything that stands in set.mm and on what is broken?

`python bench/metamath.py --json bench/results/metamath.json`

Debian has both: `apt-get install metamath metamath-databases`; elsewhere they are named with --program and
--database.

Three comparisons, label by label:
whole    every theorem of the database, as it is;
broken   theorems broken at random, a share of the database at once, so that whoever uses what was broken is
         compared too: a step or a letter of a proof, a label of its list, a hypothesis, the statement, a `$d`;
mangled  small databases with one word changed, a file at a time: here what cannot even be read counts as
         refused.

A disagreement is a finding: its rows keep what each of the two said. `--first N` checks the first N theorems
only, `--among N` breaks some of the first N; a run that is stopped goes on with the next row.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import nightschool.verify.metamath
from metamath_peer import Breaker, Findings, head, mangled, ours, reference, written
from nightschool.verify.metamath.reader import parse
from nightschool.verify.metamath.words import words
from record import Record

KEPT = 20
"""Disagreements of a row that are kept in full."""


def main() -> None:
    """Run the three comparisons, or what is left of them, and state what agreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--database", type=Path, default=Path("/usr/share/metamath/databases/set.mm")
    )
    parser.add_argument("--program", default=shutil.which("metamath"))
    parser.add_argument("--first", type=int, help="theorems from the start; all if left out")
    parser.add_argument("--among", type=int, default=6000, help="theorems of a broken database")
    parser.add_argument("--share", type=float, default=0.1, help="of those that are broken")
    parser.add_argument("--seeds", type=int, default=3, help="databases that are broken")
    parser.add_argument("--mangled", type=int, default=500, help="times that each page is changed")
    parser.add_argument("--json", type=Path, default=Path("bench/results/metamath.json"))
    given = parser.parse_args()
    if not given.program or not given.database.exists():
        sys.exit(
            f"The reference program ({given.program}) or {given.database} is missing; apt-get install metamath "
            "metamath-databases, or name them with --program and --database."
        )
    given.program = str(Path(given.program).resolve())
    record = Record(given.json, "metamath")
    record.body["seeds"] = list(range(given.seeds))
    record.body["database"] = given.database.name
    base = {"database": given.database.name}
    whole = record.measure({"kind": "whole", **base, "first": given.first}, lambda: intact(given))
    some = [
        record.measure(
            {"kind": "broken", **base, "among": given.among, "share": given.share, "seed": seed},
            lambda seed=seed: damaged(given, seed),
        )
        for seed in range(given.seeds)
    ]
    pages = [
        record.measure(
            {"kind": "mangled", "page": page.name, "n": given.mangled},
            lambda p=page: fuzzed(given, p),
        )
        for page in small_pages(given.database.parent)
    ]
    state(record, whole, some, pages)
    print(json.dumps({name: f["value"] for name, f in record.body["figures"].items()}, indent=1))


def intact(given: argparse.Namespace) -> dict[str, Any]:
    """Compare the two on the database as it is."""
    tokens = taken(given.database, given.first)
    database = parse(written(tokens))
    count = sum(1 for _ in database.theorems())
    return {"theorems": count, **compared(given.program, tokens)}


def damaged(given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Compare the two on a database in which many theorems are broken."""
    tokens = taken(given.database, given.among)
    broken = Breaker(tokens, parse(written(tokens)), seed).break_some(given.share)
    row = compared(given.program, broken.words)
    failed = {name: set(row.pop(f"failed_{name}")) for name in ("ours", "reference")}
    both, neither = failed["ours"] & failed["reference"], failed["ours"] | failed["reference"]
    done = broken.done
    return {
        **row,
        "broken": len(done),
        "refused_by_both": len(both & done.keys()),
        "accepted_by_both": len(done.keys() - neither),
        "others_refused_by_both": len(both - done.keys()),
        "by_kind": {
            kind: {"broken": n, "refused_by_both": sum(done[x] == kind for x in both & done.keys())}
            for kind, n in sorted(Counter(done.values()).items())
        },
    }


def fuzzed(given: argparse.Namespace, page: Path) -> dict[str, Any]:
    """Compare the two on a page with one word changed, many times."""
    tokens = words(page.read_text("ascii"), page.name)
    rng = random.Random(0)
    counted: Counter[str] = Counter()
    kept: list[dict[str, Any]] = []
    for _ in range(given.mangled):
        text = written(mangled(tokens, rng))
        mine, theirs = ours(text), asked(given.program, text)
        counted["unreadable_for_ours"] += not mine.read
        if mine.sound == theirs.sound and (
            not mine.read or not theirs.read or mine.failed == theirs.failed
        ):
            counted["accepted_by_both" if mine.sound else "refused_by_both"] += 1
        else:
            counted["disagreed"] += 1
            kept.append(
                told(mine, theirs) | {"text": text} if len(text) < 10_000 else told(mine, theirs)
            )
    return {**counted, "disagreements": kept[:KEPT]}


def compared(program: str, tokens: list[str]) -> dict[str, Any]:
    """Ask both about one database; what they say, and where they disagree."""
    text = written(tokens)
    mine, theirs = ours(text), asked(program, text)
    apart = sorted(mine.failed ^ theirs.failed)
    return {
        "read_ours": mine.read, "read_reference": theirs.read,
        "failed_ours": sorted(mine.failed), "failed_reference": sorted(theirs.failed),
        "disagreed": len(apart) + (mine.read != theirs.read),
        "disagreements": [told(mine, theirs) | {"labels": apart[:KEPT]}] if apart or mine.read != theirs.read else [],
        "seconds_ours": mine.seconds, "seconds_reference": theirs.seconds,
    }  # fmt: skip


def told(mine: Findings, theirs: Findings) -> dict[str, Any]:
    """Keep what the two said."""
    return {
        "ours": mine.said,
        "reference": theirs.said,
        "only_ours": sorted(mine.failed - theirs.failed)[:KEPT],
    }


def asked(program: str, text: str) -> Findings:
    """Ask the reference program about a database's text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.mm"
        path.write_text(text, "ascii")
        return reference(program, path)


@cache
def taken(path: Path, first: int | None) -> list[str]:
    """Read the words of a database, or of its first theorems."""
    tokens = words(path.read_text("ascii"), path.name)
    return head(tokens, first) if first else tokens


def small_pages(folder: Path) -> list[Path]:
    """Return the page of logic that ships with the package, and the small databases beside the large one."""
    shipped = Path(nightschool.verify.metamath.__file__).parent / "small.mm"
    beside = [folder / name for name in ("demo0.mm", "miu.mm", "big-unifier.mm")]
    return [shipped, *(page for page in beside if page.exists())]


def state(
    record: Record, whole: dict[str, Any], some: list[dict[str, Any]], pages: list[dict[str, Any]]
) -> None:
    """State the figures of all rows."""
    n = whole["theorems"]
    refused = len({*whole["failed_ours"], *whole["failed_reference"]})
    record.figure("theorems_checked", n, n=n, unit="theorems")
    record.figure("theorems_passed_in_both", n - refused, n=n, unit="theorems")
    record.figure("seconds_ours", whole["seconds_ours"], n=n, unit="s")
    record.figure("seconds_reference", whole["seconds_reference"], n=n, unit="s")
    broken = sum(row["broken"] for row in some)
    for name in ("refused_by_both", "accepted_by_both"):
        record.figure(f"broken_{name}", sum(row[name] for row in some), n=broken, unit="theorems")
    record.figure(
        "broken_disagreed", sum(row["disagreed"] for row in some), n=broken, unit="theorems"
    )
    fuzz = sum(
        row.get(k, 0) for row in pages for k in ("refused_by_both", "accepted_by_both", "disagreed")
    )
    for name in ("refused_by_both", "accepted_by_both", "disagreed"):
        record.figure(
            f"mangled_{name}", sum(row.get(name, 0) for row in pages), n=fuzz, unit="pages"
        )
    record.save()


if __name__ == "__main__":
    main()
