"""What of a turn is its speaker's own."""

import time

import pytest

from nightschool.prompts import recall_prompt
from nightschool.sources.conversations import conversation
from nightschool.sources.earnest import in_earnest
from nightschool.sources.quoted import own_words
from nightschool.types import Memory, SourceKind


def found(spoken):
    reading = conversation([{"role": "user", "content": spoken}], "t", "talk")
    return [f.text for f in reading.findings]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("You said that the staging host is merlin-2.", []),
        ("You said that the staging host is merlin-2, but it is osprey-9 now.",
         ["The staging host is osprey-9 now."]),
        ("Yes, the staging host is merlin-2, as you said.", []),
        ("As I told you, the staging host is merlin-2.", ["The staging host is merlin-2."]),
        ("Our CEO is a penguin. Just kidding!", []),
        ("Our CEO is a penguin, not really.", []),
        ("In your answer it says that the staging host is merlin-2.", []),
        ("I read in your notes that the staging host is merlin-2.", []),
        ("Your last answer was that the staging host is merlin-2.", []),
        ("The gate closes at nine. Our CEO is a penguin. Just kidding!", ["The gate closes at nine."]),
        ("Is the staging host merlin-2", []),
        ("I don't think the staging host is merlin-2.", []),
        ("The office dog would be called Bo.", []),
        ("I would like tea at four.", ["The user would like tea at four."]),
        ("When the bell rings, the shop closes.", ["When the bell rings, the shop closes."]),
        ("Will Marsh runs the bakery.", ["Will Marsh runs the bakery."]),
        ("Here are my facts:\nThe gate closes at nine.", ["The gate closes at nine."]),
        ("By the way, as I told you before, the gate closes at nine.", ["The gate closes at nine."]),
        ("Let me remind you that the gate closes at nine.", ["The gate closes at nine."]),
        ("The gate closes at nine, as I mentioned.", ["The gate closes at nine."]),
        ("It is Ada Berg who runs the bakery.", ["Ada Berg runs the bakery."]),
        ("We use kite-2 as the mail host.", ["The team uses kite-2 as the mail host."]),
        ("They say that the gate closes at nine.", []),
        ("Rumour has it that the gate closes at nine.", []),
        ("A man on the train told me that the gate closes at nine.", []),
        ("Ada suspects that the gate closes at nine.", []),
        ("It seems that the gate closes at nine.", []),
        ("It is false that the gate closes at nine.", []),
        ("Delete the line that the gate closes at nine.", []),
        ("I forgot whether the gate closes at nine.", []),
        ("The gate closes at nine. I made that up.", []),
        ("The gate closes at nine, as if!", []),
        ("The chatbot told me that the gate closes at nine.", []),
        ("You insist that the gate closes at nine.", []),
        ("The gate closes at nine. That was your answer.", []),
        ("The console printed: The gate closes at nine.", []),
        ("# cat gate.txt\nThe gate closes at nine.", []),
        ("<p>The gate closes at nine.</p>", []),
        ('"The gate closes at nine." is what it printed.', []),
        ("Here's the email from the vendor:\n\nHi Ana,\n\nSupport ends in March.\n\nThe price is 5.", []),
        ("Imagine a company called Acme. Acme has 5 clerks.", []),
        ("Let's role-play. My name is Captain Hook. I live on a ship.", []),
        ("Suppose we have two servers. Server A runs Postgres.", []),
        ("True or false: the port is 80.", []),
        ("Please rewrite this:\n\nOur shop is in Berlin.", []),
        ("Translate this to German: The server is down.", []),
        ("Our cache is a Map<string, Session>. The host is kestrel-7.",
         ["The team's cache is a Map<string, Session>.", "The host is kestrel-7."]),
        ("About the API page: the staging host is kestrel-7.", ["The staging host is kestrel-7."]),
        ("The server printed this: The gate is red.", []),
        ("The docs say the port is 80, which is wrong.", []),
        ("The wiki says the port is 80 but that's outdated.", []),
        ("We agreed that the gate closes at nine.", ["The team agreed that the gate closes at nine."]),
    ],
)  # fmt: skip
def test_the_rules_find_what_is_claimed(spoken, kept):
    assert found(spoken) == kept


@pytest.mark.parametrize(
    "text",
    [
        "> a quote\nmine",
        "```\ncode\n```\nmine",
        "The log says this output:\na line\nb line\n\nmine",
    ],
)
def test_what_is_not_ones_own_is_blanked_in_place(text):
    own = own_words(text)
    assert len(own) == len(text)
    assert own.split() == ["mine"] or own.strip().endswith("mine")
    assert text.index("mine") == own.index("mine")
    assert "line" not in own
    assert "code" not in own


def test_a_pasted_prompt_is_not_ones_own():
    note = Memory("mem-3f9c2a71be", "t", "The host is osprey-2.", "said", SourceKind.STATEMENT, "said", "ep-1", "2026")  # fmt: skip
    prompt = recall_prompt("What is the host?", [note], 512)[0].content
    assert own_words(prompt).strip() == ""
    assert own_words(" ".join(prompt.split())).strip() == ""
    assert (
        own_words("- The host is osprey-2. [mem-3f9c2a71be]\nThe gate is red.").strip()
        == "The gate is red."
    )


def test_long_lines_take_no_time():
    for piece in (
        "tool ",
        "if ",
        "would ",
        "a",
        "[",
        "> ",
        "```",
        "[mem-",
        "no, ",
        "<a> ",
        "so ",
        "fix the ",
    ):
        text = piece * (20_000 // len(piece))
        began = time.monotonic()
        own_words(text)
        in_earnest(text)
        assert time.monotonic() - began < 5, piece


def test_a_claim_with_a_name_that_looks_like_a_question():
    assert in_earnest("May is our treasurer.")
    assert not in_earnest("What time is the meeting")
