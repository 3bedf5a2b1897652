"""Ways to keep what is known while something new is learnt: one night each, from one start, on the tuning passages.

`python bench/keeping.py --data seal_dev.jsonl --json bench/results/keeping.json`

The start has studied some passages from the base; the night goes on from it with others. Each way is a night of its own: `naive`
with the new material alone and nothing held; `plain text` with what a night holds of the base (`train/anchors.py`);
`default` with review beside that, as nights that continue do; the others are `default` with one setting changed.
Human-written questions, which no night studies, are asked of both, and what their right answers cost is measured in nats a
token, which tells more than right or wrong of so few questions. Intervals: bootstrap over passages, paired with the start.
`python bench/keeping.py --ways ...` runs some of the ways; a row is stored as soon as it is there.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from closed_book import study_examples
from eight_nights import ask, general_beside, interval, replay_pool
from nightschool.bases import anchors_of, pull_model
from nightschool.config import NightConfig, TrainConfig
from nightschool.exam.general import perplexity
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.runlog import progress_bar
from nightschool.study.review import by_memory, held, review, size
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Message
from record import Record, base_name

WAYS: dict[str, dict[str, Any]] = {
    "naive": {"anchor_weight": 0.0},
    "plain text": {},
    "default": {},
    "labels": {"lost_nats": 0.0},
    "half the rate": {"learning_rate": NightConfig().continued_rate * TrainConfig().resolved_rate / 2},
    "ewc 0.1": {"ewc": 0.1},
    "sparse 0.2": {"sparse": 0.2},
    "subspace 0.9": {"subspace": 0.9},
    "blend": {"blend": True},
    "lora": {"method": "lora", "learning_rate": 1e-3},
}  # fmt: skip
"""Way -> what it changes of a night that continues."""
UNREVIEWED = ("naive", "plain text")
EPOCHS = 3


def main() -> None:
    """Make the start where there is none, live the nights that are asked for, and state the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=Path("bench/results/keeping.json"))
    parser.add_argument(
        "--work", type=Path, help="folder of the weights; default: beside the result"
    )
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--old", type=int, default=8, help="passages that the start has studied")
    parser.add_argument("--new", type=int, default=4, help="passages of the night")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.data.read_text("utf-8").splitlines()]
    tuning = sorted((r for r in rows if r["id"].startswith("val-")), key=lambda r: r["id"])[:16]
    order = random.Random(args.seed).sample(tuning, 16)
    old, new = order[: args.old], order[-args.new :]
    record = Record(args.json, "keeping")
    record.body["seeds"] = [args.seed]
    key = {"seed": args.seed, "old": args.old, "new": args.new}
    work = args.work or args.json.with_suffix(".work")
    start = work / f"start-{args.seed}-{args.old}"
    record.measure({"way": "start", **key}, lambda: begin(start, old, new, args.seed))
    for way in args.ways:
        record.measure({"way": way, **key}, lambda w=way: night(w, start, old, new, args.seed))
        state(record, key)
        record.save()


def begin(start: Path, old: Sequence[Any], new: Sequence[Any], seed: int) -> dict[str, Any]:
    """Study the old passages from the base."""
    examples = material(old)
    trainer = TorchTrainer(load, render, anchors_of(base_name(), progress_bar))
    studied = [*examples, *general_beside(replay_pool(), examples, seed)]
    result = trainer.train(
        pull_model(base_name()), studied, config(seed, {"learning_rate": None}), start
    )
    return {"tokens": result.tokens, **looked_at(start, old, new)}


def night(
    way: str, start: Path, old: Sequence[Any], new: Sequence[Any], seed: int
) -> dict[str, Any]:
    """Go on from the start with the new passages, in one way."""
    settings, studied = WAYS[way], material(new)
    base, groups = pull_model(base_name()), by_memory(material(old))
    again: list[Example] = []
    if way not in UNREVIEWED:
        again = review(
            groups, held(TorchSampler(start, base), groups, seed), EPOCHS * size(studied), seed
        )
    replay = general_beside(replay_pool(), studied, seed) if way != "naive" else []
    out = start.with_name(f"{start.name}-{way.replace(' ', '-')}")
    trainer = TorchTrainer(load, render, anchors_of(base_name(), progress_bar))
    result = trainer.train(start, [*studied, *replay], config(seed, settings), out, review=again)
    found = looked_at(out, old, new, start)
    shutil.rmtree(out)
    print(way, found["perplexity"], flush=True)
    return {"tokens": result.tokens, "seconds": round(result.seconds), "kept": result.kept, **found}


def config(seed: int, settings: dict[str, Any]) -> TrainConfig:
    """Return how a night trains; each reads its material as often as the others."""
    rate = NightConfig().continued_rate * TrainConfig().resolved_rate
    plain = {"epochs": EPOCHS, "min_steps": 1, "learning_rate": rate, "seed": seed}
    return TrainConfig(**{**plain, **settings})


def material(passages: Sequence[Any]) -> list[Example]:
    """Return the ready-made study material of passages."""
    return [e for r in passages for e in study_examples(r)]


def looked_at(
    folder: Path, old: Sequence[Any], new: Sequence[Any], on: Path | None = None
) -> dict[str, Any]:
    """Ask the human-written questions, and measure what their answers cost: passage -> nats a token of each question."""
    sampler = TorchSampler(folder, on or pull_model(base_name()))
    passages = [*old, *new]
    asked = [(r["id"], q) for r in passages for q in r["questions"]]
    pairs = [((Message("user", q["question"]),), q["answer"]) for _, q in asked]
    nats: dict[str, list[float]] = {}
    for (name, _), tokens in zip(asked, sampler.score(pairs), strict=True):
        nats.setdefault(name, []).append(round(-sum(tokens) / max(1, len(tokens)), 4))
    return {"asked": ask(sampler, passages), "nats": nats, "perplexity": perplexity(sampler)}


def state(record: Record, key: dict[str, Any]) -> None:
    """State what each way changed, of the old passages and of the new ones."""
    rows = {r["way"]: r for r in record.body["rows"] if all(r.get(k) == v for k, v in key.items())}
    start = rows["start"]
    names = list(start["nats"])
    sides = {"old": names[: key["old"]], "new": names[key["old"] :]}
    for way, row in rows.items():
        if way == "start":
            continue
        for side, passages in sides.items():
            for what, unit in (
                ("nats", "nats a token, after less before"),
                ("asked", "rate, after less before"),
            ):
                changes = [mean(row[what][p]) - mean(start[what][p]) for p in passages]
                low, high = interval(changes)
                record.figure(
                    f"{side}_{what}_{way}",
                    mean(changes),
                    low=low,
                    high=high,
                    n=len(changes),
                    unit=unit,
                )
        ratio = row["perplexity"] / start["perplexity"]
        record.figure(f"perplexity_ratio_{way}", ratio, n=1, unit="ratio to the start")


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
