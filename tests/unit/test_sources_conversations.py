"""What people say becomes self-contained statements."""

import json

import pytest

from nightschool.errors import SourceMalformed
from nightschool.sources.clauses import Context, statements
from nightschool.sources.conversations import conversation, read_jsonl, said
from nightschool.sources.keys import statement_key


def found(text, speaker="Ada"):
    return [s.text for s in statements(text, Context(speaker))]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("I live in Tarnby, so I take the 7:12 ferry to work.",
         ["Ada lives in Tarnby.", "Ada takes the 7:12 ferry to work."]),
        ("My birthday is on 11 November, in case you want to congratulate me.",
         ["Ada's birthday is on 11 November."]),
        ("Brindle is the robot that collects litter, and it weighs 43 kilograms.",
         ["Brindle is the robot that collects litter.", "Brindle weighs 43 kilograms."]),
        ("Ottoline is a pilot. She works in Oslo.",
         ["Ottoline is a pilot.", "Ottoline works in Oslo."]),
        ("Is the lift broken?", []),
        ("Please check that for me.", []),
        ("I'm allergic to cashews, so be careful when you suggest a lunch place.",
         ["Ada is allergic to cashews."]),
    ],
)  # fmt: skip
def test_statements(spoken, kept):
    assert found(spoken) == kept


def talk(*turns):
    """Read a talk of (speaker, words); the speaker `assistant` is the model."""
    messages = [
        {"role": "assistant", "content": text}
        if name == "assistant"
        else {"role": "user", "name": name, "content": text}
        for name, text in turns
    ]
    return [f.text for f in conversation(messages, "default", "talk").findings]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("I look after our suppliers. The oldest one is the mill of Harrow, and their invoices arrive on Mondays.",
         ["Ada looks after the team's suppliers.", "The team's oldest supplier is the mill of Harrow.",
          "The mill of Harrow's invoices arrive on Mondays."]),
        ("The smaller kiln is called Pip. The bigger one is called Pop, and it was built in 1987.",
         ["The smaller kiln is called Pip.", "The bigger kiln is called Pop.",
          "The bigger kiln was built in 1987."]),
        ("Our press is old. There is a newer one, Tansy, and it cuts glass.",
         ["The team's press is old.", "Tansy is the newer press.", "Tansy cuts glass."]),
        ("The new pump is loud, but this one has a filter.", ["The new pump is loud."]),
    ],
)  # fmt: skip
def test_one_stands_for_a_noun_said_before(spoken, kept):
    assert found(spoken) == kept


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("There are 14 of us in the choir.", ["The team has 14 people in the choir."]),
        ("There's a bakery next door called Crumb.", ["There is a bakery next door called Crumb."]),
        ("There is no time.", []),
        ("There is one with a red handle.", []),
        ("There isn't any limit on the API.", ["There isn't any limit on the API."]),
        ("There's never a backup on Sundays.", ["There is never a backup on Sundays."]),
        ("There won't be a release in May.", ["There won't be a release in May."]),
        ("There are hardly any tests for it.", []),
        ("There has been a fire in Oslo.", ["There has been a fire in Oslo."]),
        ("In Oslo there aren't any kilns.", ["There aren't any kilns in Oslo."]),
        ("There may be a bug in the parser.", []),
        ("There aren't 14 of us in the choir.", []),
    ],
)
def test_there_is(spoken, kept):
    assert found(spoken) == kept


def test_a_question_of_the_assistant_says_what_an_answer_is_about():
    assert talk(
        ("assistant", "Is there a second printer?"),
        ("Ada", "There is. Blot is the slower one. It stands in the hall."),
    ) == ["Blot is the slower printer.", "Blot stands in the hall."]
    assert talk(
        ("assistant", "What do visitors forget?"),
        ("Ada", "They forget their umbrellas. They pay at the desk."),
    ) == ["Visitors forget their umbrellas.", "Visitors pay at the desk."]
    assert talk(
        ("assistant", "Is there a market this year?"), ("Ada", "There is, in Ludbrook.")
    ) == ["There is a market in Ludbrook."]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        (
            "The oven takes 90 minutes and please never open it early.",
            ["The oven takes 90 minutes."],
        ),
        ("I can't swim, so please don't push me.", ["Ada can't swim."]),
        ("The door code is 8812: write it down!", ["The door code is 8812."]),
        ("I made a list of everything that I had to ask.", []),
        ("The plan has changed. It's late, and Bo is here as well.", []),
        ("I'm allergic to nuts, which makes lunch hard.", ["Ada is allergic to nuts."]),
        ("Nobody else makes them that thin.", []),
        ("Is the lift broken, so should I walk?", []),
        ("Big news: we have a third kiln.", ["The team has a third kiln."]),
    ],
)
def test_orders_and_remarks_state_nothing(spoken, kept):
    assert found(spoken) == kept


@pytest.mark.parametrize(
    ("speaker", "spoken", "kept"),
    [
        ("Bo", "Bo Lindqvist speaking, I run the kitchen.",
         ["Bo's full name is Bo Lindqvist.", "Bo runs the kitchen."]),
        ("Bo", "Hello, Bo Lindqvist here. I run the kitchen.",
         ["Bo's full name is Bo Lindqvist.", "Bo runs the kitchen."]),
        ("Bo", "I'm Bo Lindqvist from logistics and I drive the van.",
         ["Bo's full name is Bo Lindqvist.", "Bo is from logistics.", "Bo drives the van."]),
        ("Bo", "I'm Bo and I drive the van.", ["Bo drives the van."]),
        ("Jon", "Jonas Wirth here. I prune the hedges.",
         ["Jon's full name is Jonas Wirth.", "Jon prunes the hedges."]),
        ("Ivy", "I'm Ivy Marsh, head of the seed bank.",
         ["Ivy's full name is Ivy Marsh.", "Ivy is head of the seed bank."]),
        ("the user", "My name is Dora Finch, and I teach physics.",
         ["The user's name is Dora Finch.", "The user teaches physics."]),
        ("Ada", "Good Morning, I run the kitchen. I'm the one who feeds the goats.",
         ["Ada runs the kitchen.", "Ada feeds the goats."]),
    ],
)  # fmt: skip
def test_introductions(speaker, spoken, kept):
    assert found(spoken, speaker) == kept


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("We keep the tapes on a server named grebe-4, and copies are made there every night.",
         "Copies are made on the server grebe-4 every night."),
        ("The choir practice is in the Tin Chapel, and we store the drums there.",
         "The team stores the drums in the Tin Chapel."),
        ("The tasting session starts at six. Ivo takes the notes there.",
         "Ivo takes the notes at the tasting session."),
        ("The crates have to reach Oslo by Friday. Tor Freight drives them there.",
         "Tor Freight drives the crates to Oslo."),
        ("We bought the house in May, and back then it had no roof.", "The house had no roof."),
    ],
)  # fmt: skip
def test_there_and_then_point_to_what_was_named(spoken, kept):
    assert found(spoken)[-1] == kept


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("We own a boat called Puddle. Its engine was built by Kess Motors, and it burns diesel.",
         ["Puddle's engine was built by Kess Motors.", "Puddle burns diesel."]),
        ("Our office is on Elm Street, and its alarm is loud. The alarm was made by Ostby.",
         ["The alarm of the team's office is loud.", "The alarm of the team's office was made by Ostby."]),
        ("Brindle is the robot that mows. We tested the robot for three weeks.",
         ["Brindle is the robot that mows.", "The team tested Brindle for three weeks."]),
        ("The pumps for the fountain, which are kept in the shed, are blue.", []),
        ("They never find the blades for the saw, which are kept in the shed.",
         ["The blades for the saw are kept in the shed."]),
        ("The tapes of each day end up on a server named grebe-4. It keeps them for 3 months.",
         ["The server grebe-4 keeps the tapes of each day for 3 months."]),
    ],
)  # fmt: skip
def test_a_thing_keeps_its_owner_and_its_full_name(spoken, kept):
    assert found(spoken)[-len(kept or [1]) :] == kept or not kept


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("Our landlord is Petra Voss. She wants her rent in cash, because she distrusts banks.",
         "Petra Voss wants her rent in cash, because she distrusts banks."),
        ("My boat is called Petrel, and I built it in 2011.", "Ada built the boat in 2011."),
        ("Ivo's deputy is Tess Lund. She speaks Dutch.", "Tess Lund speaks Dutch."),
        ("The report is printed in May. Bo edits it by 20 April, and we post it to our members.",
         "The team posts the report to its members."),
        ("I keep my recipes in a tin.", "Ada keeps their recipes in a tin."),
        ("We buy our bread from Orla.", "The team buys its bread from Orla."),
        ("I'm learning Welsh, because my aunt was born in Bala.",
         "Ada is learning Welsh, because Ada's aunt was born in Bala."),
        ("The combination of the locker is 4-9-1, because I keep forgetting it.",
         "The combination of the locker is 4-9-1, because Ada keeps forgetting it."),
        ("The old mill closed, because Tarn Foods moved its bakery.",
         "The old mill closed, because Tarn Foods moved its bakery."),
        ("Marta's desk is by the window. Her favourite colour is teal.",
         "Marta's favourite colour is teal."),
        ("Lena Moor leads the night shift. I asked her for a list. She is on holiday until May.",
         "Lena Moor is on holiday until May."),
    ],
)  # fmt: skip
def test_own_things_and_people(spoken, kept):
    assert found(spoken)[-1] == kept


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("The key to the woodshed hangs inside the clock.",
         ["The key to the woodshed hangs inside the clock."]),
        ("It keeps copies for a week and then burns them.", []),
        ("The vault keeps copies for a week and then burns them.",
         ["The vault keeps copies for a week and then burns them."]),
        ("Remember that the lab is closed on Fridays.", ["The lab is closed on Fridays."]),
        ("On Tuesdays we hold our game night.", ["The team holds its game night on Tuesdays."]),
        ("We have two dogs, Moss and Fern. They sleep in the barn.",
         ["The team has two dogs, Moss and Fern.", "Moss and Fern sleep in the barn."]),
        ("Our rival, Tarn Labs, has 80 clerks, and they're based in Hove.",
         ["The team's rival, Tarn Labs, has 80 clerks.", "Tarn Labs is based in Hove."]),
    ],
)  # fmt: skip
def test_values_are_not_cut_off(spoken, kept):
    assert found(spoken) == kept


@pytest.mark.parametrize(
    "spoken",
    [
        "If the flag is set, the server runs in debug mode, and the cache is disabled.",
        "Unless the bell rings, the shop is open and the gate is closed.",
        "According to the old wiki, the port is 8080 and the host is kestrel-7.",
        "In the old system, orders are kept in Oslo, and bills are kept in Hove.",
        "Bob claims the server is down, and the database is corrupt.",
        "The worker won't start and process jobs without Redis.",
    ],
)
def test_what_holds_under_a_condition_is_not_told_without_it(spoken):
    assert found(spoken) == [spoken]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("The old key interval was 90 days; now it's 30 days.", ["The key interval is now 30 days."]),
        ("Because it rains, the shop is closed, and Bo is at home.",
         ["Because it rains, the shop is closed.", "Bo is at home."]),
        ("The server does not log requests, and it runs in Oslo.",
         ["The server does not log requests.", "The server runs in Oslo."]),
        ("If you set DEBUG=1, the server logs everything, which leaks passwords.", []),
    ],
)  # fmt: skip
def test_what_stands_by_itself_is_told_by_itself(spoken, kept):
    assert found(spoken) == kept


def test_speakers_share_what_was_talked_about():
    said_ = talk(
        ("Ada", "We bought a kiln called Etna."), ("Bo", "It eats 9 kilos of wood an hour.")
    )
    assert said_[-1] == "Etna eats 9 kilos of wood an hour."


def test_spans_point_at_the_words():
    text = "Hello. I live in Tarnby, so I take the ferry. My name is Ada Berg."
    for statement in statements(text, Context("Ada")):
        assert text[statement.start : statement.end] in (
            "I live in Tarnby", "I take the ferry", "My name is Ada Berg",
        )  # fmt: skip


def test_the_assistant_teaches_nothing():
    reading = conversation(
        [
            {"role": "assistant", "content": "The staging host is osprey-2."},
            {"role": "user", "content": "No. The staging host is kestrel-7."},
        ],
        "default",
        "talk",
    )
    assert [f.text for f in reading.findings] == ["The staging host is kestrel-7."]
    span = reading.findings[0].span
    assert "kestrel-7" in reading.episode.text[span.start : span.end]


def test_a_new_value_has_the_old_ones_key():
    assert statement_key("The staging host is kestrel-7.") == statement_key(
        "The staging host is now merlin-2."
    )
    assert statement_key("We use kite-2 as the mail host.") != statement_key(
        "We use kite-3 as the print host."
    )
    assert statement_key("The staging host is kestrel-7.") != statement_key(
        "The backup host is kestrel-7."
    )


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("The port is 8080 in staging.", "The port is 9090 in production.", False),
        ("The port is 8080 in staging.", "The port is 9090 in staging.", True),
        ("The port is 8080 in staging.", "In staging, the port is 9090.", True),
        ("In staging, the port is 8080.", "In production, the port is 9090.", False),
        ("The retry limit is 5 for the worker.", "The retry limit is 3 for the API.", False),
        ("The retry limit is 5 for the worker.", "The retry limit is 3 for the worker.", True),
        ("The limit is 5 on weekdays.", "The limit is 9 on weekends.", False),
        ("The service runs on port 80 in staging.", "The service runs on port 90 in Oslo.", False),
        ("The service runs on port 80.", "The service runs on port 90.", True),
        ("The worker uses Redis in staging.", "The worker uses Postgres in production.", False),
        ("The cache is in rack 4.", "The cache is in rack 7.", True),
        ("The host is kestrel-7 since May.", "Since June, the host is merlin-2.", True),
        ("The vault keeps copies for 3 months.", "The vault keeps copies for 5 months.", True),
    ],
)
def test_what_holds_for_one_case_does_not_replace_what_holds_for_another(left, right, same):
    assert (statement_key(left) == statement_key(right)) is same


def test_what_is_said_of_one_person_does_not_replace_the_same_of_another():
    for wording in (
        "Whenever {} eats ginger, the doctor has to come.",
        "The doctor says that {} is allergic to nuts.",
    ):
        ada, bruno = (statement_key(wording.format(name)) for name in ("Ada", "Bruno"))
        assert ada != bruno
    assert statement_key("Whenever Ada eats ginger, the doctor has to come.") == statement_key(
        "Whenever Ada eats cherries, the doctor has to come."
    )


def test_the_owners_words_are_kept():
    assert (
        said("  Deploys  happen on\nTuesdays ", "t").findings[0].text
        == "Deploys happen on Tuesdays"
    )
    with pytest.raises(SourceMalformed, match="empty"):
        said(" ", "t")


def test_jsonl_of_conversations_and_of_messages():
    message = {"role": "user", "name": "Ada", "content": "The gate closes at nine."}
    whole = read_jsonl(json.dumps({"title": "a", "messages": [message]}), "t", "f")
    loose = read_jsonl(json.dumps(message), "t", "f")
    assert [f.text for f in whole[0].findings] == [f.text for f in loose[0].findings]
    with pytest.raises(SourceMalformed, match="line 2"):
        read_jsonl(json.dumps(message) + "\n[1]", "t", "f")
    with pytest.raises(SourceMalformed, match="role 'king'"):
        read_jsonl(json.dumps({"role": "king", "content": "x"}), "t", "f")


TURN = {"role": "user", "content": "The staging host is kestrel-7."}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (json.dumps({"messages": ["hi"]}), "expected an object"),
        (json.dumps({"messages": [TURN | {"role": ["user"]}]}), "expected one of user"),
        (json.dumps({"messages": [TURN | {"name": 5}]}), "expected a text as its name"),
        (json.dumps({"messages": [TURN | {"recalled": 5}]}), "a list of memory ids"),
        (json.dumps({"messages": [TURN | {"recalled": [{"a": 1}]}]}), "a list of memory ids"),
        ("[" * 100_000, "line 1: not JSON"),
        ('{"messages":' + "1" * 6000 + "}", "line 1: not JSON"),
    ],
)
def test_what_is_no_conversation_is_told(line, told):
    with pytest.raises(SourceMalformed, match=told):
        read_jsonl(line, "t", "a.jsonl")


def test_half_letters_and_separators_inside_of_a_text_are_read():
    turn = TURN | {
        "name": "A\ud800",
        "content": "The host is kestrel-7.\u2028It is old.\x85So it is.",
    }
    line = json.dumps({"title": "T\ud800", "messages": [turn]}, ensure_ascii=False)
    (reading,) = read_jsonl(f"{line}\r\n", "t", "a.jsonl")
    assert "It is old." in reading.episode.text
    assert (reading.episode.title, reading.episode.turns[0].speaker) == ("T\ufffd", "A\ufffd")
    assert reading.episode.source.encode("utf-8")
