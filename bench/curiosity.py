"""What to practise next: attention and success by learning progress, uniformly, and easiest first, at equal budget.

`python bench/curiosity.py --json bench/results/curiosity.json [--seeds 24] [--rounds 40] [--real-seeds 1]`

Simulated: a learner with known learning curves (no model in it) practises five arms: an easy and a hard one that can be
learnt, a random, an impossible and a mastered one. Stated are its mean success on the first two at the end and where the
attempts went, with 95% intervals over seeds, and gains over uniform on the same seeds. `raw` is learning progress without
the correction for chance, `oracle` knows which arms can be learnt. In `apart` the arms are learnt separately; in `linked` learning is
slower, and the easy arm teaches the hard one.

Real: the embedded model practises sums of two sizes beside coin tosses and a number that nobody can know, for equally many rounds by
each chooser; greedy success on 100 held-out sums of each size before and after, where the attempts went, and the
calibration of the predictions. `--rounds 0` leaves it out.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.config import PracticeConfig
from nightschool.models.torch_model import load, render
from nightschool.practice import SingleTurn, answers
from nightschool.practice.base import Question
from nightschool.practice.curiosity import (
    CHOOSERS,
    Practised,
    Standing,
    learning_progress,
    picks,
    shares,
    standings,
)
from nightschool.practice.curriculum import Curriculum, Mixture
from nightschool.practice.gym import Gym
from nightschool.practice.learner import practise
from nightschool.practice.predictions import calibration, looks
from nightschool.practice.rollouts import roll_out
from nightschool.protocols import Environment, Policy
from nightschool.train.policy import TorchPolicy
from nightschool.types import Task, Verdict, digest
from record import Record, base_name

ARMS = ("easy", "hard", "random", "impossible", "mastered")
SIMULATED = (*CHOOSERS, "raw", "oracle")
REGIMES = {"apart": (0.06, 0.0, 120), "linked": (0.024, 0.3, 150)}
"""Step of a skill in log-odds, share of the easy arm's steps that the hard one gets, rounds."""
START = {"easy": -2.0, "hard": -4.0}
FIXED = {"random": 0.5, "impossible": 0.0, "mastered": 0.98}
TASKS = GROUP = 8
PARTS = 4
"""Attention is told for so many equal parts of a run."""
REAL = ("small_sums", "large_sums", "coin", "unknowable")
HELD_OUT = 100
ANSWER = 8
"""Bound of an answer, in tokens."""


def main() -> None:
    """Practise by each chooser, and state what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/curiosity.json"))
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--real-seeds", type=int, default=1)
    args = parser.parse_args()
    record = Record(args.json, "curiosity")
    record.body["seeds"] = list(range(args.seeds))
    for regime in REGIMES:
        for chooser in SIMULATED:
            for seed in range(args.seeds):
                key = {"part": "simulated", "regime": regime, "chooser": chooser, "seed": seed}
                record.measure(key, lambda c=chooser, r=regime, s=seed: simulated(c, r, s))
        state_simulated(record, regime)
        record.save()
    for seed in range(args.real_seeds if args.rounds else 0):
        for chooser in CHOOSERS:
            key = {"part": "real", "chooser": chooser, "seed": seed, "rounds": args.rounds}
            record.measure(key, lambda c=chooser, s=seed: real(c, s, args.rounds))
            print(record.body["rows"][-1], flush=True)
    state_real(record, args.rounds)
    record.save()
    for name, figure in record.body["figures"].items():
        print(name, figure)


# -- simulated ----------------------------------------------------------------------------


class SimulatedLearner:
    """Learns an arm in log-odds, in steps as large as a group's outcomes differ; two arms alone can be learnt."""

    def __init__(self, step: float, linked: float, seed: int) -> None:
        self.rng = random.Random(digest("simulated learner", str(seed)))
        self.skill = dict(START)
        self.step, self.linked = step, linked

    def group(self, arm: str) -> int:
        """Attempt a task as often as a group is large, learn from it, and return how many were right."""
        hardness = self.rng.gauss(0, 1)
        chance = FIXED[arm] if arm in FIXED else logistic(self.skill[arm] - hardness)
        solved = sum(self.rng.random() < chance for _ in range(GROUP))
        if arm in self.skill:
            gain = self.step * 4 * (solved / GROUP) * (1 - solved / GROUP)
            self.skill[arm] += gain
            if arm == "easy":
                self.skill["hard"] += self.linked * gain
        return solved

    def success(self) -> float:
        """Return its true mean success on the arms that can be learnt, over tasks of all hardness."""
        grid = statistics.NormalDist().inv_cdf
        hardness = [grid((k + 0.5) / 40) for k in range(40)]
        return statistics.fmean(logistic(s - h) for s in self.skill.values() for h in hardness)


def simulated(chooser: str, regime: str, seed: int) -> dict[str, Any]:
    """Practise with the simulated learner."""
    step, linked, rounds = REGIMES[regime]
    learner = SimulatedLearner(step, linked, seed)
    log: list[Practised] = []
    curve = []
    for number in range(rounds):
        for arm in picks(simulated_shares(chooser, log), TASKS, number, seed):
            log.append(Practised(number, arm, GROUP, learner.group(arm), 0))
        curve.append(learner.success())
    return {
        "success": curve[-1],
        "success_over_time": statistics.fmean(curve),
        "skill": learner.skill,
        "attention": attention(log, ARMS, rounds),
    }


def simulated_shares(chooser: str, log: Sequence[Practised]) -> dict[str, float]:
    """Share a round out by a chooser of ours, or by one that it is compared with."""
    known = standings(ARMS, log)
    if chooser == "oracle":
        known = [replace(one, progress=float(one.arm in START)) for one in known]
    if chooser == "raw":
        known = [uncorrected(one, log) for one in known]
    named = next((kind for kind in CHOOSERS if kind == chooser), "progress")
    return shares(named, known)


def uncorrected(one: Standing, log: Sequence[Practised]) -> Standing:
    """Take the change of success as it is."""
    success = [group.solved / group.attempts for group in log if group.arm == one.arm]
    return replace(one, progress=learning_progress(success, noise=0.0))


def attention(log: Sequence[Practised], arms: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Return the share of tasks of each arm, in each part of a run."""
    parts: list[list[str]] = [[] for _ in range(PARTS)]
    for group in log:
        parts[min(PARTS - 1, group.round * PARTS // rounds)].append(group.arm)
    return {arm: [round(p.count(arm) / max(1, len(p)), 4) for p in parts] for arm in arms}


def logistic(odds: float) -> float:
    """Turn log-odds into a chance."""
    return 1 / (1 + math.exp(-odds))


def state_simulated(record: Record, regime: str) -> None:
    """State success and attention of each chooser, and gains over uniform on the same seeds."""
    rows: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in record.body["rows"]:
        if row["part"] == "simulated" and row["regime"] == regime:
            rows[row["chooser"]][row["seed"]] = row
    for chooser, found in rows.items():
        name = f"simulated_{regime}_{chooser}"
        stated(record, f"{name}_success", [row["success"] for row in found.values()])
        stated(record, f"{name}_over_time", [r["success_over_time"] for r in found.values()])
        for arm in ARMS:
            values = [statistics.fmean(row["attention"][arm]) for row in found.values()]
            stated(record, f"{name}_attention_{arm}", values)
        last = [row["attention"]["random"][-1] for row in found.values()]
        stated(record, f"{name}_attention_random_last_quarter", last)
        if chooser != "uniform":
            gains = [row["success"] - rows["uniform"][s]["success"] for s, row in found.items()]
            stated(record, f"{name}_gain", gains)


def stated(record: Record, name: str, values: Sequence[float]) -> None:
    """State a mean over seeds with its 95% interval (normal)."""
    if not values:
        record.figure(name, None, n=0, unit="rate")
        return
    mean = statistics.fmean(values)
    reach = 1.96 * statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    low, high = (None, None) if reach is None else (round(mean - reach, 4), round(mean + reach, 4))
    record.figure(name, round(mean, 4), low=low, high=high, n=len(values), unit="rate")


# -- real ---------------------------------------------------------------------------------


class Coin(SingleTurn):
    """Tosses that nobody can foresee."""

    name = "coin"
    about = "Say how a coin fell."

    def draw(self, rng: random.Random) -> Question:
        toss = rng.randrange(10**6)
        side = rng.choice(("heads", "tails"))
        return Question(
            f"Toss {toss} of a coin: heads or tails? Reply with heads or tails alone.", side
        )

    def grade(self, task: Task, answer: str) -> bool:
        return answer.strip().strip(".").lower() == task.solution[0]

    def table(self, task: Task) -> Sequence[Any]:
        return answers(wrong=["edge"], adversarial=["heads or tails"])


class Unknowable(SingleTurn):
    """A number of twelve digits that the question does not tell."""

    name = "unknowable"
    about = "Say a number that nobody told."

    def draw(self, rng: random.Random) -> Question:
        asked, number = rng.randrange(10**6), rng.randrange(10**11, 10**12)
        return Question(
            f"Which number of twelve digits is on note {asked}? Reply with it alone.", str(number)
        )

    def grade(self, task: Task, answer: str) -> bool:
        return answer.strip() == task.solution[0]

    def table(self, task: Task) -> Sequence[Any]:
        return answers(wrong=["123456789012"])


def sums(digits: int, terms: int) -> Environment:
    """Make sums of a size."""
    bounds = {"min_digits": 1, "max_digits": digits, "min_terms": 2, "max_terms": terms}
    return Gym("chain_sum", bounds)


def real(chooser: str, seed: int, rounds: int) -> dict[str, Any]:
    """Practise the embedded model, with success on held-out sums before and after."""
    config = PracticeConfig(tasks=TASKS, group=GROUP, max_tokens=ANSWER, seed=seed)
    policy = practised_policy(config)
    small, large = sums(1, 2), sums(2, 3)
    before = [held_out(policy, one) for one in (small, large)]

    def look(tasks: Sequence[Task]) -> list[float]:
        asked = [task.prompt for task in tasks]
        return looks(policy, asked, max_tokens=ANSWER, seed=seed)

    kind = next(one for one in CHOOSERS if one == chooser)
    arms = [small, large, Coin(), Unknowable()]
    lessons = Curriculum(Mixture(arms), kind, tasks=TASKS, seed=seed, look=look)
    done = practise(
        lessons.environment, policy, config, choose=lessons.choose, rounds=rounds, on_round=lessons.close,
    )  # fmt: skip
    names = [one.name for one in arms]
    said = calibration(lessons.notes.predictions)
    return {
        "before": before,
        "after": [held_out(policy, one) for one in (small, large)],
        "attention": dict(zip(REAL, attention(lessons.notes.log, names, rounds).values(), strict=True)),
        "solved": [round(one.solved, 4) for one in done],
        "seconds": round(sum(one.seconds for one in done), 1),
        "calibration": said and {**asdict(said), "skill": said.skill},
        "log": [[g.round, names.index(g.arm), g.attempts, g.solved, g.new] for g in lessons.notes.log],
    }  # fmt: skip


def practised_policy(config: PracticeConfig) -> Policy:
    """Load the embedded model, to be practised."""
    return TorchPolicy(load, render, pull_model(base_name()), config)


def held_out(policy: Policy, environment: Environment) -> float:
    """Return greedy success on held-out tasks."""
    tasks = [environment.task("held_out", seed) for seed in range(HELD_OUT)]
    found = roll_out(environment, tasks, policy, max_tokens=ANSWER, temperature=0.0)
    return sum(one.score.verdict is Verdict.CORRECT for one in found) / len(found)


def state_real(record: Record, rounds: int) -> None:
    """State the gain of each chooser over its seeds, its attention, and its calibration."""
    for chooser in CHOOSERS:
        rows = [
            row for row in record.body["rows"]
            if row["part"] == "real" and row["chooser"] == chooser and row["rounds"] == rounds
        ]  # fmt: skip
        name = f"real_{chooser}"
        if not rows:
            record.figure(f"{name}_success", None, n=0, unit="rate")
            continue
        stated(record, f"{name}_before", [statistics.fmean(row["before"]) for row in rows])
        stated(record, f"{name}_success", [statistics.fmean(row["after"]) for row in rows])
        for arm in rows[0]["attention"]:
            values = [statistics.fmean(row["attention"][arm]) for row in rows]
            stated(record, f"{name}_attention_{arm}", values)
        for figure in ("brier", "brier_base", "brier_running", "error", "skill"):
            values = [row["calibration"][figure] for row in rows]
            stated(record, f"{name}_{figure}", [value for value in values if value is not None])


if __name__ == "__main__":
    main()
