"""What the dashboard does in a real browser: the keyboard, the queues, forgetting, promotion, a night, chat, keys."""

LANDMARKS = [
    ("v", "versions", "What the gate said"),
    ("m", "memories", "Deploys happen on Thursdays"),
    ("n", "night", "Send it to school"),
    ("x", "matrix", "Backward transfer"),
    ("k", "keys", "Editor plug-in"),
    ("p", "compare", "Model A"),
    ("c", "chat", "Talk to it"),
]


def test_the_keyboard_leads_everywhere(visit):
    visit.go("today")
    visit.sees("Night 3’s version answers")
    for letter, view, landmark in LANDMARKS:
        visit.keys("g", letter)
        visit.sees(landmark)
        assert visit.page.locator("#nav [aria-current=page]").get_attribute("data-view") == view
    visit.keys("Escape")
    visit.keys("g", "t")
    visit.sees("Night 3’s version answers")
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
    visit.sees("Deploys happen on Thursdays").click()
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
    visit.sees(f"answered by {visit.live}")
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
