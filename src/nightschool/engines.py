"""Running models: the GGUF files of versions and bases, and engines on them. Beside `wire.py` and `bases.py`, what imports `models/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightschool.protocols import Sampler
from nightschool.types import Quant

if TYPE_CHECKING:
    from nightschool.models.llama_engine import LlamaEngine
    from nightschool.models.llama_sampler import Difference


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
        place = _gguf_folder(folder)
        weights = place / f"{quant}.gguf"
        with one_at_a_time(weights):
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
    with one_at_a_time(adapter):
        if not adapter.exists():
            write_adapter(folder, source, adapter)
    return GgufFiles(weights, adapter, quant)


def _gguf_folder(folder: Path) -> Path:
    """Return where a version's GGUF files lie; a version that was deleted meanwhile is not made anew."""
    place = folder / "gguf"
    place.mkdir(exist_ok=True)
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

    by_torch = TorchSampler(folder, base)
    if files is None:
        return by_torch
    from nightschool.models.llama_sampler import LlamaVersion

    sampler = LlamaVersion(start_engine({version_id: files}), version_id, by_torch)
    sampler.check(files.quant)
    return sampler


def difference(sampler: Sampler) -> Difference:
    """Measure how far the engine behind a `llama_sampler` lies from torch, on general questions."""
    from nightschool.exam.general import general_prompts
    from nightschool.models.llama_sampler import LlamaVersion

    assert isinstance(sampler, LlamaVersion)
    prompts = [prompt for prompt, _ in general_prompts()]
    return sampler.difference(prompts[:MEASURED_PROMPTS], max_tokens=MEASURED_TOKENS)


MEASURED_PROMPTS, MEASURED_TOKENS = 12, 24
"""On how much text an export is compared with torch: a few hundred tokens."""
