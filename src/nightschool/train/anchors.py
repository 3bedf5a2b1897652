"""Anchors: plain text that the base model wrote itself, and what it thought of each next token.

Study material is short questions and answers; a model trained on nothing else reads ordinary text
worse every night. At every step a night also reads one anchor, and is held to the base's own
distribution over the next token. No text from outside is needed, and none of the owner's is used,
so one set serves every night and workspace of a base.

Source:
    Distillation from the untrained-upon model against forgetting: Li & Hoiem, "Learning without
    Forgetting" (2016). Data written by the teacher itself, from a first token drawn at random:
    Liu et al., "LLM-QAT" (2023), section 3.1. Differs: all tokens after the first are drawn from
    the whole distribution, and only the likeliest of each place are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nightschool.errors import ModelCorrupt
from nightschool.protocols import Progress
from nightschool.workspace import folder_atomic

COUNT = 128
"""Texts in a set; a night of more steps begins again with the first."""
LENGTH = 128
"""Tokens of a text."""
KEPT = 64
"""Likeliest tokens kept for each place; the others count as one."""
BATCH = 32
FILE = "anchors.safetensors"


@dataclass(frozen=True, slots=True)
class Anchors:
    """Texts of S tokens each, and the base's K likeliest next tokens at every place."""

    ids_AS: Tensor
    top_ASK: Tensor
    """Token numbers."""
    log_ASK: Tensor
    """Their log-probabilities, in nats."""


def write_anchors(
    base: Path,
    load: Callable[[Path], Any],
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Let the base write its anchors, and leave them in the folder `out`; where it exists, do nothing.

    Args:
        base: The base model's folder.
        load: Folder -> an object with `.model` and `.tokenizer`.
        out: Folder to be made; it exists only once it is complete.
        seed: Of the sampling.
        progress: Reports on the texts.
    """
    from safetensors.torch import save_file

    if out.exists():
        return
    loaded = load(base)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = loaded.model.to(device).eval()
    draw = torch.Generator().manual_seed(seed)
    parts = []
    for done in range(0, COUNT, BATCH):
        parts.append(_sample(model, loaded.tokenizer, min(BATCH, COUNT - done), draw, device))
        if progress:
            progress(done + len(parts[-1][0]), COUNT)
    ids_AS, top_ASK, log_ASK = (torch.cat(column) for column in zip(*parts, strict=True))
    with folder_atomic(out) as folder:
        save_file({"ids": ids_AS, "top": top_ASK, "log": log_ASK}, folder / FILE)


def read_anchors(folder: Path) -> Anchors:
    """Read a set of anchors.

    Raises:
        ModelCorrupt: The file cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = load_file(folder / FILE)
        return Anchors(stored["ids"], stored["top"].long(), stored["log"].float())
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelCorrupt(
            f"The anchors in {folder} cannot be read: {error}. Delete that folder; the next night makes it anew."
        ) from error


@torch.no_grad()
def _sample(
    model: Any, tokenizer: Any, count: int, draw: torch.Generator, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw texts from the model; return tokens, likeliest tokens and their log-probabilities."""
    from transformers import DynamicCache

    words_V = torch.ones(model.get_output_embeddings().weight.shape[0])
    words_V[sorted({*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder})] = 0
    words_V[len(tokenizer) :] = 0  # rows that only pad the vocabulary
    ids_A = torch.multinomial(words_V, count, replacement=True, generator=draw)
    cache = DynamicCache()
    ids, tops, logs = [], [], []
    for _ in range(LENGTH):
        ids.append(ids_A)
        logits_AV = model(
            input_ids=ids_A[:, None].to(device), past_key_values=cache, use_cache=True
        ).logits[:, -1]
        log_AV = logits_AV.float().log_softmax(-1).cpu()
        log_AK, top_AK = log_AV.topk(min(KEPT, log_AV.shape[-1]), dim=-1)
        tops.append(top_AK)
        logs.append(log_AK)
        # No special ones: an ending would leave the rest of the text without a beginning.
        ids_A = torch.multinomial(log_AV.exp() * words_V, 1, generator=draw)[:, 0]
    return torch.stack(ids, 1).int(), torch.stack(tops, 1).int(), torch.stack(logs, 1).half()
