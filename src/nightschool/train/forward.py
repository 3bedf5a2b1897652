"""The network as training calls it: adapters, a packed row through it, and the scores at labelled places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nightschool.attention import attention_masks


def bare(model: Any) -> Any:
    """Return the causal language model itself, adapters included; `.base_model` is it without its head."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def with_adapters(model: Any, rank: int) -> Any:
    """Wrap all linear layers in LoRA adapters.

    Source:
        LoRA (Hu et al. 2021); all linear layers and alpha = 2r as in "LoRA Without Regret"
        (Thinking Machines 2025), section on hyperparameters.
    """
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        model,
        LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )


def scores_at(
    model: Any,
    ids_T: Tensor,
    positions_T: Tensor,
    mask_TT: Tensor,
    places_N: Tensor,
    precision: torch.dtype,
    extra: Mapping[str, Any] | None = None,
) -> Tensor:
    """Run one row of tokens through a network.

    Args:
        model: A causal language model, with adapters or without.
        ids_T: The tokens.
        positions_T: The position of each, as it would be in its own text.
        mask_TT: True where token i may look at token j.
        places_N: Where scores are wanted.
        precision: Of the matrix products.
        extra: Arguments handed down to the layers, such as a layout of blocks; None: none.

    Returns:
        Scores of the next token before softmax, (N, V).
    """
    plain = bare(model)
    device = next(plain.parameters()).device
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        hidden_TD = plain.base_model(
            input_ids=ids_T[None].to(device),
            position_ids=positions_T[None].to(device),
            attention_mask=attention_masks(
                plain.config, mask_TT.to(device), positions_T.to(device)
            ),
            use_cache=False,
            **(extra or {}),
        ).last_hidden_state[0]
        scores_NV: Tensor = plain.get_output_embeddings()(hidden_TD[places_N.to(device)])
    return scores_NV
