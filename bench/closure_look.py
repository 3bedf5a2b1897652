"""Where might practice reach what the base never does? Base counts of candidate skills, easy and hard.

`python bench/closure_look.py --json bench/results/closure_look.json [--only digits-next]`

A skill is of use to `closure.py` where short or small tasks are right now and then, or at least earn part marks, and
large ones never. Each setting is asked in every way of `practice/elicit.py`; a row says how often each was right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from closure_skills import STEPS, Digits
from nightschool.bases import pull_model
from nightschool.environments import environment
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.closure import count
from nightschool.practice.elicit import choice_tasks, try_way, ways_for
from nightschool.protocols import Environment
from record import Record, base_name

GYM: dict[str, list[dict[str, Any]]] = {
    "caesar_cipher": [
        {"min_rotation": 1, "max_rotation": 1, "min_words": words, "max_words": words}
        for words in (1, 4)
    ],
    "spell_backward": [{"min_word_len": length, "max_word_len": length + 1} for length in (3, 9)],
    "word_sorting": [{"min_words": words, "max_words": words} for words in (3, 12)],
    "lcm": [
        {"min_value": 1, "max_value": most, "min_numbers": 2, "max_numbers": 2}
        for most in (12, 500)
    ],
    "base_conversion": [
        {"min_base": 2, "max_base": 3, "min_value": 0, "max_value": most} for most in (63, 4000)
    ],
    "chain_sum": [
        {"min_terms": terms, "max_terms": terms, "min_digits": 1, "max_digits": digits}
        for terms, digits in ((2, 1), (5, 4))
    ],
}
"""reasoning-gym's task -> an easy and a hard setting."""
LENGTHS = (1, 2, 3, 10)
"""Lengths of our own rows of digits (`closure_skills.py`)."""


def main() -> None:
    """Ask, and write down the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/closure_look.json"))
    parser.add_argument("--only", default="", help="environments whose name has this in it")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--draws", type=int, default=8)
    args = parser.parse_args()
    record = Record(args.json, "closure_look")
    sampler = TorchSampler(pull_model(base_name()))
    for name, make in candidates():
        if args.only not in name:
            continue
        found = make()
        tasks = choice_tasks(found, args.tasks)
        for way in ways_for(found):
            row = record.measure(
                {"environment": found.name, "way": way.name, "tasks": args.tasks, "draws": args.draws},
                lambda f=found, t=tasks, w=way: asdict(
                    try_way(f, sampler, w, t, draws=args.draws, max_tokens=24, temperature=1.0)
                )
                | {"way": w.name},
            )  # fmt: skip
            print(
                f"{found.name}  {way.name}: {row['right']} of {row['n']}, value {row['value']:.3f}",
                flush=True,
            )
    for name in dict.fromkeys(row["environment"] for row in record.body["rows"]):
        best = max(
            (r for r in record.body["rows"] if r["environment"] == name),
            key=lambda r: (r["right"], r["value"]),
        )
        told = count("1" * best["right"] + "0" * (best["n"] - best["right"]))
        figure = "".join(c if c.isalnum() else "_" for c in name)
        record.figure(
            f"{figure}_best", round(told.right / max(1, told.n), 4), low=round(told.low, 4), high=round(told.high, 4),
            n=told.n, unit="rate",
        )  # fmt: skip
    record.save()


def candidates() -> list[tuple[str, Callable[[], Environment]]]:
    """List what is looked at, by name."""
    ours = [
        (f"digits-{skill}?length={length}", lambda s=skill, n=length: Digits(s, n))
        for skill in STEPS
        for length in LENGTHS
    ]
    gym = [
        (f"gym:{name}", lambda n=name, s=settings: environment(f"gym:{n}", s))
        for name, both in GYM.items()
        for settings in both
    ]
    return [*ours, *gym]


if __name__ == "__main__":
    main()
