"""An adapter that comes in and does not get through its exam leaves nothing behind."""

from contextlib import contextmanager

import pytest

from nightschool import engines, export
from nightschool.errors import EngineFailed
from nightschool.registry.nights import IMPORTED
from nightschool.types import Decision, Report, Version
from nightschool.wire import open_school
from nightschool.workspace import Workspace


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


@pytest.fixture
def school(tmp_path, monkeypatch):
    """Return a school whose base is no real one, and where any folder counts as an adapter."""
    base = tmp_path / "base"
    base.mkdir()
    for name in ("config.json", "model.safetensors"):
        (base / name).write_text("{}")

    def copied(folder, base, name, out):
        (out / engines.ADAPTER_FILE).write_text("weights")

    monkeypatch.setattr(engines, "copy_adapter", copied)
    Workspace.create(tmp_path / "w", f'[model]\nbase = "{base}"\n')
    return open_school(tmp_path / "w")


def taken_in(school, monkeypatch, exam):
    with monkeypatch.context() as patched:
        patched.setattr(export, "_examined", exam)
        return export.import_adapter(school, school.workspace.root, bar=silent)


def passed(school, version, bar):
    return Decision(True, ()), Report("rep-1", "default", version.id, IMPORTED, ())


def failing(school, version, bar):
    raise EngineFailed("The engine is gone.")


def kept(school):
    folders = {path.name for path in school.workspace.versions.iterdir()}
    return [version.id for version in school.registry.versions("default")], folders


def test_an_import_that_fails_in_its_exam_leaves_no_version(school, monkeypatch):
    for _ in range(2):
        with pytest.raises(EngineFailed):
            taken_in(school, monkeypatch, failing)
        assert kept(school) == ([], set())
    version = taken_in(school, monkeypatch, passed).version
    assert kept(school) == ([version.id], {version.id})


def test_the_next_import_clears_one_that_was_killed(school, monkeypatch):
    whole = taken_in(school, monkeypatch, passed).version
    killed = Version(
        "ver-killed", "default", IMPORTED, "lora", "b", "base", (), (), "", 0, {"imported": True}, ""
    )  # fmt: skip
    (school.workspace.versions / killed.id).mkdir()
    school.registry.add(killed)
    version = taken_in(school, monkeypatch, passed).version
    assert kept(school) == ([whole.id, version.id], {whole.id, version.id})
