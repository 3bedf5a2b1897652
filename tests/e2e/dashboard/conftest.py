"""A headless Chromium, a page in it, and the real app behind the page: uvicorn in a thread, engines that need no model."""

import os
import runpy
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from nightschool.curate import listing
from nightschool.hosting import House
from nightschool.jobs import Nights
from nightschool.models.fake_engine import FakeEngine
from nightschool.night_process import NightProcess
from nightschool.serve.app import create_app
from nightschool.workspace import Workspace

DATA = runpy.run_path(str(Path(__file__).with_name("school_data.py")))
PRETEND = Path(__file__).with_name("pretend_night.py")
ARGUMENTS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def chromium() -> str | None:
    """Return a Chromium of the system, else None: then the one of playwright is tried."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():  # not for longer: while playwright runs, no other event loop can
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


def pretend(arguments, threads):
    return NightProcess(arguments, threads, (sys.executable, str(PRETEND)))


class Breaking:
    """The app behind a bad line: as often as `breaks` says, an open stream of events breaks off in the middle."""

    def __init__(self, app) -> None:
        self.app, self.breaks = app, 0

    async def __call__(self, scope, receive, send) -> None:
        parts = 0

        async def sent(message) -> None:
            nonlocal parts
            parts += message["type"] == "http.response.body"
            if parts > 2 and self.breaks and scope["path"].endswith("/events"):
                self.breaks -= 1
                raise ConnectionAbortedError
            await send(message)

        await self.app(scope, receive, sent)


class Server:
    """The service over a workspace, on a free loopback port."""

    def __init__(self, workspace: Workspace) -> None:
        def engine(school, versions):
            full = any(version.kind == "full" for version in versions)
            found = FakeEngine([version.id for version in versions], full=full, delay_s=0.005)
            self.engines.append(found)
            return found

        self.engines: list[FakeEngine] = []
        self.workspace = workspace
        self.house = House(workspace, engine)
        nights = Nights(
            workspace, self.house.settings.serve, machine=workspace.root.parent, launch=pretend,
            on_promoted=lambda tenant, version_id: self.house.refresh(tenant),
        )  # fmt: skip
        self.line = Breaking(create_app(self.house, host="127.0.0.1", nights=nights))
        self._server = uvicorn.Server(
            uvicorn.Config(self.line, port=0, log_config=None, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.house.close()

    def asked(self, field: str) -> list:
        """Return what requests asked the engines for."""
        return [seen.body.get(field) for engine in self.engines for seen in engine.seen]

    def memories(self, status: str = "live") -> dict[str, str]:
        """Return the memories of a standing: text -> id."""
        with self.house.school("default") as school:
            return {m.text: m.id for m in listing(school, status, limit=200).memories}

    def deeds(self) -> list[tuple[str, int]]:
        """Return what the audit log holds, oldest first: (route, status)."""
        found = [(entry.action, entry.status) for entry in self.house.audit.entries("default")]
        return found[::-1]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Workspace:
    """Return the workspace of a school that has lived four nights; it is copied, never served."""
    workspace = Workspace.create(tmp_path_factory.mktemp("prepared") / "school", "")
    DATA["fill"](workspace)
    return workspace


def copied(prepared: Workspace, to: Path) -> Workspace:
    shutil.copytree(prepared.root, to)
    return Workspace(to)


@pytest.fixture(scope="module")
def shared(prepared, tmp_path_factory):
    """Return the service of that school, for tests that change nothing."""
    with Server(copied(prepared, tmp_path_factory.mktemp("shared") / "school")) as running:
        yield running


@pytest.fixture
def server(prepared, tmp_path):
    with Server(copied(prepared, tmp_path / "school")) as running:
        yield running


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """Return the service of a school that has learnt nothing yet; the tests of a module share it."""
    with Server(Workspace.create(tmp_path_factory.mktemp("new") / "school", "")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path):
    """Return the service of a school that has learnt nothing yet, for one test."""
    with Server(Workspace.create(tmp_path / "school", "")) as running:
        yield running


class Visit:
    """A browser's page with a server behind it."""

    def __init__(self, page, server: Server) -> None:
        self.page, self.server = page, server
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console",
            lambda line: line.type in ("error", "warning") and self.troubles.append(line.text),
        )

    def go(self, route: str) -> None:
        """Follow a link of the page; the first time, open the page."""
        if self.page.url == "about:blank":
            self.page.goto(f"{self.server.url}/#/{route}")
        else:
            self.page.evaluate("(route) => { location.hash = `#/${route}`; }", route)

    def sees(self, text: str):
        found = self.page.get_by_text(text, exact=False).locator("visible=true").first
        found.wait_for(state="visible", timeout=30_000)
        return found

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, condition: str) -> None:
        # Not wait_for_function: it evaluates a string in the page, which the policy forbids.
        for _ in range(900):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"not so after 45 s: {condition}")

    def wide(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture
def open_page(browser):
    """Open pages of servers, each in a context of its own, which last as long as the test."""
    contexts = []

    def opened(server: Server, **wanted) -> Visit:
        looks = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
        contexts.append(browser.new_context(**{**looks, **wanted}))
        contexts[-1].set_default_timeout(30_000)
        return Visit(contexts[-1].new_page(), server)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visit(open_page, server) -> Visit:
    """Return a page of a service whose school may be changed."""
    return open_page(server)
