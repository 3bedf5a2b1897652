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
MARGINS = (0.1, 0.15, 0.2)
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


def pairs_of(worlds: Sequence[Sequence[Marks]], each: int) -> list[list[tuple[float, float]]]:
    """Return, for each pair of versions of a world, each fact's two rates over its first `each` questions."""
    return [
        [
            (float(np.mean(a[fact][:each])), float(np.mean(b[fact][:each])))
            for fact in a.keys() & b.keys()
        ]
        for versions in worlds
        for a, b in itertools.combinations(versions, 2)
    ]


def state(record: Record, worlds: Sequence[Sequence[Marks]]) -> None:
    """State how much two versions differ, and what the gate's check makes of it."""
    single = [pair for drawn in pairs_of(worlds, 1) for pair in drawn]
    if not single:
        return
    alpha = attempt_alpha(GateConfig().alpha, 1)
    for each in range(1, ASKED + 1):
        drawn = [pair for pairs in pairs_of(worlds, each) for pair in pairs]
        moved = np.array([b - a for a, b in drawn])
        record.figure(
            f"facts_that_differ, {each} asked",
            float(np.mean(moved != 0)),
            n=len(moved),
            unit="rate",
        )
        record.figure(
            f"spread_of_a_fact, {each} asked",
            float(np.sqrt(np.mean(moved**2))),
            n=len(moved),
            unit="rate",
        )
        rng = np.random.default_rng([0, each])
        for facts in FACTS:
            lows = [
                _low([drawn[k] for k in rng.integers(0, len(drawn), facts)], alpha)
                for _ in range(DRAWS)
            ]
            held = {"in force": margin_in_force(GateConfig().margin_retained, facts * each)}
            for name, margin in held | {str(margin): margin for margin in MARGINS}.items():
                passed = float(np.mean([low >= -margin for low in lows]))
                low, high = wilson(passed, DRAWS)
                record.figure(
                    f"passed, {facts} facts, {each} asked, margin {name}",
                    passed, low=low, high=high, n=DRAWS, unit="rate",
                )  # fmt: skip


def _low(pairs: Sequence[tuple[float, float]], alpha: float) -> float:
    """Return the gate's lower bound on what the second version lost against the first.

    Either may be the candidate: the order of a pair of seeds means nothing.
    """
    items = [Item(str(k), "?", ("answer",)) for k in range(len(pairs))]
    reference = {str(k): a for k, (a, _) in enumerate(pairs)}
    candidate = {str(k): b for k, (_, b) in enumerate(pairs)}
    test = paired(candidate, reference, items, alpha)
    assert test is not None
    return test.low


if __name__ == "__main__":
    main()
