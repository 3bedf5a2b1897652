"""What the dashboard says is so: of deletions, searches, queues, versions and scores, in a real browser."""

import json
from urllib.parse import parse_qs, urlparse

from nightschool.day import remember

BAD = "document.querySelectorAll('.toast.bad').length"


def answer(route, found, status=200):
    route.fulfill(status=status, content_type="application/json", body=json.dumps(found))


def memory(name, **other):
    return {
        "id": name, "text": f"Fact {name} of a user.", "status": "waiting", "source": "said",
        "source_kind": "statement", "speaker": "Marek", "kind": "fact", "at": "2026-11-20T10:00:00+00:00",
        "trust": "user", "approved": False, "holds": [], "learnt_in": None, "graduated": [], "uses": 0,
        "surprise": None, "key": "", "valid_from": "", "valid_to": None, "supersedes": None, "conflicts": [],
        **other,
    }  # fmt: skip


class Pretended:
    """The routes of memories as the service has them, over as many memories as a test wants."""

    def __init__(self, page, count, **other):
        self.rows = {f"mem-{n:04d}": memory(f"mem-{n:04d}", **other) for n in range(count)}
        self.deeds: list[tuple[str, str]] = []
        self.limits: list[int] = []
        page.route("**/v1/memories**", self)

    def __call__(self, route):
        asked = urlparse(route.request.url)
        if route.request.method == "POST":
            _, _, _, name, deed = asked.path.split("/")
            self.deeds.append((name, deed))
            if self.rows[name]["status"] == "retired":
                error = {"message": f"{name} is retired already.", "code": "unknown_memory"}
                return answer(route, {"error": error}, 404)
            self.rows[name]["status"] = {"approve": "live", "retire": "retired"}[deed]
            return answer(route, self.rows[name])
        wanted = {key: values[0] for key, values in parse_qs(asked.query).items()}
        limit, searched = int(wanted["limit"]), "query" in wanted
        self.limits.append(limit)
        found = [m for m in self.rows.values() if wanted.get("status", m["status"]) == m["status"]]
        after = [n for n, m in enumerate(found, start=1) if m["id"] == wanted.get("after")]
        part = found[(after or [0])[0] :][:limit]
        more = not searched and part and part[-1] is not found[-1]
        return answer(route, {"data": part, "next": part[-1]["id"] if more else None})


def version(number, **other):
    checks = [
        {"name": name, "passed": True, "difference": moved, "low": 0.0, "margin": 0.1, "n": 20, "reason": "fine"}
        for name, moved in (("acquired", 0.4), ("retained", -0.65))
    ]  # fmt: skip
    return {
        "id": f"ver-{number}", "night": f"night-{number:04d}", "kind": "full", "base": "smollm2-135m", "parent": "base",
        "created": "2026-11-20T10:00:00+00:00", "aliases": [], "tainted": False, "memories": 3, "examples": 9, "train": None,
        "decision": {"promote": True, "checks": checks, "attempt": 1, "overridden_by": None},
        "scores": {"new": 0.3 * number, "earlier": 0.2 * number, "general": None, "abstention": None}, **other,
    }  # fmt: skip


def pretend_versions(visit, *versions):
    found = {"object": "list", "data": versions, "next": None}
    visit.page.route("**/v1/versions?**", lambda route: answer(route, found))


def test_a_deletion_under_way_is_not_left_and_its_failure_is_no_look(open_page, fresh):
    with fresh.house.school("default") as school:
        remember(school, "The spare laptop stands in cupboard nine.")
    visit = open_page(fresh)
    held = []

    def slow(route):
        if route.request.post_data_json["dry_run"]:
            return route.continue_()
        return held.append(route)

    visit.page.route("**/v1/forget", slow)
    visit.go("night")
    visit.go("memories")
    visit.sees("spare laptop")
    visit.page.get_by_label("Choose: The spare laptop").check()
    visit.press("Forget…")
    visit.press("Forget 1 memory for good")
    visit.sees("Forgetting…")
    dialog = visit.page.get_by_role("dialog")
    for name in ("Cancel", "Close"):
        assert dialog.get_by_role("button", name=name).is_disabled()
    visit.keys("Escape", "Escape")
    visit.page.mouse.click(10, 10)
    visit.page.evaluate("history.back()")
    visit.page.wait_for_timeout(300)
    visit.sees("Forgetting…")
    answer(held.pop(), {"error": {"message": "The service failed (OSError).", "code": None}}, 500)
    visit.sees("may be erased already")
    assert "Nothing was changed" not in dialog.inner_text()
    visit.page.unroute("**/v1/forget")
    visit.press("Try again")
    visit.press("Forget 1 memory for good")
    visit.sees("Receipt")
    assert fresh.memories() == {}
    visit.keys("Escape")
    dialog.wait_for(state="detached")
    visit.go("keys")
    done = visit.page.locator("table.audit tbody tr")
    done.nth(2).wait_for()
    told = [row.split("\t")[2] for row in done.all_inner_texts()]
    assert told == ["Forgot", *["Looked at what would be forgotten"] * 2]


def test_a_search_says_what_it_leaves_out(open_page, new):
    visit = open_page(new)
    school = Pretended(
        visit.page, 230, status="live", graduated=["ver-gone"], learnt_in="night-0001"
    )
    visit.go("memories?query=fact")
    visit.sees("the best 200 of what was found")
    visit.sees("A search leaves out what is replaced or retired")
    assert school.limits == [200]
    # Its only version is deleted.
    assert "in the weights" not in visit.page.locator("main").inner_text()
    school.rows = {}
    visit.page.get_by_label("Search memories").fill("other")
    visit.sees("Nothing found")
    visit.sees("A search leaves out what is replaced or retired")


def test_a_deed_on_a_later_row_is_seen_and_is_done_once(open_page, new):
    visit = open_page(new)
    school = Pretended(visit.page, 45)
    visit.go("memories?status=waiting")
    visit.press("Show more")
    last = visit.page.locator("li.row", has=visit.page.locator("[data-row=mem-0043]"))
    last.get_by_role("button", name="Approve").click()
    last.wait_for(state="detached")
    assert visit.page.locator("[data-row]").count() == 44
    first = visit.page.locator("li.row", has=visit.page.locator("[data-row=mem-0000]"))
    first.get_by_role("button", name="Reject").dblclick()
    first.wait_for(state="detached")
    visit.page.locator("[data-row=mem-0001]").focus()
    for _ in range(5):  # a key that is held repeats
        visit.page.keyboard.down("r")
        visit.page.wait_for_timeout(150)
    visit.page.keyboard.up("r")
    visit.page.locator("[data-row=mem-0001]").wait_for(state="detached")
    assert school.deeds == [("mem-0043", "approve"), ("mem-0000", "retire"), ("mem-0001", "retire")]
    assert visit.page.evaluate(BAD) == 0


def test_each_tab_speaks_of_itself(open_page, new):
    visit = open_page(new)
    Pretended(visit.page, 0)
    visit.go("memories?status=waiting")
    visit.sees("Nothing waits for you")
    visit.press("Conflicts")
    visit.sees("No contradictions")
    visit.press("Retired")
    visit.sees("Nothing was taken out")
    visit.page.get_by_label("Search memories").fill("salary")
    visit.sees("Nothing found")


def test_what_was_told_is_said_to_be_studied_only_where_it_is(open_page, fresh):
    visit = open_page(fresh)
    visit.go("memories")
    waits = {"added": [memory("mem-1")], "superseded": []}
    for text, told, pretended in (
        ("Deploys happen on Thursdays.", "the next night studies it", None),
        ("Deploys happen on Thursdays.", "Nothing was added", None),
        ("The password of the build database is hunter2-Kx9vQ7.", "is never studied (holds a secret)", None),
        ("The backup tapes are in Porto.", "waits for approval before it is studied", waits),
    ):  # fmt: skip
        if pretended:
            visit.page.route("**/v1/memories", lambda route: answer(route, waits))
        visit.press("Tell it something")
        visit.page.get_by_label("One fact in one or two").fill(text)
        visit.press("Learn it")
        visit.sees(told)


def test_a_rollback_names_what_answers_then(open_page, new):
    visit = open_page(new)
    known = [version(1), version(2), version(3, aliases=["live"])]
    pretend_versions(visit, *known, version(5, aliases=["previous"], tainted=True))
    visit.page.route("**/v1/rollback", lambda route: answer(route, {"live": "ver-2", "previous": "ver-3"}))  # fmt: skip
    visit.go("versions")
    # The scores of two versions are of different questions: the gate's difference is told.
    live = visit.page.locator("li.version.live dl").inner_text()
    assert "+40.0 points" in live
    assert "−65.0 points" in live
    visit.press("Roll back")
    dialog = visit.page.get_by_role("dialog")
    assert "answered by Night 5" not in dialog.inner_text()
    assert "Roll back to" not in dialog.inner_text()
    dialog.get_by_role("button", name="Roll back").click()
    visit.sees("Rolled back to Night 2.")
    visit.page.unroute("**/v1/versions?**")
    pretend_versions(visit, version(2, aliases=["previous"]), version(3, aliases=["live"]))
    visit.go("today")
    visit.go("versions")
    visit.sees("Night 3")
    visit.press("Roll back")
    visit.sees("Roll back to Night 2?")


def test_a_school_whose_versions_are_all_deleted_has_been_to_school(open_page, new):
    visit = open_page(new)
    pretend_versions(visit, version(1, tainted=True), version(2, tainted=True))
    visit.go("today")
    visit.sees("No version answers now")
    visit.sees("All its versions were trained on something that was forgotten")
    assert "not been to school" not in visit.page.locator("main").inner_text()
    visit.page.locator(".path", has_text="deleted").wait_for()


def test_a_drawer_keeps_an_edit_and_goes_with_its_page(open_page, fresh):
    long = "A" * 600
    with fresh.house.school("default") as school:
        remember(school, f"Deploys happen on Thursdays, says {long}.")
    visit = open_page(fresh)
    visit.go("today")
    visit.sees("The base model answers")
    visit.go("memories")
    visit.sees("Deploys happen").click()
    visit.sees("Where it comes from")
    wide = "(() => { const one = document.querySelector('dialog'); return one.scrollWidth - one.clientWidth; })()"
    assert visit.page.evaluate(wide) <= 0
    visit.press("Correct")
    field = visit.page.get_by_label("What is true")
    field.fill("Deploys happen on Fridays.")
    box = field.bounding_box()
    visit.page.mouse.move(box["x"] + 100, box["y"] + 20)
    visit.page.mouse.down()
    visit.page.mouse.move(40, box["y"] + 20, steps=5)
    visit.page.mouse.up()
    visit.page.wait_for_timeout(200)
    assert field.input_value() == "Deploys happen on Fridays."
    visit.page.evaluate("history.back()")
    visit.sees("The base model answers")
    assert visit.page.get_by_role("dialog").count() == 0
    visit.go("memories")
    visit.sees("Deploys happen").click()
    visit.sees("Where it comes from")
    visit.page.mouse.click(40, 400)
    visit.page.get_by_role("dialog").wait_for(state="detached")
    visit.go("memories/%E0")
    visit.sees("Deploys happen")
    visit.page.get_by_role("dialog").get_by_role("alert").wait_for()


def test_where_the_clipboard_is_closed_the_text_is_marked_and_that_is_said(open_page, new):
    visit = open_page(new)
    visit.page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    )
    visit.go("memories")
    visit.press("Copy")
    visit.sees("copy it by hand")
    assert visit.page.evaluate("String(getSelection())") == "nightschool learn handbook.md"


def test_the_wait_for_a_second_key_is_not_cut_short_by_an_earlier_one(open_page, new):
    visit = open_page(new)
    visit.go("today")
    visit.sees("The base model answers")
    visit.keys("g", "n")
    visit.page.wait_for_timeout(1200)
    visit.keys("g")
    visit.page.wait_for_timeout(600)
    visit.keys("m")
    visit.until("location.hash.startsWith('#/memories')")
