"""Eight nights in a row, four new passages each: what is learnt, and what is left of it at the end.

`python bench/eight_nights.py --data seal_dev.jsonl --json bench/results/eight_nights.json`

Each night studies the ready-made questions and answers of four passages and their text; human-written questions,
which no night studies, are asked closed-book after every night, of all passages so far. Ways to live the nights:
`naive` goes on from the last night with the new material alone; `rebuild` begins at the base with all material so
far; `rebuild-last` is the last of these nights alone, which begins at the base and so needs none before it;
`life` is the default: built anew every few nights (`night.deep_every`), going on in between;
`continue` goes on from the last night with the new material, review of the old chosen by `study/review.py` and held
to what the last night's version says of it, and general replay. All but `naive` hold plain text to the base (`train/anchors.py`). *ACC* is the mean over the passages after the last night, *BWT* how much that is above the
same passages right after their own night; both with bootstrap intervals over passages. `--tune` does the same on
the tuning passages (four nights). `--a-night 1` is SEAL's own protocol (Zweiger et al. 2025, on catastrophic forgetting: eight edits
of one passage each). One sequence of one way is a row; a stopped bench goes on in the night that it was in (`--work`).
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from closed_book import ANSWER_TOKENS, study_examples
from nightschool.bases import anchors_of, pull_model
from nightschool.config import NightConfig, StudyConfig, TrainConfig
from nightschool.exam.general import general_bank, perplexity
from nightschool.exam.sit import sit
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.runlog import progress_bar
from nightschool.study.general import general_examples
from nightschool.study.review import by_memory, held, review, size
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Item, Message, Verdict, digest
from nightschool.verify.judge import grade
from nightschool.workspace import write_atomic
from record import Record, base_name

WAYS = ("continue", "life", "naive", "rebuild", "rebuild-last")
KEEPING = ("ewc", "sparse", "blend", "subspace")
"""Settings of ways to keep what is known, off unless asked for."""
A_NIGHT = 4
"""New passages a night, unless asked otherwise."""
REPLAY_SEED = 0


def main() -> None:
    """Live the sequences that are asked for, and state what was learnt and kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=Path("bench/results/eight_nights.json"))
    parser.add_argument(
        "--work", type=Path, help="folder of unfinished sequences; default: beside the result"
    )
    parser.add_argument("--sequences", type=int, default=3)
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--tune", action="store_true", help="on the tuning passages, four nights")
    parser.add_argument("--a-night", type=int, default=A_NIGHT, help="new passages a night")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--rate", type=float, help="learning rate; without it, that of such a night"
    )
    parser.add_argument("--share", type=float, default=StudyConfig().review_share)
    parser.add_argument(
        "--lost",
        type=float,
        help="nats a token beyond which review is learnt from its labels again",
    )
    parser.add_argument(
        "--ewc", type=float, default=0.0, help="pull of elastic weight consolidation"
    )
    parser.add_argument("--blend", action="store_true", help="mix each night with its start")
    parser.add_argument("--sparse", type=float, help="share of the MLPs' neurons that are trained")
    parser.add_argument("--subspace", type=float, help="share of known inputs left as they are")
    parser.add_argument(
        "--anchors",
        type=float,
        default=TrainConfig().anchor_weight,
        help="0: nothing holds plain text",
    )
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.data.read_text("utf-8").splitlines()]
    vals = sorted((r for r in rows if r["id"].startswith("val-")), key=lambda r: r["id"])
    pool, nights = (vals[:16], 4) if args.tune else (vals[16:], 8)
    record = Record(args.json, "eight_nights")
    record.body["seeds"] = list(range(args.sequences))
    for sequence in range(args.sequences):
        order = random.Random(sequence).sample(pool, args.a_night * nights)
        evenings = [order[k : k + args.a_night] for k in range(0, len(order), args.a_night)]
        key = {"sequence": sequence, "nights": nights}
        key |= {} if args.a_night == A_NIGHT else {"a_night": args.a_night}
        record.measure(
            {"way": "untouched", **key},
            lambda o=order: {"asked": ask(TorchSampler(pull_model(base_name())), o), **general_of("base", TorchSampler(pull_model(base_name())))},
        )  # fmt: skip
        for way in args.ways:
            share = NightConfig().continued_rate if way == "continue" else 1.0
            rate = args.rate or share * TrainConfig().resolved_rate
            anchors = 0.0 if way == "naive" else args.anchors
            config = TrainConfig(
                epochs=args.epochs, learning_rate=rate, seed=sequence, anchor_weight=anchors,
                lost_nats=args.lost, ewc=args.ewc, sparse=args.sparse, blend=args.blend,
                subspace=args.subspace,
            )  # fmt: skip
            dials = {"epochs": args.epochs, "rate": config.resolved_rate, "anchors": anchors}
            if way in ("continue", "life"):
                dials |= {"share": args.share, "review": "start"}
                dials |= {} if args.lost is None else {"lost": args.lost}
            dials |= {n: v for n, v in ((name, getattr(args, name)) for name in KEEPING) if v}
            row = {"way": way, **key, **dials}
            lived = [order] if way == "rebuild-last" else evenings
            folder = unfinished(args.work or args.json.with_suffix(".work"), row)
            record.measure(
                row,
                lambda w=way, e=lived, c=config, f=folder: live(
                    w, e, replay_pool(), c, args.share, f
                ),
            )
            state(record)
            record.save()


def unfinished(work: Path, row: dict[str, Any]) -> Path:
    """Return the folder in which a row's nights are lived, made where there is none."""
    folder = work / digest(json.dumps(row, sort_keys=True))[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def replay_pool() -> list[Example]:
    """Return general examples, answered by the base itself."""
    return general_examples(TorchSampler(pull_model(base_name())), 100, "bench", REPLAY_SEED)


def live(
    way: str,
    evenings: Sequence[Sequence[Any]],
    general: Sequence[Example],
    config: TrainConfig,
    share: float,
    folder: Path,
    finish: Callable[[Path, Path], None] | None = None,
) -> dict[str, Any]:
    """Live one sequence of nights; return every answer after every night, and what it cost.

    The newest version and what was measured are kept in `folder`, so that a stopped sequence goes on where it
    was. `finish` is given each night's start and its new folder, and may change the latter's weights.
    """
    base = pull_model(base_name())
    held_to = anchors_of(base_name(), progress_bar)
    lived = folder / "nights.json"
    nights: list[dict[str, Any]] = json.loads(lived.read_text()) if lived.exists() else []
    studied: list[Example] = []
    for number, evening in enumerate(evenings):
        new = [e for r in evening for e in study_examples(r)]
        out = folder / f"night-{number}"
        if number >= len(nights):
            before = folder / f"night-{number - 1}" if number else base
            start, material, again = START[way](
                before, base, new, studied, general, share * config.epochs, number
            )
            how = config
            if way == "life" and again:
                slower = NightConfig().continued_rate * config.resolved_rate
                how = config.model_copy(update={"learning_rate": slower})
            if finish:  # of a stopped night nobody knows whether that was done
                shutil.rmtree(out, ignore_errors=True)
            trainer = TorchTrainer(load, render, held_to)
            result = trainer.train(start, material, how, out, review=again)
            if finish:
                finish(start, out)
            sampler = TorchSampler(out)
            so_far = [r for one in evenings[: number + 1] for r in one]
            nights.append(
                {
                    "asked": ask(sampler, so_far), "examples": len(material), "review": len(again),
                    "tokens": result.tokens, "seconds": result.seconds, "last_loss": result.last_loss,
                    "perplexity": perplexity(sampler),
                }
            )  # fmt: skip
            write_atomic(lived, json.dumps(nights))
            print(way, number, _rate(nights[-1]["asked"]), round(result.seconds), flush=True)
            if number:
                shutil.rmtree(before)
        studied += new
    ended = general_of("version", TorchSampler(out))
    shutil.rmtree(folder)
    return {"lived": nights, **ended}


Chosen = tuple[Path, list[Example], list[Example]]
"""Where a night starts, what it studies, and what it reviews."""


def _naive(before: Path, base: Path, new: Any, *_: Any) -> Chosen:
    return before, new, []


def _replayed(
    before: Path, base: Path, new: Any, studied: Any, general: Any, share: float, number: int
) -> Chosen:
    return before, [*new, *general_beside(general, new, number)], []


def _rebuild(
    before: Path, base: Path, new: Any, studied: Any, general: Any, share: float, number: int
) -> Chosen:
    union = [*studied, *new]
    return base, [*union, *general_beside(general, union, number)], []


def _continue(
    before: Path, base: Path, new: Any, studied: Any, general: Any, share: float, number: int
) -> Chosen:
    if not studied:
        return base, [*new, *general_beside(general, new, number)], []
    groups = by_memory(studied)
    nats = held(TorchSampler(before, base), groups, number)
    again = review(groups, nats, share * size(new), number)
    return before, [*new, *general_beside(general, new, number)], again


def _life(
    before: Path, base: Path, new: Any, studied: Any, general: Any, share: float, number: int
) -> Chosen:
    chosen = _continue if number % NightConfig().deep_every else _rebuild
    return chosen(before, base, new, studied, general, share, number)


START: dict[str, Callable[..., Chosen]] = {
    "naive": _naive, "replay": _replayed, "rebuild": _rebuild, "continue": _continue, "life": _life,
    "rebuild-last": _rebuild,
}  # fmt: skip


def general_beside(
    general: Sequence[Example], beside: Sequence[Example], seed: int
) -> list[Example]:
    """Draw the general examples that are studied beside others, by the share that nights give them."""
    share = StudyConfig().general_share
    count = round(len(beside) * share / (1 - share))
    return random.Random(seed).sample(list(general), min(count, len(general)))


def ask(
    sampler: TorchSampler, passages: Sequence[Any], prompt: str = "{question}"
) -> dict[str, list[int]]:
    """Return passage -> 1 for each question that is answered, else 0; closed-book unless `prompt` holds the passage."""
    asked = [(r["id"], q) for r in passages for q in r["questions"]]
    prompts = [
        (Message("user", prompt.format(passage=r["passage"], question=q["question"])),)
        for r in passages
        for q in r["questions"]
    ]
    answers = sampler.generate(prompts, max_tokens=ANSWER_TOKENS)
    found: dict[str, list[int]] = {}
    for (name, q), answer in zip(asked, answers, strict=True):
        score = grade(Item("", q["question"], (q["answer"],)), answer).score
        found.setdefault(name, []).append(int(score.verdict is Verdict.CORRECT))
    return found


def general_of(name: str, sampler: TorchSampler) -> dict[str, Any]:
    """Return which items of the general bank are answered, and the perplexity of plain text."""
    from nightschool.config import ExamConfig

    config = ExamConfig()
    report = sit(
        sampler, [general_bank(config.general_items)], version_id=name, night="", tenant="bench",
        config=config, grade=grade,
    )  # fmt: skip
    right = [int(r.score.verdict is Verdict.CORRECT) for r in report.results]
    return {"general": right, "perplexity": perplexity(sampler)}


def state(record: Record) -> None:
    """State the figures of what was run so far."""
    rows = record.body["rows"]
    untouched = {_asked_of(r): r for r in rows if r["way"] == "untouched"}
    dials = sorted({_dials(r) for r in rows if "lived" in r})
    for dial in dials:
        way, rate, _, anchors, kind, share, a_night, lost, ewc, sparse, blend, subspace = dial
        lived = [r for r in rows if "lived" in r and _dials(r) == dial]
        alike = {(o[1], o[3]) for o in dials if (o[0], o[6]) == (way, a_night)}
        name = way + f", rate {rate:g}, anchors {anchors:g}" * (len(alike) > 1)
        name += ", review of labels" * (kind == "labels")
        name += f", share {share:g}" * (share != StudyConfig().review_share)
        name += f", learnt again beyond {lost:g} nats" * (lost > 0)
        name += f", ewc {ewc:g}" * (ewc > 0) + f", {sparse:g} of the neurons" * (sparse > 0)
        name += ", blended" * (blend > 0)
        name += f", at right angles to {subspace:g}" * (subspace > 0)
        name += f", {a_night} a night" * (a_night != A_NIGHT)
        gains, kept, general = [], [], []
        for row in lived:
            plain = untouched[_asked_of(row)]
            last = row["lived"][-1]["asked"]
            after = {k: v for night in reversed(row["lived"]) for k, v in night["asked"].items()}
            earlier = row["lived"][-2]["asked"] if len(row["lived"]) > 1 else {}
            gains += [_mean(last[p]) - _mean(plain["asked"][p]) for p in last]
            kept += [_mean(last[p]) - _mean(after[p]) for p in earlier]
            # Rows of an earlier, smaller bank hold its first items.
            general += [a - b for a, b in zip(row["general"], plain["general"], strict=False)]
        for figure, values in (("acc_gain", gains), ("bwt", kept), ("general_delta", general)):
            if not values:  # of one night nothing can be lost
                continue
            low, high = interval(values)
            record.figure(f"{figure}_{name}", _mean(values), low=low, high=high, n=len(values), unit="rate")  # fmt: skip
        ratios = [r["perplexity"] / untouched[_asked_of(r)]["perplexity"] for r in lived]
        record.figure(f"perplexity_ratio_{name}", _mean(ratios), n=len(ratios), unit="ratio")
        tokens = [r["lived"][-1]["tokens"] / r["lived"][0]["tokens"] for r in lived]
        if way == "rebuild-last":
            continue
        record.figure(f"cost_last_over_first_{name}", _mean(tokens), n=len(tokens), unit="ratio of tokens")  # fmt: skip


def _dials(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what two rows must share to be of one way of living nights; rows of an earlier program reviewed labels."""
    plain = StudyConfig().review_share
    kind, share = "", plain
    if row["way"] in ("continue", "life"):
        kind, share = row.get("review", "labels"), row.get("share", plain)
    own = [float(row.get(name, 0.0)) for name in ("lost", *KEEPING)]
    dials = row["way"], row["rate"], row["epochs"], row["anchors"], kind, share
    return *dials, row.get("a_night", A_NIGHT), *own


def _asked_of(row: dict[str, Any]) -> tuple[int, int]:
    """Return what tells which passages a row was asked about: its sequence, and how many a night."""
    return row["sequence"], row.get("a_night", A_NIGHT)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return a 95% bootstrap interval of the mean."""
    rng = random.Random(0)
    means = sorted(_mean(rng.choices(values, k=len(values))) for _ in range(1000))
    return means[25], means[974]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rate(asked: dict[str, list[int]]) -> float:
    return round(_mean([x for row in asked.values() for x in row]), 3)


if __name__ == "__main__":
    main()
