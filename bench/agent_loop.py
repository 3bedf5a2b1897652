"""One fact through its whole life: told to a chat and to an agent, recalled, corrected, trained, known by heart, forgotten.

    python bench/agent_loop.py --json bench/results/agent_loop.json

The real commands (`nightschool chat`, `ask`, `consolidate`, `forget`), the real memory server with the real MCP
client over stdio, and the real small model. Each step says what was expected and whether it came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

from record import Record

CLI = [sys.executable, "-m", "nightschool"]
QUESTION = "What is the door code of the workshop?"
OTHERS = (
    "The staging server is called merlin-2.", "Nadia runs the billing team.", "Deploys happen on Thursday.",
    "The coffee machine stands on the third floor.", "The team's mascot is an otter.", "Backups are kept for 45 days.",
    "The parking garage closes at 9 pm.", "Invoices are sent by Ravi.", "The lab's microscope is called Hugo.",
    "The wifi of the guest house is named Larkspur.", "The weekly meeting is in room Juniper.", "The office plant is watered by Selma.",
)  # fmt: skip


def main() -> None:
    """Live the loop and record each step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--effort", default="medium", choices=("small", "medium", "large"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightschool-loop-") as folder:
        steps = live(Path(folder), args.effort)
    result = Record(args.json, "agent_loop")
    result.body["rows"] = steps
    result.figure("steps_as_expected", sum(s["came"] for s in steps), n=len(steps), unit="steps")
    result.save()


def live(folder: Path, effort: str) -> list[dict[str, Any]]:
    """Return one row a step: what was done, what came, and whether that was expected."""
    school = folder / "school"
    steps: list[dict[str, Any]] = []

    def run(*words: str, given: str = "") -> str:
        done = subprocess.run([*CLI, *words], cwd=school if school.exists() else folder, input=given, text=True,
                              capture_output=True, check=False)  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr[-800:]}")
        return done.stdout

    def step(what: str, came: bool, **shown: Any) -> None:
        steps.append({"step": what, "came": came, **shown})
        print(json.dumps(steps[-1]))

    def why() -> list[dict[str, Any]]:
        return list(json.loads(run("memory", "why", QUESTION, "--json")))

    run("init", "school")
    run("chat", given="The door code of the workshop is 4417.\n")
    (told,) = [m for m in json.loads(run("memory", "list", "--json")) if "4417" in m["text"]]
    step("told in a conversation", True, memory=told["text"])
    answer = json.loads(run("ask", QUESTION, "--json"))
    step(
        "recalled in the next", told["id"] in json.dumps(answer["recalled"]), answer=answer["text"]
    )
    agent, note = asyncio.run(_agent(school))
    step("an agent finds it over MCP", "4417" in agent, found=agent)
    step("what the agent adds waits for the owner", note in run("memory", "pending"), told=note)
    run("chat", given="The door code of the workshop is 9023 now.\n")
    live_now = [
        m["text"] for m in json.loads(run("memory", "list", "--json")) if "door code" in m["text"]
    ]
    step(
        "corrected: the new value alone is live",
        [("9023" in t) for t in live_now] == [True],
        live=live_now,
    )
    for fact in OTHERS:
        run("remember", fact)
    before = sum(len(r["memory"]["text"]) for r in why() if r["used"])
    begun = time.monotonic()
    run("consolidate", "--effort", effort)
    minutes = (time.monotonic() - begun) / 60
    versions = run("versions", "--json")
    night = json.loads(run("ask", QUESTION, "--closed-book", "--json"))
    step("a night trains the right value", "9023" in night["text"] and "4417" not in night["text"],
         closed_book=night["text"], minutes=round(minutes, 1))  # fmt: skip
    rows = why()
    step("the known fact stands in no prompt any more", not [r for r in rows if r["used"] and "9023" in r["memory"]["text"]],
         reasons=[r["reason"] for r in rows if "9023" in r["memory"]["text"]],
         characters_before=before, characters_after=sum(len(r["memory"]["text"]) for r in rows if r["used"]))  # fmt: skip
    (known,) = [m for m in json.loads(run("memory", "list", "--json")) if "9023" in m["text"]]
    run("forget", known["id"], "--yes")
    after = json.loads(run("ask", QUESTION, "--json"))
    step(
        "forgotten: neither recalled nor known",
        "9023" not in after["text"],
        answer=after["text"],
        version=after["version_id"],
    )
    left = [str(p.relative_to(school)) for p in school.rglob("*") if p.is_file() and p.suffix != ".safetensors"
            and any(value in p.read_bytes() for value in (b"code of the workshop is 9023", b"code of the workshop is 4417"))]  # fmt: skip
    step("no byte of it is left", not left, files=left, versions_before=len(json.loads(versions)))
    return steps


async def _agent(school: Path) -> tuple[str, str]:
    """Search and add over the memory server; return what was found, and what was added."""
    server = StdioServerParameters(command=CLI[0], args=[*CLI[1:], "mcp"], cwd=school)
    note = "The workshop opens at eight."
    async with Client(server, read_timeout_seconds=120) as client:
        found = await client.call_tool("search_memory", {"query": QUESTION})
        await client.call_tool("remember", {"statement": note})
        return "".join(part.text for part in found.content), note


if __name__ == "__main__":
    main()
