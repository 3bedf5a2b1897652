"""The composition root: versions of every kind run in the engines that serve, on the files that they left."""

import shutil

import httpx
import pytest

from nightschool.engines import engine_for
from nightschool.errors import ModelUnfit
from nightschool.hosting import House
from nightschool.models.upstream import UpstreamEngine
from nightschool.types import Version
from nightschool.wire import open_school
from nightschool.workspace import Workspace


def ask(lease):
    body = {"prompt": "the then", "max_tokens": 4, "temperature": 0, "logprobs": 1, **lease.fields}
    answer = httpx.post(
        f"{lease.engine.address}/v1/completions",
        json=body,
        headers=dict(lease.engine.headers),
        timeout=60,
    ).json()
    return [round(row["logprob"], 3) for row in answer["choices"][0]["logprobs"]["content"]]


@pytest.fixture
def workspace(tmp_path, save_llama, monkeypatch):
    """Return a workspace on a tiny base, with a full version and a LoRA version on it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    # What is made of a base is kept in the user's cache: not of one that is gone after the test.
    monkeypatch.setenv("NIGHTSCHOOL_CACHE", str(tmp_path / "cache"))
    base = save_llama()
    workspace = Workspace.create(tmp_path / "school", f'[model]\nbase = "{base}"\n')
    full, lora = (workspace.versions / name for name in ("ver-full", "ver-lora"))
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    shutil.copytree(base, full)
    model.save_pretrained(full)
    plain = AutoModelForCausalLM.from_pretrained(base)
    adapted = get_peft_model(
        plain, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    )
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.add_(0.5 * torch.randn_like(weight))
    adapted.save_pretrained(lora)
    school = open_school(workspace.root)
    for folder, kind in ((full, "full"), (lora, "lora")):
        (folder / "train.json").write_text("{}")
        school.registry.add(
            Version(
                folder.name, "default", "night-1", kind, str(base), "base", (), (), "", 0, {}, ""
            )
        )
    school.close()
    return workspace


def test_the_base_full_versions_and_adapters_answer_each_with_its_own_weights(workspace):
    house = House(workspace)
    try:
        said = {}
        for name in ("base", "ver-full", "ver-lora", "base"):
            with house.lease("default", name) as lease:
                told = ask(lease)
            assert said.setdefault(name, told) == told
        assert len({tuple(told) for told in said.values()}) == 3
    finally:
        house.close()


def test_a_relative_base_is_meant_from_the_workspace(tmp_path, monkeypatch):
    base = tmp_path / "base"
    base.mkdir()
    Workspace.create(tmp_path / "w", '[model]\nbase = "../base"\n')
    for place in (tmp_path, tmp_path / "w", base):
        monkeypatch.chdir(place)
        school = open_school(tmp_path / "w")
        assert school.base == str(base)
        school.close()
    school = open_school(tmp_path / "w", ("model.base=smollm2-135m",))
    assert school.base == "smollm2-135m"
    school.close()


def test_an_upstream_takes_no_full_version(workspace):
    school = open_school(workspace.root, ("serve.upstream_url=http://127.0.0.1:9",))
    full = school.registry.version("ver-full")
    with pytest.raises(ModelUnfit, match=r"serve\.upstream_lora"):
        engine_for(school, [full])
    assert isinstance(engine_for(school, []), UpstreamEngine)
