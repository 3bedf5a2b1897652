"""Attention of many texts that begin alike: the keys and values of a beginning are kept once, not once a text.

With worked examples before every prompt, or with many draws of each prompt, beginnings are most of what each step looks at. Here
all texts of one beginning multiply with it as one matrix, and the copies of it, which a cache would rewrite at every step, are
not made. A text may have several beginnings, one after another: what all prompts share, then its own prompt.

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
"""Keyword argument of the network that carries the beginnings, a sequence of `Beginning`."""
KINDS = frozenset({"llama", "qwen2", "qwen3"})
"""Architectures whose layers do what `attend` does; by their settings they may have windows (`taken`)."""
WORTH = 16
"""Tokens of a beginning from which on it is kept apart."""

_ALONE = threading.Lock()
"""A network has one attention function at a time: who is first done would take it from the other."""

Layers = Sequence[tuple[Tensor, Tensor]]


class Beginning:
    """U different beginnings of P tokens at most, and which of B texts has which."""

    def __init__(self, layers: Layers, seen_UP: Tensor | None = None) -> None:
        """Take what was read; all texts have the first, until `share_out` tells otherwise.

        Args:
            layers: Each layer's keys and values, (U, G, P, D) both.
            seen_UP: False where a shorter one is padded; None: nowhere.
        """
        self.layers = layers
        self.hidden_UP = None if seen_UP is None or bool(seen_UP.all()) else ~seen_UP.bool()
        self._slots_UR: Tensor | None = None
        self._places_B: Tensor | None = None

    def share_out(self, own_B: Sequence[int]) -> None:
        """Tell which beginning each text has."""
        device = self.layers[0][0].device
        texts: list[list[int]] = [[] for _ in range(len(self.layers[0][0]))]
        for text, own in enumerate(own_B):
            texts[own].append(text)
        most = max(map(len, texts))
        places = {
            text: own * most + k for own, row in enumerate(texts) for k, text in enumerate(row)
        }
        # Any text fills the places that are left; nothing is taken from there.
        filled = [row + [0] * (most - len(row)) for row in texts]
        self._slots_UR = torch.tensor(filled, device=device)
        self._places_B = torch.tensor([places[k] for k in range(len(own_B))], device=device)

    def together(self, x_BGSW: Tensor) -> Tensor:
        """Lay the rows of all texts of a beginning side by side, (U, G, R * S, W)."""
        if self._slots_UR is None:
            return x_BGSW.transpose(0, 1).flatten(1, 2)[None]
        return x_BGSW[self._slots_UR].transpose(1, 2).flatten(2, 3)

    def apart(self, x_UGNW: Tensor, rows: int) -> Tensor:
        """Give each text its S rows back, (B, G, S, W); the reverse of `together`."""
        first, groups, _, width = x_UGNW.shape
        x_UGRSW = x_UGNW.view(first, groups, -1, rows, width)
        if self._places_B is None:
            return x_UGRSW[0].transpose(0, 1)
        return x_UGRSW.transpose(1, 2).flatten(0, 1)[self._places_B]


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
    """Return each layer's keys and values of beginnings that were read alone, from a cache of transformers."""
    return [(layer.keys.to(layer.values.dtype), layer.values) for layer in cache.layers]


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
    """Attend to a text's beginnings and to its own tokens, as transformers calls it.

    Args:
        module: The layer; its `layer_idx` says which keys and values of a beginning are its own.
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

    begun: Sequence[Beginning] = others.pop(ARGUMENT, ())
    if not begun:
        return sdpa_attention_forward(  # type: ignore[no-any-return]
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
    (batch, heads, length, width), groups = query.shape, key.shape[1]
    rows = heads // groups * length
    scale = width**-0.5 if scaling is None else scaling
    query_BGSD = (query.to(value.dtype) * scale).reshape(batch, groups, rows, width)
    own_BGSL = (query_BGSD @ key.to(value.dtype).transpose(-1, -2)).float()
    if attention_mask is None and length > 1:
        attention_mask = torch.ones(length, key.shape[2], dtype=torch.bool, device=key.device)
        attention_mask = attention_mask.tril(key.shape[2] - length)[None, None]
    if attention_mask is not None:
        hidden = ~attention_mask.to(torch.bool).repeat(1, 1, heads // groups, 1)
        own_BGSL = own_BGSL.masked_fill(hidden, -torch.inf)
    scores = [_scores(one, query_BGSD, module.layer_idx) for one in begun]
    most_BGS1 = own_BGSL.amax(-1, keepdim=True)
    for first_BGSP in scores:
        most_BGS1 = torch.maximum(most_BGS1, first_BGSP.amax(-1, keepdim=True))
    own_BGSL = (own_BGSL - most_BGS1).exp()
    total_BGS1 = own_BGSL.sum(-1, keepdim=True)
    seen_BGSD = own_BGSL.to(value.dtype) @ value
    for one, first_BGSP in zip(begun, scores, strict=True):
        weights_BGSP = (first_BGSP - most_BGS1).exp()
        total_BGS1 = total_BGS1 + weights_BGSP.sum(-1, keepdim=True)
        first_value = one.layers[module.layer_idx][1]
        weights_UGNP = one.together(weights_BGSP).to(first_value.dtype)
        seen_BGSD = seen_BGSD + one.apart(weights_UGNP @ first_value, rows)
    out_BHTD = (seen_BGSD / total_BGS1).to(query.dtype).reshape(batch, heads, length, width)
    return out_BHTD.transpose(1, 2).contiguous(), None


def _scores(begun: Beginning, query_BGSD: Tensor, layer: int) -> Tensor:
    """Return what each row of a text thinks of each token of its beginning, (B, G, S, P)."""
    first_key = begun.layers[layer][0]
    found_UGNP = (
        begun.together(query_BGSD).to(first_key.dtype) @ first_key.transpose(-1, -2)
    ).float()
    if begun.hidden_UP is not None:
        found_UGNP = found_UGNP.masked_fill(begun.hidden_UP[:, None, None], -torch.inf)
    return begun.apart(found_UGNP, query_BGSD.shape[2])
