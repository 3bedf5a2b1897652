"""GGUF files of tiny random models, read back by transformers and run by llama.cpp."""

import math

import httpx
import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Regex, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
)

from nightschool.errors import ModelCorrupt, ModelMissing, ModelUnfit, WorkspaceError
from nightschool.models.gguf import write_adapter, write_weights
from nightschool.models.gguf_tokenizer import LLAMA3
from nightschool.models.llama_engine import LlamaEngine

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
IDS = [5, 90, 17, 44, 44, 3, 61, 200, 8, 9, 10, 120]


def by_torch(model):
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0, -1].float().log_softmax(-1).numpy()


def by_llama(engine, **fields):
    """Return llama.cpp's log-probabilities of every token after the prompt."""
    body = {"prompt": IDS, "n_predict": 1, "n_probs": 264, "temperature": 0, **fields}
    reply = httpx.post(f"{engine.address}/completion", json=body, headers=dict(engine.headers))
    found = np.full(264, -math.inf)
    for row in reply.json()["completion_probabilities"][0]["top_logprobs"]:
        found[row["id"]] = row["logprob"]
    return found


def near(one, other, nats):
    return float(np.abs(one - other).mean()) < nats


@pytest.mark.parametrize(
    ("quant", "changes", "nats"),
    [
        ("f16", {}, 0.02),
        ("f16", {"tie_word_embeddings": False, "head_dim": 32}, 0.02),
        ("f16", {"rope_parameters": LLAMA3_ROPE}, 0.02),
        ("q8_0", {}, 0.15),
    ],
)
def test_llama_cpp_computes_what_torch_computes(save_llama, tmp_path, quant, changes, nats):
    folder = save_llama(**changes)
    write_weights(folder, tmp_path / "out.gguf", quant)
    ours = by_torch(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))
    engine = LlamaEngine(tmp_path / "out.gguf", threads=1)
    assert near(by_llama(engine), ours, nats)
    engine.close()


def test_transformers_reads_the_file_back_with_the_rows_in_their_order(save_llama, tmp_path):
    folder = save_llama()
    write_weights(folder, tmp_path / "out.gguf", "f16")
    back = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="out.gguf", dtype=torch.float32)
    ours = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert near(by_torch(back), by_torch(ours), 0.02)


@pytest.mark.parametrize("rank_stabilised", [False, True])
def test_an_adapter_is_chosen_by_a_request(save_llama, tmp_path, rank_stabilised):
    folder = save_llama()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    plain = by_torch(model)
    config = LoraConfig(
        r=4, lora_alpha=6, use_rslora=rank_stabilised, target_modules="all-linear", task_type="CAUSAL_LM"
    )  # fmt: skip
    adapted = get_peft_model(model, config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    adapted.save_pretrained(tmp_path / "adapter")
    write_weights(folder, tmp_path / "out.gguf", "f16")
    write_adapter(tmp_path / "adapter", folder, tmp_path / "adapter.gguf")
    engine = LlamaEngine(tmp_path / "out.gguf", {"ver-1": tmp_path / "adapter.gguf"}, threads=1)
    assert not near(by_torch(adapted), plain, 0.5)
    for _ in range(2):  # one request leaves nothing to the next
        assert near(by_llama(engine, **engine.model_for("ver-1")), by_torch(adapted), 0.03)
        assert near(by_llama(engine, **engine.model_for("base")), plain, 0.02)
        assert near(by_llama(engine), plain, 0.02)
    engine.close()


@pytest.mark.parametrize(
    ("cut", "ignore_merges"),
    [
        (None, False),
        (
            pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Digits(individual_digits=True),
                    pre_tokenizers.ByteLevel(add_prefix_space=False),
                ]
            ),
            False,
        ),
        (
            pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                ]
            ),
            True,
        ),
    ],
    ids=["gpt-2", "smollm", "llama-bpe"],
)
def test_text_becomes_the_same_tokens(save_llama, save_tokenizer, tmp_path, cut, ignore_merges):
    folder = save_llama()
    save_tokenizer(folder, cut, ignore_merges)
    write_weights(folder, tmp_path / "out.gguf", "f16")
    engine = LlamaEngine(tmp_path / "out.gguf", threads=1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text in (
        "the other 1234 days, he'll say:\n\n  naïve  🦉",
        "<|im_start|>the<note> th<|im_end|>",
    ):
        body = {"content": text, "parse_special": True}
        reply = httpx.post(f"{engine.address}/tokenize", json=body, headers=dict(engine.headers))
        assert reply.json()["tokens"] == tokenizer(text, add_special_tokens=False).input_ids
    engine.close()


def test_what_cannot_be_written_is_refused_and_leaves_nothing(save_llama, save_tokenizer, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    other = tmp_path / "gpt2"
    GPT2Config().save_pretrained(other)
    with pytest.raises(ModelUnfit, match="gpt2"):
        write_weights(other, out / "a.gguf", "f16")
    with pytest.raises(ModelUnfit, match="attention_bias"):
        write_weights(save_llama("biased", attention_bias=True), out / "a.gguf", "f16")
    odd = save_llama("odd")
    save_tokenizer(odd, pre_tokenizers.Whitespace())
    with pytest.raises(ModelUnfit, match="Whitespace"):
        write_weights(odd, out / "a.gguf", "f16")
    with pytest.raises(ModelUnfit, match="weights know 200 tokens"):
        write_weights(save_llama("few", vocab_size=200), out / "a.gguf", "f16")
    huge = save_llama("huge")
    model = AutoModelForCausalLM.from_pretrained(huge)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = 1e6
    model.save_pretrained(huge)
    with pytest.raises(ModelCorrupt, match="1e\\+06"):
        write_weights(huge, out / "a.gguf", "f16")
    with pytest.raises(WorkspaceError):
        write_weights(save_llama("whole"), tmp_path / "deleted" / "a.gguf", "f16")
    assert not list(out.iterdir())


def test_an_adapter_that_does_not_fit_is_refused(save_llama, tmp_path):
    base, other = save_llama(), save_llama("other", hidden_size=32)
    with pytest.raises(ModelMissing, match="adapter_config"):
        write_adapter(tmp_path, base, tmp_path / "a.gguf")

    def adapter(name, **config):
        model = AutoModelForCausalLM.from_pretrained(other, dtype=torch.float32)
        plain = {"r": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
        get_peft_model(model, LoraConfig(**plain | config)).save_pretrained(tmp_path / name)
        return tmp_path / name

    with pytest.raises(ModelUnfit, match="another base"):
        write_adapter(adapter("narrow"), base, tmp_path / "a.gguf")
    with pytest.raises(ModelUnfit, match="use_dora"):
        write_adapter(adapter("dora", use_dora=True), other, tmp_path / "a.gguf")
    with pytest.raises(ModelUnfit, match="modules_to_save"):
        write_adapter(adapter("saved", modules_to_save=["lm_head"]), other, tmp_path / "a.gguf")
    assert not (tmp_path / "a.gguf").exists()
