"""Load a model folder with torch, and render chats into its tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import ModelCorrupt, ModelMissing
from nightschool.types import Message

END_OF_TURN = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network and its tokenizer."""

    model: Any
    tokenizer: Any


def load(folder: Path, base: Path | None = None) -> LoadedModel:
    """Load full weights, or a LoRA adapter on its base, in float32.

    Args:
        folder: Holds config.json, or adapter_config.json.
        base: The adapter's base; needed for an adapter only.

    Raises:
        ModelMissing: The folder holds neither, or an adapter comes without its base.
        ModelCorrupt: The files cannot be read.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # our own bars show what takes long

    adapter = (folder / "adapter_config.json").exists()
    if not adapter and not (folder / "config.json").exists():
        raise ModelMissing(f"{folder} holds no model: expected config.json or adapter_config.json.")
    if adapter and base is None:
        raise ModelMissing(f"{folder} is an adapter and needs the base model it was trained on.")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(base if adapter else folder), dtype=torch.float32, local_files_only=True
        )
        if adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, folder).merge_and_unload()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (SafetensorError, OSError, ValueError, RuntimeError, json.JSONDecodeError) as error:
        raise ModelCorrupt(
            f"The model in {folder} cannot be read: {error}. Pull it again, or roll back."
        ) from error
    return LoadedModel(model.eval(), tokenizer)


def end_of_turn(tokenizer: Any) -> str:
    """Return the token with which the model ends its words."""
    # Asking for one token: the whole vocabulary takes longer to list than a chat to render.
    known = tokenizer.convert_tokens_to_ids(END_OF_TURN) not in (None, tokenizer.unk_token_id)
    return END_OF_TURN if known else str(tokenizer.eos_token)


def render(tokenizer: Any, prompt: Sequence[Message], target: str) -> tuple[list[int], list[int]]:
    """Turn a prompt and its target into tokens by the model's own chat template.

    Returns:
        Prompt tokens (up to where the assistant's words begin; none for plain text), and target
        tokens with the end-of-turn token.
    """
    target_ids = tokenizer(target + end_of_turn(tokenizer), add_special_tokens=False).input_ids
    return (render_prompt(tokenizer, prompt) if prompt else []), target_ids


def render_prompt(tokenizer: Any, prompt: Sequence[Message]) -> list[int]:
    """Turn a prompt into tokens, ending where the assistant's words begin."""
    text = tokenizer.apply_chat_template(
        [{"role": message.role, "content": message.content} for message in prompt],
        add_generation_prompt=True,
        tokenize=False,
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids
