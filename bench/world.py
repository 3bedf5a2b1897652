"""A made-up world of people and what is so about them: statements, questions in other words, changes.

Everything follows from a seed. Nothing of it was looked at when the ranking was chosen but with the seeds
that the benches name for development.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

FIRST = """Ada Amir Anouk Aster Bela Bruno Calla Carmen Cyrus Dalia Dario Della Edda Elif Emil Enzo Esme Farid Fenna
Flora Gita Goran Greta Hamid Hanna Hugo Ida Ines Ivo Jana Jarek Jonas Kaia Kofi Lale Lars Leona Linus Lotte Luca
Maeve Malik Mara Mateo Milan Mina Nadia Nils Noor Odile Olaf Oren Otis Petra Pia Quinn Ravi Rhea Rosa Samir Selma
Signe Soren Tamar Tilda Timo Tova Uma Una Vera Viggo Wanda Wim Yara Yusuf Zeno Zita Zora""".split()
SYLLABLES = [
    "ba bel bor cal car dan del dor el fal far gor hal har il jor kal kel lan lar lin mar mel mor nar nel or pel ram "
    "ros sal san sol tan tel tor val van vel".split(),
    "a ba da de di fa ga ki la le li lo ma mi na ne ni no ra re ri ro sa si ta te ti to va vi".split(),
    "berg dahl der dez ford gate ham kov land lund man mark mont nen ner now quist ras rin sen ski son stein ster ton "
    "ville vik well wick wood".split(),
]
CITIES = """Aveiro Bergen Cork Dresden Evora Faro Ghent Haarlem Innsbruck Jena Krakow Leiden Malmo Nantes Odense
Porto Quimper Rennes Siena Tampere Utrecht Verona Winterthur Xanthi York Zadar""".split()
THINGS = """accordion anvil banjo beehive bicycle camera canoe cello compass drum easel fiddle globe harp kayak kettle
kiln lantern loom lute microscope oboe oven piano printer radio saddle sextant sled telescope tractor tuba
typewriter violin wheelbarrow""".split()
COLOURS = "amber black blue brown copper green grey ivory olive orange pink purple red silver teal white yellow".split()
PLACES = """attic barn basement cabinet cellar closet cupboard drawer garage greenhouse hallway kitchen library loft
pantry shed stable studio veranda workshop""".split()
FOODS = """almonds apricots barley celery cherries cinnamon clams fennel garlic ginger hazelnuts lentils lobster mango
mushrooms mussels mustard olives peanuts pears plums prawns saffron sesame shrimp spinach squid walnuts""".split()
JOBS = """archivist baker beekeeper botanist carpenter cartographer chemist cook dentist electrician farrier gardener
geologist glazier joiner judge librarian locksmith mason midwife miller nurse optician painter pharmacist pilot
plumber potter printer roofer surgeon surveyor tailor translator vet weaver welder""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that is so about a person, in several wordings."""

    name: str
    values: tuple[str, ...]
    said: tuple[str, ...]
    asked: tuple[str, ...]
    """Questions that share few words with `said`."""
    changed: str


def _pairs(first: list[str], second: list[str]) -> tuple[str, ...]:
    return tuple(f"{a} {b}" for a, b in itertools.product(first, second))


ATTRIBUTES = (
    Attribute(
        "home", tuple(CITIES),
        ("{p} lives in {v} with the children.", "{p} has rented a small flat in {v}, near the river.",
         "{p} bought a house in {v} two winters back."),
        ("In which city would I find {p} at home in the evening?", "Which town is {p} living in at the moment, do you know?"),
        "{p} has moved and lives in {v} now.",
    ),
    Attribute(
        "keeps", _pairs(COLOURS, PLACES),
        ("{p} keeps the spare key in the {v}.", "The spare key that {p} hands out hangs in the {v}.",
         "{p} hid the second key of the house in the {v}."),
        ("Where should I look if I need the spare key that belongs to {p}?", "Do you remember where {p} left the other key for us?"),
        "{p} keeps the spare key in the {v} from now on.",
    ),
    Attribute(
        "allergy", tuple(FOODS),
        ("{p} is allergic to {v}.", "{p} cannot eat {v} without getting a rash.", "Whenever {p} eats {v}, the doctor has to come."),
        ("What must I leave out when I am cooking dinner for {p}?", "Which food gives {p} an allergic reaction or a rash?"),
        "The doctor says that {p} is allergic to {v} instead.",
    ),
    Attribute(
        "job", tuple(JOBS),
        ("{p} works as a {v} in the old town.", "{p} earns a living as a {v}.", "{p} trained as a {v} and still works as one."),
        ("What does {p} do for a living these days, what work is it?", "Which profession or trade does {p} have?"),
        "{p} has changed careers and works as a {v} now.",
    ),
    Attribute(
        "plays", _pairs(COLOURS, THINGS),
        ("{p} bought a {v} at the flea market.", "{p} found a {v} at an auction last spring.", "{p} came home with a {v} from the fair."),
        ("What did {p} get at the market or at the auction?", "Which thing has {p} bought second hand this year?"),
        "{p} gave it back and bought a {v} at the flea market instead.",
    ),
    Attribute(
        "meets", tuple(f"{d} at {h}" for d in DAYS for h in ("seven", "eight", "nine", "ten", "four", "five", "six")),
        ("{p} meets the chess club every {v}.", "The chess evening with {p} is on {v}.", "{p} plays chess with the club on {v}."),
        ("On what day and at what time is the chess club that {p} goes to?", "When could I join {p} for a game of chess?"),
        "The chess club of {p} meets on {v} from now on.",
    ),
)  # fmt: skip
CHATTER = (
    "Good morning! Did you sleep well?", "What a day, I need a coffee first.", "Thanks, that helps a lot.",
    "Could you remind me of that again later?", "Ha, that made me laugh.", "Let us talk about something else.",
    "The weather was dreadful all week.", "I have not made up my mind about the holidays yet.",
    "My train was late again, so I am writing from the platform.", "How was the concert last night?",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is so, as it is said and asked for."""

    person: str
    attribute: str
    value: str
    text: str
    question: str
    change: str
    """The sentence that replaces it by another value."""
    changed_value: str


def people(count: int, rng: random.Random) -> list[str]:
    """Return distinct full names."""
    last = ["".join(parts).capitalize() for parts in itertools.product(*SYLLABLES)]
    names = [
        f"{first} {name}"
        for first in FIRST
        for name in rng.sample(last, min(len(last), 1 + count // len(FIRST)))
    ]
    rng.shuffle(names)
    return names[:count]


def facts(count: int, seed: int) -> Iterator[Fact]:
    """Yield facts about as many people as it takes, each attribute once for a person."""
    rng = random.Random(seed)
    for person in people(1 + count // len(ATTRIBUTES), rng):
        for attribute in ATTRIBUTES:
            if count == 0:
                return
            count -= 1
            old, new = rng.sample(attribute.values, 2)
            yield Fact(
                person,
                attribute.name,
                old,
                rng.choice(attribute.said).format(p=person, v=old),
                rng.choice(attribute.asked).format(p=person),
                attribute.changed.format(p=person, v=new),
                new,
            )
