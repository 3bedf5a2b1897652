"""Attention of many texts that begin alike: the keys and values of the beginning are kept once, not once a text.

With worked examples before every prompt, or with many draws of one prompt, the beginning is most of what each step looks at. Here
all texts multiply with it as one matrix, and the copies of it, which a cache would rewrite at every step, are not made.

Not covered: layers that do more than look at all that came before (windows, soft caps, sinks). Such networks are not taken (`taken`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

NAME = "nightschool_shared"
"""What the attention function is registered as with transformers."""
ARGUMENT = "shared_prefix"
"""Keyword argument of the network that carries each layer's keys and values of the beginning, (1, G, P, D) both."""
KINDS = frozenset({"llama", "qwen2", "qwen3"})
"""Architectures whose layers do what `attend` does; by their settings they may have windows (`taken`)."""
WORTH = 16
"""Tokens of a beginning from which on it is kept apart."""

_ALONE = threading.Lock()
"""A network has one attention function at a time: who is first done would take it from the other."""

Layers = Sequence[tuple[Tensor, Tensor]]


def taken(model: Any) -> bool:
    """Tell whether a network's layers may look at a beginning that is kept apart."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        config.model_type in KINDS
        and kinds == {"full_attention"}
        and getattr(config, "_attn_implementation", None) == "sdpa"
    )


def kept(cache: Any) -> Layers:
    """Return each layer's keys and values of a beginning that was read alone, from a cache of transformers."""
    return [(layer.keys, layer.values) for layer in cache.layers]


@contextlib.contextmanager
def shared_attention(model: Any) -> Iterator[None]:
    """Let a network take `ARGUMENT` for as long as this lasts; without it, it attends as before."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    with _ALONE:
        model.set_attn_implementation(NAME)
        try:
            yield
        finally:
            model.set_attn_implementation("sdpa")


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend to the shared beginning and to each text's own tokens, as transformers calls it.

    Args:
        module: The layer; its `layer_idx` says which keys and values of the beginning are its own.
        query: (B, H, T, D).
        key: Of the texts' own tokens, (B, G, L, D); H is a multiple of G.
        value: Likewise.
        attention_mask: True where a query may look at an own token, (B, 1, T, L). None: at all up to itself.
        dropout: As in torch.
        scaling: Of the scores; None: one over the root of D.
        others: `ARGUMENT`, and what else the layer hands down.

    Returns:
        (B, T, H, D), and no weights.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layers: Layers | None = others.pop(ARGUMENT, None)
    if layers is None:
        return sdpa_attention_forward(  # type: ignore[no-any-return]
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
    (batch, heads, length, width), groups = query.shape, key.shape[1]
    share = heads // groups * length
    scale = width**-0.5 if scaling is None else scaling
    first_key, first_value = (one[0].to(value.dtype) for one in layers[module.layer_idx])
    query_BGRD = (query.to(value.dtype) * scale).reshape(batch, groups, share, width)
    query_GND = query_BGRD.transpose(0, 1).reshape(groups, batch * share, width)
    first_GNP = (query_GND @ first_key.transpose(-1, -2)).float()
    own_BGRL = (query_BGRD @ key.to(value.dtype).transpose(-1, -2)).float()
    if attention_mask is None and length > 1:
        attention_mask = torch.ones(length, key.shape[2], dtype=torch.bool, device=key.device)
        attention_mask = attention_mask.tril(key.shape[2] - length)[None, None]
    if attention_mask is not None:
        hidden = ~attention_mask.to(torch.bool).repeat(1, 1, heads // groups, 1)
        own_BGRL = own_BGRL.masked_fill(hidden, -torch.inf)
    first_BGRP = first_GNP.view(groups, batch, share, -1).transpose(0, 1)
    most_BGR1 = torch.maximum(first_BGRP.amax(-1, keepdim=True), own_BGRL.amax(-1, keepdim=True))
    first_BGRP, own_BGRL = (first_BGRP - most_BGR1).exp(), (own_BGRL - most_BGR1).exp()
    total_BGR1 = first_BGRP.sum(-1, keepdim=True) + own_BGRL.sum(-1, keepdim=True)
    seen_GND = (
        first_BGRP.transpose(0, 1).reshape(groups, batch * share, -1).to(value.dtype) @ first_value
    )
    seen_BGRD = seen_GND.view(groups, batch, share, width).transpose(0, 1)
    seen_BGRD = (seen_BGRD + own_BGRL.to(value.dtype) @ value) / total_BGR1
    out_BHTD = seen_BGRD.to(query.dtype).reshape(batch, heads, length, width)
    return out_BHTD.transpose(1, 2).contiguous(), None
