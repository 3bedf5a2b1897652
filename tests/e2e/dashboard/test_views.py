"""Every view of the dashboard in a real browser, on the real service: with data, empty, failing; themes and narrow screens."""

import json
import re

import pytest

from nightschool.errors import WorkspaceCorrupt
from nightschool.serve.problems import problem

VIEWS = {
    "today": "Night 3’s version answers",
    "chat": "Talk to it",
    "memories": "Deploys happen on Thursdays",
    "night": "Send it to school",
    "versions": "What the gate said",
    "matrix": "Backward transfer",
    "compare": "Model A",
    "keys": "Make the first key",
}
EMPTY = {
    "today": "It has not been to school yet",
    "memories": "Nothing learnt yet",
    "night": "No nights yet",
    "versions": "No versions yet",
    "matrix": "No nights to compare yet",
    "compare": "There is one version or none yet",
    "keys": "Nothing was changed yet",
}
LOADING = [view for view in VIEWS if view != "chat"]
"""Chat asks for nothing before the first message."""
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


NARROW = {"viewport": {"width": 360, "height": 760}, "color_scheme": "dark"}


# -- every view, every state -----------------------------------------------------------------


@pytest.mark.parametrize("looks", [{}, NARROW], ids=["wide", "narrow"])
def test_every_view_shows_its_data_soundly(open_page, shared, looks):
    visit = open_page(shared, **looks)
    for view, landmark in VIEWS.items():
        visit.go(view)
        visit.sees(landmark)
        visit.page.wait_for_timeout(100)
        assert visit.wide() <= visit.page.viewport_size["width"], view
        assert visit.page.evaluate(NAMELESS) == [], view
        assert visit.page.evaluate(UNSOUND) == [], view
    assert visit.troubles == []


def test_every_empty_view_teaches_the_next_step(open_page, new):
    visit = open_page(new)
    for view, landmark in EMPTY.items():
        visit.go(view)
        visit.sees(landmark)
    assert visit.troubles == []


def test_an_error_says_what_to_do_and_a_retry_mends_it(open_page, shared):
    visit = open_page(shared)
    status, body = problem(WorkspaceCorrupt("/srv/school/nightschool.db is damaged."))
    fails = {"status": status, "content_type": "application/json", "body": json.dumps(body)}
    for view in LOADING:
        visit.page.route("**/v1/**", lambda route: route.fulfill(**fails))
        visit.go(view)
        visit.sees("The service failed (WorkspaceCorrupt)")
        visit.page.unroute("**/v1/**")
        again = visit.page.get_by_role("button", name="Try again")
        for left in range(again.count(), 0, -1):
            again.first.click()
            visit.until(f"[...document.querySelectorAll('.state.bad')].length < {left}")
        visit.sees(VIEWS[view])


def test_a_refresh_neither_jumps_nor_loses_what_was_shown(open_page, shared):
    visit = open_page(shared)
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
    visit.page.route("**/v1/**", lambda route: route.abort())
    visit.sees("Not up to date")
    assert visit.page.get_by_text(VIEWS["today"]).is_visible()


# -- how it looks ----------------------------------------------------------------------------


def background(visit) -> str:
    return visit.page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_until_one_is_chosen(open_page, shared):
    visit = open_page(shared)
    visit.go("today")
    visit.sees(VIEWS["today"])
    light = background(visit)
    visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    now = "getComputedStyle(document.body).backgroundColor"
    visit.until(f"{now} !== '{light}'")
    visit.press("Light or dark")
    visit.until(f"{now} === '{light}'")
    visit.page.reload()
    visit.sees(VIEWS["today"])
    assert background(visit) == light
    visit.keys("?")
    moves = "parseFloat(getComputedStyle(document.querySelector('dialog')).animationDuration)"
    assert float(visit.page.evaluate(moves)) < 0.001


def test_all_views_are_reached_on_a_narrow_screen(open_page, shared):
    visit = open_page(shared, **NARROW)
    visit.go("today")
    visit.press("More")
    visit.page.get_by_role("dialog").get_by_role("link", name="Matrix").click()
    visit.sees(VIEWS["matrix"])
    deploys = next(id for text, id in shared.memories().items() if text.startswith("Deploys"))
    visit.go(f"memories/{deploys}")
    visit.sees("Where it comes from")
    assert visit.wide() <= 360


def test_what_has_focus_is_seen(open_page, shared):
    visit = open_page(shared)
    visit.go("memories")
    visit.sees(VIEWS["memories"])
    for _ in range(14):
        visit.keys("Tab")
        ring = visit.page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return [document.activeElement.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert ring[1] != "none", ring
        assert ring[2] >= 1, ring
