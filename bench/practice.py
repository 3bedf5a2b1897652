"""Practice on reasoning-gym's tasks: success on held-out items before and after, at so many minutes a task.

`python bench/practice.py --minutes 8 --json bench/results/practice.json [--tasks chain_sum lcm] [--seeds 0 1]
[--method policy-gradient expert] [--peer]`

Base and practised model are asked the same held-out items greedily, behind the same worked examples. Beside them
stand the best constant answer and the best shallow heuristic (a number or word of the question, chosen on the split
that is practised on). A task is improved where, for each seed that was run, the gain has p < 0.01 (exact McNemar) and the
lower 95% bound of success lies above both. With `--peer`, TRL's GRPOTrainer has two of the tasks for the same time
(`pip install trl`); without it those figures are not run. A row for each task, seed and method; a stopped run goes on.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nightschool.bases import pull_model
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.exam.stats import mcnemar, wilson
from nightschool.models.torch_model import load, render
from nightschool.practice.learner import Round, practise, worked_examples
from nightschool.practice.signals import Measured, suspicious
from nightschool.protocols import Environment, Writer
from nightschool.train.policy import TorchPolicy
from nightschool.types import Message, Task, Verdict
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
}
"""Name of a row -> the environment with its easy settings."""
PEER_TASKS = ("chain_sum", "basic_arithmetic")
HELD_OUT = 200
"""Held-out items of a task; fewer where it has no more different ones."""
DRAWN = 1200
"""So many are drawn to find them."""
TUNED_ON = 400
"""Items of the split that is practised on, by which a constant and a heuristic are chosen."""
SHOTS, MAX_TOKENS = 3, 24
SETTINGS: dict[str, Any] = {"tasks": 32, "learning_rate": 2e-4, "kl": 0.01, "dense_rounds": 0}
"""What differs from the defaults: chosen by sampled rewards on sums, after held-out sums at other settings had been seen (docs/results.md)."""
SURE = 0.01


class Sat(NamedTuple):
    """Held-out items, answered."""

    right: list[bool]
    seconds: float

    @property
    def rate(self) -> float:
        """Share of right ones."""
        return sum(self.right) / len(self.right)


def main() -> None:
    """Practise what has no row yet, and state the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/practice.json"))
    parser.add_argument("--minutes", type=float, default=8.0, help="of practice, a task")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument(
        "--method", nargs="+", choices=["policy-gradient", "expert"], default=["policy-gradient"]
    )
    parser.add_argument("--peer", action="store_true", help="TRL's GRPO beside it; needs trl")
    args = parser.parse_args()
    record = Record(args.json, "practice")
    folder = pull_model(base_name())
    for seed in args.seeds:
        for name in args.tasks:
            for method in args.method:
                key = {"task": name, "seed": seed, "method": method, "minutes": args.minutes}
                record.measure(key, lambda k=key: ours(folder, k))
                state(record)
            if args.peer and name in PEER_TASKS:
                key = {"task": name, "seed": seed, "method": "trl", "minutes": args.minutes}
                record.measure(key, lambda k=key: peer(folder, k))
                state(record)
    state(record)
    for name, figure in record.body["figures"].items():
        print(name, figure)


def settings(key: dict[str, Any]) -> PracticeConfig:
    """Return how the row of a key is practised."""
    method = "expert" if key["method"] == "expert" else "policy-gradient"
    return PracticeConfig(
        method=method, shots=SHOTS, max_tokens=MAX_TOKENS, seed=key["seed"], **SETTINGS
    )


def ours(folder: Path, key: dict[str, Any]) -> dict[str, Any]:
    """Practise one task, and return its row."""
    found, config = environment(TASKS[key["task"]]), settings(key)
    policy = TorchPolicy(load, render, folder, config)
    shown = worked_examples(found, config.shots)
    before = sit(policy, found, shown)
    end = time.monotonic() + 60 * key["minutes"]
    rounds = practise(found, policy, config, until=lambda: time.monotonic() > end, on_round=told)
    after = sit(policy, found, shown)
    seconds = sum(one.seconds for one in rounds)
    attempts = sum(len(group.attempts) for one in rounds for group in one.groups)
    measured = [Measured(sum(sat.right), len(sat.right)) for sat in (before, after)]
    return {
        **compared(before, after, found),
        "rounds": len(rounds),
        "attempts": attempts,
        "drawn_tokens": round(sum(one.tokens_mean * len(one.groups) * config.group for one in rounds)),
        "seconds": round(seconds, 1),
        "attempts_per_s": round(attempts / seconds, 3),
        "reward": [round(one.mean_reward, 3) for one in rounds],
        "solved": [round(one.solved, 3) for one in rounds],
        "cut": [round(one.cut, 3) for one in rounds],
        "tokens": [round(one.tokens_mean, 2) for one in rounds],
        "without_signal": sum(one.update is None for one in rounds),
        "unscored": sum(one.dropped for one in rounds),
        "alarm": suspicious([one.mean_reward for one in rounds], measured),
    }  # fmt: skip


def peer(folder: Path, key: dict[str, Any]) -> dict[str, Any]:
    """Let TRL practise one task for the same time, and return its row."""
    from practice_peer import grpo

    found, config = environment(TASKS[key["task"]]), settings(key)
    shown = worked_examples(found, config.shots)
    before = sit(TorchPolicy(load, render, folder, config), found, shown)
    ran = grpo(folder, found, shown, config, 60 * key["minutes"])
    after = sit(TorchPolicy(load, render, ran.folder, config), found, shown)
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


def sit(writer: Writer, found: Environment, shown: Sequence[Message]) -> Sat:
    """Answer the held-out items greedily."""
    begun = time.monotonic()
    tasks = held_out(found)
    said = writer.generate([(*shown, *task.prompt) for task in tasks], max_tokens=MAX_TOKENS)
    right = [graded(found, task, answer) for task, answer in zip(tasks, said, strict=True)]
    print(f"{found.name}: {sum(right)} of {len(right)} held-out items right", flush=True)
    return Sat(right, time.monotonic() - begun)


def held_out(found: Environment) -> list[Task]:
    """Return the first held-out items that differ: an item that is asked twice is no further evidence."""
    asked: dict[str, Task] = {}
    for seed in range(DRAWN):
        task = found.task("held_out", seed)
        asked.setdefault(task.prompt[-1].content, task)
        if len(asked) == HELD_OUT:
            break
    return list(asked.values())


def graded(found: Environment, task: Task, answer: str) -> bool:
    """Tell whether an answer is right."""
    score = found.start(task).step(answer).score
    return score is not None and score.verdict is Verdict.CORRECT


def compared(before: Sat, after: Sat, found: Environment) -> dict[str, Any]:
    """Compare two exams of a task, with what needs no model beside them."""
    pairs = list(zip(before.right, after.right, strict=True))
    gained, lost = (sum(a > b for b, a in pairs), sum(a < b for b, a in pairs))
    low, high = wilson(after.rate, len(pairs))
    return {
        "environment": found.name,
        "n": len(pairs),
        "before": round(before.rate, 4),
        "after": round(after.rate, 4),
        "after_low": round(low, 4),
        "after_high": round(high, 4),
        "gained": gained,
        "lost": lost,
        "p": mcnemar(gained, lost),
        **shallow(found),
    }


def shallow(found: Environment) -> dict[str, Any]:
    """Return the success of the best constant answer and of the best heuristic on the held-out items."""
    seen = [found.task("train", seed) for seed in range(TUNED_ON)]
    asked = held_out(found)
    constant = Counter(task.solution[0] for task in seen).most_common(1)[0][0]

    def rate(tasks: Sequence[Task], rule: Callable[[str], str]) -> float:
        return statistics.fmean(graded(found, t, rule(t.prompt[-1].content)) for t in tasks)

    best = max(HEURISTICS, key=lambda name: rate(seen, HEURISTICS[name]))
    return {
        "constant": round(rate(asked, lambda _: constant), 4),
        "constant_answer": constant,
        "heuristic": round(rate(asked, HEURISTICS[best]), 4),
        "heuristic_name": best,
    }


def _numbers(question: str) -> list[str]:
    return re.findall(r"-?\d+(?:\.\d+)?", question) or ["0"]


def _words(question: str) -> list[str]:
    """Return the words of the question's last paragraph but the instruction on how to reply."""
    return re.findall(r"\w+", question.rsplit("\n\n", 1)[0].splitlines()[-1]) or [""]


HEURISTICS: dict[str, Callable[[str], str]] = {
    "first number": lambda q: _numbers(q)[0],
    "last number": lambda q: _numbers(q)[-1],
    "largest number": lambda q: max(_numbers(q), key=float),
    "smallest number": lambda q: min(_numbers(q), key=float),
    "how many numbers": lambda q: str(len(_numbers(q))),
    "first word": lambda q: _words(q)[0],
    "last word": lambda q: _words(q)[-1],
    "how many words": lambda q: str(len(_words(q))),
    "the words as they stand": lambda q: ", ".join(_words(q)),
    "words from the last": lambda q: ", ".join(reversed(_words(q))),
}
"""What needs no skill but reading off the question."""


def state(record: Record) -> None:
    """State the figures of the rows there are."""
    rows = record.body["rows"]
    record.body["seeds"] = sorted({row["seed"] for row in rows})
    for method in ("policy-gradient", "expert", "trl"):
        mine = [row for row in rows if row["method"] == method]
        tasks = {row["task"] for row in mine}
        better = sum(all(improved(row) for row in mine if row["task"] == task) for task in tasks)
        name = "tasks_improved" + ("" if method == "policy-gradient" else f"_{method}")
        record.figure(name, better if mine else None, n=len(tasks), unit="tasks")
        for row in mine:
            called = f"{row['task']}_{method}_seed{row['seed']}_after"
            record.figure(called, row["after"], low=row["after_low"], high=row["after_high"], n=row["n"], unit="rate")  # fmt: skip
    ratios = ratio(rows)
    low, high = (min(ratios), max(ratios)) if ratios else (None, None)
    mean = round(statistics.fmean(ratios), 3) if ratios else None
    record.figure("ratio_samples_per_s_trl", mean, low=low, high=high, n=len(ratios), unit="ratio")
    record.save()


def improved(row: dict[str, Any]) -> bool:
    """Tell whether a row shows a gain that neither chance nor a shallow rule explains."""
    beaten = max(row["constant"], row["heuristic"])
    return row["gained"] > row["lost"] and row["p"] < SURE and row["after_low"] > beaten  # type: ignore[no-any-return]


def ratio(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Return how many attempts a second ours makes for each of the peer's, a number for each task and seed."""
    peers = {(row["task"], row["seed"]): row for row in rows if row["method"] == "trl"}
    return [
        round(row["attempts_per_s"] / peers[row["task"], row["seed"]]["attempts_per_s"], 3)
        for row in rows
        if row["method"] == "policy-gradient" and (row["task"], row["seed"]) in peers
    ]


if __name__ == "__main__":
    main()
