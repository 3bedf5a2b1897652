"""Practice on reasoning-gym's tasks: success on held-out items before and after, at so many minutes a task.

`python bench/practice.py --minutes 8 --json bench/results/practice.json [--tasks chain_sum lcm] [--seeds 0 1]
[--method policy-gradient solutions expert] [--warm-up 256] [--round-tasks 32] [--peer]`

Base and practised model are asked the same held-out items greedily, behind the same worked examples. Beside them
stand the best constant answer and the best shallow heuristic (a number or word of the question, chosen on the split
that is practised on). A task is improved where, for each seed that was run, the gain has p < 0.01 (exact McNemar) and the
lower 95% bound of success lies above both; ways to practise (steps a round, a warm-up) are counted apart. What it cost elsewhere is measured with it: the general bank, the perplexity
of plain text, and the drift from the base in nats a token. `solutions` studies the known solutions of the very tasks
that the row of `policy-gradient` attempted instead, once each (no attempts are drawn). With `--warm-up` the solutions of
so many other tasks are imitated once before the first round, and the held-out items asked in between too: what practice adds to that
has figures of its own. With `--peer`, TRL's GRPOTrainer has two of the tasks for the same time
(`pip install trl`); without it those figures are not run. A row for each task, seed and method; a stopped run goes on.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eight_nights import general_of, interval
from nightschool.bases import pull_model
from nightschool.config import ExamConfig, PracticeConfig
from nightschool.environments import environment
from nightschool.exam.general import kl_nats
from nightschool.exam.stats import mcnemar
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.examples import solutions, worked_examples
from nightschool.practice.learner import Round, in_order, practise
from nightschool.practice.signals import Measured, suspicious
from nightschool.protocols import Environment
from nightschool.rounds import warm_up
from nightschool.train.policy import TorchPolicy
from nightschool.types import Message
from practice_exam import Sat, compared, sit
from record import Record, base_name

TASKS = {
    "chain_sum": "gym:chain_sum?max_digits=2&max_terms=3",
    "basic_arithmetic": "gym:basic_arithmetic?max_digits=1&max_terms=2",
    "lcm": "gym:lcm?max_value=30&min_value=1",
    "word_sorting": "gym:word_sorting?max_words=3&min_words=2",
    "calendar_arithmetic": "gym:calendar_arithmetic",
    "simple_equations": "gym:simple_equations?max_terms=2&max_value=10",
    "family_relationships": "gym:family_relationships",
    "number_filtering": "gym:number_filtering?max_decimals=0&max_numbers=4&max_value=50&min_decimals=0&min_numbers=3",
    "products": "gym:products?max_digits=1",
    "needle_haystack": "gym:needle_haystack?max_num_statements=4&min_num_statements=2",
    "number_sequence": "gym:number_sequence?max_terms=5",
    "gcd": "gym:gcd?max_numbers=2&max_value=50",
    "count_bits": "gym:count_bits?max_n=255",
    "bitwise_arithmetic": "gym:bitwise_arithmetic",
    "letter_counting": "gym:letter_counting?max_words=6&min_words=3",
    "number_sorting": "gym:number_sorting?max_decimals=0&max_numbers=3&max_value=50&min_decimals=0&min_numbers=2&min_value=0",
    "fraction_simplification": "gym:fraction_simplification?max_factor=4&max_value=10&min_factor=2&min_value=1",
    "prime_factorization": "gym:prime_factorization?max_value=60&min_value=2",
    "word_sequence_reversal": "gym:word_sequence_reversal?max_words=4&min_words=2",
}  # fmt: skip
"""Name of a row -> the environment with its easy settings."""
PEER_TASKS = ("chain_sum", "basic_arithmetic")
SHOTS, MAX_TOKENS = 3, 24
SETTINGS: dict[str, Any] = {"steps": 4, "dense_rounds": 0}
"""What differs from the defaults, which were chosen by sampled rewards on sums after held-out sums at other settings had been seen (docs/results.md)."""
METHODS = ("policy-gradient", "expert", "solutions")
SURE = 0.01


def main() -> None:
    """Practise what has no row yet, and state the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/practice.json"))
    parser.add_argument("--minutes", type=float, default=8.0, help="of practice, a task")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--method", nargs="+", choices=METHODS, default=["policy-gradient"])
    parser.add_argument(
        "--warm-up", type=int, default=0, help="solutions that are imitated before practice"
    )
    parser.add_argument(
        "--round-tasks", type=int, default=PracticeConfig().tasks, help="tasks of a round"
    )
    parser.add_argument("--peer", action="store_true", help="TRL's GRPO beside it; needs trl")
    args = parser.parse_args()
    record = Record(args.json, "practice")
    folder = pull_model(base_name())
    rows = record.body["rows"]
    record.measure({"method": "untouched"}, lambda: general_of("base", TorchSampler(folder)))
    for seed in args.seeds:
        for name in args.tasks:
            for method in args.method:
                key = {
                    "task": name,
                    "seed": seed,
                    "method": method,
                    "minutes": args.minutes,
                    "steps": SETTINGS["steps"],
                }
                if method != "solutions" and args.warm_up:
                    key["warm_up"] = args.warm_up
                key |= round_of(args.round_tasks)
                record.measure(key, lambda k=key: ours(folder, k, rows))
                state(record)
            if args.peer and name in PEER_TASKS:
                key = {
                    "task": name,
                    "seed": seed,
                    "method": "trl",
                    "minutes": args.minutes,
                    "steps": 1,
                } | round_of(args.round_tasks)
                record.measure(key, lambda k=key: peer(folder, k))
                state(record)
    state(record)
    for name, figure in record.body["figures"].items():
        print(name, figure)


def round_of(tasks: int) -> dict[str, int]:
    """Return what a row's key says of the size of its rounds; nothing where it is the default."""
    return {} if tasks == PracticeConfig().tasks else {"tasks": tasks}


def settings(key: dict[str, Any]) -> PracticeConfig:
    """Return how the row of a key is practised."""
    method = "expert" if key["method"] == "expert" else "policy-gradient"
    return PracticeConfig(
        method=method, shots=SHOTS, max_tokens=MAX_TOKENS, seed=key["seed"],
        warm_up=key.get("warm_up", 0), tasks=key.get("tasks", PracticeConfig().tasks), **SETTINGS,
    )  # fmt: skip


def ours(folder: Path, key: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Practise one task, or study its solutions, and return its row."""
    found, config = environment(TASKS[key["task"]]), settings(key)
    policy = TorchPolicy(load, render, folder, config)
    shown = worked_examples(found, config.shots)
    before = sit(policy, found, shown, MAX_TOKENS)
    if key["method"] == "solutions":
        done = studied(policy, found, shown, config, key, rows)
    else:
        done = warmed(policy, found, shown, config, before) if config.warm_up else {}
        done |= practised(policy, found, config, key["minutes"])
    after = sit(policy, found, shown, MAX_TOKENS)
    if "reward" in done:
        begun = done.get("warm_right", before.right)
        measured = [Measured(sum(right), len(right)) for right in (begun, after.right)]
        done["alarm"] = suspicious(done["reward"], measured)
    if "warm_right" in done:
        pairs = list(zip(done["warm_right"], after.right, strict=True))
        gained, lost = (sum(a > b for b, a in pairs), sum(a < b for b, a in pairs))
        done["practice_alone"] = {"gained": gained, "lost": lost, "p": mcnemar(gained, lost)}
    return {**compared(before, after, found), **done, **elsewhere(policy, folder)}


def warmed(
    policy: TorchPolicy,
    found: Environment,
    shown: Sequence[Message],
    config: PracticeConfig,
    before: Sat,
) -> dict[str, Any]:
    """Imitate solutions, and ask the held-out items; return what that gave beside `before`."""
    begun = time.monotonic()
    warm_up(found, policy, config)
    seconds = time.monotonic() - begun
    warm = sit(policy, found, shown, MAX_TOKENS)
    return {
        "warm_seconds": round(seconds, 1),
        "warm_right": [bool(right) for right in warm.right],
        "warm": round(warm.rate, 4),
        "warm_gain": round(warm.rate - before.rate, 4),
    }


def practised(
    policy: TorchPolicy, found: Environment, config: PracticeConfig, minutes: float
) -> dict[str, Any]:
    """Practise for so long; return what the rounds were like."""
    end = time.monotonic() + 60 * minutes
    rounds = practise(found, policy, config, until=lambda: time.monotonic() > end, on_round=told)
    seconds = sum(one.seconds for one in rounds)
    attempts = sum(len(group.attempts) for one in rounds for group in one.groups)
    return {
        "rounds": len(rounds),
        "attempts": attempts,
        "drawn_tokens": round(sum(one.tokens_mean * len(one.groups) * config.group for one in rounds)),
        "seconds": round(seconds, 1),
        "attempts_per_s": round(attempts / seconds, 3),
        "reward": [round(one.mean_reward, 3) for one in rounds],
        "solved": [round(one.solved, 3) for one in rounds],
        "used_groups": [one.used_groups for one in rounds],
        "cut": [round(one.cut, 3) for one in rounds],
        "tokens": [round(one.tokens_mean, 2) for one in rounds],
        "without_signal": sum(one.update is None for one in rounds),
        "unscored": sum(one.dropped for one in rounds),
    }  # fmt: skip


def studied(
    policy: TorchPolicy,
    found: Environment,
    shown: Sequence[Message],
    config: PracticeConfig,
    key: dict[str, Any],
    rows: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Study the solutions of the tasks that practice attempted, once each; raises SystemExit where it has no row."""
    like = {**key, "method": "policy-gradient"}  # of the same minutes and steps
    row = next((r for r in rows if like.items() <= r.items() and "warm" not in r), None)
    if row is None:
        raise SystemExit(f"Practise {key['task']} first: its solutions are those of the tasks that were attempted.")  # fmt: skip
    begun, choose = time.monotonic(), in_order(found, config)
    losses = []
    for number in range(row["rounds"]):
        examples = solutions(found, choose(number), tuple(shown))
        losses.append(policy.imitate(examples, epochs=1, seed=number).loss)
    return {
        "rounds": row["rounds"],
        "seconds": round(time.monotonic() - begun, 1),
        "losses": [round(loss, 4) for loss in losses],
    }


def elsewhere(policy: TorchPolicy, folder: Path) -> dict[str, Any]:
    """Return what practice cost in general: items of the bank, plain text, and nats a token away from the base."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "weights"
        policy.save(out)
        version, base = TorchSampler(out), TorchSampler(folder)
        drift = kl_nats(version, base, answer_tokens=ExamConfig().answer_tokens)
        return {**general_of("version", version), "drift_nats": round(drift, 4)}


def peer(folder: Path, key: dict[str, Any]) -> dict[str, Any]:
    """Let TRL practise one task for the same time, and return its row."""
    from practice_peer import grpo

    found, config = environment(TASKS[key["task"]]), settings(key)
    shown = worked_examples(found, config.shots)
    before = sit(TorchPolicy(load, render, folder, config), found, shown, MAX_TOKENS)
    ran = grpo(folder, found, shown, config, 60 * key["minutes"])
    after = sit(TorchPolicy(load, render, ran.folder, config), found, shown, MAX_TOKENS)
    return {
        **compared(before, after, found),
        "rounds": ran.steps,
        "attempts": ran.attempts,
        "seconds": round(ran.seconds, 1),
        "attempts_per_s": round(ran.attempts / ran.seconds, 3),
        "reward": ran.rewards,
    }


def told(one: Round) -> None:
    """Print a round."""
    print(
        f"round {one.number}: reward {one.mean_reward:.3f}, right {one.solved:.3f}, groups {one.used_groups}, "
        f"cut {one.cut:.2f}, {one.tokens_mean:.1f} tokens, {one.seconds:.1f} s",
        flush=True,
    )


def state(record: Record) -> None:
    """State the figures of the rows there are."""
    base = next(row for row in record.body["rows"] if row["method"] == "untouched")
    rows = [row for row in record.body["rows"] if row["method"] != "untouched"]
    record.body["seeds"] = sorted({row["seed"] for row in rows})
    for way in dict.fromkeys((*(m for m in (*METHODS, "trl")), *map(way_of, rows))):
        mine = [row for row in rows if way_of(row) == way]
        called = "" if way == METHODS[0] else f"_{way}"
        record.figure("tasks_improved" + called, len(better(mine)) if mine else None, n=len({row["task"] for row in mine}), unit="tasks")  # fmt: skip
        for row in mine:
            name = f"{row['task']}_{way}_seed{row['seed']}"
            record.figure(name + "_after", row["after"], low=row["after_low"], high=row["after_high"], n=row["n"], unit="rate")  # fmt: skip
            if "practice_alone" in row:
                record.figure(name + "_practice_alone_p", row["practice_alone"]["p"], n=row["n"], unit="p")  # fmt: skip
        cost(record, called, base, [row for row in mine if "general" in row])
    practised = [way for way in dict.fromkeys(map(way_of, rows)) if way.startswith(METHODS[0])]
    found = [better([row for row in rows if way_of(row) == way]) for way in practised]
    record.figure("tasks_improved_in_any_way", len(set().union(*found)), n=len({row["task"] for row in rows}), unit="tasks")  # fmt: skip
    ratios = ratio(rows)
    low, high = (min(ratios), max(ratios)) if ratios else (None, None)
    mean = round(statistics.fmean(ratios), 3) if ratios else None
    record.figure("ratio_samples_per_s_trl", mean, low=low, high=high, n=len(ratios), unit="ratio")
    record.save()


def way_of(row: dict[str, Any]) -> str:
    """Name how a row was practised: its method, its steps a round where there are several, rounds of another size, a warm-up."""
    steps = f"_{row['steps']}_steps" if row.get("steps", 1) > 1 else ""
    tasks = f"_{row['tasks']}_tasks" if "tasks" in row else ""
    return row["method"] + steps + tasks + ("_warmed" if "warm" in row else "")


def better(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Return the tasks that are improved in all of their rows."""
    tasks = {row["task"] for row in rows}
    return {task for task in tasks if all(improved(row) for row in rows if row["task"] == task)}


def cost(record: Record, called: str, base: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """State what a method cost elsewhere, over its rows; intervals are over items, or from the least to the most."""
    if not rows:
        return
    after = [statistics.fmean(item) for item in zip(*(row["general"] for row in rows), strict=True)]
    gains = [a - b for a, b in zip(after, base["general"], strict=True)]
    low, high = interval(gains)
    record.figure("general_delta" + called, statistics.fmean(gains), low=low, high=high, n=len(gains), unit="rate")  # fmt: skip
    for name, values in (
        ("perplexity_ratio", [row["perplexity"] / base["perplexity"] for row in rows]),
        ("drift_nats", [row["drift_nats"] for row in rows]),
    ):
        record.figure(name + called, statistics.fmean(values), low=min(values), high=max(values), n=len(values), unit="mean over rows, least and most")  # fmt: skip


def improved(row: dict[str, Any]) -> bool:
    """Tell whether a row shows a gain that neither chance nor a shallow rule explains."""
    beaten = max(row["constant"], row["heuristic"])
    return row["gained"] > row["lost"] and row["p"] < SURE and row["after_low"] > beaten  # type: ignore[no-any-return]


def ratio(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Return how many attempts a second ours makes for each of the peer's, a number for each task and seed.

    Rows of a pair are of equal minutes and rounds of equal size; they have to be of one run on one machine.
    """

    def pair(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row.get(name) for name in ("task", "seed", "minutes", "tasks"))

    peers = {pair(row): row["attempts_per_s"] for row in rows if row["method"] == "trl"}
    return [
        round(row["attempts_per_s"] / peers[pair(row)], 3)
        for row in rows
        if row["method"] == "policy-gradient" and "warm" not in row and pair(row) in peers
    ]


if __name__ == "__main__":
    main()
