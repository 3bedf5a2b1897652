"""Load a model folder with torch, and render chats into its tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import ModelCorrupt, ModelMissing, ModelUnfit
from nightschool.types import Message

END_OF_TURN = ("<|im_end|>", "<end_of_turn>", "<|eot_id|>", "<|end|>")
"""Tokens with which families of chat models end a turn; the first that a tokenizer knows counts."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network and its tokenizer."""

    model: Any
    tokenizer: Any


def load(
    folder: Path, base: Path | None = None, as_stored: Callable[[Any], None] | None = None
) -> LoadedModel:
    """Load full weights, or a LoRA adapter on its base, in float32.

    Args:
        folder: Holds config.json, or adapter_config.json.
        base: The adapter's base; needed for an adapter only.
        as_stored: Rounds the full weights, or those of the base, as another format would; None: they stay as they are.

    Raises:
        ModelMissing: The folder holds neither, or an adapter comes without its base.
        ModelCorrupt: The files cannot be read, or a layer has no weights.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # our own bars show what takes long

    adapter = (folder / "adapter_config.json").exists()
    if not adapter and not (folder / "config.json").exists():
        raise ModelMissing(f"{folder} holds no model: expected config.json or adapter_config.json.")
    if adapter and base is None:
        raise ModelMissing(f"{folder} is an adapter and needs the base model it was trained on.")
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(base if adapter else folder),
            dtype=torch.float32,
            local_files_only=True,
            output_loading_info=True,
        )
        model, found = loaded
        if found["missing_keys"]:  # filled with chance, were they left at that
            raise ValueError(f"weights are missing: {', '.join(sorted(found['missing_keys']))}")
        if as_stored:
            as_stored(model)
        if adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, folder).merge_and_unload()
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise ModelCorrupt(
            f"The model in {folder} cannot be read: {error}. Pull it again, or roll back."
        ) from error
    return LoadedModel(model.eval(), _tokenizer(folder))


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises that very type for a damaged tokenizer.json
        raise ModelCorrupt(
            f"The tokenizer in {folder} cannot be read: {error!r}. Pull the model again, or roll back."
        ) from error


def end_of_turn(tokenizer: Any) -> str:
    """Return the token with which the model ends its words."""
    # Asking for one token: the whole vocabulary takes longer to list than a chat to render.
    for token in END_OF_TURN:
        if tokenizer.convert_tokens_to_ids(token) not in (None, tokenizer.unk_token_id):
            return token
    return str(tokenizer.eos_token)


def render(tokenizer: Any, prompt: Sequence[Message], target: str) -> tuple[list[int], list[int]]:
    """Turn a prompt and its target into tokens by the model's own chat template.

    Returns:
        Prompt tokens (up to where the assistant's words begin; none for plain text), and target
        tokens with the end-of-turn token. A plain text begins as its model's texts do, with the
        token for the beginning of a text where there is one: nothing predicts a text's first token.
    """
    target_ids: list[int] = tokenizer(
        target + end_of_turn(tokenizer), add_special_tokens=False
    ).input_ids
    if prompt:
        return render_prompt(tokenizer, prompt), target_ids
    begin = tokenizer.bos_token_id
    opens = begin is not None and tokenizer("").input_ids[:1] == [begin]
    return [], [begin, *target_ids] if opens else target_ids


def check_fit(loaded: LoadedModel, name: str) -> None:
    """See that a model is of the kind that training and exams compute with, before hours go into it.

    Args:
        loaded: The model.
        name: What it is called in the message.

    Raises:
        ModelUnfit: Its tokenizer has no chat template.
        ModelUnfit: Its output layer alone does not turn its last hidden states into its logits: it
            scales or caps them in ways that would be left out here.
    """
    import torch

    if not loaded.tokenizer.chat_template:
        raise ModelUnfit(
            f"{name} has no chat template, and questions are asked in one. Take the model's instruct "
            "or chat variant, or put a chat_template.jinja into its folder."
        )
    text = (Message("user", "Is the sky blue?"),)
    ids_1T = torch.tensor([render_prompt(loaded.tokenizer, text)])
    model = loaded.model
    with torch.no_grad():
        whole_1TV = model(input_ids=ids_1T).logits
        hidden_1TD = model.base_model(input_ids=ids_1T).last_hidden_state
        ours_1TV = model.get_output_embeddings()(hidden_1TD)
    if not torch.allclose(whole_1TV, ours_1TV, atol=1e-3, rtol=1e-3):
        raise ModelUnfit(
            f"{name} ({model.config.model_type}) does something to its logits after the output layer, "
            "which training and exams here would leave out. Take a model of another architecture."
        )


def render_prompt(tokenizer: Any, prompt: Sequence[Message]) -> list[int]:
    """Turn a prompt into tokens, ending where the assistant's words begin."""
    text = tokenizer.apply_chat_template(
        [{"role": message.role, "content": message.content} for message in prompt],
        add_generation_prompt=True,
        tokenize=False,
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids
