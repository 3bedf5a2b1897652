"""Streams of conversations from a seed: facts told, changed and taken back, small talk between, questions at the end.

Names and values of the two splits come from pools that never meet. What no question can be about is small talk:
it names places, foods and colours, and never whose.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from nightschool.types import Split

MOST_TALKS = 12
"""Longer streams would run out of names that have not been used."""

PLANS = {1: "TD", 2: "TCD", 3: "TTCRD"}
"""Level -> what its talks do: tell, change, retract, distract. A longer stream stretches the plan."""
UNKNOWN = "unknown"
"""The right answer to a question about what was taken back."""
PEOPLE = (
    "Ada Ben Cleo Dora Emil Fay Gus Hana Ivo Jana Kim Lars Mona Nils Olga Paul Rita Sven Tess Uma Vera Walt Yara Zeno "
    "Anton Bella Carl Delia Edgar Flora Greta Hugo Ines Jonas Kira Leon Marta Noah Otto Petra Rosa Simon Tina Viktor "
    "Wanda Xenia Yusuf Zara Amir Britta Cyril Dana Elsa Felix Gina Henry Irma Julia Karl Lena"
).split()
WORDS = {
    "colour": "red blue green yellow orange purple pink brown black white grey teal violet crimson amber ivory olive "
    "maroon navy beige turquoise scarlet indigo khaki lilac mauve coral bronze silver golden",
    "city": "Bergen Oslo Lisbon Porto Vienna Prague Dublin Cork Madrid Seville Rome Turin Athens Cairo Lima Quito Boston "
    "Denver Austin Kyoto Osaka Delhi Mumbai Perth Sydney Nairobi Accra Tunis Geneva Basel Munich Leipzig Krakow Riga",
    "food": "soup rice bread cheese pasta pizza salad curry stew beans apples pears plums figs dates honey yoghurt "
    "porridge noodles dumplings pancakes waffles omelette tofu salmon herring trout lentils olives cake",
    "instrument": "violin piano flute drum guitar harp cello trumpet organ banjo oboe clarinet tuba accordion mandolin "
    "saxophone trombone viola bassoon recorder harmonica lute zither ukulele",
    "animal": "heron otter badger falcon beaver lynx raven tiger zebra camel donkey ferret gecko hamster iguana jackal "
    "koala lemur moose newt ostrich panda rabbit salamander turtle walrus weasel wolf bison crane",
}
POOLS = {kind: tuple(text.split()) for kind, text in WORDS.items()} | {
    "number": tuple(str(number) for number in range(100, 1000))
}
RELATIONS = {
    "favourite colour": "colour", "home town": "city", "favourite food": "food", "instrument": "instrument",
    "code word": "animal", "locker number": "number", "room number": "number",
}  # fmt: skip
"""What is told of people -> the pool of its values."""
TELL = (
    "{who}'s {what} is {value}.",
    "By the way, {who}'s {what} is {value}.",
    "I learnt that {who}'s {what} is {value}.",
    "{value} is {who}'s {what}.",
    "I asked {who} about the {what}: it is {value}.",
)
CHANGE = (
    "{who}'s {what} is {value} now.",
    "{who}'s {what} has changed to {value}.",
    "{who}'s {what} is no longer {old}, but {value}.",
    "News from {who}: the {what} is {value} from today.",
)
RETRACT = (
    "Forget {who}'s {what}, it was a mistake.",
    "{who}'s {what} does not hold any more, and there is no new one.",
    "I was wrong about {who}'s {what}. Nobody knows it.",
)
MISLEAD = (
    "I wish {who}'s {what} were {value}.",
    "Somebody guessed that {who}'s {what} is {value}, which is wrong.",
)
"""Near misses of the third level: no change, though they name who, what and a value."""
CHATTER = (
    "It rained all morning.", "The train to {city} was late again.", "We had {food} for lunch.",
    "I saw a {animal} by the river.", "Someone painted the fence {colour}.", "A {instrument} was playing outside.",
    "There were {number} people in the queue.", "I slept badly last night.", "The lift is broken again.",
    "A film about {city} is on tonight.", "The shop is out of {food}.", "My bicycle has a flat tyre.",
)  # fmt: skip
REPLIES = ("I see.", "Thanks for telling me.", "All right.", "Oh, really?", "Understood.")


class Event(NamedTuple):
    """A change of what is so."""

    kind: str
    """`tell`, `change` or `retract`."""
    who: str
    what: str
    value: str
    """What holds from now on; empty where nothing does."""


class Question(NamedTuple):
    """What is asked at the end."""

    text: str
    answer: str
    """The value that holds, or `UNKNOWN`."""
    kind: str
    """The pool of its values."""


class Stream(NamedTuple):
    """Conversations and the questions after them."""

    talks: tuple[str, ...]
    """A line for each turn, with who speaks."""
    events: tuple[tuple[Event, ...], ...]
    """What each talk tells."""
    questions: tuple[Question, ...]


def draw(rng: random.Random, split: Split, level: int, talks: int) -> Stream:
    """Draw a stream.

    Args:
        rng: The only source of choices.
        split: Whose names and values are used.
        level: 1 to 3.
        talks: How many conversations; as many as the level's plan has, or more.
    """
    return _Drawing(rng, split, level).stream(talks)


class _Drawing:
    """A stream in the making."""

    def __init__(self, rng: random.Random, split: Split, level: int) -> None:
        self._rng, self._level = rng, level
        self._people = _drawn(rng, PEOPLE, split)
        self._pools = {kind: _drawn(rng, pool, split) for kind, pool in POOLS.items()}
        self._spare: dict[str, str] = {}
        """Whose fact -> another value of its kind, which the stream has not named."""
        self._open: list[Event] = []
        """Told, neither changed nor taken back so far."""
        self._changed: list[Event] = []
        self._retracted: list[Event] = []

    def stream(self, talks: int) -> Stream:
        plan = PLANS[self._level]
        told = [self._talk(plan[place * len(plan) // talks]) for place in range(talks)]
        asked = [self._rng.choice(self._open)]
        asked += [self._rng.choice(kind) for kind in (self._changed, self._retracted) if kind]
        self._rng.shuffle(asked)
        questions = tuple(
            Question(f"What is {one.who}'s {one.what}?", one.value or UNKNOWN, RELATIONS[one.what])
            for one in asked
        )
        return Stream(tuple(text for text, _ in told), tuple(events for _, events in told), questions)  # fmt: skip

    def _talk(self, act: str) -> tuple[str, tuple[Event, ...]]:
        said = {"T": self._tell, "C": self._change, "R": self._retract, "D": self._distract}[act]()
        lines = [line for line, _ in said]
        lines.insert(self._rng.randint(0, len(lines)), self._chatter())
        if act == "D":
            lines.append(self._chatter())
        turns = [f"User: {line}" for line in lines]
        turns.insert(self._rng.randint(1, len(turns)), f"Assistant: {self._rng.choice(REPLIES)}")
        return "\n".join(turns), tuple(event for _, event in said if event)

    def _tell(self) -> list[tuple[str, Event | None]]:
        count = 2 if self._level > 1 else self._rng.randint(1, 2)
        what = ""
        found: list[tuple[str, Event | None]] = []
        for _ in range(count):
            if not self._left(what) or self._rng.random() < 0.5:
                what = self._rng.choice([one for one in RELATIONS if self._left(one)])
            pool = self._pools[RELATIONS[what]]
            event = Event("tell", self._people.pop(), what, pool.pop())
            self._spare[event.who] = pool.pop()
            self._open.append(event)
            found.append((self._said(TELL, event), event))
        return found

    def _change(self) -> list[tuple[str, Event | None]]:
        old = self._taken()
        event = old._replace(kind="change", value=self._spare[old.who])
        self._changed.append(event)
        return [(self._said(CHANGE, event, old.value), event)]

    def _retract(self) -> list[tuple[str, Event | None]]:
        event = self._taken()._replace(kind="retract", value="")
        self._retracted.append(event)
        return [(self._said(RETRACT, event), event)]

    def _distract(self) -> list[tuple[str, Event | None]]:
        if self._level < 3:
            return []
        about = self._rng.choice(self._open)
        return [(self._said(MISLEAD, about._replace(value=self._spare[about.who])), None)]

    def _taken(self) -> Event:
        return self._open.pop(self._rng.randrange(len(self._open)))

    def _left(self, what: str) -> bool:
        return len(self._pools.get(RELATIONS.get(what, ""), ())) >= 2

    def _chatter(self) -> str:
        lines = [line for line in CHATTER if len(self._pools.get(_kind(line), "full")) >= 4]
        line = self._rng.choice(lines)
        kind = _kind(line)
        return line.format(**{kind: self._pools[kind].pop()}) if kind else line

    def _said(self, forms: tuple[str, ...], event: Event, old: str = "") -> str:
        text = self._rng.choice(forms).format(who=event.who, what=event.what, value=event.value, old=old)  # fmt: skip
        return text[0].upper() + text[1:]


def _kind(line: str) -> str:
    """Return the pool that a line of small talk draws from; empty where it draws from none."""
    return line.partition("{")[2].partition("}")[0]


def _drawn(rng: random.Random, pool: tuple[str, ...] | list[str], split: Split) -> list[str]:
    """Return a split's part of a pool, every third for the held-out one, in a drawn order."""
    found = [one for place, one in enumerate(pool) if (place % 3 == 2) == (split == "held_out")]
    rng.shuffle(found)
    return found
