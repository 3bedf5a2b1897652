"""A network that mixes the examples of a packed row is refused before it is trained."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from nightschool.errors import ModelUnfit
from nightschool.train.fit import check_rows

SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "max_position_embeddings": 256,
}


def network(kind, **more):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SMALL | more)).eval()


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("llama", {}),
        ("mistral", {"sliding_window": 6}),
        ("qwen3", {"head_dim": 8}),
        ("gemma3_text", {"head_dim": 8, "sliding_window": 6}),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}),
        ("stablelm", {}),
    ],
)
def test_attention_in_every_layer_fits_and_is_left_as_it_was(kind, more):
    model = network(kind, **more)
    way = model.config._attn_implementation
    check_rows(model, kind)
    assert model.config._attn_implementation == way


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("lfm2", {"layer_types": ["conv", "full_attention"]}),
        ("mamba", {"state_size": 4}),  # fails outright
        ("mamba2", {"num_heads": 4, "head_dim": 16, "n_groups": 1, "state_size": 8}),
        ("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2}),  # counts positions itself
        ("bloom", {"n_layer": 2, "n_head": 4}),
    ],
)
def test_layers_that_carry_one_example_into_the_next_are_refused_by_name(kind, more):
    with pytest.raises(ModelUnfit, match=rf"the-base \({kind}\).* another architecture"):
        check_rows(network(kind, **more), "the-base")
