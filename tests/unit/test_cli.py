"""What a slip on the command line does: one line that says what to do, and nothing lost."""

import socket

import pytest
from typer.testing import CliRunner

from nightschool.cli.main import app
from nightschool.config import load_settings
from nightschool.errors import StudyError
from nightschool.study.imported import read_material

PAGE = """# Kestrel

The door code of the workshop is 4417. The staging host is kestrel-7. Ada Brown manages the billing team.
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["init", "w"])

    def told(*words):
        return CliRunner().invoke(app, [*words, "--workspace", "w"])

    return told


def test_an_empty_source_is_not_the_current_folder(run, tmp_path):
    (tmp_path / "diary.md").write_text("The staging host is kestrel-7.\n")
    refused = run("learn", "")
    assert refused.exit_code != 0
    assert "The source is empty" in refused.output
    assert "kestrel" not in run("memory", "list").output


def test_forgetting_by_words_spares_the_other_statements_of_a_passage(run, tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    assert run("learn", "page.md").exit_code == 0
    assert run("forget", "--query", "door code of the workshop", "--yes").exit_code == 0
    left = run("memory", "list", "--all").output
    assert "kestrel-7" in left
    assert "Ada Brown" in left
    assert "4417" not in left


def test_a_module_that_cannot_be_read_now_ends_nothing(run, tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tools.py").write_text('def important(a: int) -> int:\n    """Count boxes."""\n')
    assert run("learn", "pkg").exit_code == 0
    (package / "tools.py").write_text("def important(:\n")
    refused = run("learn", "pkg")
    assert refused.exit_code != 0
    assert "tools.py cannot be read as Python" in refused.output
    assert "important" in run("memory", "list").output


def test_settings_outside_sections_come_from_the_environment():
    around = {"NIGHTSCHOOL_EFFORT": "small", "NIGHTSCHOOL_TENANT": "ada", "NIGHTSCHOOL_HOME": "x"}
    found = load_settings(environ=around)
    assert (found.effort, found.tenant) == ("small", "ada")


@pytest.mark.parametrize(
    "line", ['{"question": "q", "answer": ["x"]}', '{"question": "q", "answer": 4417}', '{"text": ["a"]}']
)  # fmt: skip
def test_material_of_the_wrong_type_is_named_by_its_line(tmp_path, line):
    (tmp_path / "m.jsonl").write_text(line)
    with pytest.raises(StudyError, match="line 1"):
        read_material(tmp_path / "m.jsonl", "default")


def test_an_agents_server_on_a_port_in_use_says_so(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = run("mcp", "--http", "--port", str(taken.getsockname()[1]))
    assert refused.exit_code == 2
    assert "Choose another --port" in refused.output


def test_nothing_found_is_not_nothing_remembered(run):
    run("remember", "The staging host is kestrel-7.")
    assert "Nothing is remembered about that" in run("memory", "list", "--about", "zebra").output
    assert run("memory", "list", "--about", "host", "--all").exit_code == 2


def test_a_tenant_without_a_key_does_not_stand_for_all(run):
    run("keys", "create")
    assert "nobody has no key" in run("keys", "list", "--tenant", "nobody").output
