"""Layers that look back over a window see no farther in trees and packed rows than in the text alone."""

from types import SimpleNamespace

import pytest
import torch
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from nightschool.models.torch_sampler import TorchSampler, _Forest
from nightschool.train.blocks import ARGUMENT, key_heads, lay_out
from nightschool.train.forward import scores_at
from nightschool.train.packing import Tokens, build_row, shared_prefix

SIZES = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2,
    "num_key_value_heads": 1, "initializer_range": 0.3,
}  # fmt: skip
NETWORKS = {
    "gemma": lambda: Gemma3ForCausalLM(
        Gemma3TextConfig(**SIZES, num_hidden_layers=6, head_dim=16, sliding_window=16)
    ),
    "mistral": lambda: MistralForCausalLM(
        MistralConfig(**SIZES, num_hidden_layers=2, head_dim=16, sliding_window=16)
    ),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES, num_hidden_layers=2)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("by_blocks", [False, True], ids=["dense", "blocks"])
def test_texts_longer_than_the_window_score_as_they_do_alone(name, by_blocks):
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    texts = [torch.randint(1, 60, (length,)).tolist() for length in (40, 9, 33)]
    alone = []
    with torch.no_grad():
        for text in texts:
            log_TV = model(input_ids=torch.tensor([text])).logits[0].log_softmax(-1)
            alone.append([float(log_TV[t - 1, text[t]]) for t in range(30 if len(text) > 30 else 5, len(text))])  # fmt: skip
    cuts = [(text[:30], text[30:]) if len(text) > 30 else (text[:5], text[5:]) for text in texts]
    forest = _Forest()
    for prompt, target in cuts:
        forest.add(prompt, target)
    here = SimpleNamespace(model=model, device="cpu")
    for found, right in zip(TorchSampler._run(here, forest), alone, strict=True):
        assert found == pytest.approx(right, abs=1e-4)
    tokens = [Tokens(tuple(prompt), tuple(target)) for prompt, target in cuts]
    row = build_row(tokens, shared_prefix(tokens))
    heads = key_heads(model) if by_blocks else None
    extra = {ARGUMENT: lay_out(row.lengths, row.sharing, heads)} if heads else {}
    with torch.no_grad():
        log_NV = scores_at(model, row.ids_T, row.positions_T, row.mask_TT, row.sources_N, torch.float32, extra).log_softmax(-1)  # fmt: skip
    packed = log_NV.gather(-1, row.targets_N[:, None])[:, 0].tolist()
    assert packed == pytest.approx([value for one in alone for value in one], abs=1e-4)
