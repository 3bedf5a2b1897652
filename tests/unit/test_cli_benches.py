"""`nightschool bench`: the benchmarks of the source tree, on a model of the user's own."""

import json

from typer.testing import CliRunner

from nightschool.cli.main import app


def run(*args):
    return CliRunner().invoke(app, ["bench", *args])


def test_all_benchmarks_are_listed_with_what_they_measure():
    listed = run().output.splitlines()
    assert any(
        line.startswith("gate_errors ") and "How often the gate errs" in line for line in listed
    )
    assert not any(line.startswith("record ") for line in listed)


def test_an_unknown_benchmark_is_named_with_the_known_ones():
    refused = run("gate_error")
    assert refused.exit_code == 2
    assert "No benchmark is called gate_error" in refused.output
    assert "gate_errors" in refused.output


def test_a_result_lands_where_the_user_is_and_names_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("gate_errors", "--model", "their-own", "--n", "1").exit_code == 0
    result = json.loads((tmp_path / "gate_errors.json").read_text("utf-8"))
    assert result["model"] == "their-own"
    assert result["figures"]
    # Rows of two models do not mix.
    assert run("gate_errors", "--n", "1").exit_code == 1
