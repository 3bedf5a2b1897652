"""Passages and their study texts in, human-written questions out, closed-book.

`python bench/closed_book.py --data seal_dev.jsonl --ids val-016:val-032 --json bench/results/closed_book.json`

The stored rows are of one block and seed each; figures are means over those that were run, and
`n` counts the graded questions of all of them. For each block of passages and each seed: the base closed-book (floor), the base with the passage
in the prompt (ceiling, the best of a few prompts chosen on tuning passages), the base with
retrieval, a format control (the same training on other passages' questions: it has learnt the
answer style but not the facts), and the trained model. `val-000` to `val-015` and `train-*` are
for tuning; the others are for reporting only, once per configuration. Every run is stored as it
ends, and a bench that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.config import TrainConfig
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Item, Message, Verdict
from nightschool.verify.judge import grade
from record import Record, base_name

ANSWER_TOKENS = 32
LEARNING_RATE = 2e-4
"""What the trainer's default was when the first block was run; kept, so that all rows are of one recipe."""
TUNING = slice(0, 16)
OPEN_PROMPTS = (
    "Read the text and answer the question briefly.\n\n{passage}\n\nQuestion: {question}",
    "{passage}\n\nQuestion: {question}\nAnswer:",
    "{passage}\n\nAnswer in a few words: {question}",
)
BLOCKS = {"n16": (("val-016", "val-032"), ("val-032", "val-048")), "n44": (("val-016", "val-060"),)}


def main() -> None:
    """Run the blocks that are asked for, and state the figures of what was run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--ids", help="FROM:TO, TO left out; without it, the three reporting blocks"
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("bench/results/closed_book.json"))
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.data.read_text("utf-8").splitlines()]
    vals = sorted((r for r in rows if r["id"].startswith("val-")), key=lambda r: r["id"])
    record = Record(given.json, "closed_book")
    record.body["seeds"] = list(range(given.seeds))
    blocks = BLOCKS
    if given.ids:
        first, _, last = given.ids.partition(":")
        blocks = {given.ids: ((first, last),)}
    prompt = record.measure({"run": "prompt"}, lambda: best_prompt(vals[TUNING]))["prompt"]
    every = {
        f"{first}:{last}": [r for r in vals if first <= r["id"] < last]
        for spans in blocks.values()
        for first, last in spans
    }
    found: dict[str, list[tuple[Any, Any, Any]]] = {name: [] for name in blocks}
    for seed in range(given.seeds):
        config = TrainConfig(epochs=given.epochs, learning_rate=LEARNING_RATE, seed=seed)
        key = {"seed": seed, "epochs": given.epochs}
        pending: list[tuple[str, int, str]] = []
        for name, spans in blocks.items():
            for first, last in spans:
                own = f"{first}:{last}"
                one = {own: every[own]}
                plain = record.measure(
                    {"run": "base", "block": own}, lambda o=one: base_rows(*o.values(), prompt)
                )
                taught = record.measure(
                    {"run": "taught", "block": own, **key},
                    lambda o=one, c=config: trained(*o.values(), o, prompt, c),
                )
                pending.append((name, len(found[name]), own))
                found[name].append((plain, taught[own], None))
                state(record, name, found[name])
                record.save()
        styled = record.measure(
            {"run": "control", "blocks": sorted(every), **key},
            lambda c=config: trained(vals[TUNING], every, prompt, c),
        )
        for name, place, own in pending:
            plain, taught, _ = found[name][place]
            found[name][place] = (plain, taught, styled[own])
            state(record, name, found[name])
        record.save()


def state(record: Record, name: str, found: Sequence[tuple[Any, Any, Any]]) -> None:
    """State the mean figures of one block size over what was run; a control may still be missing."""
    n = sum(one[0]["n"] for one in found)

    def mean(pick: Any, of: Sequence[Any] = found) -> float:
        return sum(pick(*one) for one in of) / len(of)

    record.figure(f"closed_{name}", mean(lambda b, t, c: t["closed"]), n=n, unit="rate")
    record.figure(f"floor_{name}", mean(lambda b, t, c: b["closed"]), n=n, unit="rate")
    record.figure(f"ceiling_{name}", mean(lambda b, t, c: b["open"]), n=n, unit="rate")
    record.figure(f"retrieval_{name}", mean(lambda b, t, c: b["retrieval"]), n=n, unit="rate")
    record.figure(
        f"recovered_{name}", n=n, unit="share",
        value=mean(lambda b, t, c: (t["closed"] - b["closed"]) / (b["open"] - b["closed"])),
    )  # fmt: skip
    known = [one for one in found if one[2] is not None]
    record.figure(
        f"recovered_control_{name}", n=sum(b["n"] for b, _, _ in known), unit="share",
        value=mean(
            lambda b, t, c: (t["closed"] - c["closed"]) / (c["open"] - c["closed"]), known
        ) if known else None,
    )  # fmt: skip


def best_prompt(passages: Sequence[Any]) -> dict[str, Any]:
    """Choose the open-book prompt on tuning passages."""
    sampler = TorchSampler(pull_model(base_name()))
    rates = [examine(sampler, passages, p)["contained"] for p in OPEN_PROMPTS]
    return {"prompt": OPEN_PROMPTS[rates.index(max(rates))], "rates": rates}


def base_rows(block: Sequence[Any], prompt: str) -> dict[str, Any]:
    """Examine the base model closed-book, open-book, and with the passage that retrieval finds."""
    sampler = TorchSampler(pull_model(base_name()))
    found = [dict(r, passage=nearest(q["question"], block), questions=[q])
             for r in block for q in r["questions"]]  # fmt: skip
    return summary(examine(sampler, block, "{question}"), examine(sampler, block, prompt)) | {
        "retrieval": examine(sampler, found, prompt)["contained"]
    }


def nearest(question: str, block: Sequence[Any]) -> str:
    """Return the passage that shares the most rare words with the question."""
    words = {r["id"]: set(re.findall(r"\w+", r["passage"].lower())) for r in block}
    asked = set(re.findall(r"\w+", question.lower()))
    rare = {w: 1 / sum(w in own for own in words.values()) for w in asked if any(
        w in own for own in words.values())}  # fmt: skip
    return str(
        max(block, key=lambda r: sum(v for w, v in rare.items() if w in words[r["id"]]))["passage"]
    )


def trained(
    study: Sequence[Any], blocks: dict[str, list[Any]], prompt: str, config: TrainConfig
) -> dict[str, Any]:
    """Train on the study texts of some passages, and examine on the questions of each block."""
    examples = [e for r in study for e in study_examples(r)]
    base = pull_model(base_name())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        result = TorchTrainer(load, render).train(base, examples, config, out)
        sampler = TorchSampler(out, base)
        rows = {
            name: summary(examine(sampler, block, "{question}"), examine(sampler, block, prompt))
            for name, block in blocks.items()
        }
    return rows | {
        "tokens": result.tokens, "seconds": result.seconds, "peak_gb": result.peak_bytes / 1e9,
    }  # fmt: skip


def study_examples(row: dict[str, Any]) -> list[Example]:
    """Make examples of a passage and of its ready-made question-and-answer texts."""
    found = [((), f"{row['title']}\n{row['passage']}")]
    for text in row["texts"].get("qa", []):
        text = text if text.lstrip().startswith("Question") else f"Question 1: {text}"
        pairs = re.findall(
            r"Question \d+:\s*(.+?)\s*\n+Answer \d+:\s*(.+?)\s*(?=\n+Question|\Z)", text, re.S
        )
        found += [((Message("user", q),), a) for q, a in pairs]
    unique = list(dict.fromkeys(found))
    return [
        Example(
            f"{row['id']}-{k}", "bench", (row["id"],), "imported", "qa" if p else "passage", p, t
        )
        for k, (p, t) in enumerate(unique)
    ]


def examine(sampler: TorchSampler, block: Sequence[Any], prompt: str) -> dict[str, float]:
    """Return the rates of exact match, F1 and normalised containment, and n."""
    asked = [(r, q) for r in block for q in r["questions"]]
    prompts = [
        (Message("user", prompt.format(passage=r["passage"], question=q["question"])),)
        for r, q in asked
    ]
    answers = sampler.generate(prompts, max_tokens=ANSWER_TOKENS)
    graded = [
        grade(Item(str(k), q["question"], (q["answer"],)), answer)
        for k, ((_, q), answer) in enumerate(zip(asked, answers, strict=True))
    ]
    n = len(graded)
    return {
        "contained": sum(g.score.verdict is Verdict.CORRECT for g in graded) / n,
        "exact": sum(g.exact or 0 for g in graded) / n,
        "f1": sum(g.f1 or 0 for g in graded) / n,
        "n": n,
    }


def summary(closed: dict[str, float], opened: dict[str, float]) -> dict[str, Any]:
    """Join the closed-book and open-book rates of one model into a row."""
    return {
        "closed": closed["contained"], "closed_exact": closed["exact"], "closed_f1": closed["f1"],
        "open": opened["contained"], "open_f1": opened["f1"], "n": int(closed["n"]),
    }  # fmt: skip


if __name__ == "__main__":
    main()
