"""Every view of the dashboard in a real browser: with data, empty, failing, locked; themes and narrow screens."""

import re

import pytest

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
    visit.page.get_by_label("Key", exact=True).fill(visit.key)
    visit.press("Sign in")
    visit.sees(VIEWS[view])
    assert visit.page.evaluate("sessionStorage['nightschool-key']") == visit.key
    assert visit.page.evaluate("JSON.stringify(localStorage)").find(visit.key) == -1
    assert visit.key not in visit.page.url


def test_signing_out_forgets_the_key(visit):
    visit.stand.mode = "locked"
    visit.go("today")
    visit.page.get_by_label("Key", exact=True).fill(visit.key)
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
