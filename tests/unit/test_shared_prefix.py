"""A beginning that is kept apart: the same tokens and log-probabilities as when each text is read alone."""

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

from nightschool.drawing import draw
from nightschool.shared_prefix import WORTH, taken

END = 2


def tiny(kind, config, **more):
    torch.manual_seed(0)
    settings = {
        "vocab_size": 60, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }  # fmt: skip
    return kind(config(**settings, **more)).eval()


def drawn(model, prompts, temperature=1.0, most=6):
    return draw(model, prompts, end=END, max_tokens=most, temperature=temperature, seed=3, precision=torch.float32)  # fmt: skip


def logs_alone(model, prompt, tokens):
    ids = torch.tensor([[*prompt, *tokens]])
    with torch.no_grad():
        log = model(input_ids=ids).logits[0].log_softmax(-1)
    return [float(log[len(prompt) + k - 1, token]) for k, token in enumerate(tokens)]


BEGINNING = tuple(range(3, 3 + 2 * WORTH))


@pytest.mark.parametrize(
    "prompts",
    [
        [(*BEGINNING, 40), (*BEGINNING, 41, 42, 43), (*BEGINNING, 40), (*BEGINNING, 44, 45)],
        [(*BEGINNING, 40)] * 5,
        [(*BEGINNING, 40)],
        # Prompts that are asked often: nothing shared, a little, much, and of unequal lengths.
        [BEGINNING, BEGINNING[::-1], BEGINNING, BEGINNING[::-1], BEGINNING],
        [(4, *BEGINNING), (4, *BEGINNING[::-1], 50, 51), (4, *BEGINNING)] * 2,
        [(*BEGINNING, *range(20, 40)), (*BEGINNING, *range(25, 50)), (*BEGINNING, *range(20, 40))]
        * 3,
    ],
)
def test_draws_with_a_beginning_apart_have_the_log_probabilities_of_the_texts_alone(prompts):
    model = tiny(LlamaForCausalLM, LlamaConfig)
    assert taken(model)
    for prompt, one in zip(prompts, drawn(model, prompts), strict=True):
        assert one.logs == pytest.approx(logs_alone(model, prompt, one.tokens), abs=1e-4)
    assert model.config._attn_implementation == "sdpa"


def test_rows_that_end_early_leave_the_others_with_their_own_prompts():
    model = tiny(LlamaForCausalLM, LlamaConfig)
    prompts = [(4, *BEGINNING), (5, *BEGINNING, 50, 51), BEGINNING[::-1]] * 6
    found = drawn(model, prompts, most=30)
    assert sum(one.ended and len(one.tokens) < 25 for one in found) >= 3
    assert sum(len(one.tokens) == 30 for one in found) >= 3
    for prompt, one in zip(prompts, found, strict=True):
        assert one.logs == pytest.approx(logs_alone(model, prompt, one.tokens), abs=1e-4)


def test_a_beginning_apart_changes_no_greedy_answer():
    model = tiny(LlamaForCausalLM, LlamaConfig)
    prompts = [(*BEGINNING, 40, 50), (*BEGINNING, 41), (*BEGINNING, 42, 51, 52)]
    together = [one.tokens for one in drawn(model, prompts, temperature=0.0)]
    assert together == [drawn(model, [prompt], temperature=0.0)[0].tokens for prompt in prompts]


def test_networks_of_another_kind_keep_their_own_attention():
    model = tiny(MistralForCausalLM, MistralConfig, sliding_window=64)
    assert not taken(model)
    prompts = [(*BEGINNING, 40), (*BEGINNING, 41, 42)]
    for prompt, one in zip(prompts, drawn(model, prompts), strict=True):
        assert one.logs == pytest.approx(logs_alone(model, prompt, one.tokens), abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "config", "more"),
    [
        (MistralForCausalLM, MistralConfig, {}),
        (Gemma3ForCausalLM, Gemma3TextConfig, {"layer_types": ["sliding_attention", "full_attention"], "head_dim": 8}),
    ],
)  # fmt: skip
def test_windows_shorter_than_the_batch_see_what_they_see_of_each_text_alone(kind, config, more):
    model = tiny(kind, config, sliding_window=12, initializer_range=0.4, **more)
    prompts = [(3, 4, *range(20, 28)), (3, 4, *range(30, 58)), (3, 4, 9), (3, 4, *range(30, 58))]
    for prompt, one in zip(prompts, drawn(model, prompts), strict=True):
        assert one.logs == pytest.approx(logs_alone(model, prompt, one.tokens), abs=1e-4)
