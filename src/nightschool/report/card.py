"""The model card of an exported version: where it comes from, how it did in its exams, how it is loaded.

It holds no memory's text. Not covered: what is exported, and how (the flow `export.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from nightschool.report.morning import Rate
from nightschool.report.words import CHECKS, interval, label, number, percent
from nightschool.types import Decision, Report, Version

LOADING = {
    "peft": """```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("PATH/TO/{base}", dtype="float32")
model = PeftModel.from_pretrained(base, ".")
tokenizer = AutoTokenizer.from_pretrained(".")
```
""",
    "safetensors": """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(".", dtype="float32")
tokenizer = AutoTokenizer.from_pretrained(".")
```
""",
    "gguf": "```\nllama-server --jinja -m {weights}{adapter}\n```\n",
    "ollama": "```\nollama create {name} -f Modelfile\nollama run {name}\n```\n",
}
ANSWERED_BY = {
    "torch": "torch, float32",
    "llama-f16": "llama.cpp, on the f16 file",
    "llama-q8_0": "llama.cpp, on the q8_0 file",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """How far llama.cpp's log-probabilities lie from torch's, on answers of its own."""

    quant: str
    mean_nats: float
    largest_nats: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says."""

    version: Version
    line: tuple[Version, ...]
    """It and the versions that it was trained on from, newest first."""
    form: str
    """`peft`, `safetensors`, `gguf` or `ollama`."""
    files: tuple[str, ...]
    base: str
    """The base's name, without its place on a machine."""
    licence: str | None
    parameters: int | None
    rates: tuple[tuple[str, Rate | None], ...]
    """The exam's groups of questions; None: not run."""
    report: Report | None
    decision: Decision | None
    measured: Measured | None


def render(card: Card) -> str:
    """Write the card as Markdown."""
    return "\n".join(
        [
            f"# {card.version.id}",
            "",
            _opening(card),
            "",
            *_lineage(card),
            *_exam(card),
            *_load(card),
        ]
    )


def _opening(card: Card) -> str:
    size = number(card.parameters / 1e6, unit="million parameters") if card.parameters else ""
    what = f"`{card.base}`" + (f" ({size})" if size else "")
    if card.version.train is None:
        return f"A LoRA adapter on {what} that was trained elsewhere."
    kind = {"full": "All weights were trained.", "lora": "A LoRA adapter was trained."}
    return f"{what}, taught by Nightschool. {kind[card.version.kind]}"


def _lineage(card: Card) -> list[str]:
    version, train = card.version, card.version.train
    nights = ", ".join(each.night for each in reversed(card.line))
    rows = [
        ("made", version.created),
        ("nights", nights),
        ("trained from", version.parent),
        ("base model", card.base),
        ("licence of the base", card.licence or "not known here: see the base model's own page"),
        ("memories", f"{number(len(version.memory_ids))} (their texts are not in this folder)"),
        ("study examples of the last night", number(len(version.example_ids))),
        ("trained tokens of the last night", number(train.tokens if train else None)),
        ("seed", str(version.seed)),
        (
            "sha256 of " + ("its study material" if train else "the adapter"),
            f"`{version.data_digest}`",
        ),
    ]
    return [
        "## Lineage",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        "The licence of the base holds for these weights, too. **The weights know what they were taught**: treat them "
        "like the memories themselves. A memory that is forgotten later is not forgotten by this copy: delete it, and "
        "export again.",
        "",
    ]


def _exam(card: Card) -> list[str]:
    if card.report is None:
        return ["## Exam", "", "Not examined.", ""]
    lines = [
        "## Exam",
        "",
        f"Sealed questions, from the weights alone, answered by {ANSWERED_BY[card.report.engine]}.",
        "",
        "| questions | right | 95% interval | n |",
        "|---|---|---|---|",
        *(
            f"| {name} | {percent(rate.value if rate else None)} | {interval(rate)} | {rate.n if rate else ''} |"
            for name, rate in card.rates
        ),
        "",
    ]
    if card.report.kl_nats is not None:
        lines += [f"Drift from the base: {number(card.report.kl_nats, 3)} nats a token.", ""]
    return [*lines, *_decided(card.decision)]


def _decided(decision: Decision | None) -> list[str]:
    if decision is None:
        return ["The gate has not spoken.", ""]
    word = "passed" if decision.promote else "**refused**"
    if decision.overridden_by and not decision.promote:
        word += f", and promoted by {decision.overridden_by} against that"
    rows = [
        f"- {'passed' if check.passed else '**refused**'} {label(CHECKS, check.name)}: {check.reason}"
        for check in decision.checks
    ]
    return [f"The gate: {word}.", "", *rows, ""]


def _load(card: Card) -> list[str]:
    weights = next((n for n in card.files if n.endswith(".gguf") and "adapter" not in n), "")
    adapter = next((f" --lora {n}" for n in card.files if n.endswith("adapter.gguf")), "")
    how = LOADING[card.form].format(
        base=card.base, weights=weights, adapter=adapter, name=card.version.id
    )
    lines = ["## How to load", "", how]
    if card.form == "safetensors" and card.version.kind == "lora":
        lines += ["The adapter is merged into its base.", ""]
    if card.measured is None:
        return [*lines, "These are the trained weights themselves, in float32.", ""]
    m = card.measured
    lines += [
        f"The weights are stored as {m.quant}. On {m.tokens} tokens of its own answers, llama.cpp's log-probabilities "
        f"differ from torch's by {m.mean_nats:.4f} nats on average, at most {m.largest_nats:.3f}.",
        "",
    ]
    examined = card.report.engine if card.report else "torch"
    if m.quant == "q8_0" and examined != "llama-q8_0":
        lines += [
            "**This file has not sat the exam**: the figures above are of the unrounded weights. To examine it: "
            f"`nightschool exam {card.version.id} --set model.engine=llama --set model.quant=q8_0`.",
            "",
        ]
    return lines
