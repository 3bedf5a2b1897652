"""Wordings for `junk_talks.py`: clauses that state a fact of a family, and frames that say how a clause is meant.

A wording is a clause in a frame, so that there are thousands. Every list is parted in two by a seeded
shuffle: one half for the development seeds, the other for seed 0 alone. All of them were written before the
rules that they are to test, and by the same author: unseen by the rules, not by whoever wrote those.
`{s}` is the subject, `{v}` the value, `{o}` the value before it, `{c}` a clause, `{fact}` a sentence of
the assistant's and `{low}` the same with a small first letter.
"""

from __future__ import annotations

import random

CLAUSES: dict[str, list[str]] = {
    "thing": [
        "the {s} is {v}", "our {s} is called {v}", "the name of the {s} is {v}", "the {s} that we use is {v}",
        "{v} is our {s}", "the {s} is known as {v}", "we have {v} as the {s}", "{v} serves as the {s}",
        "the {s} has the name {v}", "we use {v} as the {s}", "the {s} in use is {v}", "the {s} to use is {v}",
        "the {s} carries the label {v}", "it's {v} that we use for the {s}", "our {s} is named {v}",
        "the {s} goes under the name {v}",
    ],
    "keeper": [
        "{v} looks after the {s}", "{v} takes care of the {s}", "{v} cares for the {s}", "the {s} is looked after by {v}",
        "the {s} is in the care of {v}", "{v} is the caretaker of the {s}", "the caretaker of the {s} is {v}",
        "{v} tends the {s}", "{v} maintains the {s}", "the {s} is maintained by {v}", "it is {v} who looks after the {s}",
        "the person looking after the {s} is {v}", "{v} keeps the {s} in order", "{v} minds the {s}", "{v} sees to the {s}",
        "the upkeep of the {s} is {v}'s job",
    ],
    "leader": [
        "{v} runs the {s}", "{v} manages the {s}", "{v} heads the {s}", "{v} leads the {s}", "{v} is in charge of the {s}",
        "{v} is the head of the {s}", "the head of the {s} is {v}", "{v} is the manager of the {s}",
        "the manager of the {s} is {v}", "the {s} is led by {v}", "the {s} is managed by {v}", "{v} directs the {s}",
        "{v} has charge of the {s}", "{v} oversees the {s}", "the boss of the {s} is {v}", "{v} is the boss at the {s}",
    ],
    "time": [
        "the {s} meeting starts at {v}", "the {s} meeting begins at {v}", "the {s} meeting kicks off at {v}",
        "the {s} meeting is at {v}", "the {s} meeting takes place at {v}", "the {s} meeting is held at {v}",
        "the {s} meeting is scheduled for {v}", "the start of the {s} meeting is at {v}", "the {s} meeting opens at {v}",
        "it is at {v} that the {s} meeting starts", "{v} is when the {s} meeting starts",
        "the start time of the {s} meeting is {v}", "the {s} meeting is set for {v}", "we begin the {s} meeting at {v}",
        "the {s} meeting commences at {v}", "we hold the {s} meeting at {v}",
    ],
    "kin": [
        "my {s} lives in {v}", "my {s}'s home is in {v}", "my {s} resides in {v}", "my {s} is living in {v}",
        "my {s} has a home in {v}", "my {s} is based in {v}", "my {s} is at home in {v}", "{v} is where my {s} lives",
        "{v} is the home of my {s}", "my {s}'s address is in {v}", "the place where my {s} lives is {v}",
        "my {s} is settled in {v}", "my {s} dwells in {v}", "my {s}'s house is in {v}", "the home of my {s} is in {v}",
        "my {s}'s place of residence is {v}",
    ],
    "cleaner": [
        "{v} cleans the {s}", "the {s} is cleaned by {v}", "{v} does the cleaning in the {s}",
        "the cleaning of the {s} is done by {v}", "the cleaner of the {s} is {v}", "{v} is the cleaner of the {s}",
        "{v} keeps the {s} clean", "{v} sweeps the {s}", "it is {v} who cleans the {s}", "{v} scrubs the {s}",
        "the person cleaning the {s} is {v}", "the {s} gets cleaned by {v}",
    ],
    "end": [
        "the {s} meeting ends at {v}", "the {s} meeting finishes at {v}", "the {s} meeting closes at {v}",
        "the {s} meeting is over at {v}", "the {s} meeting concludes at {v}", "the end of the {s} meeting is at {v}",
        "the {s} meeting stops at {v}", "the {s} meeting lasts until {v}", "the {s} meeting goes on until {v}",
        "the {s} meeting wraps up at {v}", "the {s} meeting runs until {v}", "the end time of the {s} meeting is {v}",
    ],
    "work": [
        "my {s} works in {v}", "my {s}'s job is in {v}", "my {s} is employed in {v}", "my {s}'s office is in {v}",
        "my {s} has a job in {v}", "my {s} goes to work in {v}", "my {s}'s workplace is in {v}",
        "my {s} earns a living in {v}", "my {s} is working in {v}", "{v} is where my {s} works",
        "the place where my {s} works is {v}", "my {s} has an office in {v}",
    ],
}  # fmt: skip
"""What states a fact. The last three families share their subjects with others, whose facts they must not replace."""
CHANGES: dict[str, list[str]] = {
    "thing": [
        "The {s} has changed from {o} to {v}.", "We replaced {o} with {v} as the {s}.", "{v} has replaced {o} as the {s}.",
        "The {s} was renamed to {v}.", "We moved the {s} from {o} to {v}.", "{o} is no longer the {s}, {v} is.",
        "The {s} switched from {o} to {v}.", "Instead of {o}, the {s} is {v}.", "The {s} isn't {o} any more but {v}.",
        "Forget {o}, the {s} is {v}.", "The new {s} is {v}.", "The {s} used to be {o}, these days it is {v}.",
        "We no longer use {o} as the {s}, we use {v}.", "{v} took the place of {o} as the {s}.",
    ],
    "keeper": [
        "{v} took over the {s} from {o}.", "{o} handed the {s} over to {v}.", "{v} has replaced {o} at the {s}.",
        "{o} no longer looks after the {s}, {v} does.", "Instead of {o}, {v} looks after the {s}.",
        "{v} looks after the {s}, not {o}.", "The {s} has passed from {o} to {v}.", "The new caretaker of the {s} is {v}.",
        "{o} has stopped looking after the {s}, and {v} looks after it.", "It is {v} and not {o} who looks after the {s}.",
        "{o} used to look after the {s}, but {v} looks after it these days.", "{v} has succeeded {o} as caretaker of the {s}.",
        "{v} looks after the {s} in place of {o}.", "{o} gave the {s} up, so {v} takes care of the {s}.",
    ],
    "leader": [
        "{v} took over the {s} from {o}.", "{o} handed the {s} over to {v}.", "{v} has replaced {o} at the {s}.",
        "{o} no longer runs the {s}, {v} does.", "Instead of {o}, {v} runs the {s}.",
        "{v} runs the {s}, not {o}.", "The {s} has passed from {o} to {v}.", "The new head of the {s} is {v}.",
        "{o} has stopped running the {s}, and {v} runs it.", "It is {v} and not {o} who runs the {s}.",
        "{o} used to run the {s}, but {v} runs it these days.", "{v} has succeeded {o} as head of the {s}.",
        "{v} manages the {s} in place of {o}.", "{o} stepped down, so {v} manages the {s}.",
    ],
    "time": [
        "The {s} meeting was moved from {o} to {v}.", "The {s} meeting has been moved to {v}.",
        "The {s} meeting was postponed to {v}.", "The {s} meeting was brought forward to {v}.",
        "We rescheduled the {s} meeting to {v}.", "The {s} meeting no longer starts at {o} but at {v}.",
        "The {s} meeting starts at {v} instead of {o}.", "The new start of the {s} meeting is {v}.",
        "We shifted the {s} meeting to {v}.", "The {s} meeting doesn't start at {o} any more, it starts at {v}.",
        "The {s} meeting used to start at {o}, but it starts at {v} these days.", "The {s} meeting has been put back to {v}.",
        "The {s} meeting was pushed to {v}.", "The start of the {s} meeting changed from {o} to {v}.",
    ],
    "kin": [
        "My {s} has moved from {o} to {v}.", "My {s} moved to {v}.", "My {s} relocated to {v}.", "My {s} has left {o} for {v}.",
        "My {s} gave up the flat in {o} and lives in {v}.", "My {s} no longer lives in {o}, the new address is in {v}.",
        "My {s} has settled in {v} after leaving {o}.", "My {s} used to live in {o}, but lives in {v} these days.",
        "My {s} has a new home in {v}.", "My {s} doesn't live in {o} any more, but in {v}.", "My {s}'s new home is in {v}.",
        "My {s} lives in {v} instead of {o}.", "My {s} has just moved house and lives in {v}.",
        "My {s} swapped {o} for {v}.",
    ],
    "cleaner": [], "end": [], "work": [],
}  # fmt: skip
FRAMES: dict[str, list[str]] = {
    "tell": [
        "{c}.", "By the way, {c}.", "FYI, {c}.", "Please note that {c}.", "You should know that {c}.",
        "One thing to remember: {c}.", "For the record, {c}.", "Just so you know, {c}.", "I want you to know that {c}.",
        "Let me tell you that {c}.", "Before I forget, {c}.", "Keep in mind that {c}.", "I can tell you that {c}.",
        "Another thing: {c}.", "It may help you to know that {c}.", "Write down that {c}.", "It's good to know that {c}.",
        "At our place {c}.",
    ],
    "retell": [
        "{c}.", "As I told you, {c}.", "As I said before, {c}.", "Again, {c}.", "To repeat: {c}.", "Once more: {c}.",
        "Like I mentioned, {c}.", "I already told you that {c}.", "As you know, {c}.", "Remember, {c}.", "{c}, as I said.",
        "{c}, as mentioned.", "Just to remind you, {c}.", "To say it again, {c}.", "As before, {c}.", "You may recall that {c}.",
        "{c}, as ever.", "In other words, {c}.",
    ],
    "correct": [
        "{c} now.", "Actually, {c}.", "Correction: {c}.", "Since Monday {c}.", "From now on {c}.", "Things have changed: {c}.",
        "Update: {c}.", "As of today, {c}.", "I was wrong, {c}.", "That is out of date: {c}.", "These days {c}.",
        "Starting this week, {c}.", "I have to correct myself, {c}.", "{c}, and not {o}.", "Small change: {c}.",
        "My mistake, {c}.", "It has changed, {c}.", "{c} since last week.", "As of Friday {c}.", "There is news: {c}.",
    ],
    "ask": [
        "Is it true that {c}?", "Do you know whether {c}?", "Is it still the case that {c}?", "Could you check if {c}?",
        "{c}, right?", "So {c}?", "Am I right that {c}?", "Can you confirm that {c}?", "I forgot whether {c}.",
        "Tell me if {c}.", "{c}, or am I wrong?", "Did I tell you that {c}?", "Remind me whether {c}.", "Isn't it so that {c}?",
        "I'd like to know whether {c}.", "Please check that {c}.",
    ],
    "hyp": [
        "Suppose {c}.", "Assuming {c}, who would notice?", "What happens if {c}?", "Perhaps {c}.", "I could imagine that {c}.",
        "It may be that {c}.", "Let's say {c}.", "Possibly {c}.", "Picture this: {c}.", "I hope that {c}.", "In case {c}, let me know.",
        "Unless I'm mistaken, {c}.", "I have a feeling that {c}.", "It seems that {c}.", "For the sake of argument, {c}.",
        "It would surprise me if {c}.", "I dreamt that {c}.", "I guess {c}.", "In an ideal world, {c}.", "If only {c}!",
    ],
    "hearsay": [
        "I heard that {c}.", "People say that {c}.", "Rumour has it that {c}.", "Apparently, {c}.", "Someone told me that {c}.",
        "Bo thinks that {c}.", "My neighbour claims that {c}.", "Word is that {c}.", "They say that {c}.",
        "According to some stranger, {c}.", "The paper says that {c}.", "Allegedly, {c}.", "Supposedly, {c}.",
        "A poster at the station says that {c}.", "It is said that {c}.", "Somebody on the bus said that {c}.",
        "I read somewhere that {c}.", "Ivo believes that {c}.",
    ],
    "joke": [
        "{c}, just joking.", "{c}. Gotcha!", "{c}. April fool!", "{c}. Only kidding!", "{c}, yeah right.",
        "Sure, and {c}, and pigs can fly.", "Ha, {c}, as if!", "{c}. I'm pulling your leg.",
        "Of course {c}, and I am the Queen of Sheba.", "{c}. No, I made that up.", "{c} :P", "{c} (not really).", "{c} /s",
        "{c}. Don't take that seriously.", "{c}, I wish.", "{c}... not!", "I once wrote a story in which {c}.",
        "{c}. That was a test, ignore it.",
    ],
    "deny": [
        "It is not true that {c}.", "It's wrong that {c}.", "Nobody said that {c}.", "I never said that {c}.",
        "It isn't the case that {c}.", "No, it's false that {c}.", "That {c} is wrong.", "I deny that {c}.",
        "It's a mistake that {c}.", "Who told you that {c}?", "Don't write down that {c}.", "{c}? No.", "{c}? That's not right.",
        "Forget that {c}.", "It is nonsense that {c}.", "Strike from your notes that {c}.",
    ],
}  # fmt: skip
QUOTE = [
    "Your answer says that {low}", "I see you answered that {low}", "You claim that {low}", "You mentioned that {low}",
    "The assistant said that {low}", "The bot wrote that {low}", "It says here in the notes that {low}",
    "Your notes mention that {low}", "In the prompt it says that {low}", "The chat history has this line: {fact}",
    "What you replied was that {low}", "From your side I got: {fact}", "I quote you: {fact}", '"{fact}" is what you wrote.',
    "You seem to believe that {low}", "The reply I got reads: {fact}", "So you think that {low}", "You keep saying that {low}",
    "Your memory file contains the line: {fact}", "I copied this from your reply: {fact}", "{fact} That is what you told me.",
    "{fact} Those were your words.", "The text above says that {low}", "If I read you correctly, {low}",
]  # fmt: skip
TOOL = [
    "Output:\n{fact}", "$ ./status\n{fact}", "stdout: {fact}", "The page shows:\n{fact}", "The website says: {fact}",
    "[INFO] {fact}", "2024-05-01 12:00:01 INFO {fact}", "<result>{fact}</result>", '{{"text": "{fact}"}}',
    "The API answered with: {fact}", "Traceback (most recent call last):\n  RuntimeError: {fact}",
    "The search found this: {fact}", 'The terminal shows "{fact}"', "Test log:\n  1. {fact}\n  2. done",
    "The email from the system reads:\n{fact}", "~~~\n{fact}\n~~~", "Result of the query:\n{fact}",
    "Here's what the file contains:\n\n{fact}",
]  # fmt: skip
CONFIRM = [
    "That's right, {low}", "Correct, {low}", "Exactly, {low}", "Right, {low}", "True, {low}", "I can confirm that {low}",
    "Yes, you are right that {low}", "Indeed, {low}", "Confirmed: {low}", "You're right, {low}", "Yep, {low}",
    "That is correct: {low}", "I agree, {low}", "Quite so, {low}",
]  # fmt: skip
SMALL = [
    "I slept badly.", "My back hurts today.", "See you tomorrow!", "Give me a second.", "What a day.", "I need a coffee.",
    "You are a great help.", "It's getting late.", "Happy Friday!", "I am just back from the shop.", "Could you be a bit shorter?",
    "Never mind the typos.", "I can't complain.", "That was a long night.", "The sun is shining.", "I'll be right back.",
]  # fmt: skip


def half(wordings: list[str], held: bool) -> list[str]:
    """Return the part of a list that one kind of seed may use: the same on every machine."""
    order = wordings.copy()
    random.Random(f"half-{len(wordings)}-{wordings[0] if wordings else ''}").shuffle(order)
    return order[0::2] if held else order[1::2]


def compose(frame: str, clause: str) -> str:
    """Put a clause into a frame, with a capital letter where the sentence begins with it."""
    filled = frame.replace("{c}", clause)
    return filled if filled.startswith("{") else filled[0].upper() + filled[1:]
