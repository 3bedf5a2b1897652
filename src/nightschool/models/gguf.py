"""Write versions as GGUF, the file format of llama.cpp: full weights in f16 or q8_0, LoRA adapters in f16.

llama.cpp turns neighbouring rows of a head by the position, transformers the row and the one half a head on. So the rows
of each query and key head change places, in the weights and in the second factor of an adapter alike; a
file without that loads, and talks nonsense. Not covered: other architectures than Llama's, and
formats below q8_0: rounding to four bits can undo what a night taught.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nightschool.errors import ModelCorrupt, ModelUnfit
from nightschool.models.adapters import read_adapter
from nightschool.models.gguf_tokenizer import copy_tokenizer, write_tokenizer
from nightschool.tensors import shapes
from nightschool.types import Quant
from nightschool.workspace import file_atomic

FILE_TYPES = {"f16": 1, "q8_0": 7}
"""llama.cpp's numbers for what most tensors of a file are."""
BLOCK = 32
"""Weights of a row that share a scale in q8_0; rows that do not divide by it stay f16, which loses less."""


def write_weights(folder: Path, out: Path, quant: Quant, origin: Path | None = None) -> None:
    """Write full weights as one GGUF file, in one step; one tensor is in memory at a time.

    Args:
        folder: As written by `save_pretrained`: config, safetensors, tokenizer.
        out: The file; its folder has to be there.
        quant: How matrices are stored; vectors stay float32.
        origin: The GGUF that the base model came from, whose tokenizer is taken over; None: it is written from
            the folder's.

    Raises:
        ModelUnfit: The architecture or the tokenizer is none that can be written.
        ModelCorrupt: The weights cannot be read, or a weight is too large for f16.
        WorkspaceError: The disk is full, or the folder was deleted meanwhile.
    """
    from gguf import GGMLQuantizationType, GGUFWriter, quants

    shape = llama_shape(folder)
    names = _tensor_names(shape.blocks)
    with file_atomic(out) as temporary:
        writer = GGUFWriter(temporary, "llama")
        writer.add_type("model")
        writer.add_file_type(FILE_TYPES[quant])
        writer.add_quantization_version(2)
        _describe(writer, shape)
        if origin:
            copy_tokenizer(writer, origin, shape.vocabulary)
        else:
            write_tokenizer(writer, folder, shape.vocabulary)
        kinds: dict[str, Any] = {}
        for name, size in shapes(folder).items():
            if name == "lm_head.weight" and shape.tied:
                continue  # the embedding again
            kind = GGMLQuantizationType.F16
            if len(size) == 1:
                kind = GGMLQuantizationType.F32
            elif quant == "q8_0" and size[-1] % BLOCK == 0:
                kind = GGMLQuantizationType.Q8_0
            stored = quants.quant_shape_to_byte_shape(size, kind)
            kinds[name] = kind
            writer.add_tensor_info(names(name), size, np.dtype(np.float32), math.prod(stored), kind)
        if shape.rope_factors is not None:
            factors = shape.rope_factors
            writer.add_tensor_info(
                "rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        tensors = _Tensors(folder)
        for name, kind in kinds.items():
            turned = shape.turned(name, _fit(tensors(name), name))
            writer.write_tensor_data(quants.quantize(turned, kind))
        if shape.rope_factors is not None:
            writer.write_tensor_data(shape.rope_factors)
        writer.close()


def write_adapter(folder: Path, base: Path, out: Path) -> None:
    """Write a LoRA adapter as a GGUF file in f16, in one step.

    Args:
        folder: Holds the adapter in peft's format.
        base: The folder of its base model.
        out: The file; its folder has to be there.

    Raises:
        ModelUnfit: The base's architecture cannot be written, or the adapter is not a plain LoRA on it.
        ModelCorrupt: The weights cannot be read, or a weight is too large for f16.
        WorkspaceError: The disk is full, or the folder was deleted meanwhile.
    """
    from gguf import GGUFWriter

    shape, adapter = llama_shape(base), read_adapter(folder, base)
    names = _tensor_names(shape.blocks)
    tensors = _Tensors(folder)
    with file_atomic(out) as temporary:
        writer = GGUFWriter(temporary, "llama")
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        # llama.cpp divides by the rank, whatever the adapter's own rule is.
        writer.add_float32("adapter.lora.alpha", adapter.scale * adapter.rank)
        for layer in adapter.layers:
            name = f"{layer}.weight"
            for part, letter in (("A", "a"), ("B", "b")):
                factor = tensors(f"base_model.model.{layer}.lora_{part}.weight")
                turned = factor if part == "A" else shape.turned(name, factor)
                half = _fit(turned, name).astype(np.float16)
                writer.add_tensor(f"{names(name, adapter=True)}.lora_{letter}", half)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def round_to_q8_0(model: Any) -> None:
    """Round a torch model's matrices in place as a q8_0 file stores them."""
    import torch
    from gguf import GGMLQuantizationType, quants

    kind = GGMLQuantizationType.Q8_0
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2 and weight.shape[1] % BLOCK == 0:
                stored = quants.quantize(weight.numpy(), kind)
                weight.copy_(torch.from_numpy(quants.dequantize(stored, kind)))


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """What of a Llama's config its tensors and llama.cpp need."""

    blocks: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    context: int
    epsilon: float
    rope_base: float
    rope_factors: np.ndarray | None
    """Divisors of the rotation's frequencies, one for each pair of a head's rows; None: all are 1."""
    tied: bool

    def turned(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Bring the rows of a query or key matrix into llama.cpp's order; all others stay as they are.

        Args:
            name: Of the matrix in the base.
            rows: It, or what is added to it; the heads' rows lie along the first axis.
        """
        heads = {"q_proj": self.heads, "k_proj": self.key_heads}.get(name.split(".")[-2])
        if heads is None:
            return rows
        halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
        turned: np.ndarray = halves.swapaxes(1, 2).reshape(rows.shape)
        return turned


def llama_shape(folder: Path) -> LlamaShape:
    """Read the shape of a model of the Llama architecture.

    Raises:
        ModelCorrupt: Its config cannot be read.
        ModelUnfit: It is of another architecture, or of a kind of Llama that is not known here.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelCorrupt(f"The model in {folder} cannot be read: {error}.") from error
    rope = getattr(config, "rope_parameters", None) or {}
    unknown = (
        config.model_type != "llama" and f"the architecture {config.model_type}",
        getattr(config, "attention_bias", False) and "attention_bias",
        getattr(config, "mlp_bias", False) and "mlp_bias",
        getattr(config, "hidden_act", "silu") != "silu" and f"hidden_act {config.hidden_act}",
        rope.get("rope_type") not in ("default", "llama3") and f"rope_type {rope.get('rope_type')}",
    )
    found = [reason for reason in unknown if reason]
    if found:
        raise ModelUnfit(
            f"The model in {folder} has {', '.join(map(str, found))}, which is not written as GGUF here: expected a "
            'Llama. Serve it with torch (model.engine = "torch"), or export it as safetensors and use '
            "llama.cpp's own converter."
        )
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return LlamaShape(
        config.num_hidden_layers,
        config.hidden_size,
        config.intermediate_size,
        config.num_attention_heads,
        config.num_key_value_heads,
        width,
        config.vocab_size,
        config.max_position_embeddings,
        config.rms_norm_eps,
        float(rope["rope_theta"]),
        _llama3_factors(rope, width) if rope["rope_type"] == "llama3" else None,
        config.tie_word_embeddings,
    )


def _llama3_factors(rope: dict[str, Any], width: int) -> np.ndarray:
    """Return by how much Llama 3 slows each rotation down, to reach further than it was first trained for.

    Source:
        transformers' `_compute_llama3_parameters`; published with Llama 3.1 (2024).
    """
    turns = rope["rope_theta"] ** (np.arange(0, width, 2, dtype=np.float64) / width)
    lengths = 2 * math.pi * turns
    before, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    smooth = ((before / lengths - low) / (high - low)).clip(0, 1)
    factors: np.ndarray = (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)
    return factors


def _describe(writer: Any, shape: LlamaShape) -> None:
    writer.add_block_count(shape.blocks)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def _tensor_names(blocks: int) -> Callable[..., str]:
    from gguf import MODEL_ARCH, get_tensor_name_map

    table = get_tensor_name_map(MODEL_ARCH.LLAMA, blocks)

    def name(found: str, adapter: bool = False) -> str:
        known = table.get_name(found, try_suffixes=(".weight",))
        if known is None or (adapter and not known.startswith("blk.")):
            raise ModelUnfit(
                f"{found} has no place in a GGUF of a Llama. Export it as safetensors or peft."
            )
        return known

    return name


class _Tensors:
    """The tensors of a folder's safetensors files, read one at a time, in float32."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.safetensors"))
        self._files = {name: file for file in files for name in shapes(folder, file.name)}

    def __call__(self, name: str) -> np.ndarray:
        from safetensors import safe_open

        with safe_open(self._files[name], "pt") as tensors:
            found: np.ndarray = tensors.get_tensor(name).float().numpy()
        return found


def _fit(values: np.ndarray, name: str) -> np.ndarray:
    """Refuse what f16 would turn into infinity."""
    largest = float(np.abs(values).max())
    if not largest < float(np.finfo(np.float16).max):
        raise ModelCorrupt(
            f"{name} holds {largest:.3g}, which f16 cannot hold: the training has gone wrong, or the file is damaged."
        )
    return values
