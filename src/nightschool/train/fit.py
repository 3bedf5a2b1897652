"""Whether a network can be trained on packed rows: each example of a row has to score as it does alone.

Attention obeys the mask and the positions that a row brings along. Convolutions, state spaces and linear attention carry
one example on into the next; other layers count positions themselves. No configuration tells, so a short row is tried.
"""

from __future__ import annotations

from typing import Any

import torch

from nightschool.errors import ModelUnfit
from nightschool.train import blocks
from nightschool.train.forward import bare, scores_at
from nightschool.train.packing import Tokens, build_row, shared_prefix

OPENING = (3, 17, 5, 29)
"""What the tried chats begin with; any tokens do."""
TRIED = (
    Tokens((*OPENING, 11, 7), (23, 2, 19, 13)),
    Tokens((*OPENING, 31, 8, 27), (6, 12)),
    Tokens((), (14, 9, 30, 4, 21)),
    Tokens((*OPENING, 22, 10), (18, 26, 15)),
)
CLOSE = 1e-3
"""So far the scores of one example may differ, absolutely and relatively: rounding is hundreds of times smaller."""


@torch.no_grad()
def check_rows(model: Any, name: str) -> None:
    """See that a network reads the examples of a packed row as it reads each alone, before hours go into it.

    Args:
        model: A causal language model in float32.
        name: What it is called in the message.

    Raises:
        ModelUnfit: It mixes the examples of a row, or cannot read a row at all.
    """
    alone_NV = torch.cat([_alone(model, tokens) for tokens in TRIED])
    try:
        row_NV = _in_a_row(model)
    except Exception as error:  # whatever a foreign network makes of our mask and positions
        raise ModelUnfit(f"{_unfit(model, name)} It failed with: {error}") from error
    if not torch.allclose(row_NV, alone_NV, atol=CLOSE, rtol=CLOSE):
        raise ModelUnfit(_unfit(model, name))


def _alone(model: Any, tokens: Tokens) -> torch.Tensor:
    """Return the network's own scores at the places that predict an example's labels."""
    ids = [*tokens.prompt, *tokens.target]
    first = max(1, len(tokens.prompt))
    logits_TV: torch.Tensor = model(input_ids=torch.tensor([ids])).logits[0]
    return logits_TV[first - 1 : -1]


def _in_a_row(model: Any) -> torch.Tensor:
    """Return the scores at the same places as training computes them."""
    row = build_row(TRIED, shared_prefix(TRIED))
    heads = blocks.key_heads(bare(model))
    try:
        layout = blocks.lay_out(row.lengths, row.sharing, heads) if heads else None
        extra = {blocks.ARGUMENT: layout} if layout else {}
        places = (row.ids_T, row.positions_T, row.mask_TT, row.sources_N)
        return scores_at(model, *places, torch.float32, extra)
    finally:
        blocks.release(bare(model))


def _unfit(model: Any, name: str) -> str:
    return (
        f"{name} ({model.config.model_type}) does not read the examples of a packed row one by one, as training here "
        "needs: some of its layers mix them, or do not take a mask and positions. Take a model of another architecture, "
        "one with attention in every layer, such as Llama, Qwen3 or Gemma 3."
    )
