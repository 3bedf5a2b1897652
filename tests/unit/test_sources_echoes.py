"""What a conversation only repeats is no news."""

import pytest

from nightschool.memory.fake import FakeStore
from nightschool.sources.claims import claim, ends, gives_another_value, same_fact
from nightschool.sources.conversations import conversation
from nightschool.sources.echoes import repeats, without_echoes
from nightschool.types import Memory, MemoryStatus, SourceKind, Trust


def memory(text, trust=Trust.OWNER, status=MemoryStatus.LIVE, key="k"):
    return Memory(
        "mem-1", "t", text, "said", SourceKind.STATEMENT, "said", "ep-1", "2026-01-01",
        trust=trust, status=status, key=key,
    )  # fmt: skip


def kept(*turns, recalled=(), near=()):
    reading = conversation([{"role": r, "content": t} for r, t in turns], "t", "talk")
    left = without_echoes(reading, recalled, lambda text: near)
    assert len(left.findings) + sum(left.dropped.values()) == len(reading.findings)
    return [f.text for f in left.findings], left


HOST = "The staging host is kestrel-7."


@pytest.mark.parametrize("trust", list(Trust))
def test_a_recalled_memory_in_its_own_words_is_an_echo_whoever_stated_it(trust):
    texts, left = kept(("user", HOST), recalled=[memory(HOST, trust)])
    assert texts == []
    assert left.dropped == {"echo": 1}


def test_a_part_of_a_recalled_memory_is_an_echo_and_a_new_part_is_not():
    known = memory("The staging host is kestrel-7 and it stands in Oslo.")
    assert kept(("user", "The staging host is now kestrel-7."), recalled=[known])[0] == []
    texts, _ = kept(("user", "The staging host is kestrel-7 in Hove."), recalled=[known])
    assert texts == ["The staging host is kestrel-7 in Hove."]


def test_a_value_that_was_taken_back_is_news_when_it_is_stated_again():
    old = memory(HOST, status=MemoryStatus.SUPERSEDED)
    assert kept(("user", HOST), recalled=[old])[0] == [HOST]
    assert kept(("user", f"You said that {HOST.lower()}"), recalled=[old])[0] == []


def test_what_nobody_vouches_for_does_not_make_the_owners_word_old():
    assert kept(("user", HOST), near=[memory(HOST, Trust.WEB)])[0] == [HOST]
    assert kept(("user", HOST), near=[memory(HOST)])[0] == []


@pytest.mark.parametrize("role", ["assistant", "tool"])
def test_the_models_own_words_are_news_only_when_the_user_agrees(role):
    assert kept((role, HOST), ("user", HOST))[0] == []
    assert kept((role, HOST), ("user", f"Yes, {HOST}"))[0] == [HOST]
    assert kept(("user", HOST), (role, HOST), ("user", HOST))[0] == [HOST]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Kestrel-7 is the staging host.", HOST, True),
        ("The staging host is called kestrel-7.", HOST, True),
        ("The clinic is run by Ada Berg.", "Ada Berg runs the clinic.", True),
        ("Ada is Bo's deputy.", "Bo is Ada's deputy.", False),
        ("The staging host is not kestrel-7.", HOST, False),
        ("The backup host is kestrel-7.", HOST, False),
        ("Ada Berg closed the clinic.", "Ada Berg runs the clinic.", False),
        ("Ada Berg is in charge of the clinic.", "The head of the clinic is Ada Berg.", True),
        ("Ada Berg takes care of the clinic.", "Ada Berg runs the clinic.", False),
        ("The choir meeting is held at 8:15.", "The choir meeting begins at 8:15.", True),
        ("The choir meeting is over at 8:15.", "The choir meeting begins at 8:15.", False),
        ("The user's aunt lives in Hove.", "The home of the user's aunt is in Hove.", True),
        ("The user's aunt works in Hove.", "The user's aunt lives in Hove.", False),
        ("The user's aunt lives in Hove since May.", "The user's aunt lives in Hove.", True),
    ],
)
def test_the_same_fact_in_other_words(left, right, same):
    assert same_fact(left, right) is same


@pytest.mark.parametrize(
    ("left", "right", "other"),
    [
        ("Bo Lund runs the clinic.", "The clinic is run by Ada Berg.", True),
        ("The choir meeting was moved to 9:30.", "The choir meeting starts at 8:15.", True),
        ("Bo Lund cleans the clinic.", "Ada Berg runs the clinic.", False),
        ("Bo Lund manages the clinic.", "Ada Berg is in charge of the clinic.", True),
        ("Bo Lund runs the clinic, and not Ada Berg.", "The clinic is run by Ada Berg.", True),
        ("Bo Lund runs the kitchen.", "Ada Berg runs the clinic.", False),
        ("The choir meeting ends at 9:30.", "The choir meeting starts at 8:15.", False),
        ("The choir meeting starts at 8:15.", "The choir meeting starts at 8:15.", False),
    ],
)
def test_another_value_of_the_same(left, right, other):
    assert gives_another_value(left, right) is other


def test_a_change_in_other_words_takes_the_old_ones_place():
    old = memory("The clinic is run by Ada Berg.", key="said|clinic|run|")
    _, left = kept(("user", "Bo Lund runs the clinic now."), near=[old])
    assert left.findings[0].key == old.key
    _, left = kept(("user", "Bo Lund runs the clinic."), near=[old])
    assert left.findings[0].key != old.key


def test_a_denial_never_takes_the_place_of_another_value():
    (key,) = {f.key for f in conversation([{"role": "user", "content": HOST}], "t", "x").findings}
    known = memory(HOST, key=key)
    texts, left = kept(("user", "The staging host is not osprey-2."), near=[known])
    assert texts == []
    assert left.dropped == {"denial": 1}
    denial = "The staging host is not kestrel-7."
    assert kept(("user", denial), near=[known])[0] == [denial]
    negative = "The lab is not open in May."
    assert kept(("user", negative), near=[known])[0] == [negative]


@pytest.mark.parametrize(
    "said",
    [
        "No wait, it is 9090.",
        "No wait, that's wrong, it's 9090.",
        "Never mind, the staging port is 9090.",
        "Hmm, no, actually the staging port is 9090.",
        "Wait, no. It's 9090.",
        "Not 8080, it's 9090.",
        "I thought the staging port was 8080, but it's 9090.",
    ],
)
def test_the_cries_of_a_correction_deny_nothing(said):
    _, left = kept(("user", "The staging port is 8080."), ("assistant", "Noted."), ("user", said))
    assert left.findings[-1].text == "The staging port is 9090."
    assert left.findings[-1].key == left.findings[0].key


def test_a_negation_in_a_clause_beside_the_claim_denies_nothing():
    assert not claim("The host that is not used is osprey-2.").denies
    assert claim("The host is not osprey-2.").denies


def test_words_count_whole():
    assert repeats("The host is kestrel-7.", "Our host is kestrel-7 now.") is True
    assert repeats("The host is kestrel-7.", "The host is kestrel-77.") is False


def test_people_of_one_first_name_are_two_values():
    left, right = "Ada Lund looks after the shed.", "Ada Berg looks after the shed."
    assert gives_another_value(left, right)
    assert not same_fact(left, right)


@pytest.mark.parametrize(
    ("said", "old", "gone"),
    [
        ("Bo Lund took over the clinic from Ada Berg.", "Ada Berg manages the clinic.", True),
        ("Ada Berg no longer runs the clinic.", "The head of the clinic is Ada Berg.", True),
        (
            "The choir meeting starts at 9:30 instead of 8:15.",
            "The choir meeting is at 8:15.",
            True,
        ),
        ("Bo Lund took over the kitchen from Ada Berg.", "Ada Berg manages the clinic.", False),
        ("Ada Berg no longer cleans the clinic.", "Ada Berg manages the clinic.", False),
        ("Bo Lund runs the clinic.", "Ada Berg manages the clinic.", False),
    ],
)
def test_who_names_the_old_value_ends_it(said, old, gone):
    assert ends(said, old) is gone


CLINIC = memory("Ada Berg is in charge of the clinic.", key="said|ada berg|be|of")


@pytest.mark.parametrize(
    "said",
    [
        "Bo Lund runs the clinic now.",
        "Since Monday the clinic is managed by Bo Lund.",
        "I was wrong. Bo Lund heads the clinic.",
        "The new head of the clinic is Bo Lund.",
        "Ada Berg no longer runs the clinic, Bo Lund does.",
        "Ada Berg has stopped running the clinic, and Bo Lund runs it.",
    ],
)
def test_a_correction_takes_the_place_of_what_was_worded_otherwise(said):
    texts, left = kept(("user", said), near=[CLINIC])
    assert len(texts) == 1
    assert "Bo Lund" in texts[0]
    assert left.findings[0].replaces == (CLINIC.id,)


@pytest.mark.parametrize(
    "said",
    [
        "Bo Lund runs the clinic.",
        "I am at home now. It rains, and I like that very much. Bo Lund runs the clinic.",
    ],
)
def test_without_word_of_a_change_both_stand(said):
    _, left = kept(("user", said), near=[CLINIC])
    assert left.findings[-1].replaces == ()


def test_of_several_relations_that_a_change_may_mean_none_is_chosen():
    cleaner = memory("Dora Lyng cleans the clinic.", key="said|dora|clean|clinic")
    _, left = kept(("user", "Bo Lund has taken over the clinic."), near=[CLINIC, cleaner])
    assert left.findings[0].replaces == ()


def test_a_repetition_in_other_words_is_known_already():
    texts, left = kept(("user", "As I said, the clinic is managed by Ada Berg."), near=[CLINIC])
    assert texts == []
    assert left.dropped == {"known": 1}


def test_what_is_replaced_is_forgotten_with_what_replaced_it():
    store = FakeStore()
    first = conversation([{"role": "user", "content": CLINIC.text}], "t", "one")
    (old,), _ = store.absorb(first)
    second = conversation([{"role": "user", "content": "Bo Lund runs the clinic now."}], "t", "two")
    (new,), gone = store.absorb(without_echoes(second, (), lambda text: [old]))
    assert [m.id for m in gone] == [old.id]
    assert {m.id for m in store.lineage(new.id)} == {old.id, new.id}
