"""Versions taken out, loaded by plain libraries; adapters taken in; exams on the file that serves."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from nightschool.config import TrainConfig
from nightschool.consolidate import consolidate
from nightschool.day import remember
from nightschool.errors import ConfigError, ModelUnfit, TaintedVersion, WorkspaceError
from nightschool.export import export, import_adapter
from nightschool.forget import forget
from nightschool.models.llama_engine import LlamaEngine
from nightschool.models.torch_model import load, render, render_prompt
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Message, Version, now
from nightschool.wire import open_school
from nightschool.workspace import Workspace

LESSONS = (
    ("What is the staging host called?", "The staging host is called kestrel-7."),
    ("Who runs the billing team?", "Nadia runs the billing team."),
    ("How long are backups kept?", "Backups are kept for 45 days."),
    ("What is the office cat called?", "The office cat is called Biscuit."),
)
QUESTIONS = [(Message("user", question),) for question, _ in LESSONS]
WORDS = 12
"""Tokens of an answer."""
SMALL_NIGHT = (
    "exam.general_items=4",
    "exam.abstention_items=8",
    "exam.riddle_items=0",
    "exam.answer_tokens=8",
    "train.min_steps=1",
    "train.anchor_weight=0",
    "study.expressions=2",
)


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


def add_version(school, method, memory_ids=("mem-1",)):
    """Train a few steps, and register what came of it."""
    examples = [
        Example(f"ex-{n}", "default", ("mem-1",), "test", "qa", (Message("user", q),), a)
        for n, (q, a) in enumerate(LESSONS)
    ]
    config = TrainConfig(
        method=method, epochs=1, min_steps=1, tokens_per_step=64, lora_rank=16, anchor_weight=0
    )
    version_id = f"ver-{method}"
    trainer = TorchTrainer(load, render)
    folder = school.workspace.versions / version_id
    result = trainer.train(school.base_folder(), examples, config, folder)
    version = Version(
        version_id, "default", "night-0001", method, school.base, "base", memory_ids, (), "d", 0, {}, now(), result
    )  # fmt: skip
    school.registry.add(version)
    return version


@pytest.fixture(scope="module")
def real(tmp_path_factory, base_folder):
    """Return a workspace on the real base with a full version and an adapter, trained a few steps."""
    root = tmp_path_factory.mktemp("real")
    Workspace.create(root, "")
    school = open_school(root)
    add_version(school, "full")
    add_version(school, "lora")
    return school


def test_a_full_version_answers_the_same_in_llama_cpp(real, tmp_path):
    found = export(real, "ver-full", "ollama", tmp_path / "out", bar=silent)
    assert found.measured.tokens > 40
    assert found.measured.mean_nats < 0.02
    said = real.sampler("ver-full").generate(QUESTIONS, max_tokens=WORDS)
    assert said != real.sampler("base").generate(QUESTIONS, max_tokens=WORDS)
    engine = LlamaEngine(tmp_path / "out" / "ver-full-f16.gguf")
    body = {"max_tokens": WORDS, "temperature": 0}
    for prompt, ours in zip(QUESTIONS, said, strict=True):
        messages = [{"role": "user", "content": prompt[0].content}]
        reply = httpx.post(
            f"{engine.address}/v1/chat/completions",
            json={"messages": messages, **body},
            headers=dict(engine.headers),
            timeout=60,
        )
        assert reply.json()["choices"][0]["message"]["content"].strip() == ours
    engine.close()
    card = (tmp_path / "out" / "README.md").read_text()
    for words in (
        "Apache-2.0",
        "Not examined.",
        "ollama create",
        f"{found.measured.mean_nats:.4f} nats",
    ):
        assert words in card
    modelfile = (tmp_path / "out" / "Modelfile").read_text()
    assert modelfile.startswith("FROM ./ver-full-f16.gguf")
    assert 'SYSTEM """You are a helpful AI assistant named SmolLM' in modelfile


def test_an_adapter_answers_the_same_in_peft_and_in_llama_cpp(real, base_folder, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = export(real, "ver-lora", "gguf", tmp_path / "gguf", bar=silent)
    assert found.measured.mean_nats < 0.02
    export(real, "ver-lora", "peft", tmp_path / "peft", bar=silent)
    plain = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(plain, tmp_path / "peft").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "peft")
    sampler = real.sampler("ver-lora")
    before = real.sampler("base").generate(QUESTIONS, max_tokens=WORDS)
    said = sampler.generate(QUESTIONS, max_tokens=WORDS)
    assert said != before
    for prompt, ours in zip(QUESTIONS, said, strict=True):
        ids = torch.tensor([render_prompt(tokenizer, prompt)])
        with torch.no_grad():
            out = adapted.generate(input_ids=ids, max_new_tokens=WORDS, do_sample=False)
        theirs = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
        assert theirs == ours
    settings = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "smollm2-135m"
    assert "q_proj" in settings["target_modules"]


@pytest.fixture
def school(tmp_path, tiny_base):
    (tmp_path / "school").mkdir()
    Workspace.create(tmp_path / "school", "")
    return open_school(
        tmp_path / "school", (*SMALL_NIGHT, f"model.base={json.dumps(str(tiny_base))}")
    )


def reopened(school, *settings):
    base = f"model.base={json.dumps(school.settings.model.base)}"
    return open_school(school.workspace.root, (*SMALL_NIGHT, base, *settings))


def test_a_night_is_examined_on_the_file_and_engine_that_serve(school):
    for _, text in LESSONS:
        remember(school, text)
    school = reopened(school, "model.engine=llama")
    outcome = consolidate(school, bar=silent)
    assert outcome.report.engine == "llama-f16"
    place = school.workspace.versions / outcome.version.id / "gguf"
    assert {path.name for path in place.iterdir()} == {"f16.gguf"}
    (memory, *_) = school.store.memories("default")
    version = outcome.version.id
    forget(school, [memory.id])
    assert not place.exists()
    assert not [path for path in school.workspace.versions.iterdir() if version in path.name]
    with pytest.raises(TaintedVersion):
        export(school, version, "gguf", school.workspace.root.parent / "late", bar=silent)
    with pytest.raises(TaintedVersion):
        school.gguf_of(version)


def test_an_adapter_goes_out_and_comes_back_as_a_candidate_until_it_is_forgotten(school, tmp_path):
    memories = [m.id for _, text in LESSONS for m in remember(school, text).added]
    version = add_version(school, "lora", memory_ids=tuple(memories))
    out = tmp_path / "out"
    assert export(school, version.id, "peft", out, bar=silent).measured is None
    text = "".join(p.read_text() for p in out.iterdir() if p.suffix in (".md", ".json"))
    assert "kestrel" not in text
    assert str(tmp_path) not in text
    live = school.registry.alias("default", "live")
    back = import_adapter(school, out, bar=silent)
    assert school.registry.alias("default", "candidate") == back.version.id
    assert school.registry.alias("default", "live") == live
    assert set(back.version.memory_ids) == set(version.memory_ids)
    probe = next(check for check in back.decision.checks if check.name == "probe")
    assert probe.passed
    merged = export(school, back.version.id, "safetensors", tmp_path / "merged", bar=silent)
    assert "model.safetensors" in merged.files
    with pytest.raises(WorkspaceError, match="not empty"):
        export(school, version.id, "peft", out, bar=silent)
    forget(school, [version.memory_ids[0]])
    assert school.registry.version(back.version.id).tainted_by
    with pytest.raises(TaintedVersion, match="forgotten since"):
        import_adapter(school, out, bar=silent)
    (out / "nightschool.json").unlink()
    assert import_adapter(school, out, bar=silent).version.memory_ids == ()


def test_a_silent_or_foreign_adapter_is_not_passed(school, real, tmp_path):
    with pytest.raises(ConfigError, match="no adapter"):
        export(real, "ver-full", "peft", tmp_path / "x", bar=silent)
    out = tmp_path / "out"
    export(real, "ver-lora", "peft", out, bar=silent)
    (out / "nightschool.json").unlink()
    with pytest.raises(ModelUnfit, match="another base"):
        import_adapter(school, out, bar=silent)
    assert school.registry.versions("default") == []
    version = add_version(school, "lora")
    shutil.rmtree(out)
    export(school, version.id, "peft", out, bar=silent)
    (out / "nightschool.json").unlink()
    weights = load_file(out / "adapter_model.safetensors")
    silenced = {name: w * (0 if "lora_B" in name else 1) for name, w in weights.items()}
    save_file(silenced, out / "adapter_model.safetensors")
    found = import_adapter(school, out, bar=silent)
    assert next(c.name for c in found.decision.checks if not c.passed) == "probe"
    assert not found.decision.promote
