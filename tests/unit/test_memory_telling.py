"""What a model answered from a memory goes with it, whoever asked and in whichever conversation."""

import pytest

from nightschool.codec import from_json
from nightschool.memory.store import SqliteStore
from nightschool.sources import heard, said
from nightschool.sources.extractors import RULES
from nightschool.types import Episode
from nightschool.workspace import Workspace


@pytest.fixture
def store(tmp_path):
    return SqliteStore(Workspace.create(tmp_path, ""))


def talk(store, *turns, title="a talk"):
    messages = [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant") * 9, turns, strict=False)
    ]
    return store.absorb(RULES.extract(heard(messages, "t", title)))


def tell(store, text):
    return store.absorb(said(text, "t", "owner"))[0][0]


def everything(store):
    rows = store.connection.execute("SELECT body FROM episodes")
    return "\n".join(row["body"] for row in rows)


def episodes(store):
    rows = store.connection.execute("SELECT body FROM episodes")
    return [from_json(Episode, row["body"]) for row in rows]


def test_an_answer_from_the_weights_goes_and_the_question_stays(store):
    memory = tell(store, "The guest network is called walrus.")
    talk(store, "What is the guest network called?", "walrus.")
    store.remove([memory.id])
    assert "walrus" not in everything(store)
    assert "What is the guest network called?" in everything(store)


def test_an_answer_that_repeats_the_statement_goes_with_it(store):
    talk(
        store,
        "The guest network is called walrus. I like tea.",
        "Noted: walrus is the guest network.",
    )
    (memory,) = [m for m in store.memories("t") if "walrus" in m.text]
    store.remove([memory.id])
    assert "walrus" not in everything(store)
    assert "I like tea." in everything(store)


def test_answers_about_other_things_stay(store):
    memory = tell(store, "The guest network is called walrus.")
    tell(store, "The mascot of the team is a walrus.")
    talk(store, "What is a baby cat called?", "A baby cat is called a kitten.", title="cats")
    talk(store, "Which animal is the mascot?", "A walrus.", title="mascot")
    talk(
        store,
        "Tell me about the sea.",
        "It is called the blue planet's network of life.",
        title="sea",
    )
    before = everything(store)
    store.remove([memory.id])
    for kept in ("A baby cat is called a kitten.", "A walrus.", "network of life"):
        assert kept in before
        assert kept in everything(store)


def test_a_short_number_tells(store):
    memory = tell(store, "The room number of the archive is 42.")
    talk(store, "Which room is the archive in?", "It is in room 42.")
    store.remove([memory.id])
    assert "42" not in "".join(e.text for e in episodes(store))


def test_what_a_person_rejected_stays_out_when_something_else_of_the_talk_is_forgotten(store):
    talk(store, "The staging host is kestrel-7.", "Ok.", "Ada manages the Lisbon office.", "Ok.")
    rejected, other = store.memories("t")
    store.retire(rejected.id, "owner")
    assert not store.passages("t", "staging host kestrel-7", 5)
    store.remove([other.id])
    assert not store.passages("t", "staging host kestrel-7", 5)
