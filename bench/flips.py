"""In how many answers two equally good trainings differ, and what the gate makes of such a pair.

    python bench/flips.py --json bench/results/flips.json

The same memories are studied from the base under several seeds (order of the examples, general replay), and each
version answers the same questions: for every fact of two tuning worlds three that were written by hand. Nothing was
lost between two such versions, so each difference is noise, and a gate that refuses one for the sake of the other
errs. Reported: the share of questions and of facts that differ, by how many questions a fact is asked; and how often
the gate's own check of earlier facts (`exam/gate.py`) passes such a pair, where facts are drawn from the measured ones
with replacement.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nightschool.bases import anchors_of, pull_model
from nightschool.config import GateConfig, Settings, load_settings
from nightschool.exam.gate import attempt_alpha, margin_in_force
from nightschool.exam.questions import match_questions
from nightschool.exam.stats import paired, wilson
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.runlog import progress_bar
from nightschool.study.general import general_examples
from nightschool.study.rules import RuleAuthor
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Item, Message
from record import Record, base_name
from told_facts import graded, lived

ASKED = 3
"""Questions of each fact."""
FACTS = (20, 40, 80, 100, 150, 300)
"""Sizes of the bank of earlier facts that are drawn."""
DRAWS = 400

Marks = dict[str, list[bool]]
"""Text of a fact -> the verdicts of its questions, in their order."""


def main() -> None:
    """Train and ask, then state how much differs and how often the gate passes it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", nargs="+", default=["observatory", "publisher"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", type=Path, default=Path("bench/results/flips.json"))
    given = parser.parse_args()
    record = Record(given.json, "flips")
    record.body["seeds"] = list(range(given.seeds))
    sat: dict[str, list[Marks]] = {}
    for seed, world in itertools.product(range(given.seeds), given.worlds):
        settings = load_settings(overrides=(*given.settings, f"train.seed={seed}"))
        key = {"world": world, "settings": given.settings, "seed": seed}
        row = record.measure(key, lambda w=world, s=settings: taught(w, s))
        sat.setdefault(world, []).append(row["facts"])
        state(record, list(sat.values()))
        record.save()


def taught(world: str, settings: Settings) -> dict[str, Any]:
    """Study a world from the base, and grade every question of the facts that have enough of them."""
    memories, questions = lived(world)
    base = pull_model(base_name())
    study = settings.study
    examples = RuleAuthor(study, settings.train.seed).write(memories)
    count = round(len(memories) * study.expressions * study.general_share)
    examples += general_examples(TorchSampler(base), count, "bench", settings.train.seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        trainer = TorchTrainer(load, render, anchors_of(base_name(), progress_bar))
        result = trainer.train(base, examples, settings.train, out)
        prompts = [(Message("user", q.question),) for q in questions]
        rate, answers = graded(TorchSampler(out, base), questions, prompts)
    right = {id(q): mark for q, (_, mark) in zip(questions, answers, strict=True)}
    facts: Marks = {}
    for question, memory in match_questions(questions, memories).pairs:
        facts.setdefault(memory.text, []).append(right[id(question)])
    return {
        "facts": {fact: marks[:ASKED] for fact, marks in facts.items() if len(marks) >= ASKED},
        "closed": rate, "n": len(questions), "tokens": result.tokens, "seconds": result.seconds,
    }  # fmt: skip


def state(record: Record, worlds: Sequence[Sequence[Marks]]) -> None:
    """State how much two versions differ, and what the gate's check makes of it."""
    pairs = [pair for versions in worlds for pair in itertools.permutations(versions, 2)]
    if not pairs:
        return
    for each in range(1, ASKED + 1):
        moved = np.array([
            np.mean([b[fact][k] for k in asked]) - np.mean([a[fact][k] for k in asked])
            for a, b in pairs
            for fact in a
            for asked in itertools.combinations(range(ASKED), each)
        ])  # fmt: skip
        facts = len(pairs) // 2 * len(pairs[0][0])
        differ, spread = float(np.mean(moved != 0)), float(np.sqrt(np.mean(moved**2)))
        record.figure(f"facts_that_differ, {each} asked", differ, n=facts, unit="rate")
        record.figure(f"spread_of_a_fact, {each} asked", spread, n=facts, unit="rate")
        rng = np.random.default_rng([0, each])
        for size in FACTS:
            lows = [_low(*pairs[rng.integers(len(pairs))], size, each, rng) for _ in range(DRAWS)]
            in_force = margin_in_force(GateConfig().margin_retained, size * each)
            for name, margin in (("in force", in_force), ("0.1", 0.1)):
                passed = float(np.mean([low >= -margin for low in lows]))
                low, high = wilson(passed, DRAWS)
                record.figure(
                    f"passed, {size} facts, {each} asked, margin {name}",
                    passed, low=low, high=high, n=DRAWS, unit="rate",
                )  # fmt: skip


def _low(before: Marks, after: Marks, facts: int, each: int, rng: np.random.Generator) -> float:
    """Return the gate's lower bound on what the second version lost against the first, on facts drawn anew."""
    items: list[Item] = []
    reference: dict[str, float] = {}
    candidate: dict[str, float] = {}
    names = list(before)
    for number, drawn in enumerate(rng.integers(0, len(names), facts)):
        for k in rng.permutation(ASKED)[:each]:
            item = Item(f"{number}-{k}", "?", ("answer",), (str(number),))
            items.append(item)
            reference[item.id] = float(before[names[drawn]][k])
            candidate[item.id] = float(after[names[drawn]][k])
    test = paired(candidate, reference, items, attempt_alpha(GateConfig().alpha, 1))
    assert test is not None
    return test.low


if __name__ == "__main__":
    main()
