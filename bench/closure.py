"""The closure ledger of practised models: what they reach that the base did not, what they lost, at what odds.

`python bench/closure.py --json bench/results/closure.json [--skill next] [--practise ENV ...] [--version ENV=FOLDER ...]`

Three kinds of rows. *Climb*: a skill of `closure_skills.py` is practised from the length that the base is sometimes
right at, by rewards alone, longer as soon as it is mostly right; then the ledger is made on held-out tasks of the length
`--asked`, which is practised too only where it is among `--lengths`. *Practise*: an environment is practised as it is, and the ledger made in it. *Version*: the ledger of a folder
of full weights that some practice has left. In practice three worked examples of the easiest length stand before every
task, and in the ledger before every prompt of both models; the weights learn from rewards alone.

Both models draw 128 times for each of 50 held-out tasks at temperature 1, each asked in the way that did best on the
train split. `skills_not_reached_then_learnt` counts the skills where no draw of the base was right on any task and the
practised model's pass@8 is above 0.5. A stopped bench goes on where it was (`--work`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from closure_climb import climbed, spent
from closure_skills import Digits
from nightschool.bases import pull_model
from nightschool.closure import fill, write_account
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.account import Account, told
from nightschool.practice.examples import worked_examples
from nightschool.practice.ledger import Ledger, Terms
from nightschool.protocols import Environment, Progress, Prompt
from nightschool.runlog import progress_bar
from nightschool.train.policy import TorchPolicy
from nightschool.types import Message, digest
from record import Record, base_name

TASKS, SAMPLES = 50, 128
BEYOND = 0.5
"""pass@8 above which a skill counts as learnt."""


class Drawer(TorchSampler):
    """Draws in the precision of training, which is faster where the processor has bfloat16, and scores in float32."""

    def __init__(self, folder: Path, shown: tuple[Message, ...]) -> None:
        """Load the weights twice; `shown` goes before every prompt, in whatever way it is asked."""
        super().__init__(folder)
        self._shown = shown
        self._policy = TorchPolicy(load, render, folder, PracticeConfig())

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`."""
        return self._policy.generate(
            [(*self._shown, *prompt) for prompt in prompts],
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            progress=progress,
        )

    def score(
        self, pairs: Sequence[tuple[Prompt, str]], *, progress: Progress | None = None
    ) -> list[list[float]]:
        """Return log-probabilities of target tokens; see `protocols.Sampler.score`."""
        return super().score([((*self._shown, *p), t) for p, t in pairs], progress=progress)


def main() -> None:
    """Make the ledgers, and state what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/closure.json"))
    parser.add_argument(
        "--work", type=Path, help="folder of ledgers and weights; default: beside the result"
    )
    parser.add_argument(
        "--skill", action="append", default=[], help="a skill to climb (repeatable)"
    )
    parser.add_argument("--lengths", default="2,3,4,6", help="lengths that are practised, in order")
    parser.add_argument("--asked", type=int, default=10, help="length of the held-out tasks")
    parser.add_argument(
        "--practise", action="append", default=[], help="an environment (repeatable)"
    )
    parser.add_argument("--max-tokens", type=int, default=16, help="bound of an action")
    parser.add_argument(
        "--shots", type=int, default=3, help="worked examples before every task in practice"
    )
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--minutes", type=float, default=8.0, help="of practice, for each row")
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
    same = {"tasks": args.tasks, "samples": args.samples, "max_tokens": args.max_tokens}
    made = {"minutes": args.minutes, "shots": args.shots, **same}
    for seed in seeds:
        for skill in args.skill:
            steps = [Digits(skill, int(length)) for length in args.lengths.split(",")]
            found = Digits(skill, args.asked)
            row = {"kind": "climb", "skill": found.name, "seed": seed, "lengths": args.lengths}
            record.measure(
                row | made,
                lambda f=found, e=steps, seed=seed: practised(args, work, f, e, seed),
            )
        for name in args.practise:
            found = environment(name)
            row = {"kind": "practise", "skill": found.name, "seed": seed}
            record.measure(
                row | made, lambda f=found, seed=seed: practised(args, work, f, [f], seed)
            )
    for named in args.version:
        name, _, folder = named.rpartition("=")
        row = {"kind": "version", "skill": name, "folder": folder}
        found, weights = environment(name), Path(folder)
        record.measure(
            row | same,
            lambda f=found, w=weights: account_row(args, work, f, w, spent_in(w)),
        )  # fmt: skip
    state(record)
    record.save()
    for name, figure in record.body["figures"].items():
        print(name, figure)


def practised(
    args: argparse.Namespace,
    work: Path,
    found: Environment,
    steps: Sequence[Environment],
    seed: int,
) -> dict[str, Any]:
    """Practise from step to step, and make the ledger where it is asked."""
    named = digest(
        *(step.name for step in steps), str(args.minutes), str(args.shots), str(args.max_tokens)
    )
    folder = work / f"{named[:12]}-{seed}"
    rounds = climbed(folder, steps, seed, args.minutes * 60, args.shots, args.max_tokens)
    shown = worked_examples(steps[0], args.shots)
    row = account_row(args, work, found, folder / "weights", spent(rounds), shown)
    return {**row, "rounds": rounds}


def account_row(
    args: argparse.Namespace,
    work: Path,
    found: Environment,
    folder: Path,
    tokens: int | None,
    shown: tuple[Message, ...] = (),
) -> dict[str, Any]:
    """Make a ledger, and return its account without the single tasks, but for ten of them.

    `shown` are the worked examples of practice: they stand before every prompt of both models, in each way to ask.
    """
    begun = time.monotonic()
    terms = Terms(found.name, base_name(), str(folder), args.samples, 1.0, args.max_tokens)
    ledger = Ledger.open(work / "ledgers", terms)
    loaded: dict[str, Drawer] = {}

    def sampler(name: str, place: Path) -> Drawer:
        if name not in loaded:
            loaded[name] = Drawer(place, shown)
        return loaded[name]

    fill(
        ledger,
        found,
        args.tasks,
        base=lambda: sampler("base", pull_model(base_name())),
        version=lambda: sampler("version", folder),
        bar=progress_bar,
        practised=0 if shown else args.shots,
    )
    closed = write_account(ledger, found, args.tasks, tokens)
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
