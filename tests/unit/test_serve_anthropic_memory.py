"""The Anthropic SDK's memory tool on our notes: its own dispatch and input, our answers."""

import subprocess
import sys

import pytest
from anthropic.lib.tools import BetaAbstractMemoryTool, ToolError

from nightschool.curate import review, search
from nightschool.day import remember
from nightschool.serve.anthropic_memory import NightschoolMemoryTool
from nightschool.trust import trainable
from nightschool.types import Trust
from nightschool.wire import open_school
from nightschool.workspace import Workspace

NOTE = "- Nia owns the billing service.\n- The gateway listens on 8443.\n"


@pytest.fixture
def school(tmp_path):
    Workspace.create(tmp_path, "")
    return open_school(tmp_path, tenant="ada")


@pytest.fixture
def tool(school):
    return NightschoolMemoryTool(school)


def test_it_is_the_sdks_tool(school):
    tool = NightschoolMemoryTool(school, cache_control={"type": "ephemeral"})
    assert isinstance(tool, BetaAbstractMemoryTool)
    assert tool.to_dict() == {
        "type": "memory_20250818",
        "name": "memory",
        "cache_control": {"type": "ephemeral"},
    }


def test_the_six_commands(tool, school):
    path = "/memories/notes.md"
    made = tool.call({"command": "create", "path": path, "file_text": NOTE})
    assert made == f"File created successfully at: {path}"
    assert tool.call({"command": "view", "path": path, "view_range": [2, 2]}).endswith(
        "\n     2\t- The gateway listens on 8443."
    )
    assert "notes.md" in tool.call({"command": "view", "path": "/memories"})
    tool.call({"command": "str_replace", "path": path, "old_str": "8443", "new_str": "9443"})
    tool.call(
        {
            "command": "insert",
            "path": path,
            "insert_line": 2,
            "insert_text": "- Ben is on call now.",
        }
    )
    tool.call({"command": "rename", "old_path": path, "new_path": "/memories/team.md"})
    assert {m.text for m in school.store.memories("ada")} == {
        "Nia owns the billing service.",
        "The gateway listens on 9443.",
        "Ben is on call now.",
    }
    (found,) = search(school, "gateway", 5)
    assert not trainable(found)
    assert tool.call({"command": "delete", "path": "/memories/team.md"}) == (
        "Successfully deleted /memories/team.md"
    )
    assert school.store.memories("ada") == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"command": "view", "path": "/memories/none.md"}, "does not exist"),
        ({"command": "create", "path": "/memories/../x.md", "file_text": "x"}, "Error"),
        ({"command": "create", "path": "/etc/x.md", "file_text": "x"}, "not below"),
        ({"command": "create", "path": "/memories/x.md"}, "needs `file_text`"),
        (
            {"command": "insert", "path": "/memories/x.md", "insert_line": "2"},
            "needs `insert_line`",
        ),
        ({"command": "delete", "path": "/memories/MEMORY.md"}, "owner"),
        ({"command": "frobnicate", "path": "/memories"}, "Unknown command"),
        ({}, "Unknown command"),
        ("view", "expected an object"),
    ],
)
def test_a_wrong_call_is_the_sdks_error_in_our_words(tool, call, message):
    with pytest.raises(ToolError, match=message):
        tool.call(call)


def test_what_is_written_inherits_the_lowest_tier(school):
    for trust in (Trust.OWNER, Trust.WEB):
        path = f"/memories/{trust.value}.md"
        note = f"- The host of {trust.value} is heron."
        tool = NightschoolMemoryTool(school, trust=trust)
        tool.call({"command": "create", "path": path, "file_text": note})
    tiers = {m.source: m.trust for m in school.store.memories("ada")}
    assert tiers == {"/memories/owner.md": Trust.USER, "/memories/web.md": Trust.WEB}


def test_clearing_forgets_the_notes_and_keeps_what_the_owner_vouches_for(tool, school, tmp_path):
    remember(school, "The staging host is kestrel-7.")
    tool.call({"command": "create", "path": "/memories/a/notes.md", "file_text": NOTE})
    tool.call({"command": "create", "path": "/memories/b.md", "file_text": "# Only a heading\n"})
    tool.call({"command": "view", "path": "/memories/b.md"})
    (tmp_path / "memories/ada/b.md").write_text("# Changed by hand\n")
    (gateway,) = search(school, "gateway", 5)
    review(school, [gateway.id], approve=True)
    assert tool.clear_all_memory() == "All memory cleared"
    assert {m.text for m in school.store.memories("ada", include_retired=True)} == {
        "The staging host is kestrel-7.",
        "The gateway listens on 8443.",
    }
    listing = tool.call({"command": "view", "path": "/memories"})
    assert (
        "/memories/a/" not in listing
    )  # an approved line is the owner's: it has a file of its own
    assert "/memories/b.md" not in listing
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"Nia owns" not in everything
    assert tool.clear_all_memory() == "All memory cleared"


def test_another_tenant_sees_nothing(tool, school, tmp_path):
    tool.call({"command": "create", "path": "/memories/notes.md", "file_text": NOTE})
    other = NightschoolMemoryTool(open_school(tmp_path, tenant="bob"))
    assert "notes.md" not in other.call({"command": "view", "path": "/memories"})
    other.clear_all_memory()
    assert len(school.store.memories("ada")) == 2


def test_only_this_module_loads_the_sdk():
    code = (
        "import pkgutil, sys, nightschool.serve.mcp, nightschool.serve.mem0, nightschool.cli.main\n"
        "print('anthropic' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
