"""The memory server, spoken to by the real client: over stdio as agents start it, and over HTTP."""

import asyncio
import socket
import subprocess
import sys
import time

import pytest
from mcp import Client, StdioServerParameters

SERVE = ["-m", "nightschool", "mcp"]


def text(result):
    return "".join(part.text for part in result.content)


async def converse(server):
    """Live one conversation; return what the server answered."""
    async with Client(server, read_timeout_seconds=120) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"memory", "search_memory", "remember", "forget"}

        async def call(name, **arguments):
            return await client.call_tool(name, arguments)

        told = text(await call("remember", statement="The gateway listens on port 8443."))
        assert "(unconfirmed, user)" in told
        found = text(await call("search_memory", query="gateway port"))
        note = {"path": "/memories/notes.md", "file_text": "- Nia owns the billing service.\n"}
        made = await call("memory", command="create", **note)
        assert text(made) == "File created successfully at: /memories/notes.md"
        again = await call("memory", command="create", **note)
        assert again.is_error
        assert text(again) == "Error: File /memories/notes.md already exists"
        billing = text(await call("search_memory", query="Who owns billing?"))
        assert "Nia owns the billing service." in billing
        owned = text(await call("search_memory", query="staging host"))
        refused = await call("forget", memory_ids=[owned.split("]")[0].strip("[")])
        assert refused.is_error
        assert "ask the owner" in text(refused)
        assert (await call("remember", statement=" ")).is_error
        assert (await call("forget", memory_ids=["mem-none"])).is_error
        assert (await call("search_memory", query="x", limit=0)).is_error
        return found.split("]")[0].strip("[")


def test_an_agent_remembers_over_stdio_and_the_owner_decides(school):
    server = StdioServerParameters(command=sys.executable, args=SERVE, cwd=school.folder)
    gateway = asyncio.run(converse(server))
    waiting = school.json("memory", "pending")
    assert {m["text"] for m in waiting} == {
        "The gateway listens on port 8443.", "Nia owns the billing service.",
    }  # fmt: skip
    school("memory", "approve", gateway)

    async def later():
        async with Client(server, read_timeout_seconds=120) as client:
            found = await client.call_tool("search_memory", {"query": "gateway port"})
            gone = await client.call_tool("forget", {"memory_ids": [gateway]})
            return text(found), gone.is_error

    found, refused = asyncio.run(later())
    assert found == f"[{gateway}] The gateway listens on port 8443."
    assert refused


def test_an_agent_remembers_over_http(school):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *SERVE, "--http", "--port", str(port), "--trust", "user"]
    process = subprocess.Popen(command, cwd=school.folder, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < until
                time.sleep(0.2)
        asyncio.run(converse(f"http://127.0.0.1:{port}/mcp"))
    finally:
        process.terminate()
        process.wait(30)
    assert len(school.json("memory", "pending")) == 2


@pytest.mark.parametrize("words", [("--trust", "everybody"), ("--tenant", "../x")])
def test_a_wrong_option_is_a_sentence(school, words):
    out = school("mcp", *words, code=2)
    assert "Error:" in out
    assert "Traceback" not in out
