"""What of a model folder goes out, and what of an adapter's folder comes in."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from nightschool.errors import ModelUnfit
from nightschool.models.portable import copy_adapter, copy_weights, merge_adapter, modelfile

IDS = torch.tensor([[5, 90, 17, 44, 3, 61, 200]])


def logits(model):
    with torch.no_grad():
        return model(IDS).logits[0]


@pytest.fixture
def base(save_llama):
    return save_llama()


@pytest.fixture
def adapter(base, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM"
    )
    adapted = get_peft_model(model, config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    adapted.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter", logits(adapted)


def test_an_adapter_comes_with_what_a_lora_needs_and_nothing_else(base, adapter, tmp_path):
    folder, told = adapter
    settings = json.loads((folder / "adapter_config.json").read_text())
    settings["auto_mapping"] = {"base_model_class": "Evil", "parent_library": "evil"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text("not the base's")
    (folder / "evil.py").write_text("raise SystemExit")
    out = tmp_path / "out"
    out.mkdir()
    copy_adapter(folder, base, "the-base", out)
    assert not (out / "evil.py").exists()
    assert (out / "tokenizer.json").read_text() == (base / "tokenizer.json").read_text()
    kept = json.loads((out / "adapter_config.json").read_text())
    assert "auto_mapping" not in kept
    assert (kept["base_model_name_or_path"], kept["target_modules"]) == (
        "the-base",
        ["q_proj", "up_proj"],
    )
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    assert torch.allclose(logits(PeftModel.from_pretrained(plain, out)), told, atol=1e-5)


def test_a_merged_adapter_is_the_same_model(base, adapter, tmp_path):
    folder, told = adapter
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    out = tmp_path / "out"
    out.mkdir()
    merge_adapter(folder, base, out)
    back = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    assert torch.allclose(logits(back), told, atol=1e-3)


def test_full_weights_go_out_without_what_lies_beside_them(base, tmp_path):
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "_name_or_path": "/home/me/secret"}))
    (base / "train.json").write_text("{}")
    (base / "gguf").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    copy_weights(base, out)
    assert not (out / "train.json").exists()
    assert not (out / "gguf").exists()
    assert "secret" not in (out / "config.json").read_text()
    back = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    assert torch.equal(
        logits(back), logits(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32))
    )


def test_ollama_is_told_of_chatml_and_of_nothing_else(base):
    text = modelfile(base, "a.gguf", "b.gguf")
    assert text.startswith("FROM ./a.gguf\nADAPTER ./b.gguf\n")
    assert "SYSTEM" not in text
    assert 'PARAMETER stop "<|im_end|>"' in text
    (base / "chat_template.jinja").write_text(
        "{% for m in messages %}[INST]{{ m.content }}{% endfor %}"
    )
    with pytest.raises(ModelUnfit, match="ChatML"):
        modelfile(base, "a.gguf", None)
