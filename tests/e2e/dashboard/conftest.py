"""A headless Chromium, a page in it, and the stand-in of the service behind the page."""

import os
import runpy
import shutil
from pathlib import Path

import pytest

SERVER = runpy.run_path(str(Path(__file__).with_name("stand_in.py")))
ARGUMENTS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def chromium() -> str | None:
    """Return a Chromium of the system, else None: then the one of playwright is tried."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="pip install playwright, for the tests in a browser"
    )
    with playwright.sync_playwright() as run:
        try:
            opened = run.chromium.launch(executable_path=chromium(), args=ARGUMENTS.split())
        except playwright.Error as error:
            pytest.skip(
                f"No Chromium starts here ({str(error).splitlines()[0]}): `apt install chromium`, or `playwright install chromium`"
            )
        yield opened
        opened.close()


@pytest.fixture
def server():
    with SERVER["Server"]() as running:
        running.stand.pace = 0.01
        yield running


class Visit:
    """A browser's page with the server behind it."""

    key, live = SERVER["KEY"], SERVER["LIVE"]

    def __init__(self, page, server) -> None:
        self.page, self.server, self.stand = page, server, server.stand
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console",
            lambda line: line.type in ("error", "warning") and self.troubles.append(line.text),
        )

    def go(self, route: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(f"{self.server.url}/#/{route}")

    def sees(self, text: str):
        found = self.page.get_by_text(text, exact=False).first
        found.wait_for(state="visible", timeout=10_000)
        return found

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, condition: str) -> None:
        # Not wait_for_function: it evaluates a string in the page, which the policy forbids.
        for _ in range(300):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"not so after 15 s: {condition}")

    def wide(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture
def visit(browser, server, request):
    wanted = {
        "viewport": {"width": 1280, "height": 860},
        "color_scheme": "light",
        **getattr(request, "param", {}),
    }
    context = browser.new_context(**wanted)
    context.set_default_timeout(10_000)
    yield Visit(context.new_page(), server)
    context.close()
