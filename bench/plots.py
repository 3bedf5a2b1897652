"""Draw the pictures of `docs/results.md` from the recorded results: `python bench/plots.py`.

Each picture lies beside the JSON that it was drawn from, under the same name.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"
COLOURS = {"continue": "#1b6ca8", "rebuild": "#2a9d6f", "naive": "#c8553d", "untouched": "#8a8f98"}
SAID = {
    "continue": "continue: new material, review, anchors",
    "rebuild": "rebuild: all material from the base",
    "naive": "naive: new material only",
    "untouched": "untouched base",
}


def main() -> None:
    """Draw every picture whose result is there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    for path in sorted(given.results.glob("eight_nights*.json")):
        rows = json.loads(path.read_text("utf-8"))["rows"]
        _save(nights_in_a_row(rows), path)


def nights_in_a_row(rows: Sequence[dict[str, Any]]) -> Any:
    """Draw accuracy on everything taught so far, and on the first night's passages, by night and way."""
    figure, (all_so_far, first) = plt.subplots(
        1, 2, figsize=(9, 3.6), sharey=True, layout="constrained"
    )
    lines: dict[str, list[list[float]]] = defaultdict(list)
    firsts: dict[str, list[list[float]]] = defaultdict(list)
    floor = [
        mean(mean(marks) for marks in r["asked"].values()) for r in rows if r["way"] == "untouched"
    ]
    for row in rows:
        if row["way"] == "untouched" or not _usual(row):
            continue
        asked = [night["asked"] for night in row["lived"]]
        began = list(asked[0])
        lines[row["way"]].append([mean(mean(m) for m in night.values()) for night in asked])
        firsts[row["way"]].append([mean(mean(night[p]) for p in began) for night in asked])
    for axes, drawn, title in (
        (all_so_far, lines, "all passages taught so far"),
        (first, firsts, "the first night's passages"),
    ):
        for way, sequences in drawn.items():
            nights = range(1, len(sequences[0]) + 1)
            for sequence in sequences:
                axes.plot(nights, sequence, color=COLOURS[way], alpha=0.3, linewidth=1)
            middle = [mean(values) for values in zip(*sequences, strict=True)]
            axes.plot(
                nights,
                middle,
                color=COLOURS[way],
                linewidth=2.2,
                marker="o",
                markersize=4,
                label=SAID[way],
            )
        if floor:
            axes.axhline(
                mean(floor), color=COLOURS["untouched"], linestyle="--", label=SAID["untouched"]
            )
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("night")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    all_so_far.set_ylim(bottom=0)  # after both are drawn: they share the scale
    all_so_far.set_ylabel("closed-book answers right")
    handles, labels = all_so_far.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _usual(row: dict[str, Any]) -> bool:
    """Tell whether a row was lived with the defaults of its way: other dials belong to a table."""
    from eight_nights import KEEPING
    from nightschool.config import NightConfig, StudyConfig, TrainConfig

    train, share = TrainConfig(), NightConfig().continued_rate
    wanted = {
        "continue": (train.resolved_rate * share, train.anchor_weight),
        "rebuild": (train.resolved_rate, train.anchor_weight),
        "naive": (train.resolved_rate, 0.0),
    }
    plain = row.get("share", StudyConfig().review_share) == StudyConfig().review_share
    plain &= not any(row.get(name) for name in ("lost", *KEEPING))
    return plain and (row["rate"], row["anchors"]) == wanted.get(row["way"])


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path.with_suffix(".png"), dpi=150, metadata={"Software": None})
    plt.close(figure)
    print(path.with_suffix(".png"))


if __name__ == "__main__":
    main()
