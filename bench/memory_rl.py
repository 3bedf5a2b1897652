"""Learning to use memory: success at taking notes, before a warm-up, after it, and after practice by reward.

`python bench/memory_rl.py --seeds 1 --json bench/results/memory_rl.json`

The base imitates a few of the rule writer's attempts at level 1, until one in ten tasks of the training split is right
(the format warm-up), then practises level 1 and 2 by
policy gradient on tasks whose attempts it is not shown. Success is greedy, on held-out tasks whose names and values
practice never draws: levels 1 to 3, and streams of twice as many talks. Beside it: the base without and with worked
examples in front of each prompt (the better one is the best untrained prompt), and non-RL baselines: notes by the
workspace's own rule reader, and notes by the rule writer of the environment, both answered by the practised model.
Then the talks are read as those of a day, by the rules and by the practised
model's notes (`write.extractor`): how many told facts are stored, and what else is. mem0's extraction needs a model of its own
behind an API, and is not run. Intervals: Wilson over tasks; of ratios,
bootstrap over paired tasks; of differences, over paired tasks of the first seed. A run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from memory_rl_baselines import RuleNotes, Shown, by_day
from nightschool.bases import pull_model
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.exam.stats import mcnemar, mean, wilson
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.examples import solutions
from nightschool.practice.learner import Round, practise
from nightschool.practice.rollouts import roll_out
from nightschool.protocols import Writer
from nightschool.rounds import WARM_SEEDS
from nightschool.sources.extractors import RULES
from nightschool.sources.note_taker import NoteTaker
from nightschool.train.policy import TorchPolicy
from nightschool.types import Split, Verdict
from record import Record, base_name

EXAMS = {
    "level1": "memory?level=1",
    "level2": "memory?level=2",
    "level3": "memory?level=3",
    "level1_long": "memory?level=1&talks=4",
    "level2_long": "memory?level=2&talks=6",
}
GIVEN = {"level1": "memory?level=1&snapshot=2", "level2": "memory?level=2&snapshot=3"}
"""The questions alone, with the rule writer's notes."""
DEMOS, EPOCHS = 8, 8
"""Tasks of the warm-up, and its passes at most."""
PRACTISED = ("memory?level=1", "memory?level=2")
ENOUGH, CHECKED, CHECK_SEEDS = 0.1, 24, 4_000_000
"""The warm-up ends at this share of right attempts, of so many tasks, from this seed on."""
RESAMPLES = 4000


def main() -> None:
    """Warm up, practise, and state what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/memory_rl.json"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--n", type=int, default=48, help="held-out tasks of each exam")
    parser.add_argument("--rounds", type=int, nargs=2, default=(14, 4), help="of level 1, then 2")
    parser.add_argument(
        "--untrained", type=int, default=24, help="tasks of the untrained base's exams"
    )
    args = parser.parse_args()
    record = Record(args.json, "memory_rl")
    record.body["seeds"] = list(range(args.seeds))
    untrained(record, args.untrained)
    for seed in range(args.seeds):
        live(record, args, seed)
    state(record)
    record.save()
    for name, figure in record.body["figures"].items():
        print(name, figure)


def untrained(record: Record, n: int) -> None:
    """Examine the base, without and with worked examples; its folder is read only if a row is missing."""
    held: list[TorchSampler] = []

    def base() -> TorchSampler:
        held[:] = held or [TorchSampler(pull_model(base_name()))]
        return held[0]

    for name in ("level1", "level2"):
        for shots, stage in ((0, "bare"), (3, "shown")):
            key = {"stage": stage, "exam": name, "seed": 0, "n": n}
            record.measure(key, partial(asked, base, EXAMS[name], shots, n))


def asked(base: Callable[[], TorchSampler], name: str, shots: int, n: int) -> dict[str, Any]:
    """Let the base attempt held-out tasks with worked examples before each prompt."""
    return examined(Shown(base(), name, shots), name, n)


def taken_up(policy: TorchPolicy, folder: Path) -> None:
    """Put the weights of a stage back; ends the run where they are gone."""
    if not policy.restore(folder):
        sys.exit(f"{folder} holds no weights of this run. Remove the result file, and begin anew.")


def live(record: Record, args: argparse.Namespace, seed: int) -> None:
    """Warm up and practise one model, with its exams between; what is stored already is not done again."""
    config = PracticeConfig(max_tokens=40, seed=seed, tasks=12, learning_rate=2e-4, kl=0.01)
    policy = TorchPolicy(load, render, pull_model(base_name()), config)
    folder = args.json.with_suffix(".work") / f"seed-{seed}"

    def stage(name: str, run: Callable[[], dict[str, Any]]) -> None:
        """Do a stage of training, or take the weights that it has left; both are kept at its end."""
        if any(r["stage"] == name and r["seed"] == seed for r in record.body["rows"]):
            return
        before = last(record, seed)
        if before:
            taken_up(policy, folder / before)
        found = run()
        policy.keep(folder / name)
        record.measure({"stage": name, "seed": seed, "exam": ""}, lambda: found)
        if before.startswith("round-"):
            shutil.rmtree(folder / before)

    def exams(name: str, weights: str, key: dict[str, Any]) -> None:
        if not stored(record, name, EXAMS, key):
            taken_up(policy, folder / weights)
        for exam in EXAMS:
            row = {"stage": name, "exam": exam, **key}
            record.measure(row, partial(examined, policy, EXAMS[exam], args.n))

    stage("warm-up", partial(warmed_up, policy, seed))
    key = {"seed": seed, "n": args.n}
    exams("warm", "warm-up", key)
    planned = [name for name, rounds in zip(PRACTISED, args.rounds, strict=True) for _ in range(rounds)]  # fmt: skip
    lived = [r["environment"] for r in record.body["rows"] if r["stage"].startswith("round-") and r["seed"] == seed]  # fmt: skip
    if lived != planned[: len(lived)]:
        sys.exit(f"{args.json} holds rounds of {', '.join(lived)}. Give --rounds that begin so, or another --json.")  # fmt: skip
    for number, name in enumerate(planned):
        stage(f"round-{number:02}", partial(a_round, policy, config, name, number))
    final, key = f"round-{len(planned) - 1:02}", {**key, "rounds": len(planned)}
    exams("practised", final, key)
    if any(not stored(record, stage, GIVEN, key) for stage in ("rules", "given", "day_live")):
        taken_up(policy, folder / final)
    baselines(record, policy, key)


def warmed_up(policy: TorchPolicy, seed: int) -> dict[str, Any]:
    """Imitate until one in ten tasks of the training split is right: enough for rewards to take over."""
    found = environment(PRACTISED[0])
    first = WARM_SEEDS + seed * DEMOS
    shown = solutions(found, [found.task("train", n) for n in range(first, first + DEMOS)])
    shares: list[float] = []
    tokens, seconds = 0, 0.0
    while len(shares) < EPOCHS and (not shares or shares[-1] < ENOUGH):
        update = policy.imitate(shown, epochs=1, seed=seed * EPOCHS + len(shares))
        tokens, seconds = tokens + update.tokens, seconds + update.seconds
        right = examined(policy, PRACTISED[0], CHECKED, "train", CHECK_SEEDS)["right"]
        shares.append(sum(right) / len(right))
    return {"shares": shares, "tokens": tokens, "seconds": seconds}


def stored(record: Record, stage: str, exams: Iterable[str], key: dict[str, Any]) -> bool:
    """Tell whether all these exams of a stage are done."""
    done = {r["exam"] for r in record.body["rows"] if r["stage"] == stage and key.items() <= r.items()}  # fmt: skip
    return set(exams) <= done


def last(record: Record, seed: int) -> str:
    """Return the last stage of training that is stored; empty before the first."""
    done = [r["stage"] for r in record.body["rows"] if r["seed"] == seed and not r.get("exam")]
    return done[-1] if done else ""


def a_round(policy: TorchPolicy, config: PracticeConfig, name: str, number: int) -> dict[str, Any]:
    """Practise one round, and tell what it was like."""
    found: Round = practise(environment(name), policy, config, rounds=number + 1, first=number)[0]
    told = {
        "environment": name, "solved": found.solved, "reward": found.mean_reward, "used_groups": found.used_groups,
        "cut": found.cut, "tokens": found.tokens_mean, "info": found.info, "seconds": round(found.seconds, 1),
    }  # fmt: skip
    print(number, told, flush=True)
    return told


def examined(
    writer: Writer, name: str, n: int, split: Split = "held_out", first: int = 0
) -> dict[str, Any]:
    """Let a writer attempt tasks, greedily: which were right, and the counts of their steps."""
    found, begun = environment(name), time.monotonic()
    tasks = [found.task(split, seed) for seed in range(first, first + n)]
    rollouts = roll_out(found, tasks, writer, max_tokens=40, temperature=0.0)
    steps = [move.step.info for one in rollouts for move in one.moves]
    sums = {key: sum(info.get(key, 0.0) for info in steps) for key in ("calls", "valid_calls", "refused", "notes_tokens")}  # fmt: skip
    right = [int(one.score.verdict is Verdict.CORRECT) for one in rollouts]
    print(name, sum(right), "of", n, flush=True)
    return {
        "right": right, "value": sum(one.score.value or 0.0 for one in rollouts) / n, **sums,
        "unscored": sum(one.score.verdict is Verdict.UNSCORED for one in rollouts),
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def baselines(record: Record, policy: TorchPolicy, of: dict[str, Any]) -> None:
    """Answer from notes that no model wrote."""
    n = of["n"]
    for exam, given in GIVEN.items():
        key = {"exam": exam, **of}
        record.measure({"stage": "rules", **key}, partial(examined, RuleNotes(policy), EXAMS[exam], n))  # fmt: skip
        record.measure({"stage": "given", **key}, partial(examined, policy, given, n))
        for stage, extractor in (("day_rules", RULES), ("day_live", NoteTaker(lambda: policy))):
            record.measure({"stage": stage, **key}, partial(by_day, extractor, EXAMS[exam], n))


def state(record: Record) -> None:
    """State rates of each stage and exam, and what practice has changed."""
    right: dict[tuple[str, str], list[int]] = {}
    rounds = max(row.get("rounds", 0) for row in record.body["rows"])
    for row in record.body["rows"]:
        if row.get("right") and row.get("rounds", rounds) == rounds:
            right.setdefault((row["exam"], row["stage"]), []).extend(row["right"])
    for (exam, stage), found in right.items():
        value = sum(found) / len(found)
        low, high = wilson(value, len(found))
        record.figure(f"{exam}_{stage}", round(value, 4), low=round(low, 4), high=round(high, 4), n=len(found), unit="rate")  # fmt: skip
    days = {(row["exam"], row["stage"]) for row in record.body["rows"] if "told" in row}
    for exam, stage in sorted(days):
        of_all = [r for r in record.body["rows"] if (r.get("exam"), r["stage"]) == (exam, stage)]
        for part, of in (("stored", "told"), ("beside", "found")):
            n = sum(row[of] for row in of_all)
            value = sum(row[part] for row in of_all) / max(n, 1)
            low, high = wilson(value, max(n, 1))
            record.figure(f"{exam}_{stage}_{part}", round(value, 4), low=round(low, 4), high=round(high, 4), n=n, unit="rate")  # fmt: skip
    for exam in EXAMS:
        compared(record, exam, right[exam, "warm"], right[exam, "practised"])
    for exam in GIVEN:
        best = max((right[exam, stage] for stage in ("bare", "shown")), key=sum)
        after = right[exam, "practised"][: len(best)]  # the first seed's, on the same tasks
        found = mean([float(new - old) for new, old in zip(after, best[: len(after)], strict=True)], reach=1)  # fmt: skip
        low, high = (found.low, found.high) if found else (None, None)
        record.figure(f"{exam}_above_best_prompt", found.value if found else None, low=low, high=high, n=len(after), unit="rate")  # fmt: skip
    lived = [row for row in record.body["rows"] if row["stage"].startswith("round-")]
    record.figure("practice_minutes", round(sum(r["seconds"] for r in lived) / 60, 1), n=len(lived), unit="minutes")  # fmt: skip
    record.figure("level1_mem0", None, n=0, unit="rate")


def compared(record: Record, exam: str, before: Sequence[int], after: Sequence[int]) -> None:
    """State the ratio after practice to after warm-up, and the exact test on the same tasks."""
    pairs = np.array([before, after], dtype=float)
    picks = np.random.default_rng(0).integers(0, pairs.shape[1], (RESAMPLES, pairs.shape[1]))
    sums = pairs[:, picks].sum(-1)
    low, high = np.quantile(sums[1] / np.maximum(sums[0], 0.5), [0.025, 0.975])
    if pairs[0].sum():
        ratio = float(pairs[1].sum() / pairs[0].sum())
        record.figure(f"{exam}_ratio", ratio, low=float(low), high=float(high), n=pairs.shape[1], unit="ratio")  # fmt: skip
    else:
        record.figure(f"{exam}_ratio", None, n=pairs.shape[1], unit="ratio")
    gained, lost = int((pairs[1] > pairs[0]).sum()), int((pairs[1] < pairs[0]).sum())
    record.figure(f"{exam}_p", mcnemar(gained, lost), n=gained + lost, unit="p")


if __name__ == "__main__":
    main()
