"""What nights do to everything that they do not teach, by the method that is to keep it.

`python bench/general.py --data seal_dev.jsonl --json bench/results/general.json`

The same nights in a row (two of four passages, those for tuning) are lived with each method: nothing (`naive`),
general replay, review of earlier material, anchors (plain text held to the base), LoRA instead of all weights, the
night's step shortened afterwards, and together. Stated are the human-written questions answered closed-book at
the end (over the untouched base), how much of the first night is left, the perplexity of plain text over the
base's, and the general bank's rate minus the base's. One method and sequence is a row; a stopped bench goes on after the last.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from eight_nights import A_NIGHT, ask, general_of, interval, live, replay_pool, unfinished
from nightschool.bases import pull_model
from nightschool.config import NightConfig, StudyConfig, TrainConfig
from nightschool.models.torch_model import load
from nightschool.models.torch_sampler import TorchSampler
from record import Record, base_name

SHORTER = 0.7
"""Share of a night's step that is left after it was shortened."""


def shorten(start: Path, out: Path) -> None:
    """Take back part of a night's step (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022)."""
    before, after = load(start).model.state_dict(), load(out).model
    with torch.no_grad():
        for name, weight in after.state_dict().items():
            weight.copy_(before[name] + SHORTER * (weight - before[name]))
    after.save_pretrained(out)


def merge(start: Path, out: Path) -> None:
    """Add a night's adapter to the weights that it was trained on."""
    loaded = load(out, start)
    (out / "adapter_config.json").unlink()
    (out / "adapter_model.safetensors").unlink()
    loaded.model.save_pretrained(out)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to live the nights."""

    material: str
    """What is studied beside the new material; a name of `eight_nights.START`."""
    anchors: float = 0.0
    method: str = "full"
    finish: Callable[[Path, Path], None] | None = None


METHODS = {
    "naive": Way("naive"),
    "all": Way("continue", 1.0),
    "anchors": Way("naive", 1.0),
    "review": Way("continue"),
    "replay": Way("replay"),
    "light": Way("continue", 0.25),
    "strong": Way("continue", 4.0),
    "lora": Way("naive", method="lora", finish=merge),
    "lora_all": Way("continue", 1.0, "lora", merge),
    "shortened": Way("naive", finish=shorten),
}


def main() -> None:
    """Live the nights with each method, and state what each kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=Path("bench/results/general.json"))
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--sequences", type=int, default=1)
    parser.add_argument("--nights", type=int, default=2)
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.data.read_text("utf-8").splitlines()]
    pool = sorted((r for r in rows if r["id"].startswith("val-")), key=lambda r: r["id"])[:16]
    record = Record(args.json, "general")
    record.body["seeds"] = list(range(args.sequences))
    for sequence in range(args.sequences):
        order = random.Random(sequence).sample(pool, A_NIGHT * args.nights)
        evenings = [order[k : k + A_NIGHT] for k in range(0, len(order), A_NIGHT)]
        key = {"sequence": sequence, "nights": args.nights}
        record.measure({"way": "untouched", **key}, lambda o=order: untouched(o))
        for name in args.methods:
            way = METHODS[name]
            # Every method steps as far as a night that continues does.
            plain = TrainConfig(method=way.method)
            config = plain.model_copy(
                update={
                    "epochs": 3,
                    "learning_rate": NightConfig().continued_rate * plain.resolved_rate,
                    "anchor_weight": way.anchors,
                    "seed": sequence,
                }
            )
            row = {"way": name, **key, "rate": config.resolved_rate}
            folder = unfinished(args.json.with_suffix(".work"), row)
            record.measure(
                row,
                lambda w=way, e=evenings, c=config, f=folder: live(
                    w.material, e, replay_pool(), c, StudyConfig().review_share, f, w.finish
                ),
            )
            state(record)
            record.save()


def untouched(passages: list[Any]) -> dict[str, Any]:
    """Ask the base everything."""
    base = TorchSampler(pull_model(base_name()))
    return {"asked": ask(base, passages), **general_of("base", base)}


def state(record: Record) -> None:
    """State what each method that was run kept."""
    plain = {r["sequence"]: r for r in record.body["rows"] if r["way"] == "untouched"}
    for name in METHODS:
        lived = [r for r in record.body["rows"] if r["way"] == name]
        if not lived:
            continue
        gains, kept, general = [], [], []
        for row in lived:
            base, nights = plain[row["sequence"]], row["lived"]
            last = nights[-1]["asked"]
            gains += [_mean(last[p]) - _mean(base["asked"][p]) for p in last]
            for earlier in nights[:-1]:
                kept += [_mean(last[p]) - _mean(earlier["asked"][p]) for p in earlier["asked"]]
            general += [a - b for a, b in zip(row["general"], base["general"], strict=True)]
        for figure, values in (("gain", gains), ("kept", kept), ("general_delta", general)):
            low, high = interval(values)
            record.figure(
                f"{figure}_{name}", _mean(values), low=low, high=high, n=len(values), unit="rate"
            )
        ratios = [r["perplexity"] / plain[r["sequence"]]["perplexity"] for r in lived]
        record.figure(f"perplexity_ratio_{name}", _mean(ratios), n=len(ratios), unit="ratio")
        tokens = sum(night["tokens"] for row in lived for night in row["lived"])
        record.figure(f"tokens_{name}", tokens, n=len(lived), unit="tokens")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
