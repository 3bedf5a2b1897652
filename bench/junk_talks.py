"""Seeded conversations with known gold statements, for `junk.py`.

A talk is a list of intents; some are worded only when it is their turn, because they quote what the
assistant has just said. Values are made up and stand for one fact each, so that a memory is judged by the
value that it holds. Seed 0 takes its half of `junk_wordings.py` alone, which no other seed uses and nothing was
tuned on; the others take their half of it, and as often the wordings of `FAMILIES`, on which rules were developed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from junk_wordings import CHANGES, CLAUSES, FRAMES, compose, half
from junk_wordings import SMALL as NEW_SMALL
from junk_wordings import TOOL as NEW_TOOL

MODS = "north south east west upper lower old spare main second".split()
THINGS = (
    "gate code", "staging host", "backup server", "build machine", "guest network", "parking permit",
    "locker number", "archive bucket", "support line", "release branch", "door controller", "test database",
)  # fmt: skip
PLACES = (
    "greenhouse", "workshop", "boathouse", "library", "kitchen", "print room", "pump station",
    "orchard", "bakery", "clinic", "rehearsal hall", "bike shed",
)  # fmt: skip
MEETINGS = "planning budget safety design hiring choir pottery chess garden film".split()
KIN = (
    "sister brother aunt uncle cousin nephew niece dentist accountant landlord neighbour teacher tailor "
    "mechanic physiotherapist"
).split()
FIRST = (
    "Ada Bo Ivo Tess Lena Moritz Greta Petra Jonas Nils Marta Dora Oskar Runa Silas Wanda".split()
)
LAST = "Voss Lund Marsh Berg Plume Oskvik Wirth Finch Kess Harrow Tarn Holm Sand Brandt Lyng Moor".split()
TOWNS = "Ar Bel Cor Dun Elm Fal Gris Har Ing Jor Kel Lud Mor Nor Oss Pel".split()
ENDS = "brook by ford ham mouth stead ton vik wick wold".split()
FAMILIES: dict[str, dict[str, list[str]]] = {
    "thing": {
        "tell": ["The {s} is {v}.", "Our {s} is {v}.", "Please remember that the {s} is {v}.",
                 "The {s} is called {v}.", "By the way, the {s} is {v}.", "For the {s} we use {v}."],
        "retell": ["Our {s} is {v}.", "{v} is the {s}.", "As I told you, the {s} is {v}.",
                   "The {s} goes by {v}.", "We call the {s} {v}."],
        "correct": ["The {s} is now {v}.", "Correction: the {s} is {v}.", "Actually, the {s} isn't {o}, it's {v}.",
                    "The {s} has changed to {v}.", "The {s} was {o}, but it is {v} now.", "We switched the {s} to {v}."],
        "ask": ["What is the {s}?", "Do you know the {s}?", "Is the {s} still {v}?", "Remind me what the {s} is."],
        "hyp": ["Suppose the {s} were {f}.", "What if the {s} was {f}?", "If the {s} was {f}, we would have to tell everyone.",
                "Maybe the {s} is {f}.", "Let's pretend that the {s} is {f}.", "I'm not sure whether the {s} is {f}."],
        "joke": ["Haha, and the {s} is {f}, just joking.", "The {s} is {f}. Just kidding!", "I don't think that the {s} is {f}.", "The {s} is {f}, said nobody ever, lol.", "Imagine, Bo claims that the {s} is {f}!"],
        "deny": ["No, the {s} is not {f}.", "The {s} isn't {f}.", "That's wrong, the {s} is not {f}."],
        "invent": ["The {s} is {f}."],
    },
    "keeper": {
        "tell": ["{v} looks after the {s}.", "The {s} is looked after by {v}.", "The one who looks after the {s} is {v}."],
        "retell": ["The {s} is looked after by {v}.", "{v} looks after our {s}.", "{v} takes care of the {s}."],
        "correct": ["{v} looks after the {s} now.", "The {s} is looked after by {v} from now on.",
                    "{v} has taken over the {s} from {o}."],
        "ask": ["Who looks after the {s}?", "Does {v} look after the {s}?", "Tell me who looks after the {s}."],
        "hyp": ["Suppose {f} looked after the {s}.", "If {f} looked after the {s}, it would be tidy.", "Perhaps {f} looks after the {s}."],
        "joke": ["{f} looks after the {s}. I'm joking!", "Haha, {f} looks after the {s}.", "{f} looks after the {s}, not really."],
        "deny": ["{f} doesn't look after the {s}.", "It is not true that {f} looks after the {s}."],
        "invent": ["{f} looks after the {s}."],
    },
    "leader": {
        "tell": ["{v} runs the {s}.", "The {s} is run by {v}.", "{v} is in charge of the {s}."],
        "retell": ["The {s} is run by {v}.", "{v} runs our {s}.", "The person who runs the {s} is {v}."],
        "correct": ["{v} runs the {s} from now on.", "The {s} is run by {v} now.", "Actually, {v} runs the {s}, not {o}."],
        "ask": ["Who runs the {s}?", "Does {v} run the {s}?", "Tell me who runs the {s}."],
        "hyp": ["Suppose {f} ran the {s}.", "If {f} ran the {s}, it would be tidy.", "Perhaps {f} runs the {s}."],
        "joke": ["{f} runs the {s}. I'm joking!", "Haha, {f} runs the {s}.", "{f} runs the {s}, not really."],
        "deny": ["{f} doesn't run the {s}.", "It is not true that {f} runs the {s}."],
        "invent": ["{f} runs the {s}."],
    },
    "time": {
        "tell": ["The {s} meeting starts at {v}.", "Our {s} meeting starts at {v}.", "The {s} meeting always begins at {v}."],
        "retell": ["The {s} meeting begins at {v}.", "We start the {s} meeting at {v}.", "At {v} the {s} meeting starts."],
        "correct": ["The {s} meeting starts at {v} now.", "The {s} meeting now starts at {v} and not at {o}.",
                    "The {s} meeting was moved to {v}."],
        "ask": ["When does the {s} meeting start?", "Does the {s} meeting start at {v}?", "What time is the {s} meeting"],
        "hyp": ["Suppose the {s} meeting started at {f}.", "It would be nice if the {s} meeting started at {f}.",
                "Would the {s} meeting be better at {f}"],
        "joke": ["The {s} meeting starts at {f}. Kidding!", "The {s} meeting starts at {f}, haha."],
        "deny": ["The {s} meeting does not start at {f}.", "No, the {s} meeting isn't at {f}."],
        "invent": ["The {s} meeting starts at {f}."],
    },
    "kin": {
        "tell": ["My {s} lives in {v}.", "You should know that my {s} lives in {v}.", "I have a {s} in {v}."],
        "retell": ["{v} is where my {s} lives.", "My {s} still lives in {v}.", "My {s}'s home is in {v}."],
        "correct": ["My {s} lives in {v} now.", "My {s} no longer lives in {o}, but in {v}.", "My {s} has moved to {v}."],
        "ask": ["Where does my {s} live?", "Does my {s} live in {v}?", "Do you remember where my {s} lives"],
        "hyp": ["Suppose my {s} lived in {f}.", "I wish my {s} lived in {f}.", "My {s} might move to {f} one day."],
        "joke": ["My {s} lives in {f}. Just kidding!", "My {s} lives in {f}, in my dreams, haha."],
        "deny": ["My {s} doesn't live in {f}.", "My {s} never lived in {f}."],
        "invent": ["Your {s} lives in {f}."],
    },
    "cleaner": {"invent": ["{f} cleans the {s}."]},
    "end": {"invent": ["The {s} meeting ends at {f}."]},
    "work": {"invent": ["Your {s} works in {f}."]},
}  # fmt: skip
SMALL = [
    "Thanks, that helps.", "Good morning!", "I am tired today.", "Nice weather, isn't it?", "Please keep it short.",
    "Let me think about it.", "Sorry, I was interrupted.", "That is all for now.", "I had a good lunch today.",
    "Hm, interesting.", "You are quick today.", "It's raining cats and dogs here.",
]  # fmt: skip
TOOL = [
    "The script printed:\nstatus: ok\n{fact}\nexit code 0", "```\n$ show config\n{fact}\n```",
    "Here is the output of the tool:\n{fact}", "The tool returned this answer:\n\n{fact}",
    "Log of the last run:\n[12:00:01] INFO {fact}\n[12:00:02] INFO done",
]  # fmt: skip
QUOTE = [
    "You said that {low}", "You told me that {low}", "According to your notes, {low}", "> {fact}\nIs that still right?",
    "You wrote:\n{fact}\n\nWhere did you get that from?", "{fact} Is that right?", "Your last answer was: {fact}",
    'Why do you say "{fact}"?', "In your answer it says that {low}", "So your memory has it that {low}",
]  # fmt: skip
SAME_KIND = {"cleaner": "keeper", "end": "time", "work": "kin"}
"""Families whose values are like another's."""
MIX = {
    "tell": 28, "retell": 8, "correct": 8, "ask": 18, "small": 9, "hyp": 6, "joke": 4, "deny": 2, "quote": 8,
    "paste_answer": 3, "paste_prompt": 2, "confirm": 2, "tool": 4, "hearsay": 4,
}  # fmt: skip


@dataclass
class Fact:
    """One thing that somebody knows, with the values that it had, newest last."""

    family: str
    subject: str
    values: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Intent:
    """What the user means to do in a turn; `text` is empty where it depends on the assistant."""

    kind: str
    fact: Fact | None
    text: str
    fake: str = ""
    """A value that nobody states in earnest."""


class Generator:
    """Makes the talks of one seed."""

    def __init__(self, seed: int) -> None:
        self.held = seed == 0
        self.random = random.Random(f"junk-{seed}")
        self.facts: list[Fact] = []
        self._used: set[str] = set()
        self._subjects = [("thing", f"{m} {t}") for m in MODS for t in THINGS]
        self._subjects += [("keeper", f"{m} {p}") for m in MODS for p in PLACES[:6]]
        self._subjects += [("leader", f"{m} {p}") for m in MODS for p in PLACES[6:]]
        self._subjects += [("time", f"{m} {x}") for m in MODS[:5] for x in MEETINGS]
        self._subjects += [("kin", kin) for kin in KIN]
        # What is not to be taken for another value of those: who cleans a place that somebody runs.
        self._subjects += [("cleaner", f"{m} {p}") for m in MODS for p in PLACES]
        self._subjects += [("end", f"{m} {x}") for m in MODS[:5] for x in MEETINGS]
        self._subjects += [("work", kin) for kin in KIN]
        self.random.shuffle(self._subjects)

    def intent(self) -> Intent:
        """Make up the next turn of the user."""
        kind = self.random.choices(list(MIX), list(MIX.values()))[0]
        if kind == "tell" or not self.facts:
            family, subject = self._subjects.pop()
            fact = Fact(family, subject)
            fact.values.append(self._value(family))
            self.facts.append(fact)
            return Intent("tell", fact, self.say(family, "tell", fact))
        fact = self.random.choice(self.facts)
        if kind == "small":
            return Intent(kind, None, self.pick(SMALL, NEW_SMALL))
        if kind == "correct":
            fact.values.append(self._value(fact.family))
            return Intent(kind, fact, self.say(fact.family, kind, fact))
        if kind in ("retell", "ask"):
            return Intent(kind, fact, self.say(fact.family, kind, fact))
        fake = self._value(fact.family)
        if kind == "tool":
            # A tool's output repeats an old value or gives one of its own.
            value = self.random.choice([fact.values[0], fake])
            body = FAMILIES[fact.family]["invent"][0].format(s=fact.subject, f=value)
            return Intent(kind, fact, self.pick(TOOL, NEW_TOOL).format(fact=body), fake)
        if kind in ("hyp", "joke", "deny", "hearsay"):
            return Intent(kind, fact, self.say(fact.family, kind, fact, fake), fake)
        return Intent(kind, fact, "", fake)

    def say(self, family: str, kind: str, fact: Fact, fake: str = "") -> str:
        """Word an intent."""
        old = fact.values[-2] if len(fact.values) > 1 else ""
        known = FAMILIES[family].get(kind, [])
        if kind == "correct" and half(CHANGES[family], self.held) and self.random.random() < 0.5:
            wording = self.pick(known, CHANGES[family])
        elif self._takes(known):
            wording = self.random.choice(known)
        else:
            clause = self.random.choice(half(CLAUSES[family], self.held))
            wording = compose(self.random.choice(half(FRAMES[kind], self.held)), clause)
        value = fake or fact.values[-1]
        return wording.format(s=fact.subject, v=value, o=old, f=fake)

    def pick(self, known: list[str], new: list[str]) -> str:
        """Pick a wording that this seed may use: one that rules were developed on, or a new one of its half."""
        return self.random.choice(known if self._takes(known) else half(new, self.held))

    def _takes(self, known: list[str]) -> bool:
        return bool(known) and not self.held and self.random.random() < 0.5

    def _value(self, family: str) -> str:
        draw = self.random

        def person() -> str:
            return f"{draw.choice(FIRST)} {draw.choice(TOWNS)}{draw.choice('aeiou')}{draw.choice(LAST).lower()}"

        while True:
            value = {
                "thing": lambda: f"{draw.choice(LAST).lower()}-{draw.randint(10, 999)}",
                "keeper": person,
                "leader": person,
                "time": lambda: f"{draw.randint(0, 23)}:{draw.randint(0, 59):02d}",
                "kin": lambda: (
                    draw.choice(TOWNS)
                    + draw.choice("aeiou")
                    + draw.choice("lmnrst")
                    + draw.choice(ENDS)
                ),
            }[SAME_KIND.get(family, family)]()
            if value not in self._used:
                self._used.add(value)
                return value
