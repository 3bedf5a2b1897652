"""Running models: the GGUF files of versions and bases, engines on them, and what is practised. Beside `wire.py` and `bases.py`, what imports `models/`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightschool.config import PracticeConfig
from nightschool.errors import ModelUnfit, WorkspaceError
from nightschool.protocols import Engine, Policy, Sampler
from nightschool.registry.versions import BASE
from nightschool.types import Quant, Version

if TYPE_CHECKING:
    from nightschool.models.llama_engine import LlamaEngine
    from nightschool.models.llama_sampler import Difference
    from nightschool.wire import School


UPSTREAM_KEY = "NIGHTSCHOOL_UPSTREAM_KEY"
ROLLOUTS_KEY = "NIGHTSCHOOL_ROLLOUTS_KEY"
ADAPTER_FILE = "adapter_model.safetensors"
MEASURED_PROMPTS, MEASURED_TOKENS = 8, 24
"""On how much text an export is compared with torch: up to some two hundred tokens."""


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """What llama.cpp loads to answer as one version."""

    weights: Path
    adapter: Path | None
    """None for full weights and for a base."""
    quant: Quant
    """How the weights' matrices are stored; an adapter's are f16 in any case."""


def gguf_files(base: str, folder: Path | None, kind: str, quant: Quant) -> GgufFiles:
    """Return a version's GGUF files; what is not there yet is written, once for each format.

    A version's lie in its folder, and go with it; a base's lie beside the pulled models, for all workspaces.

    Args:
        base: The base model: a name, an id or a folder.
        folder: The version's weights; None: the base itself is meant.
        kind: Of the version: `full` or `lora`.
        quant: How matrices are stored. An adapter is f16 in any case.

    Raises:
        ModelMissing: The base model has not been pulled.
        ModelUnfit: The architecture or the tokenizer cannot be written as GGUF.
        ModelCorrupt: The weights cannot be read.
        WorkspaceError: The disk is full, or the version was deleted meanwhile.
    """
    from nightschool.models.gguf import write_adapter, write_weights
    from nightschool.models.pull import GGUF_NAME, derived, one_at_a_time, resolve

    source = resolve(base)
    published = source / GGUF_NAME
    origin = published if published.exists() else None
    if folder and kind == "full":
        weights = _gguf_folder(folder) / f"{quant}.gguf"
        if not weights.exists():
            write_weights(folder, weights, quant, origin)
        return GgufFiles(weights, None, quant)
    place = derived(base, "gguf")
    place.mkdir(parents=True, exist_ok=True)
    weights = place / f"{quant}.gguf"
    with one_at_a_time(weights):
        if not weights.exists():
            write_weights(source, weights, quant, origin)
    if folder is None:
        return GgufFiles(weights, None, quant)
    adapter = _gguf_folder(folder) / "adapter.gguf"
    if not adapter.exists():
        write_adapter(folder, source, adapter)
    return GgufFiles(weights, adapter, quant)


def _gguf_folder(folder: Path) -> Path:
    """Return where a version's GGUF files lie; a version that was deleted meanwhile is not made anew.

    No lock goes with it, as its file would bring the folder back: two who write at once write the same.
    """
    place = folder / "gguf"
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"Cannot write into {folder}: {error.strerror}. Was {folder.name} deleted meanwhile?"
        ) from error
    return place


def start_engine(
    files: Mapping[str, GgufFiles],
    *,
    parallel: int | None = None,
    context: int | None = None,
    embedding: bool = False,
) -> LlamaEngine:
    """Start llama.cpp on the files of one full version or base, or of several LoRA versions on one base.

    Args:
        files: Version id (or `base`) -> its files; all on the same weights.
        parallel: Sequences decoded together; None takes the engine's own.
        context: Tokens of context for each of them; None takes the engine's own.
        embedding: Whether it embeds texts, too.

    Raises:
        ValueError: The versions do not share their weights.
        ModelCorrupt: llama.cpp cannot read a file.
        EngineFailed: Its process died before it served.
    """
    from nightschool.models.llama_engine import CONTEXT, PARALLEL, LlamaEngine

    weights = {each.weights for each in files.values()}
    if len(weights) != 1:
        raise ValueError(f"{', '.join(files)} lie in {len(weights)} files; one engine serves one.")
    adapters = {name: each.adapter for name, each in files.items() if each.adapter}
    return LlamaEngine(
        weights.pop(),
        adapters,
        parallel=parallel or PARALLEL,
        context=context or CONTEXT,
        embedding=embedding,
    )


def load_sampler(
    version_id: str, folder: Path, base: Path | None, files: GgufFiles | None
) -> Sampler:
    """Return a sampler by torch, or one that answers through llama.cpp and scores by torch.

    Args:
        version_id: Or `base`.
        folder: What torch loads.
        base: The adapter's base; None for full weights.
        files: What llama.cpp loads; None: torch answers, too.

    Raises:
        ModelMissing: A folder holds no model.
        ModelCorrupt: Either cannot read its files.
        ModelUnfit: The two read a chat in different tokens, or do not run the same weights.
    """
    from nightschool.models.torch_sampler import TorchSampler

    if files is None:
        return TorchSampler(folder, base)
    from nightschool.models.gguf import round_to_q8_0
    from nightschool.models.llama_sampler import LlamaVersion

    # What is scored is what answers: the weights as the file has them.
    by_torch = TorchSampler(folder, base, round_to_q8_0 if files.quant == "q8_0" else None)
    # Questions with their source in front are long, and an exam is in no hurry.
    engine = start_engine({version_id: files}, parallel=4, context=4096)
    sampler = LlamaVersion(engine, version_id, by_torch)
    sampler.check(files.quant)
    return sampler


def difference(sampler: Sampler) -> Difference:
    """Measure how far the engine behind a `llama_sampler` lies from torch, on general questions."""
    from nightschool.exam.general import general_prompts
    from nightschool.models.llama_sampler import LlamaVersion

    assert isinstance(sampler, LlamaVersion)
    prompts = [prompt for prompt, _ in general_prompts()]
    return sampler.difference(prompts[:MEASURED_PROMPTS], max_tokens=MEASURED_TOKENS)


def copy_weights(folder: Path, base: Path, kind: str, out: Path) -> None:
    """Copy a version's full weights, or its adapter merged into its base, as transformers loads them."""
    from nightschool.models import portable

    if kind == "full":
        portable.copy_weights(folder, out)
    else:
        portable.merge_adapter(folder, base, out)


def copy_adapter(folder: Path, base: Path, base_name: str, out: Path) -> None:
    """Copy a LoRA adapter as peft loads it; see `models.portable.copy_adapter`."""
    from nightschool.models.portable import copy_adapter

    copy_adapter(folder, base, base_name, out)


def modelfile(folder: Path, weights: str, adapter: str | None) -> str:
    """Write Ollama's Modelfile; see `models.portable.modelfile`."""
    from nightschool.models.portable import modelfile

    return modelfile(folder, weights, adapter)


def engine_for(school: School, versions: Sequence[Version]) -> Engine:
    """Start an engine that answers for the base model, and for versions on it.

    Args:
        school: The wired workspace; its `base` is the model that stands for `base`.
        versions: None of them, one that is trained in full, or any number of adapters on one base.

    Raises:
        ConfigError: `serve.upstream_url` cannot be used.
        TaintedVersion: A version knows something that has been forgotten.
        ModelMissing: The base model has not been pulled.
        ModelUnfit: The engine cannot serve such versions.
        ModelCorrupt: A version's files cannot be read.
        EngineFailed: The upstream does not take an adapter, or llama.cpp dies while it loads.
    """
    serve = school.settings.serve
    if serve.upstream_url:
        from nightschool.models.upstream import UpstreamEngine

        if versions and (not serve.upstream_lora or versions[0].kind != "lora"):
            raise ModelUnfit(
                f"{versions[0].id} cannot be sent to {serve.upstream_url}: that takes a LoRA version "
                "(train.method=lora) and serve.upstream_lora=true."
            )
        folders = {version.id: school.registry.weights(version) for version in versions}
        key = os.environ.get(UPSTREAM_KEY, "")
        return UpstreamEngine(
            serve.upstream_url, serve.upstream_model, key, folders, salted=serve.upstream_lora
        )
    quant = school.settings.model.quant
    files = {v.id: gguf_files(v.base, school.registry.weights(v), v.kind, quant) for v in versions}
    return start_engine(files or {BASE: gguf_files(school.base, None, "full", quant)})


def embedding_engine_for(school: School, versions: Sequence[Version]) -> Engine:
    """Start an engine that embeds texts by the base model; an upstream does both.

    Raises: see `engine_for`.
    """
    if school.settings.serve.upstream_url:
        return engine_for(school, versions)
    files = gguf_files(school.base, None, "full", school.settings.model.quant)
    return start_engine({BASE: files}, parallel=1, embedding=True)


def policy_for(school: School, start: Path, config: PracticeConfig) -> Policy:
    """Return a model that is practised, from a folder of full weights; samplers give their memory back first.

    Raises:
        ConfigError: `rollouts.url` cannot be used.
    """
    rollouts = school.settings.rollouts
    if not rollouts.url:
        return own_policy(school, start, config)
    from nightschool.models.rollouts import EngineRollouts
    from nightschool.models.torch_model import load, render
    from nightschool.train.policy_elsewhere import PolicyElsewhere

    school.free()
    key = os.environ.get(ROLLOUTS_KEY, "")
    engine = EngineRollouts(rollouts.url, school.handed_over, key, parallel=rollouts.parallel)
    return PolicyElsewhere(load, render, start, config, engine)


def own_policy(school: School, start: Path, config: PracticeConfig) -> Policy:
    """Return a model that is practised and draws its attempts itself, whoever else could."""
    from nightschool.models.torch_model import load, render
    from nightschool.train.policy import TorchPolicy

    school.free()
    return TorchPolicy(load, render, start, config)
