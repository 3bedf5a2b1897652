"""What is not to be remembered stays so, and one key's words are not the next one's: in a real browser on the real service."""

KEPT = "Remember this conversation"
PRIVATE = "My salary is 91,250 euros. My therapist is called Doctor Hollander."


def ask(visit, text: str) -> None:
    visit.page.get_by_label("Message").fill(text)
    visit.keys("Enter")


def texts(server, tenant: str = "default") -> str:
    server.house.recorder.wait()
    with server.house.school(tenant) as school:
        return " ".join(memory.text for memory in school.store.memories(tenant))


def test_a_conversation_that_is_not_to_be_remembered_stays_so_through_other_views(open_page, fresh):
    visit = open_page(fresh)
    visit.go("chat")
    box = visit.page.get_by_label(KEPT)
    assert box.is_checked()
    box.uncheck()
    visit.go("night")
    visit.sees("Send it to school")
    visit.go("chat")
    box.wait_for()
    assert not box.is_checked()
    ask(visit, PRIVATE)
    visit.sees("Not remembered, so it takes no feedback.")
    visit.sees("none of it is any more")
    visit.go("night")
    visit.sees("Send it to school")
    visit.go("chat")
    visit.sees("none of it is any more")
    assert [box.is_checked(), box.is_enabled()] == [False, False]
    ask(visit, "What is the refund window?")
    visit.until("document.querySelectorAll('.turn.assistant .said-by').length === 2")
    assert "therapist" not in texts(fresh)
    visit.press("New")
    box.check()
    ask(visit, "My dentist is called Doctor Prune.")
    visit.sees("Correct…")
    assert "Prune" in texts(fresh)
    assert "Hollander" not in texts(fresh)


def sign_in(visit, token: str) -> None:
    visit.page.get_by_label("Key", exact=True).fill(token)
    visit.press("Sign in")


def test_the_next_key_sees_and_sends_nothing_of_the_conversation(open_page, fresh):
    _, alice = fresh.house.keys.create("default", "alice", ("admin",))
    _, bob = fresh.house.keys.create("team-b", "bob", ("admin",))
    visit = open_page(fresh)
    visit.go("today")
    visit.page.get_by_label("Key", exact=True).wait_for()
    sign_in(visit, alice)
    visit.sees("The base model answers")
    visit.go("chat")
    ask(visit, "The takeover price of Zephyr is 41 million euros.")
    visit.sees("Correct…")
    visit.press("Sign out")
    visit.page.get_by_label("Key", exact=True).wait_for()
    sign_in(visit, bob)
    visit.sees("Talk to it")
    assert "Zephyr" not in visit.page.content()
    ask(visit, "Which day is it?")
    visit.sees("Correct…")
    assert "Zephyr" not in str(fresh.asked("messages")[-1])
    assert "Zephyr" not in texts(fresh, "team-b")


def test_a_key_that_no_header_can_carry_is_told_and_dropped(open_page, fresh):
    _, token = fresh.house.keys.create("default", "alice", ("admin",))
    visit = open_page(fresh)
    visit.go("today")
    visit.page.get_by_label("Key", exact=True).wait_for()
    sign_in(visit, token[:8] + "…" + token[-4:])
    visit.sees("This key is malformed")
    assert visit.page.evaluate("sessionStorage.length") == 0
    visit.page.evaluate("sessionStorage['nightschool-key'] = 'ns-abc…def'")
    visit.page.reload()
    visit.sees("Paste yours to go on")
    sign_in(visit, token)
    visit.sees("The base model answers")
