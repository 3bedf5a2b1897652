"""The memory server's tools between the owner's edits and deletions; the protocol itself is told by e2e/test_mcp.py."""

import asyncio

import pytest

mcp = pytest.importorskip("mcp")

from nightschool.day import remember  # noqa: E402
from nightschool.forget import forget, unfinished  # noqa: E402
from nightschool.registry.versions import Registry  # noqa: E402
from nightschool.serve.mcp import memory_server  # noqa: E402
from nightschool.types import Trust  # noqa: E402
from nightschool.wire import open_school  # noqa: E402
from nightschool.workspace import Workspace  # noqa: E402


@pytest.fixture
def school(tmp_path):
    found = open_school(Workspace.create(tmp_path, "").root)
    remember(found, "The staging host is kestrel-7.")
    yield found
    found.close()


def searched(school):
    async def search():
        async with mcp.Client(memory_server(school, Trust.USER)) as client:
            found = await client.call_tool("search_memory", {"query": "staging host"})
            assert not found.is_error
            return "".join(part.text for part in found.content)

    return asyncio.run(search())


def test_what_people_edit_is_found_by_the_next_call(school, caplog):
    (path,) = school.workspace.memories.rglob("said*.md")
    text = path.read_text()
    path.write_bytes(text.encode().replace(b"kestrel", b"kestr\xe9l"))
    assert "kestrel-7" in searched(school)
    assert path.name in caplog.text
    path.write_text(text.replace("kestrel-7", "merlin-2"))
    assert "merlin-2" in searched(school)


def test_a_killed_deletion_is_finished_before_a_call(school, killed_at):
    with killed_at(Registry, "erase_weights"):
        forget(school, [memory.id for memory in school.store.memories("default")])
    assert unfinished(school)
    assert searched(school) == "Nothing is remembered about that."
