"""Which of reasoning-gym's tasks can the base practise? How often it is right, and how much its attempts differ.

`python bench/practice_look.py --json bench/results/practice_look.json [--tasks spell_backward ...]`

All is of the split that is practised on, behind the worked examples that practice shows: the share of greedy answers that
are right, the same for draws at temperature 1, and the share of groups of eight draws that teach something, since they
differ in reward. Beside them stands the best of the shallow rules of `practice_exam.py`. `practice.py` takes its tasks
from here: the base between 2% and 60%, above no rule yet, with groups that teach.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.models.torch_model import load, render
from nightschool.practice.attempts import attempted
from nightschool.practice.examples import worked_examples
from nightschool.practice.signals import advantages
from nightschool.protocols import Environment
from nightschool.train.policy import TorchPolicy
from practice import MAX_TOKENS, SHOTS, TASKS
from practice_exam import HEURISTICS, graded
from record import Record, base_name

CANDIDATES = TASKS | {
    "spell_backward": "gym:spell_backward?max_word_len=4&min_word_len=3",
    "spiral_matrix": "gym:spiral_matrix?max_n=2&min_n=2",
    "palindrome_generation": "gym:palindrome_generation?max_length=5&min_length=3",
    "leg_counting": "gym:leg_counting?max_animals=2&max_instances=3&min_animals=1&min_instances=1",
    "complex_arithmetic": "gym:complex_arithmetic",
}  # fmt: skip
"""Name of a row -> the environment with its easy settings."""
GREEDY, DRAWN, GROUP = 64, 16, 8
FROM = 5_000_000
"""Seed of the first task that is asked; practice itself does not come that far."""


def main() -> None:
    """Look at what has no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/practice_look.json"))
    parser.add_argument("--tasks", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    args = parser.parse_args()
    record = Record(args.json, "practice_look")
    config = PracticeConfig(shots=SHOTS, max_tokens=MAX_TOKENS, group=GROUP)
    policy = TorchPolicy(load, render, pull_model(base_name()), config)
    for name in args.tasks:
        found = environment(CANDIDATES[name])
        row = record.measure({"task": name}, lambda f=found: looked(policy, f, config))
        print(name, row, flush=True)
    for row in record.body["rows"]:
        record.figure(f"{row['task']}_base", row["greedy"], n=GREEDY, unit="rate")
        record.figure(f"{row['task']}_groups_that_teach", row["teaching"], n=DRAWN, unit="rate")
    record.save()


def looked(policy: TorchPolicy, found: Environment, config: PracticeConfig) -> dict[str, Any]:
    """Ask the base, greedily and by draws, and the rules beside it."""
    shown = worked_examples(found, config.shots)
    tasks = [found.task("train", FROM + k) for k in range(GREEDY)]
    said = policy.generate([(*shown, *task.prompt) for task in tasks], max_tokens=config.max_tokens)
    groups = attempted(found, policy, config, tasks[:DRAWN], shown)
    rules = {
        name: statistics.fmean(graded(found, t, rule(t.prompt[-1].content)) for t in tasks)
        for name, rule in HEURISTICS.items()
    }
    best = max(rules, key=rules.__getitem__)
    values = [[one.score.value or 0.0 for one in group.attempts] for group in groups]
    return {
        "environment": found.name,
        "greedy": statistics.fmean(graded(found, t, a) for t, a in zip(tasks, said, strict=True)),
        "drawn": statistics.fmean(one.right for group in groups for one in group.attempts),
        "teaching": statistics.fmean(advantages(v) is not None for v in values),
        "rule": best,
        "rule_rate": rules[best],
        "said": list(said[:4]),
        "wanted": [task.solution[0] if task.solution else None for task in tasks[:4]],
    }


if __name__ == "__main__":
    main()
