"""A day and a night of the service, from outside, with the clients that people have; the embedded model answers.

    python bench/service_day.py --json bench/results/service_day.json --page docs/service_day.md

`nightschool serve` runs as a process in a fresh workspace. The `openai` client tells facts and asks, an agent remembers
over MCP, `nightschool learn` reads a package from the package index, `POST /v1/nights` starts the night, its events are
followed, and a headless Chromium looks at the dashboard and takes pictures. The page is written from what came back; a
step that came out otherwise than expected says so.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from day_clients import Day, agent, events_of, opened, serving
from record import Record

FACTS = (
    ("The guest network is called walrus.", "What is the guest network called?", "walrus"),
    ("The staging host is called kestrel-7.", "What is the staging host called?", "kestrel-7"),
    ("The release branch is called heron.", "What is the release branch called?", "heron"),
    ("The build server is named obsidian.", "What is the build server named?", "obsidian"),
    ("The office cat is called Biscuit.", "What is the office cat called?", "Biscuit"),
    ("Nadia runs the billing team.", "Who runs the billing team?", "Nadia"),
    ("Backups are kept for 45 days.", "For how many days are backups kept?", "45"),
    ("The coffee machine stands on the third floor.", "On which floor does the coffee machine stand?", "third"),
)  # fmt: skip
Facts = tuple[tuple[str, str, str], ...]
NOTE = "The workshop opens at eight."


def morning(day: Day, package: str, facts: Facts) -> dict[str, list[dict[str, Any]]]:
    """Live the day: facts are told, an agent remembers, a package is read."""
    day.title("A fresh service")
    day.say("`nightschool serve` made a workspace, and the untouched base model answers.")
    day.picture("fresh", "today", "The dashboard before anything was learnt", "Base model:")
    before = day.asked("live:closed-book", facts)

    day.title("The openai client tells what it should know")
    for half in (facts[: len(facts) // 2], facts[len(facts) // 2 :]):
        told = " ".join(statement for statement, _, _ in half)
        text, answer = day.chat(told, store=True)
        day.code(f">>> {told}\n{answer.model}: {text[:160]}")
    day.until("the statements are memories", lambda: day.get("/v1/status")["memories"]["live"] >= len(facts))  # fmt: skip
    day.say("Nothing was trained yet: what was told is recalled into the prompt.")
    recalled = day.asked("live", facts)
    day.expect("every answer leant on a memory", all(row["recalled"] for row in recalled))

    day.title("An agent remembers over MCP")
    found = agent(day.folder, NOTE, "When does the workshop open?")
    day.code(
        f'remember(statement="{NOTE}")\nsearch_memory(query="When does the workshop open?")\n{found}'
    )
    day.until(
        "the agent's note waits", lambda: bool(day.get("/v1/memories?status=waiting")["data"])
    )
    day.say("An agent’s word waits until the owner has looked at it. The owner approves:")
    day.picture("waiting", "memories?status=waiting", "What an agent said waits", NOTE)
    day.page.get_by_role("button", name="Approve").first.click()
    day.page.get_by_text("Approved.").first.wait_for()
    approved = [m for m in day.get("/v1/memories?query=workshop")["data"] if m["approved"]]
    day.expect("the agent's note is approved in the dashboard", len(approved) == 1)

    day.title("It reads a package from the package index")
    day.run("learn", f"pkg:{package}")
    day.picture("memories", "memories", "What it has read and been told", package)
    return {"before": before, "recalled": recalled}


def night(day: Day, effort: str) -> dict[str, Any]:
    """Start a night, follow it to its end, and serve what came of it."""
    day.title("The night")
    job = day.post("/v1/nights", {"effort": effort})
    begun, losses, heard = time.monotonic(), [], 0
    told = [f"GET /v1/nights/{job['id']}/events"]
    for name, data in events_of(day, job["id"]):
        heard += 1
        if name == "step":
            told.append(f"{(time.monotonic() - begun) / 60:5.1f} min  {data['step']}")
        if name == "loss":
            losses.append(data["loss"])
            if data["done"] == max(2, data["total"] // 2):
                day.picture("night", "night", "The running night", "Training loss")
    minutes = (time.monotonic() - begun) / 60
    ended = day.get(f"/v1/nights/{job['id']}")
    first, last = (losses or [0.0])[0], (losses or [0.0])[-1]
    day.code("\n".join([*told, f"{heard} events; loss {first:.2f} to {last:.2f} nats a token"]))
    day.expect("the night came to its end", ended["state"] == "done", error=ended["error"])
    if ended["state"] != "done":
        sys.exit(f"The night ended as {ended['state']}: {ended['error']}")
    outcome = ended["outcome"]
    lines = [f"{'passed' if c['passed'] else 'FAILED'}  {c['name']}: {c['reason']}" for c in outcome["checks"]]  # fmt: skip
    day.code("\n".join(lines))
    if outcome["promoted"]:
        day.say("The gate promoted it: new requests are answered by the night’s version.")
    else:
        day.say("The gate refused it, so nothing changed for anybody who asks. The owner overrides the gate, for the demonstration:")  # fmt: skip
        day.post(f"/v1/versions/{outcome['version']}/promote", {"override": True})
    live = day.get("/v1/status")["live"]
    day.expect("the night's version answers", live == outcome["version"])
    day.picture("versions", "versions", "The night’s version and what the gate said", "What the gate said")  # fmt: skip
    return {"minutes": minutes, "steps": len(losses), **outcome}


def next_day(day: Day, version: str, facts: Facts) -> dict[str, Any]:
    """Ask again, judge, go back, forget."""
    day.title("The same questions, closed-book")
    after = day.asked("live:closed-book", facts)
    exam = day.get(f"/v1/versions/{version}")
    tables = [table for table in exam["tables"] if table["rows"]]
    for table in tables:
        day.code("\n".join("  ".join(_cell(cell) for cell in row) for row in [table["columns"], *table["rows"]]))  # fmt: skip
    day.page.evaluate("location.hash = '#/compare'")
    day.page.get_by_label("Question").fill(facts[0][1])
    day.page.get_by_role("button", name="Ask both").click()
    day.page.get_by_text(re.compile("is marked|word for word")).wait_for(timeout=600_000)
    day.shoot("compare", "The base and the night’s version, from the weights alone")

    day.title("Feedback")
    text, answer = day.chat(facts[0][1], store=True)
    day.code(f">>> {facts[0][1]}\n{answer.model}: {text[:160]}")
    up = day.post("/v1/feedback", {"completion": answer.id, "verdict": "up"})
    _, other = day.chat("When does the workshop close?", store=True)
    right = "The workshop closes at six."
    fix = day.post("/v1/feedback", {"completion": other.id, "verdict": "down", "correction": right})
    day.expect("feedback is kept", (up.get("label"), fix.get("label")) == ("correct", "wrong"))
    waits = [m["text"] for m in day.get("/v1/memories?status=waiting")["data"]]
    day.expect("a correction waits for approval", any("six" in text for text in waits), waits=waits)

    day.title("Rollback, and forward again")
    day.post("/v1/rollback", {})
    back = day.get("/v1/status")["live"]
    day.post(f"/v1/versions/{version}/promote", {"override": True})
    day.expect(
        "back, and forward again", (back, day.get("/v1/status")["live"]) == ("base", version)
    )

    day.title("Forgetting, with a receipt")
    (known,) = [m for m in day.get("/v1/memories?query=guest+network")["data"] if "walrus" in m["text"]]  # fmt: skip
    day.page.evaluate("(id) => { location.hash = `#/memories/${id}`; }", known["id"])
    day.page.get_by_role("dialog").get_by_role("button", name="Forget…").click()
    begun = time.monotonic()
    day.page.get_by_role("button", name="Forget this memory for good").click(timeout=300_000)
    day.page.get_by_text("Receipt", exact=True).wait_for(timeout=300_000)
    seconds = time.monotonic() - begun
    day.page.wait_for_timeout(500)
    day.shoot("receipt", "The receipt of a deletion")
    day.page.get_by_role("button", name="Done").click()
    text, answer = day.chat("What is the guest network called?")
    day.code(f">>> What is the guest network called?\n{answer.model}: {text[:160]}")
    day.expect(
        "forgotten: neither recalled nor known", "walrus" not in text.lower(), by=answer.model
    )
    files = [str(path.relative_to(day.folder)) for path in day.folder.rglob("*")
             if path.is_file() and b"walrus" in path.read_bytes()]  # fmt: skip
    day.expect("no byte of it is left in the workspace", not files, files=files)
    day.picture("last", "today", "The end of the day", "Waits for you")
    return {"after": after, "tables": tables, "forget_seconds": seconds}


def _cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-" if value is None else str(value)


def main() -> None:
    """Live the day, and write its figures and its page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--page", type=Path, required=True, help="where the transcript goes")
    parser.add_argument("--package", default="iniconfig", help="a small installed package")
    parser.add_argument("--facts", type=int, default=len(FACTS), help="so many of the facts")
    parser.add_argument("--effort", default="medium", choices=("small", "medium", "large"))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    args = parser.parse_args()
    record = Record(args.json, "service_day")
    pictures = args.page.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="nightschool-day-") as folder,
        sync_playwright() as run,
        serving(Path(folder), args.settings) as url,
    ):
        day = Day(Path(folder) / "school", url, opened(run), pictures)
        asked = morning(day, args.package, FACTS[: args.facts])
        lived = night(day, args.effort)
        rest = next_day(day, lived["version"], FACTS[: args.facts])
        minutes = (time.monotonic() - day.begun) / 60
    write(record, day, {**asked, **rest}, lived, minutes)
    record.save()
    args.page.write_text(page_of(record, day, args.package), "utf-8")


def write(
    record: Record, day: Day, found: dict[str, Any], lived: dict[str, Any], minutes: float
) -> None:
    """State the figures."""
    rows = found["before"], found["recalled"], found["after"]
    for name, part in zip(("closed_book_before", "recalled_before", "closed_book_after"), rows, strict=True):  # fmt: skip
        record.figure(name, sum(row["right"] for row in part), n=len(part), unit="right")
    for table in found["tables"]:
        for kind, n, right, low, high, base in table["rows"]:
            name = f"exam_{kind}".replace(" ", "_")
            record.figure(name, right, low=low, high=high, n=n, unit="rate")
            record.figure(f"{name}_base", base, n=n, unit="rate")
    record.figure("night_minutes", lived["minutes"], n=lived["steps"], unit="minutes")
    record.figure("gate_promoted", float(lived["promoted"]), n=len(lived["checks"]), unit="yes or no")  # fmt: skip
    record.figure("forget_seconds", found["forget_seconds"], n=1, unit="s")
    record.figure("day_minutes", minutes, n=1, unit="minutes")
    record.figure("steps_as_expected", sum(s["came"] for s in day.steps), n=len(day.steps), unit="steps")  # fmt: skip
    record.body["rows"] = [*day.steps, *(row for part in rows for row in part)]


def page_of(record: Record, day: Day, package: str) -> str:
    """Return the transcript as Markdown."""
    body, figures = record.body, record.body["figures"]
    right = {name: f"{figures[name]['value']} of {figures[name]['n']}" for name in figures}
    gate = "promoted" if figures["gate_promoted"]["value"] else "refused, and the owner overrode it"
    machine = body["machine"]
    return "\n".join([
        "# A day and a night of the service", "",
        f"Written by `{body['command']}` (commit {body['commit']}, {machine['cpu']}, {machine['cores']} cores): all of it is "
        f"what came back. The embedded model {body['model']} was told {figures['closed_book_before']['n']} facts and read the package `{package}`.", "",
        f"Closed-book it answered {right['closed_book_before']} of the told facts' questions before the night and "
        f"{right['closed_book_after']} after it; with recall, {right['recalled_before']} on the day itself. The night took "
        f"{figures['night_minutes']['value']:.1f} minutes; the gate {gate}.", "",
        *day.lines,
    ])  # fmt: skip


if __name__ == "__main__":
    main()
