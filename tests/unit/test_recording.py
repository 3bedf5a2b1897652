"""Served answers become episodes: each turn once, whoever re-sends it, and nothing of those who declined."""

import pytest

from nightschool.errors import UnknownMemory
from nightschool.forget import forget
from nightschool.recording import Exchange, episode_of, record
from nightschool.types import Trust

HOST = ("user", "The staging host is kestrel-7.")
NOTED = ("assistant", "Noted.")


@pytest.fixture
def school(hosted):
    with hosted().house.school("default") as school:
        yield school


def exchange(number, *turns, **more):
    return Exchange("default", f"chatcmpl-{number}", "base", turns, **more)


def live(school):
    return [(m.text, m.trust, m.approved) for m in school.store.memories("default")]


def test_what_a_user_states_waits_for_approval_and_an_owners_does_not(school):
    record(school, exchange(1, HOST, NOTED))
    assert live(school) == [(HOST[1], Trust.USER, False)]
    cat = ("user", "The office cat is called Biscuit.")
    record(school, exchange(2, cat, NOTED, trust=Trust.OWNER))
    assert live(school)[1][1] is Trust.OWNER
    assert school.store.episode(episode_of("chatcmpl-1")).turns[0].text == HOST[1]


def test_a_history_that_is_sent_again_is_stored_once(school):
    more = ("user", "The release branch is called heron.")
    record(school, exchange(1, HOST, NOTED))
    record(school, exchange(2, HOST, ("assistant", " Noted.\n"), more, ("assistant", "Fine.")))
    assert [t.text for t in school.store.episode("ep-2").turns] == [more[1], "Fine."]
    record(
        school, exchange(3, ("system", "It is Monday."), HOST, NOTED, more, ("assistant", "Fine."))
    )
    assert [text for text, *_ in live(school)] == [HOST[1], more[1]]


def test_another_answer_to_the_same_question_is_no_new_statement(school):
    record(school, exchange(1, HOST, NOTED))
    record(school, exchange(2, HOST, ("assistant", "I see.")))
    assert [t.text for t in school.store.episode("ep-2").turns] == [HOST[1], "I see."]
    assert len(live(school)) == 1


def test_the_same_talk_once_more_is_kept_once(school):
    record(school, exchange(1, HOST, NOTED))
    record(school, exchange(2, HOST, NOTED))
    with pytest.raises(UnknownMemory):
        school.store.episode("ep-2")
    assert school.answers.completion("default", "chatcmpl-2").episode_id == "ep-1"


def test_who_goes_back_to_an_earlier_value_is_heard(school):
    moved = ("user", "The staging host is now heron-2.")
    for number, said in enumerate((HOST, moved, HOST)):
        record(school, exchange(number, said, NOTED))
    assert [text for text, *_ in live(school)] == [HOST[1]]
    assert school.answers.completion("default", "chatcmpl-2").episode_id == "ep-2"
    record(school, exchange(3, HOST, NOTED, moved, NOTED, HOST, NOTED))
    assert [text for text, *_ in live(school)] == [HOST[1]]


def test_what_is_told_anew_after_it_was_forgotten_is_heard(school):
    record(school, exchange(1, HOST, NOTED))
    forget(school, [m.id for m in school.store.memories("default")])
    record(school, exchange(2, HOST, NOTED))
    assert [text for text, *_ in live(school)] == [HOST[1]]
    assert school.store.episode("ep-2")


def test_the_owner_says_what_a_user_said(school):
    record(school, exchange(1, HOST, NOTED))
    record(school, exchange(2, HOST, NOTED, trust=Trust.OWNER))
    assert live(school) == [(HOST[1], Trust.OWNER, False)]


def test_a_declined_turn_is_no_news_of_the_next_request(school):
    record(school, exchange(1, HOST, NOTED, stored=False, declined=True))
    record(school, exchange(2, HOST, NOTED, ("user", "Thanks a lot."), ("assistant", "Sure.")))
    assert live(school) == []
    assert [t.text for t in school.store.episode("ep-2").turns] == ["Thanks a lot.", "Sure."]


def test_a_forgotten_statement_does_not_come_back_with_the_history(school):
    record(school, exchange(1, HOST, NOTED))
    forget(school, [m.id for m in school.store.memories("default")])
    record(school, exchange(2, HOST, NOTED, ("user", "Thanks a lot."), ("assistant", "Sure.")))
    assert live(school) == []


def test_who_may_not_be_stored_leaves_no_trace(hosted):
    house = hosted().house
    house.recorder.put(exchange(1, HOST, NOTED, stored=False))
    house.recorder.wait()
    assert house.recorder.failed == 0
    with house.school("default") as school:
        assert live(school) == []
        assert school.registry.connection.execute("SELECT count(*) FROM talks").fetchone()[0] == 0


def test_memory_that_is_locked_long_loses_no_talk(hosted, monkeypatch):
    import nightschool.recording as recording
    from nightschool.errors import WorkspaceLocked

    tries = []

    def locked_twice(school, exchange):
        tries.append(exchange)
        if len(tries) < 3:
            raise WorkspaceLocked("learning")
        record(school, exchange)

    monkeypatch.setattr(recording, "record", locked_twice)
    monkeypatch.setattr(recording, "AGAIN_S", 0.01)
    house = hosted().house
    house.recorder.put(exchange(1, HOST, NOTED))
    house.recorder.wait()
    assert (len(tries), house.recorder.failed) == (3, 0)
    with house.school("default") as school:
        assert [text for text, *_ in live(school)] == [HOST[1]]


def test_a_failure_is_counted_and_logged_without_a_word_of_the_talk(hosted, caplog):
    house = hosted().house
    house.recorder.put(exchange(1, ("user", "\ud800 secret-word"), NOTED))
    house.recorder.put(exchange(2, HOST, NOTED))
    house.recorder.wait()
    assert "secret-word" not in caplog.text
    with house.school("default") as school:
        assert HOST[1] in [text for text, *_ in live(school)]


def test_what_waits_is_written_before_the_house_closes(hosted):
    own = hosted()
    own.house.recorder.put(exchange(1, HOST, NOTED))
    own.house.close()
    from nightschool.wire import open_school

    assert live(open_school(own.workspace.root))
