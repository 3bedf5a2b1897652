"""Those who use the service in `service_day.py`: the openai client, an agent over MCP, a browser; and the page that tells of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import openai
from mcp import Client, StdioServerParameters
from PIL import Image
from playwright.sync_api import Page, Playwright, TimeoutError

CLI = [sys.executable, "-m", "nightschool"]
BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class Day:
    """The service at work, those who use it, and the page that is written of them."""

    def __init__(self, folder: Path, url: str, page: Page, pictures: Path) -> None:
        self.folder, self.url, self.page, self.pictures = folder, url, page, pictures
        self.ai = openai.OpenAI(base_url=f"{url}/v1", api_key="none", timeout=600)
        self.http = httpx.Client(base_url=url, timeout=600)
        self.lines: list[str] = []
        self.steps: list[dict[str, Any]] = []
        self.begun = time.monotonic()
        page.goto(f"{url}/")

    # -- writing ----------------------------------------------------------------------------

    def title(self, text: str) -> None:
        """Begin a part of the page, with how long the day has lasted."""
        minutes = (time.monotonic() - self.begun) / 60
        self.lines += [f"## {text}", "", f"*After {minutes:.1f} minutes.*", ""]

    def say(self, text: str) -> None:
        """Write a paragraph."""
        self.lines += [text, ""]

    def code(self, text: str) -> None:
        """Write what was sent or came back, as it was."""
        self.lines += ["```", text.rstrip(), "```", ""]

    def expect(self, what: str, came: bool, **shown: Any) -> None:
        """Keep whether a step came out as it should; one that did not is told on the page."""
        self.steps.append({"step": what, "came": came, **shown})
        print(json.dumps(self.steps[-1]), flush=True)
        if not came:
            details = f" ({json.dumps(shown, ensure_ascii=False)})" if shown else ""
            self.say(f"**Not as expected:** {what}.{details}")

    def picture(self, name: str, route: str, says: str, ready: str) -> None:
        """Look at a view once it shows something, and keep its picture in few colours."""
        self.page.evaluate("(route) => { location.hash = `#/${route}`; }", route)
        try:
            self.page.get_by_text(ready).locator("visible=true").first.wait_for(timeout=180_000)
        except TimeoutError:
            sys.exit(
                f"The dashboard does not show {ready!r} at #/{route}, but:\n{self.page.inner_text('main')}"
            )
        self.page.wait_for_timeout(700)
        self.shoot(name, says)

    def shoot(self, name: str, says: str) -> None:
        """Keep a picture of what the page shows now."""
        seen = Image.open(BytesIO(self.page.screenshot())).convert("RGB")
        path = self.pictures / f"{name}.png"
        seen.quantize(128).save(path, optimize=True)
        self.lines += [f"![{says}]({self.pictures.name}/{path.name})", ""]

    # -- the clients ------------------------------------------------------------------------

    def run(self, *words: str) -> str:
        """Run a command in the workspace, and show it with what it printed."""
        done = subprocess.run(
            [*CLI, *words], cwd=self.folder, text=True, capture_output=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.stderr[-800:]}")
        self.code(f"$ nightschool {' '.join(words)}\n{done.stdout}")
        return done.stdout

    def get(self, path: str) -> dict[str, Any]:
        """Fetch a route."""
        return dict(self.http.get(path).raise_for_status().json())

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call a route that changes something, and show it with its answer."""
        answer = self.http.post(path, json=body)
        told = json.dumps(answer.json(), indent=1, ensure_ascii=False)
        self.code(f"POST {path} {json.dumps(body)}\n{answer.status_code} {told[:1500]}")
        return {"status": answer.status_code, **answer.json()}

    def chat(self, text: str, model: str = "live", store: bool = False) -> tuple[str, Any]:
        """Ask over the openai client; return the answer's text and the answer."""
        answer = self.ai.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], max_tokens=24, temperature=0,
            extra_body={"store": store},
        )  # fmt: skip
        return (answer.choices[0].message.content or "").strip(), answer

    def asked(self, model: str, facts: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
        """Ask all the questions, and show the answers."""
        rows = []
        for _, question, right in facts:
            text, answer = self.chat(question, model)
            extra = (answer.model_extra or {}).get("nightschool") or {}
            rows.append(
                {"question": question, "model": model, "version": answer.model, "answer": text,
                 "right": right.lower() in text.lower(), "recalled": len(extra.get("recalled") or ())}
            )  # fmt: skip
        self.lines += [f"| asked of `{model}` | answer | right | recalled |", "|---|---|---|---|"]
        for row in rows:
            flat = " ".join(str(row["answer"]).split()).replace("|", "\\|")[:110]
            self.lines.append(
                f"| {row['question']} | {flat} | {'yes' if row['right'] else 'no'} | {row['recalled']} |"
            )
        self.lines.append("")
        return rows

    def until(self, what: str, true: Callable[[], bool], seconds: float = 600.0) -> None:
        """Wait until something is so; stop the bench where it does not become so."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                sys.exit(f"Not so after {seconds:.0f} s: {what}.")
            time.sleep(0.2)


def agent(folder: Path, note: str, question: str) -> str:
    """Remember a statement and search over MCP, as agents do: the server over stdio; return what was found."""

    async def talk() -> str:
        server = StdioServerParameters(
            command=CLI[0], args=[*CLI[1:], "mcp"], cwd=folder, env=dict(os.environ)
        )
        async with Client(server, read_timeout_seconds=600) as client:
            await client.call_tool("remember", {"statement": note})
            found = await client.call_tool("search_memory", {"query": question})
            return "".join(part.text for part in found.content)

    with ThreadPoolExecutor() as apart:  # this thread's event loop is the browser's
        return apart.submit(asyncio.run, talk()).result()


def events_of(day: Day, job: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a night's events, joining again where the connection breaks."""
    last, name = "", ""
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        try:
            with day.http.stream("GET", f"/v1/nights/{job}/events", headers=headers) as response:
                for line in response.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        last = value
                    elif field == "event":
                        name = value
                    elif field == "data":
                        yield name, json.loads(value)
                        if name == "end":
                            return
        except httpx.TransportError:
            time.sleep(1.0)


@contextmanager
def serving(folder: Path, settings: list[str]) -> Iterator[str]:
    """Start the service in an empty folder; give its URL."""
    words = [word for setting in settings for word in ("--set", setting)]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*CLI, "serve", "--port", "0", *words], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=log
        )  # fmt: skip
        try:
            assert process.stdout
            found = re.search(r"OpenAI API (\S+)/v1", process.stdout.readline())
            if not found:
                sys.exit((folder / "serve.log").read_text()[-800:])
            yield found[1]
        finally:
            process.terminate()
            process.wait(60)


def opened(run: Playwright) -> Page:
    """Open a page in a headless Chromium: the system's where there is one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    browser = run.chromium.launch(executable_path=path, args=BROWSER)
    page = browser.new_page(viewport={"width": 1180, "height": 820}, color_scheme="light")
    page.set_default_timeout(300_000)
    return page
