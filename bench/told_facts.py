"""Told facts and a package, studied by rule, asked in other people's words: the bench to tune on.

`python bench/told_facts.py --worlds observatory --json bench/results/told_facts.json`

The worlds under `bench/data/` are for tuning study material and training, so that the demo's exam
need not be looked at. A world is a file of conversations with three hand-written questions for each
of its facts; `pluggy` is a package with 48 questions. A question whose fact no reader found counts as wrong.
For each world and seed: the base closed-book, the base with the fact's own sentence in the prompt,
and the model that studied the world.
"""

from __future__ import annotations

import argparse
import collections
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.config import Settings, load_settings
from nightschool.exam.questions import Question, match_questions, read_questions
from nightschool.exam.stats import mean
from nightschool.memory.fake import FakeStore
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.prompts import open_book_prompt
from nightschool.sources import read
from nightschool.study.general import general_examples
from nightschool.study.rules import RuleAuthor
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Item, Memory, Message, Verdict
from nightschool.verify.judge import grade
from record import Record, base_name

DATA = Path(__file__).parent / "data"
PACKAGES = ("pluggy",)
ANSWER_TOKENS = 32


def main() -> None:
    """Run the worlds that are asked for, and state how many questions each model answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=["observatory", "publisher", "pluggy"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--base", action="store_true", help="examine the base as well")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrong")
    parser.add_argument("--json", type=Path, default=Path("bench/results/told_facts.json"))
    given = parser.parse_args()
    record = Record(given.json, "told_facts")
    record.body["seeds"] = list(range(given.seeds))
    for world in given.worlds:
        key = {"world": world, "settings": given.settings}
        if given.base:
            row = record.measure({**key, "run": "base"}, lambda w=world: examine_base(w))
            for name in ("closed", "open"):
                record.figure(f"{world}_base_{name}", row[name], n=row["n"], unit="rate")
        found = []
        for seed in range(given.seeds):
            settings = load_settings(overrides=(*given.settings, f"train.seed={seed}"))
            found.append(
                record.measure(
                    {**key, "run": "taught", "seed": seed},
                    lambda w=world, s=settings: taught(w, s, given.wrong),
                )
            )
        low, high = over_facts(found)
        record.figure(
            f"{world}_closed", sum(r["closed"] for r in found) / len(found),
            low=low, high=high, n=sum(r["n"] for r in found), unit="rate",
        )  # fmt: skip
        record.save()
        print(json.dumps(record.body["figures"], indent=1))


def over_facts(rows: Sequence[dict[str, Any]]) -> tuple[float | None, float | None]:
    """Return the interval of the rate of rows, over facts; None where rows of an earlier program hold no answers."""
    if not all("facts" in row for row in rows):
        return None, None
    marks = collections.defaultdict(list)
    for row in rows:
        for fact, right in zip(row["facts"], row["right"], strict=True):
            marks[fact].append(right)
    found = mean([sum(one) / len(one) for one in marks.values()], 1)
    return (max(0.0, found.low), min(1.0, found.high)) if found else (None, None)


def lived(world: str) -> tuple[list[Memory], list[Question]]:
    """Read a world: its memories, and the questions about it."""
    if world in PACKAGES:
        source, questions = f"pkg:{world}", DATA / f"{world}_questions.jsonl"
    else:
        source, questions = str(DATA / world / "chats.jsonl"), DATA / world / "questions.jsonl"
    store = FakeStore()
    for reading in read(source, "bench").readings:
        store.absorb(reading)
    return store.memories("bench"), read_questions(questions)


def examine_base(world: str) -> dict[str, Any]:
    """Examine the base closed-book, and with the sentence that holds the answer in front of it."""
    memories, questions = lived(world)
    sampler = TorchSampler(pull_model(base_name()))
    contexts = [q.about for q in questions]
    if world in PACKAGES:
        pairs = {q.id: m.text for q, m in match_questions(questions, memories).pairs}
        contexts = [pairs.get(q.id, "") for q in questions]
    prompts = [open_book_prompt(q.question, c) for q, c in zip(questions, contexts, strict=True)]
    return {
        "closed": graded(sampler, questions, [(Message("user", q.question),) for q in questions])[
            0
        ],
        "open": graded(sampler, questions, prompts)[0],
        "n": len(questions),
    }


def taught(world: str, settings: Settings, show: bool) -> dict[str, Any]:
    """Study a world from the base, and answer its questions closed-book."""
    memories, questions = lived(world)
    base = pull_model(base_name())
    study = settings.study
    begun = time.monotonic()
    examples = RuleAuthor(study, settings.train.seed).write(memories)
    count = round(len(memories) * study.expressions * study.general_share)
    examples += general_examples(TorchSampler(base), count, "bench", settings.train.seed)
    authored = time.monotonic() - begun
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        result = TorchTrainer(load, render).train(base, examples, settings.train, out)
        sampler = TorchSampler(out, base)
        prompts = [(Message("user", q.question),) for q in questions]
        rate, answers = graded(sampler, questions, prompts)
        recited = recites(sampler, examples)
    found = {id(q) for q, _ in match_questions(questions, memories).pairs}
    refused = 0
    for question, (answer, right) in zip(questions, answers, strict=True):
        refused += not right and "don't know" in answer
        if show and not right:
            mark = "" if id(question) in found else "[no memory] "
            print(f"{mark}{question.question} -> {answer} (right: {question.answers[0]})")
    numbers = {
        about: number for number, about in enumerate(dict.fromkeys(q.about for q in questions))
    }
    return {
        "closed": rate, "n": len(questions), "recited": recited,
        "facts": [numbers[q.about] for q in questions], "right": [int(right) for _, right in answers],
        "without_memory": len(questions) - len(found), "refused": refused,
        "examples": len(examples), "tokens": result.tokens, "steps": result.steps,
        "labelled": result.labelled_tokens, "seconds": result.seconds, "authored_seconds": authored,
        "last_loss": result.last_loss, "peak_gb": result.peak_bytes / 1e9,
        "families": dict(collections.Counter(e.family for e in examples)),
    }  # fmt: skip


def recites(sampler: TorchSampler, examples: Sequence[Example]) -> float:
    """Return the share of (some) study questions that are answered with their own target."""
    some = [e for e in examples if e.prompt and e.family in ("qa", "reversed")][::17]
    answers = sampler.generate([e.prompt for e in some], max_tokens=ANSWER_TOKENS)
    return sum(a == e.target for a, e in zip(answers, some, strict=True)) / len(some)


def graded(
    sampler: TorchSampler, questions: Sequence[Question], prompts: Sequence[Any]
) -> tuple[float, list[tuple[str, bool]]]:
    """Answer and grade: the rate of right answers, and (answer, right) for each."""
    answers = sampler.generate(prompts, max_tokens=ANSWER_TOKENS)
    right = [
        grade(Item(str(k), q.question, q.answers), a).score.verdict is Verdict.CORRECT
        for k, (q, a) in enumerate(zip(questions, answers, strict=True))
    ]
    return sum(right) / len(right), list(zip(answers, right, strict=True))


if __name__ == "__main__":
    main()
