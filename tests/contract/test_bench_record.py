"""Result files: a row is that of its whole key, and says where it was measured."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Return a maker of the same file's record, as each run of a bench makes it."""
    monkeypatch.syspath_prepend(str(BENCH))
    module = importlib.import_module("record")
    monkeypatch.setattr(module, "machine", lambda: {"cpu": "x", "cores": 1, "precision": "float32", "gflops": 1})  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["bench/some.py"])

    def begin(commit="one"):
        monkeypatch.setattr(module, "commit", lambda: commit)
        return module.Record(tmp_path / "some.json", "some")

    return begin


def test_a_row_of_a_further_setting_is_another_row(record):
    began = record()
    assert began.measure({"way": "a", "lost": 1}, lambda: {"value": 1})["value"] == 1
    assert began.measure({"way": "a"}, lambda: {"value": 2})["value"] == 2
    again = record()
    assert again.measure({"way": "a"}, lambda: {"value": 3})["value"] == 2
    assert again.measure({"lost": 1, "way": "a"}, lambda: {"value": 3})["value"] == 1
    assert len(again.body["rows"]) == 2


def test_stating_figures_again_does_not_claim_another_commit(record, tmp_path):
    began = record("one")
    began.measure({"way": "a"}, lambda: {"value": 1})
    again = record("two")
    again.measure({"way": "a"}, lambda: {"value": 1})
    again.save()
    stored = json.loads((tmp_path / "some.json").read_text())
    assert stored["commit"] == "one"
    again.measure({"way": "b"}, lambda: {"value": 1})
    stored = json.loads((tmp_path / "some.json").read_text())
    assert stored["commit"] == "two"
    assert [row["commit"] for row in stored["rows"]] == ["one", "two"]
    assert all(row["on"] == "x, 1 cores, float32 at 1 GFLOP/s" for row in stored["rows"])
