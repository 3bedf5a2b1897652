"""Attention by blocks must be invisible: the outputs and gradients of the dense mask."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from nightschool.train.blocks import ARGUMENT, key_heads, lay_out, release
from nightschool.train.packing import Tokens, build_row

PREFIX = (5, 6, 7)


def chat(question, answer):
    return Tokens((*PREFIX, *range(10, 10 + question)), tuple(range(30, 30 + answer)))


ROWS = {
    "chats": [chat(n, 3) for n in range(1, 9)],
    "chats and plain text": [
        *(chat(n, 2) for n in range(1, 7)),
        Tokens((), (21, 22, 23, 2)),
        Tokens((), (9,)),
    ],
    "plain text only": [Tokens((), tuple(range(3, 3 + n))) for n in (4, 5, 6, 7, 1)],
    "lengths far apart": [*(chat(n % 12, 4) for n in range(30)), chat(20, 25), chat(19, 60)],
}


def run(model, row, extra, mask_TT):
    model.zero_grad()
    hidden_TD = model.model(
        input_ids=row.ids_T[None],
        position_ids=row.positions_T[None],
        attention_mask=mask_TT[None, None],
        use_cache=False,
        **extra,
    ).last_hidden_state[0]
    pull_TD = torch.randn(hidden_TD.shape, generator=torch.Generator().manual_seed(2))
    (hidden_TD * pull_TD).sum().backward()
    return hidden_TD.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


def tiny(make, config, **settings):
    torch.manual_seed(0)
    sizes = {"vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.2}
    return make(config(**sizes | heads | settings))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_blocks_give_the_outputs_and_gradients_of_the_dense_mask(name, kv_heads):
    model = tiny(LlamaForCausalLM, LlamaConfig, num_key_value_heads=kv_heads)
    row = build_row(ROWS[name], PREFIX)
    dense, dense_grads = run(model, row, {}, row.mask_TT)
    assert key_heads(model) == kv_heads
    layout = lay_out(row.lengths, row.sharing, kv_heads)
    assert layout is not None
    wrong_TT = torch.ones_like(row.mask_TT)  # proves that the mask is not looked at
    by_blocks, block_grads = run(model, row, {ARGUMENT: layout}, wrong_TT)
    torch.testing.assert_close(by_blocks, dense, atol=1e-4, rtol=1e-4)
    for block_grad, dense_grad in zip(block_grads, dense_grads, strict=True):
        scale = float(dense_grad.abs().max())
        torch.testing.assert_close(block_grad, dense_grad, atol=1e-4 * scale, rtol=1e-4)


def test_a_row_without_a_layout_takes_its_mask():
    model = tiny(LlamaForCausalLM, LlamaConfig)
    row = build_row(ROWS["chats"], PREFIX)
    dense, _ = run(model, row, {}, row.mask_TT)
    key_heads(model)
    masked, _ = run(model, row, {}, row.mask_TT)
    torch.testing.assert_close(masked, dense)


@pytest.mark.parametrize(
    "model",
    [
        tiny(MistralForCausalLM, MistralConfig, sliding_window=4),
        tiny(LlamaForCausalLM, LlamaConfig, attention_dropout=0.5).train(),
    ],
    ids=["sliding window", "dropout"],
)
def test_a_layer_that_does_more_takes_its_mask(model):
    row = build_row(ROWS["chats"], PREFIX)
    torch.manual_seed(1)
    dense, _ = run(model, row, {}, row.mask_TT)
    layout = lay_out(row.lengths, row.sharing, key_heads(model))
    torch.manual_seed(1)
    masked, _ = run(model, row, {ARGUMENT: layout}, row.mask_TT)
    torch.testing.assert_close(masked, dense)


def test_a_network_with_attention_of_its_own_stays_dense(tiny_llama):
    model = tiny_llama()
    model.set_attn_implementation("eager")
    assert key_heads(model) is None
    assert model.config._attn_implementation == "eager"


def test_release_leaves_no_trace(tiny_llama, tmp_path):
    model = tiny_llama()
    key_heads(model)
    release(model)
    assert model.config._attn_implementation == "sdpa"
    model.save_pretrained(tmp_path)
    assert "nightschool" not in (tmp_path / "config.json").read_text()


def test_one_long_example_is_cheaper_dense():
    assert lay_out([0, 300], [False, False], 2) is None
    assert lay_out([24, 300], [False, True], 2) is None


def test_long_examples_do_not_pad_the_short_ones():
    layout = lay_out([24, *[30] * 15, 120], [False, *[True] * 16], 3)
    assert sorted(block.bias_S1L1K.shape[2] for block in layout.blocks) == [30, 120]
