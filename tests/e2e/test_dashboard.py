"""The dashboard in a real headless browser: every view, its states, the keyboard, the themes, narrow screens."""

import os
import re
import runpy
import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="pip install playwright, for the tests in a browser"
)
SERVER = runpy.run_path(str(Path(__file__).with_name("dashboard_server.py")))
VIEWS = {
    "today": "Night 3’s version answers",
    "chat": "Talk to it",
    "memories": "Deploys happen on Thursdays",
    "night": "Send it to school",
    "versions": "What the gate said",
    "matrix": "Backward transfer",
    "compare": "Model A",
    "keys": "Editor plug-in",
}
EMPTY = {
    "today": "It has not been to school yet",
    "memories": "Nothing learnt yet",
    "night": "No nights yet",
    "versions": "No versions yet",
    "matrix": "No nights to compare yet",
    "compare": "There is one version or none yet",
    "keys": "Make the first key",
}
LOADING = [view for view in VIEWS if view != "chat"]
"""Chat asks for nothing before the first message."""
ARGUMENTS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=img]')]
  .filter((one) => one.getClientRects().length)
  .filter((one) => !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim()))
  .map((one) => one.outerHTML)"""
UNSOUND = """() => {
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  const doubled = ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `id ${id} twice`);
  const pointed = [...document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]')]
    .flatMap((one) => [one.getAttribute('aria-labelledby'), one.getAttribute('aria-describedby'), one.getAttribute('for')])
    .filter((id) => id && !document.getElementById(id)).map((id) => `nothing is called ${id}`);
  const heads = document.querySelectorAll('main h1').length === 1 ? [] : ['not one h1'];
  return [...doubled, ...pointed, ...heads];
}"""


def chromium() -> str | None:
    """Return a Chromium of the system, else None: then the one of playwright is tried."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
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


NARROW = {"viewport": {"width": 360, "height": 760}, "color_scheme": "dark"}


# -- every view, every state -----------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("visit", [{}, NARROW], indirect=True, ids=["wide", "narrow"])
def test_a_view_shows_its_data_soundly(visit, view):
    visit.go(view)
    visit.sees(VIEWS[view])
    visit.page.wait_for_timeout(150)
    width = visit.page.viewport_size["width"]
    assert visit.wide() <= width
    assert visit.page.evaluate(NAMELESS) == []
    assert visit.page.evaluate(UNSOUND) == []
    assert visit.troubles == []


@pytest.mark.parametrize("view", EMPTY)
def test_an_empty_view_teaches_the_next_step(visit, view):
    visit.stand.mode = "empty"
    visit.go(view)
    visit.sees(EMPTY[view])
    assert visit.troubles == []


@pytest.mark.parametrize("view", LOADING)
def test_an_error_says_what_to_do_and_a_retry_mends_it(visit, view):
    visit.stand.mode = "error"
    visit.go(view)
    visit.sees("The database is locked by another program.")
    visit.stand.mode = "full"
    again = visit.page.get_by_role("button", name="Try again")
    for left in range(again.count(), 0, -1):
        again.first.click()
        visit.until(f"[...document.querySelectorAll('.state.bad')].length < {left}")
    visit.sees(VIEWS[view])


@pytest.mark.parametrize("view", LOADING)
def test_a_key_is_asked_for_and_sent(visit, view):
    visit.stand.mode = "locked"
    visit.go(view)
    field = visit.page.get_by_label("Key", exact=True)
    field.fill("ns-wrong")
    field.press("Enter")
    visit.sees("does not know this key")
    visit.page.get_by_label("Key", exact=True).fill(SERVER["KEY"])
    visit.press("Sign in")
    visit.sees(VIEWS[view])
    assert visit.page.evaluate("sessionStorage['nightschool-key']") == SERVER["KEY"]
    assert visit.page.evaluate("JSON.stringify(localStorage)").find(SERVER["KEY"]) == -1
    assert SERVER["KEY"] not in visit.page.url


def test_signing_out_forgets_the_key(visit):
    visit.stand.mode = "locked"
    visit.go("today")
    visit.page.get_by_label("Key", exact=True).fill(SERVER["KEY"])
    visit.press("Sign in")
    visit.sees(VIEWS["today"])
    visit.press("Sign out")
    visit.sees("Paste yours to go on")
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_a_lost_server_leaves_what_was_shown(visit):
    visit.go("today")
    visit.sees(VIEWS["today"])
    visit.page.route("**/v1/**", lambda route: route.abort())
    visit.sees("Not up to date")
    assert visit.page.get_by_text(VIEWS["today"]).is_visible()


# -- how it behaves --------------------------------------------------------------------------


def test_the_keyboard_leads_everywhere(visit):
    visit.go("today")
    visit.sees(VIEWS["today"])
    for letter, view in {
        "v": "versions",
        "m": "memories",
        "n": "night",
        "x": "matrix",
        "k": "keys",
        "p": "compare",
        "t": "today",
    }.items():
        visit.keys("g", letter)
        visit.sees(VIEWS[view])
        assert visit.page.locator("#nav [aria-current=page]").get_attribute("data-view") == view
    visit.keys("?")
    assert visit.page.get_by_role("dialog").get_by_text("Search memories").is_visible()
    visit.keys("Escape", "/")
    visit.until("document.activeElement.id === 'search'")
    visit.page.keyboard.type("signature")
    visit.until("document.querySelectorAll('[data-row]').length === 4")
    assert visit.troubles == []


def test_the_queue_is_worked_by_keys(visit):
    visit.go("memories?status=waiting")
    visit.sees("sixty days")
    visit.keys("j", "a")
    visit.until("document.querySelectorAll('[data-row]').length === 2")
    visit.until("document.activeElement.textContent.includes('recommend Acme')")
    visit.keys("r")
    visit.until("document.querySelectorAll('[data-row]').length === 1")
    assert [path.rsplit("/", 1)[1] for _, path, _ in visit.stand.calls] == ["approve", "retire"]
    states = {m["id"]: m["status"] for m in visit.stand.memories}
    assert (states["mem-000000000000001e"], states["mem-000000000000001f"]) == ("live", "retired")


def test_html_in_a_memory_stays_text(visit):
    visit.go("memories?status=waiting")
    visit.sees("<b>bold?</b>").click()
    visit.page.get_by_role("dialog").get_by_text("<b>bold?</b>").first.wait_for()
    assert visit.page.locator("main img, dialog img, main b:has-text('bold?')").count() == 0
    assert "pwned" not in visit.page.title()
    assert visit.troubles == []


def test_contradictions_stand_together(visit):
    visit.go("memories?status=conflict")
    visit.sees("2 memories on the same thing")
    assert visit.page.locator(".conflict [data-row]").count() == 2


def test_a_memory_is_corrected_in_its_drawer(visit):
    visit.go("memories")
    visit.sees(VIEWS["memories"]).click()
    visit.sees("Where it comes from")
    visit.press("Correct")
    visit.page.get_by_label("What is true").fill("Deploys happen on Fridays.")
    visit.press("Save")
    visit.page.get_by_role("dialog").get_by_text("Deploys happen on Fridays.").first.wait_for()
    assert visit.stand.memories[0]["text"] == "Deploys happen on Fridays."
    assert (
        visit.page.get_by_role("alert").count() == 0
    )  # the drawer went on with the one that took its place


def test_forgetting_is_tried_before_it_is_done(visit):
    visit.go("memories")
    visit.sees("waits 0.1")
    visit.page.get_by_label("Choose: `retry_call").first.check()
    visit.press("Forget…")
    visit.sees("Nothing has been erased yet")
    visit.sees("14 study examples would be erased")
    assert [body["dry_run"] for *_, body in visit.stand.calls] == [True]
    visit.press("Forget 1 memory for good")
    visit.sees("Receipt")
    visit.sees("Answers now come from ver-5be0c1d2a3f49677")
    assert [body["dry_run"] for *_, body in visit.stand.calls] == [True, False]
    visit.press("Done")
    visit.until("document.querySelectorAll('[data-row]').length === 29")


def test_an_override_says_what_it_does(visit):
    visit.go("versions")
    visit.press("Override…")
    box = visit.page.get_by_role("dialog")
    box.get_by_text("14 facts lost and 2 gained of 96").wait_for()
    visit.press("Cancel")
    assert visit.stand.calls == []
    visit.press("Override…")
    visit.press("Promote anyway")
    visit.sees("against the gate")
    assert visit.stand.calls[0][2] == {"override": True}
    visit.press("Roll back")
    visit.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    visit.until("document.querySelector('.version.live').textContent.includes('Night 3')")


def test_a_nights_loss_grows_and_its_stream_is_joined_again(visit):
    visit.stand.drops, visit.stand.pace = 1, 0.06
    visit.go("night")
    visit.press("Start a night")
    points = "Number(document.querySelector('.is-running .chart svg')?.dataset.points ?? 0)"
    visit.until(f"{points} > 3")
    before = visit.page.evaluate(points)
    visit.until(f"{points} > {before + 20}")
    visit.sees("Passed. This version answers now.")
    visit.until("document.querySelector('.past-night .chart svg').dataset.points === '80'")
    assert visit.page.get_by_role("button", name="Start a night").is_visible()


def test_a_night_is_cancelled(visit):
    visit.stand.pace = 0.2
    visit.go("night")
    visit.press("Start a night")
    visit.press("Cancel the night")
    visit.page.get_by_role("dialog").get_by_role("button", name="Cancel the night").click()
    visit.sees("Nothing is lost: the next night goes on with it")
    assert visit.stand.calls[-1][0] == "DELETE"


def test_chat_shows_who_answered_and_what_was_recalled(visit):
    visit.go("chat")
    visit.page.get_by_label("Message").fill("When do we deploy?")
    visit.keys("Enter")
    visit.sees("Deploys happen on Thursdays at ten, never")
    visit.sees(f"answered by {SERVER['LIVE']}")
    visit.press("2 memories recalled")
    visit.sees("The staging database is rebuilt")
    visit.press("Good answer")
    visit.press("Correct…")
    visit.page.get_by_label("What would have been right?").fill("On Fridays.")
    visit.page.locator(".feedback").get_by_role("button", name="Send").click()
    visit.sees("corrected; waits for approval")
    said = [body for _, path, body in visit.stand.calls if path == "/v1/feedback"]
    assert [one["verdict"] for one in said] == ["up", "down"]
    assert said[1]["correction"] == "On Fridays."
    assert said[0]["completion"].startswith("chatcmpl-")
    assert visit.troubles == []


def test_compare_marks_what_differs(visit):
    visit.go("compare")
    visit.page.get_by_label("Question").fill("When do we deploy?")
    visit.press("Ask both")
    visit.sees("What only one of them says is marked.")
    assert visit.page.locator("mark").all_inner_texts()[0] == "Tuesdays"
    assert "Thursdays" in visit.page.locator("mark").all_inner_texts()
    asked = [body for _, path, body in visit.stand.calls if path == "/v1/chat/completions"]
    assert [body["model"] for body in asked] == ["previous:closed-book", "live:closed-book"]
    assert not any(body["store"] for body in asked)


def test_a_new_key_is_shown_once(visit):
    visit.go("keys")
    visit.press("New key")
    visit.page.get_by_label("Whose is it?").fill("CI")
    visit.press("Make the key")
    assert visit.page.get_by_label("Copy it now").input_value().startswith("ns-")
    visit.press("I have it")
    visit.sees("CI")
    assert "ns-3vQ8" not in visit.page.content()


def test_the_first_key_does_not_lock_its_maker_out(visit):
    visit.stand.keys.clear()
    visit.go("keys")
    visit.press("Make the first key")
    assert visit.page.get_by_label("admin").is_checked()
    assert visit.page.get_by_label("admin").is_disabled()
    visit.press("Make the key")
    visit.sees("This tab goes on with the new one.")
    visit.page.wait_for_timeout(500)
    visit.press("I have it")
    visit.sees("in use")
    assert visit.page.get_by_text("Paste yours to go on").count() == 0


def test_what_is_not_remembered_takes_no_feedback(visit):
    visit.go("chat")
    visit.page.get_by_label("Remember this conversation").uncheck()
    visit.press("What are you unsure of?")
    visit.sees("Not remembered, so it takes no feedback.")
    assert visit.stand.calls[0][2]["store"] is False


# -- how it looks ----------------------------------------------------------------------------


def background(visit) -> str:
    return visit.page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_until_one_is_chosen(visit):
    visit.go("today")
    visit.sees(VIEWS["today"])
    light = background(visit)
    visit.page.emulate_media(color_scheme="dark")
    dark = background(visit)
    assert dark != light
    visit.press("Light or dark")
    assert background(visit) == light
    visit.page.reload()
    visit.sees(VIEWS["today"])
    assert background(visit) == light


def test_a_refresh_neither_flickers_nor_jumps(visit):
    visit.page.add_init_script(
        "window.jumps = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "if (!one.hadRecentInput) window.jumps += one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    visit.go("today")
    visit.sees(VIEWS["today"])
    card = visit.page.query_selector(".card.live")
    with visit.page.expect_response(re.compile("/v1/versions"), timeout=15_000):
        pass
    visit.page.wait_for_timeout(300)
    assert card.evaluate("(one) => one.isConnected")
    assert visit.page.evaluate("window.jumps") < 0.1


def test_motion_is_reduced_on_request(visit):
    visit.page.emulate_media(reduced_motion="reduce")
    visit.stand.mode = "full"
    visit.go("keys")
    visit.press("New key")
    assert (
        float(
            visit.page.evaluate(
                "parseFloat(getComputedStyle(document.querySelector('dialog')).animationDuration)"
            )
        )
        < 0.001
    )


@pytest.mark.parametrize("visit", [NARROW], indirect=True, ids=["narrow"])
def test_all_views_are_reached_on_a_narrow_screen(visit):
    visit.go("today")
    visit.press("More")
    visit.page.get_by_role("dialog").get_by_role("link", name="Matrix").click()
    visit.sees(VIEWS["matrix"])
    visit.go(f"memories/{visit.stand.memories[0]['id']}")
    visit.sees("Where it comes from")
    assert visit.wide() <= 360


def test_what_has_focus_is_seen(visit):
    visit.go("memories")
    visit.sees(VIEWS["memories"])
    for _ in range(14):
        visit.keys("Tab")
        ring = visit.page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return [document.activeElement.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert ring[1] != "none", ring
        assert ring[2] >= 1, ring
