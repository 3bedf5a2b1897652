"""How often the gate errs: promotes what it must refuse, and refuses what it should promote.

    python bench/gate_errors.py --json bench/results/gate_errors.json

**No model is trained or asked here.** What is simulated are verdicts on exam items (`simulated_exam.py`): the served
version's are drawn first, the candidate's are paired with them. What judges them is the product's own `decide`, on real
banks and reports. A *night* says what truly happened to the candidate; each is judged at the default sizes of the banks,
and with one size changed at a time. A second part asks how many facts a check needs so that a model that lost nothing
passes, and a third what the gate's two references for earlier facts (the served version, and the first that had learnt
them) do after many served versions.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nightschool.config import ExamConfig, GateConfig
from nightschool.exam.gate import EARLIER, RETAINED, SINCE_LEARNT, decide, margin_in_force
from nightschool.exam.stats import wilson
from nightschool.types import Check, Decision
from record import Record
from simulated_exam import Marks, Truth, bank, by_item, report

FLIPS = (0.10, 0.20)
"""Share of a bank's items whose verdict differs between two equally good versions; `flips.py` measures it."""
LEVELS = {"retained": 0.8, "general": 0.5, "abstention": 0.7}
"""Accuracy of the served version; it answers none of the new items."""
CHANCE = 0.25
"""A general item has four choices."""
LUCKY = 0.03
"""Share of new items that a model answers right that learnt the form of answers, and no fact."""
ENOUGH = 0.9
"""A bank is large enough when a model that lost nothing passes so often."""
MARGINS = (0.05, 0.1, 0.15, 0.2)
IN_FORCE = "in force"
"""The margin that the gate holds so many earlier facts to."""
BOTH = "both"
FACTS = (4, 8, 10, 12, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800, 1000)

Said = Literal["refuse", "promote", "near the margin"]


@dataclass(frozen=True, slots=True)
class Night:
    """What truly happened to a candidate, and what the gate should say."""

    name: str
    should: Said
    new: float = 0.8
    """Its accuracy on new items."""
    lost: dict[str, float] = field(default_factory=dict)
    """Bank -> accuracy lost, as a rate."""
    kind: Literal["trained", "damaged", "refuses all", "as served"] = "trained"
    probe_ok: bool = True
    axes: tuple[str, ...] = ()
    """Banks whose size matters to this night."""


FORM, WEAK = "learnt the form, not the facts", "weak night, +15 points"
GOOD, BETTER = "good night, +40 points", "good night, +70 points"
ALL = ("new", "retained", "general", "abstention")
SMALL = ("new", "retained")
NIGHTS = (
    Night("damaged, nothing answered", "refuse", kind="damaged", axes=SMALL),
    Night("damaged, refuses everything", "refuse", kind="refuses all", axes=SMALL),
    Night("adapter not active", "refuse", kind="as served", probe_ok=False, axes=("new",)),
    Night("adapter not active, unseen by the probe", "refuse", kind="as served", axes=SMALL),
    Night("the base, unseen by the probe", "refuse", 0, {"retained": 0.8}, axes=SMALL),
    Night(FORM, "refuse", LUCKY, axes=("new",)),
    Night("earlier facts -40", "refuse", lost={"retained": 0.4}, axes=("retained",)),
    Night("earlier facts -20", "refuse", lost={"retained": 0.2}, axes=("retained",)),
    Night("general -10", "refuse", lost={"general": 0.1}, axes=("general",)),
    Night("abstention -30", "refuse", lost={"abstention": 0.3}, axes=("abstention",)),
    Night("abstention -15", "refuse", lost={"abstention": 0.15}, axes=("abstention",)),
    Night("earlier facts -36", "refuse", lost={"retained": 0.36}, axes=("retained",)),
    Night("earlier facts -16", "near the margin", lost={"retained": 0.16}, axes=("retained",)),
    Night("general -8", "near the margin", lost={"general": 0.08}, axes=("general",)),
    Night("earlier facts -10", "near the margin", lost={"retained": 0.1}, axes=("retained",)),
    Night("earlier facts -5", "near the margin", lost={"retained": 0.05}, axes=("retained",)),
    Night("earlier facts -2", "near the margin", lost={"retained": 0.02}, axes=("retained",)),
    Night("general -5", "near the margin", lost={"general": 0.05}, axes=("general",)),
    Night("general -2", "near the margin", lost={"general": 0.02}, axes=("general",)),
    Night(BETTER, "promote", 0.7, axes=ALL),
    Night(GOOD, "promote", 0.4, axes=ALL),
    Night(WEAK, "promote", 0.15, axes=("new",)),
    Night("perfect night", "promote", 1.0, axes=("new",)),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The banks that are sat, in items, and which attempt at the night it is."""

    new: int = 40
    retained: int = 100
    general: int = ExamConfig().general_items
    abstention: int = ExamConfig().abstention_items
    attempt: int = 1


USUAL = Sizes()
BEFORE = Sizes(general=240, abstention=40)
"""The default sizes before this bench."""
SECOND = replace(USUAL, new=10, retained=20)
"""The second night of a small school."""
OTHER_SIZES: dict[str, tuple[int, ...]] = {
    "new": (8, 16, 120), "retained": (0, 8, 20, 40, 500), "general": (240,), "abstention": (20, 40, 60),
}  # fmt: skip


def main() -> None:
    """Judge every night at every size, and state how often the gate erred."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/gate_errors.json"))
    parser.add_argument("--n", type=int, default=400, help="trials of each cell")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    record = Record(args.json, "gate_errors")
    record.body["seeds"] = [args.seed]
    begun = time.process_time()
    record.body["rows"] = [
        *(judged(*cell, args.n, args.seed) for cell in cells()),
        *unchanged(args.n, args.seed),
        *lineages(args.n, args.seed),
    ]
    print(f"{len(record.body['rows'])} rows, {time.process_time() - begun:.0f} s of processor time")
    state(record)
    record.save()


# -- first part: nights ---------------------------------------------------------------------


def cells() -> Iterator[tuple[Night, Sizes, float]]:
    """Name every cell: each night at the default sizes, then with one size changed at a time."""
    for flips in FLIPS:
        for night in NIGHTS:
            for sizes in (USUAL, replace(USUAL, attempt=3), BEFORE, SECOND):
                yield night, sizes, flips
            for axis in night.axes:
                for size in OTHER_SIZES[axis]:
                    if size or axis not in night.lost:  # of nothing nothing can be lost
                        yield night, replace(USUAL, **{axis: size}), flips


def live_and_candidate(
    night: Night, sizes: Sizes, flips: float, rng: np.random.Generator
) -> tuple[dict[str, Marks], dict[str, Marks]]:
    """Draw the served version's verdicts, and the candidate's paired with them."""
    truths = {
        name: Truth.draw(rng, getattr(sizes, name), level, flips) for name, level in LEVELS.items()
    }
    live = {name: truth.sit(rng) for name, truth in truths.items()}
    live["new"] = np.zeros(sizes.new, bool)
    if night.kind == "as served":
        return live, live
    if night.kind == "trained":
        ours = {name: truth.sit(rng, night.lost.get(name, 0.0)) for name, truth in truths.items()}
        return live, ours | {"new": rng.random(sizes.new) < night.new}
    return live, {
        "new": np.zeros(sizes.new, bool),
        "retained": np.zeros(sizes.retained, bool),
        "general": rng.random(sizes.general) < CHANCE,
        "abstention": np.full(sizes.abstention, night.kind == "refuses all"),
    }


def judged(night: Night, sizes: Sizes, flips: float, n: int, seed: int) -> dict[str, Any]:
    """Let the gate judge n draws of one cell."""
    key = {"night": night.name, "should": owed(night, sizes), "flips": flips, **at(sizes)}
    rng = generator(key, seed)
    banks = [bank(name, getattr(sizes, name)) for name in ALL]

    def decided() -> Decision:
        live, ours = live_and_candidate(night, sizes, flips, rng)
        first = by_item("retained", live["retained"])
        return decide(
            report("candidate", ours), report("live", live), first, banks, GateConfig(),
            sizes.attempt, night.probe_ok,
        )  # fmt: skip

    found = [decided() for _ in range(n)]
    return key | {
        "trials": n,
        "promoted": sum(d.promote for d in found),
        "passed": {
            check.name: sum(d.checks[place].passed for d in found)
            for place, check in enumerate(found[0].checks)
        },
    }


def owed(night: Night, sizes: Sizes) -> Said:
    """Return what the gate should say; a loss that so few facts cannot show is not its to refuse."""
    config = GateConfig()
    margins = {
        "retained": margin_in_force(config.margin_retained, max(1, sizes.retained)),
        "general": config.margin_general,
        "abstention": config.margin_abstention,
    }
    within = any(0 < night.lost.get(name, 0.0) <= margin for name, margin in margins.items())
    return "near the margin" if within and night.should == "refuse" else night.should


def at(sizes: Sizes) -> dict[str, int]:
    """Return the sizes as a part of a row's key."""
    return {name: getattr(sizes, name) for name in (*ALL, "attempt")}


def generator(key: dict[str, Any], seed: int) -> np.random.Generator:
    """Seed a cell by what it is, so that no cell depends on which others ran."""
    return np.random.default_rng([seed, zlib.crc32(repr(sorted(key.items())).encode())])


# -- second and third part: the checks of earlier facts alone --------------------------------


def earlier(ours: Marks, live: Marks, first: Marks, facts: int, each: int = 1) -> tuple[Check, ...]:
    """Return the gate's checks of earlier facts: against the served version, and the first."""
    decision = decide(
        report("candidate", {"retained": ours}), report("live", {"retained": live}),
        by_item("retained", first), [bank("retained", facts, each)], GateConfig(),
    )  # fmt: skip
    return tuple(check for check in decision.checks if check.name in EARLIER)


def unchanged(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """How often does a model that lost nothing pass, by number of facts and margin? (Any bank.)"""
    for flips in FLIPS:
        for each in (1, 2):
            for facts in FACTS:
                key = {"part": "unchanged", "flips": flips, "items_per_fact": each, "facts": facts}
                rng, found = generator(key, seed), []
                for _ in range(n):
                    truth = Truth.draw(rng, facts * each, LEVELS["retained"], flips)
                    ours, live = truth.sit(rng), truth.sit(rng)
                    found.append(earlier(ours, live, live, facts, each)[0])
                lows = [-1.0 if check.low is None else check.low for check in found]
                passed = {str(margin): sum(low >= -margin for low in lows) for margin in MARGINS}
                passed[IN_FORCE] = sum(check.passed for check in found)
                yield key | {"trials": n, "passed": passed}


def lineages(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """What do the references for earlier facts do after many served versions?

    Each version lost a little more than the one before, or none lost anything.
    """
    for flips in FLIPS:
        for facts in (20, 100, 500):
            for served in (2, 8):
                for lost in (0.0, 0.02):
                    key = {
                        "part": "lineages", "flips": flips, "facts": facts, "served": served,
                        "lost_each_night": lost,
                    }  # fmt: skip
                    passed = dict.fromkeys((*EARLIER, BOTH), 0)
                    rng = generator(key, seed)
                    for _ in range(n):
                        truth = Truth.draw(rng, facts, LEVELS["retained"], flips)
                        *past, ours = (truth.sit(rng, lost * k) for k in range(served + 1))
                        checks = earlier(ours, past[-1], past[0], facts)
                        for check in checks:
                            passed[check.name] += check.passed
                        passed[BOTH] += all(check.passed for check in checks)
                    yield key | {"trials": n, "passed": passed}


# -- figures --------------------------------------------------------------------------------


def state(record: Record) -> None:
    """State what the documents quote."""
    rows = record.body["rows"]

    def worst(name: str, count: Callable[[dict[str, Any]], int], **key: Any) -> None:
        found = [row for row in rows if key.items() <= row.items()]
        value, n = max((count(row) / row["trials"], row["trials"]) for row in found)
        low, high = wilson(value, n)
        record.figure(name, value, low=low, high=high, n=n, unit="rate")

    def promoted(row: dict[str, Any]) -> int:
        return int(row["promoted"])

    def refused(row: dict[str, Any]) -> int:
        return int(row["trials"] - row["promoted"])

    def passed(check: str) -> Callable[[dict[str, Any]], int]:
        return lambda row: int(row["passed"][check])

    def not_gained(row: dict[str, Any]) -> int:
        return int(row["trials"] - row["passed"]["acquired"])

    worst("promoted_when_bad", promoted, should="refuse", **at(USUAL))
    worst("promoted_when_bad, any size", promoted, should="refuse")
    worst("passed_at_the_margin, earlier facts", passed(RETAINED), night="earlier facts -16", **at(USUAL))  # fmt: skip
    worst("passed_at_the_margin, 20 earlier facts", passed(RETAINED), night="earlier facts -36", **at(replace(USUAL, retained=20)))  # fmt: skip
    worst("passed_at_the_margin, general", passed("general"), night="general -8", **at(USUAL))
    for flips in FLIPS:
        for name, sizes in {
            "": USUAL,
            ", sizes before": BEFORE,
            ", attempt 3": replace(USUAL, attempt=3),
            ", 8 earlier facts": replace(USUAL, retained=8),
            ", 20 earlier facts": replace(USUAL, retained=20),
            ", 40 earlier facts": replace(USUAL, retained=40),
            ", 500 earlier facts": replace(USUAL, retained=500),
            ", no earlier facts": replace(USUAL, retained=0),
        }.items():
            worst(f"refused_when_good, flips {flips}{name}", refused, night=GOOD, flips=flips, **at(sizes))  # fmt: skip
        worst(f"refused_second_night, flips {flips}, 20 and 10 facts, +70 points", refused, night=BETTER, flips=flips, **at(SECOND))  # fmt: skip
    for size in (40, 120):
        sizes = at(replace(USUAL, new=size))
        worst(f"form_only_gains, {size} new facts", passed("acquired"), night=FORM, **sizes)
        worst(f"weak_night_gains_not, {size} new facts", not_gained, night=WEAK, **sizes)
    for flips in FLIPS:
        key = {"part": "lineages", "facts": 100, "served": 8, "flips": flips}
        for name, checks in {"served version alone": RETAINED, "first alone": SINCE_LEARNT, "both": BOTH}.items():  # fmt: skip
            worst(f"kept_after_8_versions, flips {flips}, {name}", passed(checks), lost_each_night=0.0, **key)  # fmt: skip
            worst(f"slow_loss_passed, flips {flips}, {name}", passed(checks), lost_each_night=0.02, **key)  # fmt: skip
        for facts in (8, 12, 20, 40, 80):
            key = {"part": "unchanged", "items_per_fact": 1, "facts": facts, "flips": flips}
            worst(f"unchanged_passed, {facts} facts, flips {flips}", passed(IN_FORCE), **key)
    for margin in MARGINS:
        for flips in FLIPS:
            name = f"facts_needed, margin {margin}, flips {flips}"
            record.figure(name, least(rows, margin, flips), n=len(FACTS), unit="facts")


def least(rows: Sequence[dict[str, Any]], margin: float, flips: float) -> int | None:
    """Return the least number of facts from which an unchanged model passes often enough."""
    enough = None
    for facts in sorted(FACTS, reverse=True):
        key = {"part": "unchanged", "flips": flips, "items_per_fact": 1, "facts": facts}
        row = next(row for row in rows if key.items() <= row.items())
        if row["passed"][str(margin)] < ENOUGH * row["trials"]:
            break
        enough = facts
    return enough


if __name__ == "__main__":
    main()
