"""The families of study material, each alone and all together, at equal numbers of training tokens.

`python bench/ablation.py --data seal_dev.jsonl --json bench/results/ablation.json`

Every row trains the base once on the passages and the texts of one family, gone over as often as the budget
allows or cut where it ends, and asks human-written questions closed-book, of which no material is made. `qa`,
`rewrite`, `implications` and `implications_gpt41` are the data file's ready-made texts (by models of 7 billion
parameters and more); `self:*` is written by the base model itself and checked as at night. `recovered_self` is
the share of the way from the base closed-book to the base open-book (`closed_book.py`) that `self:all` covers.
Tuning passages only, by default. Written texts are kept in `--material`, outside of the result file: they
derive from the passages. A stopped bench goes on after the last row. Intervals: bootstrap over passages.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from closed_book import LEARNING_RATE, best_prompt, study_examples
from eight_nights import ask
from nightschool.bases import pull_model
from nightschool.codec import from_json, to_json
from nightschool.config import StudyConfig, TrainConfig
from nightschool.language import fingerprint
from nightschool.models.llama_sampler import LlamaSampler
from nightschool.models.pull import GGUF_NAME
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.study.families import FAMILIES
from nightschool.study.leaks import drop_leaks
from nightschool.study.mixture import compose
from nightschool.study.sampled import SampledAuthor
from nightschool.train.packing import Tokens, shared_prefix
from nightschool.train.run import ROW_TOKENS
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Material, Memory, SourceKind
from record import Record, base_name

READY = ("qa", "rewrite", "implications", "implications_gpt41")
OWN: dict[str, tuple[str, ...]] = {
    "self:rewrite": ("rewrite",),
    "self:implications": ("implications",),
    "self:qa": ("qa", "reversed", "numeric", "negative"),
    "self:entigraph": ("entigraph",),
    "self:active-reading": ("active-reading",),
}
ROWS = ("passage", *READY, "ready:all", *OWN, "self:all")
WRITING_SEED = 0
RESAMPLES = 1000

Asked = Mapping[str, Sequence[float]]
"""Passage -> for each of its questions whether it was answered; the mean over seeds where there are several."""


def main() -> None:
    """Measure the rows that are asked for, and state what each family brings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=Path("bench/results/ablation.json"))
    parser.add_argument("--ids", default="val-000:val-008", help="FROM:TO, TO left out")
    parser.add_argument("--families", nargs="*", default=list(ROWS), choices=ROWS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--budget", type=int, default=40_000, help="training tokens of each row")
    parser.add_argument("--samples", type=int, default=3, help="of each sentence, by the base")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--closed-book", type=Path, default=Path("bench/results/closed_book.json"))
    parser.add_argument("--material", type=Path, default=Path("out/ablation"))
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.data.read_text("utf-8").splitlines()]
    vals = sorted((r for r in rows if r["id"].startswith("val-")), key=lambda r: r["id"])
    first, _, last = args.ids.partition(":")
    block = [r for r in vals if first <= r["id"] < last]
    record = Record(args.json, "ablation")
    record.body["seeds"] = list(range(args.seeds))
    prompt = open_prompt(args.closed_book) or record.measure(
        {"run": "prompt"}, lambda: best_prompt(vals[:16])
    )["prompt"]  # fmt: skip
    record.measure({"run": "base", "ids": args.ids}, lambda: base_row(block, prompt))
    common = {"run": "family", "ids": args.ids, "budget": args.budget, "rate": args.rate}
    for seed in range(args.seeds):
        config = TrainConfig(epochs=1, min_steps=1, learning_rate=args.rate, seed=seed)
        for name in args.families:
            key = {**common, "family": name, "seed": seed}
            if name.startswith("self:"):
                key["samples"] = args.samples
                write_missing(record, name, block, args)
            record.measure(
                key,
                lambda n=name, c=config: taught(material(n, block, args), block, args.budget, c),
            )
            state(record, common, args.samples)
            record.save()


def open_prompt(path: Path) -> str | None:
    """Return the open-book prompt that `closed_book.py` chose; None where it was not run."""
    stored = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    return next((row["prompt"] for row in stored if row["run"] == "prompt"), None)


def base_row(block: Sequence[Any], prompt: str) -> dict[str, Any]:
    """Examine the untouched base, closed-book and with the passage in front of it."""
    sampler = TorchSampler(pull_model(base_name()))
    asked = {"asked": ask(sampler, block), "open_asked": ask(sampler, block, prompt)}
    return {**asked, "closed": rate(asked["asked"]), "open": rate(asked["open_asked"])}


# -- material -----------------------------------------------------------------------------


def material(name: str, block: Sequence[Any], args: argparse.Namespace) -> list[Example]:
    """Return the passages' own text and one row's texts about them; repeats are left out."""
    found = [e for r in block for e in study_examples(r) if not e.prompt]
    if name == "ready:all":
        found += [e for ready in READY for r in block for e in ready_made(r, ready)]
    elif name in READY:
        found += [e for r in block for e in ready_made(r, name)]
    else:
        for own in OWN if name == "self:all" else [n for n in OWN if n == name]:
            found += from_json(Material, stored_at(own, args).read_text("utf-8")).examples
    return list({(e.prompt, e.target): e for e in found}.values())


def ready_made(row: dict[str, Any], family: str) -> list[Example]:
    """Make examples of a passage's ready-made texts of one family."""
    if family == "qa":
        return [e for e in study_examples(row) if e.prompt]
    return [
        Example(f"{row['id']}-{family}-{k}", "bench", (row["id"],), "imported", family, (), f"{row['title']}\n{text}")
        for k, text in enumerate(row["texts"].get(family, []))
    ]  # fmt: skip


def stored_at(own: str, args: argparse.Namespace) -> Path:
    """Name the file of what the base wrote of one family about these passages."""
    name = f"{own}_{args.ids}_{args.samples}".replace(":", "-")
    return Path(args.material / f"{name}.json")


def write_missing(
    record: Record, name: str, block: Sequence[Any], args: argparse.Namespace
) -> None:
    """Have the base write what a row needs and nobody has written yet; one row a family tells of it."""
    for own in OWN if name == "self:all" else (name,):
        if stored_at(own, args).exists():
            continue
        key = {"run": "written", "family": own, "ids": args.ids, "samples": args.samples}
        rows = record.body["rows"]
        rows[:] = [r for r in rows if any(r.get(k) != v for k, v in key.items())]
        record.measure(key, lambda o=own: write(o, block, stored_at(o, args), args.samples))


def write(own: str, block: Sequence[Any], out: Path, samples: int) -> dict[str, Any]:
    """Have the base model write one row's families about passages, checked as at night."""
    begun = time.monotonic()
    config = StudyConfig(families=OWN[own], samples=samples)
    author = SampledAuthor(
        "self", LlamaSampler(pull_model(base_name()) / GGUF_NAME), config, WRITING_SEED
    )
    memories = [
        Memory(
            r["id"], "bench", r["passage"], "passage", SourceKind.DOCUMENT, "bench", r["id"], "",
            facets={"title": r["title"], "heading": r["title"]},
        )
        for r in block
    ]  # fmt: skip
    written = compose(memories, [author], (), (), config)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_json(written), "utf-8")
    by_family = {n: sum(e.family == n for e in written.examples) for n in FAMILIES if n in OWN[own]}
    return {
        "kept": by_family, "dropped": written.dropped, "uncovered": len(written.uncovered),
        "seconds": time.monotonic() - begun,
    }  # fmt: skip


def cycled(
    examples: Sequence[Example], tokenizer: Any, budget: int, seed: int
) -> tuple[list[Example], float]:
    """Go over material in shuffled passes until the budget is spent.

    Args:
        examples: The material, none twice.
        tokenizer: The base model's.
        budget: Tokens through the network; the chats' shared beginning counts once a row.
        seed: Of the order.

    Returns:
        The examples in training order, and how many passes over the material they are.
    """
    tokens = [Tokens(*map(tuple, render(tokenizer, e.prompt, e.target))) for e in examples]
    prefix = len(shared_prefix(tokens))
    room = budget * (1 - prefix / ROW_TOKENS)
    costs = [len(t) - (prefix if t.prompt else 0) for t in tokens]
    rng = random.Random(seed)
    chosen: list[int] = []
    while True:
        for index in rng.sample(range(len(examples)), len(examples)):
            room -= costs[index]
            if room < 0 and chosen:
                return [examples[i] for i in chosen], len(chosen) / len(examples)
            chosen.append(index)


def taught(
    examples: Sequence[Example], block: Sequence[Any], budget: int, config: TrainConfig
) -> dict[str, Any]:
    """Train on material at the budget, and ask the human-written questions closed-book."""
    base = pull_model(base_name())
    study, passes = cycled(examples, load(base).tokenizer, budget, config.seed)
    sealed = [fingerprint(q["question"]) for r in block for q in r["questions"]]
    with tempfile.TemporaryDirectory(prefix="nightschool-ablation-") as folder:
        out = Path(folder) / "out"
        result = TorchTrainer(load, render).train(base, study, config, out)
        asked = ask(TorchSampler(out, base), block)
    return {
        "asked": asked, "closed": rate(asked), "examples": len(examples), "passes": passes,
        "leaks": drop_leaks(examples, sealed, StudyConfig().leak_overlap)[1],
        "tokens": result.tokens, "seconds": result.seconds, "last_loss": result.last_loss,
    }  # fmt: skip


# -- figures ------------------------------------------------------------------------------


def state(record: Record, common: dict[str, Any], samples: int) -> None:
    """State for each family that was run: the closed-book rate, and how far it is above the passages alone."""
    rows = record.body["rows"]
    base = next(r for r in rows if r["run"] == "base" and r["ids"] == common["ids"])
    floor, ceiling = base["asked"], base["open_asked"]
    seeds = record.body["seeds"]
    found: dict[str, Asked] = {}
    for name in ROWS:
        own = [
            r["asked"] for r in rows
            if r.get("family") == name and all(r.get(k) == v for k, v in common.items())
            and r.get("samples", samples) == samples and r["seed"] in seeds
        ]  # fmt: skip
        if own:
            found[name] = {
                p: [_mean(x) for x in zip(*(a[p] for a in own), strict=True)] for p in own[0]
            }
    n = sum(map(len, floor.values()))
    record.body["figures"] = {}

    def figure(name: str, unit: str, of: Callable[[Sequence[str]], float | None]) -> None:
        value, low, high = bootstrapped(list(floor), of)
        record.figure(name, value, low=low, high=high, n=n, unit=unit)

    figure("floor", "rate", lambda ps: rate(floor, ps))
    figure("ceiling", "rate", lambda ps: rate(ceiling, ps))
    for name, asked in found.items():
        figure(f"closed_{name}", "rate", lambda ps, a=asked: rate(a, ps))
        if name != "passage" and "passage" in found:
            figure(
                f"over_passage_{name}",
                "rate",
                lambda ps, a=asked: rate(a, ps) - rate(found["passage"], ps),
            )
    for figure_name, name in (("recovered_self", "self:all"), ("recovered_ready", "ready:all")):
        if name in found:
            figure(figure_name, "share", lambda ps, a=found[name]: recovered(a, floor, ceiling, ps))


def recovered(asked: Asked, floor: Asked, ceiling: Asked, passages: Sequence[str]) -> float | None:
    """Return the share of the way from the floor to the ceiling; None where that is no way up."""
    way = rate(ceiling, passages) - rate(floor, passages)
    return (rate(asked, passages) - rate(floor, passages)) / way if way > 0 else None


def bootstrapped(
    passages: Sequence[str], of: Callable[[Sequence[str]], float | None]
) -> tuple[float | None, float | None, float | None]:
    """Return a figure and its 95% bootstrap interval; None for what cannot be told."""
    rng = random.Random(0)
    draws = [of(rng.choices(passages, k=len(passages))) for _ in range(RESAMPLES)]
    known = sorted(x for x in draws if x is not None)
    if of(passages) is None or not known:
        return of(passages), None, None
    last = len(known) - 1
    return of(passages), known[round(0.025 * last)], known[round(0.975 * last)]


def rate(asked: Asked, passages: Sequence[str] | None = None) -> float:
    """Return the share of the questions that are answered; None means of all passages."""
    return _mean([x for p in (asked if passages is None else passages) for x in asked[p]])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
