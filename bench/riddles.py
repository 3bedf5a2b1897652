"""Riddles: how often a model is right, whether it treats both forms of a pair alike, and the gap between them.

`python bench/riddles.py --pairs 96 --json bench/results/riddles.json [--version FOLDER]`

The base is asked pairs of the riddle section (`exam/riddles.py`), drawn from seeds of this bench; with `--version`,
a folder of full weights (what a night left in `versions/`), so is that, on the same pairs. Stated are the rates on
familiar and altered forms, the share of pairs that are treated alike, and the gap in points of a rate, with 95%
intervals; intervals of gaps are over pairs, and once more over templates, since pairs of one template are alike. How often the
flag of a night errs, and what it finds, is simulated at the number of pairs of a night (no model in it). Without
`--version` the figures after a night are not run.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nightschool.bases import pull_model
from nightschool.config import ExamConfig
from nightschool.exam.riddles import (
    ORDER,
    TEMPLATES,
    RiddleMarks,
    gap_change,
    gaps,
    mark,
    riddle_bank,
    widened,
)
from nightschool.exam.sit import sit
from nightschool.exam.stats import Mean, Rate, mean, outcomes
from nightschool.models.torch_sampler import TorchSampler
from nightschool.runlog import progress_bar
from nightschool.types import Bank, Report
from nightschool.verify.judge import grade
from record import Record, base_name

TRIALS = 4000
FLIPS = (0.0, 0.1, 0.2)
"""Share of items on which two equally good versions disagree; 0.2 was measured (`flips.py`)."""
WIDER = (0.2, 0.3, 0.4)
"""True widenings of the gap, as rates."""


def main() -> None:
    """Ask, and state what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/riddles.json"))
    parser.add_argument("--pairs", type=int, default=96)
    parser.add_argument("--version", type=Path, help="folder of full weights, after a night")
    args = parser.parse_args()
    record = Record(args.json, "riddles")
    bank = riddle_bank("bench", 2 * args.pairs, "bench")
    base = asked(pull_model(base_name()), bank, "base")
    state(record, "base", base, bank)
    found = {"base": base}
    if args.version:
        found["version"] = asked(args.version, bank, "version")
        state(record, "version", found["version"], bank)
        stated(record, "gap_change", gap_change(found["version"], base, bank))
    else:
        record.figure("version_gap", None, n=0, unit="rate")
        record.figure("gap_change", None, n=0, unit="rate")
    record.body["rows"] = [row for who, report in found.items() for row in rows(who, report, bank)]
    simulate(record, sum(s != ORDER for s in sections(ExamConfig().riddle_items)) // 2)
    record.save()
    for name, figure in record.body["figures"].items():
        print(name, figure)


def asked(folder: Path, bank: Bank, name: str) -> Report:
    """Let the model of a folder sit the riddles; its seconds are in the report."""
    sampler = TorchSampler(folder)
    with progress_bar(f"riddles: {name}") as progress:
        return sit(
            sampler, [bank], version_id=name, night="bench", tenant="bench", config=ExamConfig(), grade=grade,
            progress=progress,
        )  # fmt: skip


def sections(count: int) -> list[str]:
    """Return the section of each item of a night's riddles."""
    return [item.group for item in riddle_bank("night-0001", count).items]


def state(record: Record, who: str, report: Report, bank: Bank) -> None:
    """State the figures of one model."""
    marks: RiddleMarks = mark(report, bank)
    for name, section in marks.sections.items():
        stated(record, f"{who}_{name}", section.right)
        stated(record, f"{who}_{name}_alike", section.alike)
    stated(record, f"{who}_familiar", marks.familiar)
    stated(record, f"{who}_altered", marks.altered)
    stated(record, f"{who}_gap", marks.gap)
    stated(record, f"{who}_gap_over_templates", over_templates(gaps(outcomes(report), bank)))
    record.figure(f"{who}_unscored", marks.unscored, n=len(bank.items), unit="items")
    record.figure(f"{who}_seconds", round(report.seconds, 1), n=len(bank.items), unit="seconds")


def stated(record: Record, name: str, found: Rate | Mean | None) -> None:
    """State a rate or a gap with its interval."""
    if found is None or found.value is None:
        record.figure(name, None, n=0, unit="rate")
        return
    value, low, high = (round(x, 4) for x in (found.value, found.low or 0.0, found.high or 0.0))
    record.figure(name, value, low=low, high=high, n=found.n, unit="rate")


def over_templates(found: dict[str, float]) -> Mean | None:
    """Return the mean gap with templates as what is independent."""
    parts: dict[str, list[float]] = defaultdict(list)
    for pair, gap in found.items():
        parts[pair.rpartition("-")[0]].append(gap)
    return mean([sum(each) / len(each) for each in parts.values()], reach=1)


def rows(who: str, report: Report, bank: Bank) -> list[dict[str, Any]]:
    """Return a row for each template: how often each form was right."""
    right = outcomes(report)
    counts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for item in bank.items:
        if item.id in right:
            counts[item.pair.rpartition("-")[0], item.form].append(right[item.id])
    return [
        {
            "model": who,
            "section": section,
            "template": template.__name__,
            "pairs": len(counts[template.__name__, "familiar"]),
            "familiar": sum(counts[template.__name__, "familiar"]),
            "altered": sum(counts[template.__name__, "altered"]),
            "reversed": sum(counts[template.__name__, "reversed"]),
        }
        for section, templates in TEMPLATES.items()
        for template in templates
    ]


def simulate(record: Record, pairs: int) -> None:
    """State how often a night is flagged: of two equal versions, and of one whose gap is truly wider."""
    rng = np.random.default_rng(0)
    for flips in FLIPS:
        flagged = sum(widened(simulated(rng, pairs, flips, 0.0)) for _ in range(TRIALS))
        record.figure(f"flagged_at_flips_{flips:g}", flagged / TRIALS, n=TRIALS, unit="rate")
    for wider in WIDER:
        flagged = sum(widened(simulated(rng, pairs, 0.2, wider)) for _ in range(TRIALS))
        record.figure(f"flagged_at_wider_{wider:g}", flagged / TRIALS, n=TRIALS, unit="rate")


def simulated(rng: np.random.Generator, pairs: int, flips: float, wider: float) -> Mean | None:
    """Compare two simulated versions, right on half of all items; the later one loses so much on altered forms.

    An item flips either way with equal chances; beside that, a right altered answer is lost so often that the gap
    is wider by `wider` (at most the half that can be lost).
    """
    before: np.ndarray = rng.random((pairs, 2)) < 0.5
    after = np.where(rng.random((pairs, 2)) < flips, ~before, before)
    lost = rng.random(pairs) < 2 * wider
    after[:, 1] &= ~lost
    change: Sequence[float] = ((after[:, 0] * 1.0 - after[:, 1]) - (before[:, 0] * 1.0 - before[:, 1])).tolist()  # fmt: skip
    return mean(change, reach=2)


if __name__ == "__main__":
    main()
