"""Attention of a packed row, example by example instead of over the whole row.

In a row of many short examples nearly all of the square attention mask is empty. Here the tokens
of each example are laid beside the shared prefix in a padded block, blocks of like size are
multiplied at once, and the results go back to their places in the row: the same sums, without the
empty ones. Not covered: what else an architecture may do in its attention (windows, soft caps,
sinks, dropout); such a layer takes the dense mask, which every call brings along.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

NAME = "nightschool_blocks"
"""What the attention function is registered as with transformers."""
ARGUMENT = "row_blocks"
"""Keyword argument of the network that carries a row's `Layout`."""
SMALL = 64
"""Examples up to this many tokens share one shape of block; longer ones go by powers of two."""
WORTH = 0.6
"""Blocks are used below this share of the dense mask's entries; an entry costs much the same."""
HARMLESS = frozenset({ARGUMENT, "position_ids", "position_embeddings", "use_cache"})
"""Arguments of an attention call that do not change what attention computes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Segments of like length: S of them, padded to L queries and K keys, for each of G heads.

    Indices are into a tensor whose rows are (token, head) pairs.
    """

    queries_I: Tensor
    """Source of each query, in order (S, G, L); padding repeats token 0."""
    keys_J: Tensor
    """Source of each key, in order (S, G, K): the prefix first, then the segment itself."""
    padding_I1: Tensor
    """True where a query is padding."""
    bias_S1L1K: Tensor
    """0 where a query may look at a key, else minus infinity."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each token of a row stands in its blocks."""

    blocks: tuple[Block, ...]
    tokens: int
    heads: int
    """Key heads of a layer."""
    prefix: int
    """Tokens of the shared prefix."""
    outputs_R: Tensor
    """For each (token, head): its query's row in all blocks one after another."""
    owns_R: Tensor
    """For each (token, head): its key's row, as part of its own segment."""


def lay_out(lengths: Sequence[int], sharing: Sequence[bool], heads: int) -> Layout | None:
    """Cut a row into blocks.

    Args:
        lengths: Tokens of each segment in the row's order; the shared prefix (maybe 0) comes first.
        sharing: Whether each segment sees the prefix; the prefix itself does not.
        heads: Key heads of a layer.

    Returns:
        The layout; None where the dense mask is cheaper.
    """
    starts = [sum(lengths[:s]) for s in range(len(lengths))]
    groups: dict[int, list[int]] = {}
    for segment, length in enumerate(lengths):
        if length:
            groups.setdefault((max(length, SMALL) - 1).bit_length(), []).append(segment)
    tokens, prefix = sum(lengths), lengths[0]
    shapes = [(group, max(lengths[s] for s in group)) for group in groups.values()]
    if sum(len(g) * most * (prefix + most) for g, most in shapes) > WORTH * tokens**2:
        return None
    outputs_TG = torch.zeros(tokens, heads, dtype=torch.long)
    owns_TG = torch.zeros(tokens, heads, dtype=torch.long)
    blocks, queries, keys = [], 0, 0
    for group, most in shapes:
        span, head_G = prefix + most, torch.arange(heads)
        for row, segment in enumerate(group):
            at = slice(starts[segment], starts[segment] + lengths[segment])
            place_L1 = torch.arange(lengths[segment])[:, None]
            outputs_TG[at] = queries + (row * heads + head_G) * most + place_L1
            owns_TG[at] = keys + (row * heads + head_G) * span + prefix + place_L1
        blocks.append(
            _block(
                [starts[s] for s in group],
                [lengths[s] for s in group],
                [sharing[s] for s in group],
                prefix,
                heads,
            )
        )
        queries += len(group) * heads * most
        keys += len(group) * heads * span
    return Layout(tuple(blocks), tokens, heads, prefix, outputs_TG.flatten(), owns_TG.flatten())


def _block(
    starts: Sequence[int], lengths: Sequence[int], sharing: Sequence[bool], prefix: int, heads: int
) -> Block:
    most = max(lengths)
    start_S1, length_S1 = torch.tensor(starts)[:, None], torch.tensor(lengths)[:, None]
    place_L = torch.arange(most)
    real_SL = place_L < length_S1
    own_SL = torch.where(real_SL, start_S1 + place_L, 0)
    prefix_SP = torch.arange(prefix).expand(len(starts), prefix)
    seen_SLK = torch.cat(
        [
            torch.tensor(sharing)[:, None, None].expand(-1, most, prefix),
            (place_L[None, :] <= place_L[:, None]).expand(len(starts), most, most),
        ],
        dim=2,
    )  # fmt: skip
    bias_SLK = torch.zeros(seen_SLK.shape).masked_fill_(~seen_SLK, -torch.inf)

    def by_head(token_SN: Tensor) -> Tensor:
        return (token_SN[:, None, :] * heads + torch.arange(heads)[:, None]).flatten()

    return Block(
        queries_I=by_head(own_SL),
        keys_J=by_head(torch.cat([prefix_SP, own_SL], dim=1)),
        padding_I1=~real_SL[:, None, :].expand(-1, heads, -1).reshape(-1, 1),
        bias_S1L1K=bias_SLK[:, None, :, None, :],
    )


class _BlockAttention(torch.autograd.Function):
    """Attention over the blocks of a row, in the precision of the values; softmax in float32."""

    @staticmethod
    def forward(
        ctx: Any, query_1HTD: Tensor, key_1GTD: Tensor, value_1GTE: Tensor, layout: Layout, scale: float
    ) -> Tensor:  # fmt: skip
        """Return what each token reads, with shape (1, T, H, E)."""
        query_RX, key_RD, value_RE = (_flat(x, layout) for x in (query_1HTD, key_1GTD, value_1GTE))
        depth = key_RD.shape[1]
        saved, outputs = [], []
        for block in layout.blocks:
            segments, _, most, _, span = block.bias_S1L1K.shape
            batch = segments * layout.heads
            query_BQD = query_RX.index_select(0, block.queries_I).view(batch, -1, depth)
            key_BKD = key_RD.index_select(0, block.keys_J).view(batch, span, depth)
            value_BKE = value_RE.index_select(0, block.keys_J).view(batch, span, -1)
            score_BQK = torch.bmm(query_BQD, key_BKD.transpose(1, 2))
            score_SGLHK = score_BQK.view(segments, layout.heads, most, -1, span)
            share_SGLHK = torch.add(block.bias_S1L1K, score_SGLHK, alpha=scale).softmax(-1)
            share_BQK = share_SGLHK.view_as(score_BQK).to(value_RE.dtype)
            output_BQE = torch.bmm(share_BQK, value_BKE)
            saved += [query_BQD, key_BKD, value_BKE, share_BQK, output_BQE]
            outputs.append(output_BQE.view(batch * most, -1))
        ctx.save_for_backward(*saved)
        ctx.layout, ctx.scale = layout, scale
        result_RY = torch.cat(outputs).index_select(0, layout.outputs_R)
        return result_RY.view(1, layout.tokens, query_1HTD.shape[1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of query, key and value."""
        layout, saved = ctx.layout, ctx.saved_tensors
        grad_RY = grads[0].reshape(layout.tokens * layout.heads, -1)
        queries, keys, values = [], [], []
        for number, block in enumerate(layout.blocks):
            query_BQD, key_BKD, value_BKE, share_BQK, output_BQE = saved[
                5 * number : 5 * number + 5
            ]
            grad_IY = grad_RY.index_select(0, block.queries_I).masked_fill_(block.padding_I1, 0)
            grad_BQE = grad_IY.view_as(output_BQE)
            values.append(torch.bmm(share_BQK.transpose(1, 2), grad_BQE))
            score_BQK = torch.bmm(grad_BQE, value_BKE.transpose(1, 2))
            score_BQK -= (grad_BQE * output_BQE).sum(-1, keepdim=True)
            score_BQK.mul_(share_BQK).mul_(ctx.scale)
            queries.append(torch.bmm(score_BQK, key_BKD).view(len(block.queries_I), -1))
            keys.append(torch.bmm(score_BQK.transpose(1, 2), query_BQD))
        query_RX = torch.cat(queries).index_select(0, layout.outputs_R)
        query_THD = query_RX.view(layout.tokens, -1, saved[0].shape[-1])
        return (
            query_THD.transpose(0, 1)[None],
            _grad_of_keys(keys, layout),
            _grad_of_keys(values, layout),
            None,
            None,
        )


def _flat(x_1NTD: Tensor, layout: Layout) -> Tensor:
    """Put the heads behind the tokens: a row for each (token, key head)."""
    return x_1NTD.transpose(1, 2).reshape(layout.tokens * layout.heads, -1)


def _grad_of_keys(grads: Sequence[Tensor], layout: Layout) -> Tensor:
    """Gather each token's gradient: as part of its segment, and for the prefix from all segments."""
    flat = torch.cat([grad_BKD.flatten(0, 1) for grad_BKD in grads])
    grad_TGD = flat.index_select(0, layout.owns_R).view(layout.tokens, layout.heads, -1)
    if layout.prefix:
        for grad_BKD in grads:
            grad_SGKD = grad_BKD.unflatten(0, (-1, layout.heads))
            grad_TGD[: layout.prefix] += grad_SGKD[:, :, : layout.prefix].sum(0).transpose(0, 1)
    return grad_TGD.transpose(0, 1)[None]


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
    """Attend by blocks where a layout came along and nothing unusual is asked, else densely."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layout: Layout | None = others.get(ARGUMENT)
    plain = not dropout and all(
        name in HARMLESS or value is None or value is False for name, value in others.items()
    )
    fits = layout is not None and (
        key.shape[:3] == value.shape[:3] == (1, layout.heads, layout.tokens)
        and query.shape[2] == layout.tokens
        and query.shape[1] % layout.heads == 0
    )
    if layout is None or not plain or not fits:
        others.pop(ARGUMENT, None)
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    dtype = value.dtype
    apply: Any = _BlockAttention.apply
    return apply(query.to(dtype), key.to(dtype), value, layout, scale), None


def key_heads(model: Any) -> int | None:
    """Let a network attend by blocks; return its key heads, None if it has to stay dense.

    It must call attention through transformers' interface, hand keyword arguments down to it, and
    be set to torch's own attention. The layers decide for themselves, call by call (`attend`).
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    config = model.config
    if not getattr(model, "_supports_attention_backend", False):
        return None
    if getattr(config, "_attn_implementation", None) not in ("sdpa", NAME):
        return None
    parameters = inspect.signature(model.base_model.forward).parameters.values()
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    heads: int | None = getattr(config, "num_key_value_heads", None)
    return heads or getattr(config, "num_attention_heads", None)


def release(model: Any) -> None:
    """Set a network that `key_heads` prepared back to torch's own attention."""
    if model.config._attn_implementation == NAME:
        model.set_attn_implementation("sdpa")
