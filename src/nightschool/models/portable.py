"""Versions as folders that other programs load: peft, transformers, llama.cpp, Ollama; and an adapter from elsewhere.

Nothing of this machine goes along: no paths, no training record, no text of memories. Not covered: what a card says of a
version (the flow `export.py`), and whether somebody may have it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightschool.errors import ModelUnfit
from nightschool.models.adapters import CONFIG, WEIGHTS, read_adapter
from nightschool.models.torch_model import end_of_turn, load
from nightschool.tensors import shapes

KEPT = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "model.safetensors.index.json",
)
"""Beside the safetensors, what a model folder is made of."""


def copy_weights(folder: Path, out: Path) -> None:
    """Copy full weights as transformers loads them."""
    for path in [*folder.glob("model*.safetensors"), *(folder / name for name in KEPT)]:
        if path.exists():
            shutil.copyfile(path, out / path.name)
    _without_paths(out / "config.json")


def merge_adapter(folder: Path, base: Path, out: Path) -> None:
    """Write an adapter's base with the adapter added in, in float32, as transformers loads it.

    Raises:
        ModelCorrupt: The files cannot be read.
    """
    loaded = load(folder, base)
    loaded.model.save_pretrained(out, safe_serialization=True)
    loaded.tokenizer.save_pretrained(out)
    _without_paths(out / "config.json")


def copy_adapter(folder: Path, base: Path, base_name: str, out: Path) -> None:
    """Copy a LoRA adapter as peft loads it: its two factors, its settings, and the tokenizer that it was trained with.

    Only what a plain LoRA needs is taken over of its settings.

    Args:
        folder: Holds the adapter.
        base: The folder of its base model.
        base_name: What the settings call the base.
        out: An empty folder.

    Raises:
        ModelMissing: A file is missing.
        ModelCorrupt: A file cannot be read.
        ModelUnfit: It is no plain LoRA, or was trained on another base.
    """
    adapter = read_adapter(folder, base)
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "use_rslora": adapter.rank_stabilised,
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
        "target_modules": _named(adapter.layers, base),
    }
    (out / CONFIG).write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    shutil.copyfile(adapter.file, out / WEIGHTS)
    for name in KEPT:
        # The tokenizer of the base: one from elsewhere could hold anything.
        if (base / name).exists() and name.startswith(("tokenizer", "special", "chat")):
            shutil.copyfile(base / name, out / name)


def _named(layers: Sequence[str], base: Path) -> list[str]:
    """Name layers by their last parts, as people write it, where that means just these; else in full."""
    ends = {layer.rpartition(".")[2] for layer in layers}
    meant = {name.removesuffix(".weight") for name in shapes(base) if name.endswith(".weight")}
    meant = {name for name in meant if name.rpartition(".")[2] in ends}
    return sorted(ends if meant == set(layers) else layers)


def _without_paths(config: Path) -> None:
    plain = json.loads(config.read_text("utf-8"))
    for name in [name for name in plain if name.endswith("name_or_path")]:
        del plain[name]
    config.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")


def modelfile(folder: Path, weights: str, adapter: str | None) -> str:
    """Write Ollama's Modelfile for a model that chats in ChatML, with its own default system prompt.

    Ollama has a template language of its own; a template that says something else than the model was trained with
    would answer worse without a word, so that other ways to chat are refused.

    Args:
        folder: Holds the tokenizer and its chat template.
        weights: Name of the GGUF file beside the Modelfile.
        adapter: Name of the adapter's; None for full weights.

    Raises:
        ModelUnfit: The chat template is not ChatML.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    user = {"role": "user", "content": "Why?"}
    given = _rendered(tokenizer, [{"role": "system", "content": "Be brief."}, user])
    plain = _rendered(tokenizer, [user])
    asked = "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    before = plain.removesuffix(asked)
    system = before.removeprefix("<|im_start|>system\n").removesuffix("<|im_end|>\n")
    known = ("", f"<|im_start|>system\n{system}<|im_end|>\n")
    if given != f"<|im_start|>system\nBe brief.<|im_end|>\n{asked}" or before not in known:
        raise ModelUnfit(
            f"The chat template in {folder} is not ChatML, and is not translated into Ollama's here. Export to gguf, and "
            "write a Modelfile with a TEMPLATE by hand."
        )
    lines = [f"FROM ./{weights}"]
    if adapter:
        lines.append(f"ADAPTER ./{adapter}")
    lines.append(
        'TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n'
        '{{ end }}<|im_start|>assistant\n"""'
    )
    if before:
        lines.append(f'SYSTEM """{system}"""')
    lines.append(f'PARAMETER stop "{end_of_turn(tokenizer)}"')
    return "\n".join(lines) + "\n"


def _rendered(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    text: str = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return text
