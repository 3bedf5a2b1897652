"""Environments by name, and the commands that show them."""

import json

import pytest
from typer.testing import CliRunner

from nightschool.cli.main import app
from nightschool.environments import environment, parsed
from nightschool.errors import EnvironmentBroken, UnknownEnvironment


def run(*arguments):
    return CliRunner().invoke(app, ["practise", *arguments])


def test_all_are_listed_with_their_splits():
    found = run("--list")
    assert found.exit_code == 0
    assert "calls" in found.stdout
    assert "gym:" in found.stdout
    assert "train, held_out" in found.stdout


def test_a_task_is_shown():
    found = run("show", "calls", "--n", "2", "--set", "level=2", "--solutions")
    assert found.stdout.startswith("calls?level=2: ")
    assert found.stdout.count("-- calls?level=2/train/") == 2
    assert "solution: {" in found.stdout
    rows = json.loads(run("show", "calls", "--split", "held_out", "--json").stdout)
    assert rows[0]["split"] == "held_out"


def test_a_users_file_is_checked(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from nightschool.practice.fake import FakeEnvironment\nenvironment = FakeEnvironment()\n")  # fmt: skip
    assert "keeps the rules" in run("check", str(path)).stdout


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("cals", UnknownEnvironment, "Known are calls"),
        ("calls?lvl=2", EnvironmentBroken, "expected level"),
        ("calls?level=9", EnvironmentBroken, "from 1 to 3"),
        ("code?level", EnvironmentBroken, "NAME=VALUE"),
        ("./nowhere.py", UnknownEnvironment, "no file"),
        ("tools:nowhere.json", UnknownEnvironment, "cannot be read"),
    ],
)
def test_a_wrong_name_says_what_to_do(name, error, said):
    with pytest.raises(error, match=said):
        environment(name)


def test_a_file_without_an_environment_is_refused(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("environment = 3\n")
    with pytest.raises(EnvironmentBroken, match="missing are name"):
        environment(str(path))
    path.write_text("1 / 0\n")
    with pytest.raises(EnvironmentBroken, match="ZeroDivisionError"):
        environment(str(path))


@pytest.mark.parametrize("part", ["task", "start", "cases"])
def test_what_a_users_file_raises_is_told_as_its_own(tmp_path, part):
    path = tmp_path / "raises.py"
    path.write_text(
        "from nightschool.practice.fake import FakeEnvironment\n"
        "class Raises(FakeEnvironment):\n"
        f"    def {part}(self, *given):\n        return 1 / 0\n"
        "environment = Raises()\n"
    )
    found = run("check", str(path))
    assert found.exit_code == 1
    assert "cannot be made: ZeroDivisionError: division by zero" in found.output
    assert "Traceback" not in found.output


def test_labels_that_look_like_numbers_stay_as_they_are():
    assert parsed(["from=19.30", "steps=4"]) == {"from": "19.30", "steps": 4}
