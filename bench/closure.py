"""The closure ledger of practised models: what they reach that the base did not, what they lost, at what odds.

`python bench/closure.py --json bench/results/closure.json [--skill next --seeds 0] [--version ENV=FOLDER ...]`

Two kinds of rows. *Climb*: a skill of `closure_skills.py` is practised from the length that the base is sometimes right
at, by rewards alone, longer as soon as it is mostly right; then the ledger is made at a length that the base never
reached and that was never practised. *Version*: the ledger of a folder of full weights that practice has left
(`bench/practice.py`), on the environment that it practised in.

Both models draw 128 times for each of 50 held-out tasks at temperature 1, each asked in the way that did best on the
train split. `skills_not_reached_then_learnt` counts the skills where no draw of the base was right on any task and the
practised model's pass@8 is above 0.5. A stopped bench goes on where it was (`--work`).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from closure_climb import climbed, spent
from closure_skills import Digits
from nightschool.bases import pull_model
from nightschool.closure import fill, write_account
from nightschool.environments import environment
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.account import Account, told
from nightschool.practice.ledger import Ledger, Terms
from nightschool.protocols import Environment
from nightschool.runlog import progress_bar
from record import Record, base_name

TASKS, SAMPLES = 50, 128
BEYOND = 0.5
"""pass@8 above which a skill counts as learnt."""


def main() -> None:
    """Make the ledgers, and state what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/closure.json"))
    parser.add_argument(
        "--work", type=Path, help="folder of ledgers and weights; default: beside the result"
    )
    parser.add_argument("--skill", action="append", help="a skill to climb; default: next")
    parser.add_argument("--no-climb", action="store_true", help="ledgers of --version alone")
    parser.add_argument("--lengths", default="2,3,4,6", help="lengths that are practised, in order")
    parser.add_argument("--asked", type=int, default=10, help="length of the held-out tasks")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--minutes", type=float, default=8.0, help="of practice, for each seed")
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument(
        "--version", action="append", default=[], help="ENV=FOLDER of full weights (repeatable)"
    )
    args = parser.parse_args()
    work = args.work or args.json.with_suffix(".work")
    record = Record(args.json, "closure")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    record.body["seeds"] = seeds
    for skill in [] if args.no_climb else args.skill or ["next"]:
        for seed in seeds:
            terms = {"lengths": args.lengths, "asked": args.asked, "minutes": args.minutes}
            name = f"{skill}{args.asked}"
            row = {"kind": "climb", "skill": name, "seed": seed, **terms}
            record.measure(
                row | {"tasks": args.tasks, "samples": args.samples},
                lambda skill=skill, seed=seed: climb(args, work, skill, seed),
            )
    for named in args.version:
        env, _, folder = named.rpartition("=")
        record.measure(
            {"kind": "version", "skill": env, "folder": folder, "tasks": args.tasks, "samples": args.samples},
            lambda env=env, folder=folder: account_row(
                args, work, environment(env), Path(folder), most_tokens(Path(folder)), None
            ),
        )  # fmt: skip
    state(record)
    record.save()
    for name, figure in record.body["figures"].items():
        print(name, figure)


def climb(args: argparse.Namespace, work: Path, skill: str, seed: int) -> dict[str, Any]:
    """Practise a skill from short to long, and make the ledger at the length that is asked."""
    lengths = [int(length) for length in args.lengths.split(",")]
    folder = work / f"{skill}-{args.lengths}-{args.minutes:g}-{seed}"
    rounds = climbed(folder, skill, lengths, seed, args.minutes * 60)
    found = Digits(skill, args.asked)
    row = account_row(args, work, found, folder / "weights", args.asked + 4, spent(rounds))
    return {**row, "rounds": rounds}


def account_row(
    args: argparse.Namespace,
    work: Path,
    found: Environment,
    folder: Path,
    max_tokens: int,
    tokens_spent: int | None,
) -> dict[str, Any]:
    """Make a ledger, and return its account without the single tasks, but for ten of them."""
    begun = time.monotonic()
    terms = Terms(found.name, base_name(), str(folder), args.samples, 1.0, max_tokens)
    ledger = Ledger.open(work / "ledgers", terms)
    loaded: dict[str, TorchSampler] = {}

    def sampler(name: str, place: Path) -> TorchSampler:
        if name not in loaded:
            loaded[name] = TorchSampler(place)
        return loaded[name]

    fill(
        ledger,
        found,
        args.tasks,
        base=lambda: sampler("base", pull_model(base_name())),
        version=lambda: sampler("version", folder),
        bar=progress_bar,
    )
    closed = write_account(ledger, found, args.tasks, tokens_spent or spent_in(folder))
    print(told(closed.account))
    body = asdict(closed.account)
    body["lines"] = body["lines"][:10]
    return {
        "account": body,
        "base_right": sum(line.base.right for line in closed.account.lines),
        "base_n": sum(line.base.n for line in closed.account.lines),
        "kinds": kinds(closed.account),
        "seconds": round(time.monotonic() - begun, 1),
    }


def kinds(account: Account) -> dict[str, int]:
    """Count the tasks of each kind within all draws."""
    whole = account.whole
    return {
        "preserved": whole.preserved, "expanded": whole.expanded, "shrunk": whole.shrunk,
        "neither": whole.neither, "left_out": whole.left_out,
    }  # fmt: skip


def spent_in(folder: Path) -> int | None:
    """Return the tokens that practice spent, as its folder of weights tells; None where it does not."""
    path = folder / "train.json"
    body = json.loads(path.read_text("utf-8")) if path.exists() else {}
    spent = body.get("tokens")
    return int(spent) if spent else None


def most_tokens(folder: Path) -> int:
    """Return the bound of an action under which a version has practised; 64 where its folder does not tell."""
    path = folder / "train.json"
    body = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return int(body.get("max_tokens") or 64)


def state(record: Record) -> None:
    """State the figures of all rows."""
    climbs: dict[str, list[bool]] = {}
    for row in record.body["rows"]:
        account = row["account"]
        name = "".join(c if c.isalnum() else "_" for c in row["skill"].removeprefix("gym:"))
        name += f"_{row['seed']}" if row.get("seed") else ""
        curves = list(account["curves"].items())
        base, version = curves[0][1], curves[-1][1]
        for who, points in (("base", base), ("version", version)):
            for point in points:
                if point["k"] in (1, 8, row["samples"]):
                    record.figure(
                        f"{name}_{who}_pass_at_{point['k']}", round(point["value"], 4),
                        low=round(point["low"], 4), high=round(point["high"], 4), n=point["tasks"], unit="rate",
                    )  # fmt: skip
        for kind, tasks in row["kinds"].items():
            record.figure(f"{name}_{kind}", tasks, n=row["tasks"], unit="tasks")
        whole = account["matrices"][-1]
        record.figure(f"{name}_mcnemar_p", whole["p_value"], n=row["tasks"], unit="p")
        weight = account["weight"]
        for figure in ("bits", "bits_per_token"):
            value = weight[figure]
            record.figure(
                f"{name}_{figure}",
                None if value is None else round(value, 2),
                n=weight["tasks"],
                unit="bits",
            )
        for figure in ("majority", "constant"):
            count = account["without_learning"][figure]
            if count and count["n"]:
                record.figure(
                    f"{name}_base_{figure}", round(count["right"] / count["n"], 4), low=round(count["low"], 4),
                    high=round(count["high"], 4), n=count["n"], unit="rate",
                )  # fmt: skip
        at_eight = next((p["value"] for p in version if p["k"] == 8), 0.0)
        learnt = row["base_right"] == 0 and row["tasks"] >= TASKS and row["samples"] >= SAMPLES
        climbs.setdefault(row["skill"], []).append(learnt and at_eight > BEYOND)
    reached = [skill for skill, found in climbs.items() if all(found)]
    record.figure("skills_not_reached_then_learnt", len(reached), n=len(climbs), unit="skills")


if __name__ == "__main__":
    main()
