"""Well-known riddles, each in its familiar form and altered so that the familiar answer is wrong.

Both forms of a riddle have the same choices, and the answer of each is among them. Names and numbers are drawn.
Not covered: those whose answers are numbers (`riddle_sums`), counting, spelling, premises and orders
(`riddle_checks`), and which are asked (`riddles`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Pair:
    """Two forms of one riddle: (question, its right answer)."""

    familiar: tuple[str, str]
    altered: tuple[str, str]
    choices: tuple[str, ...]
    """Of both forms."""


Template = Callable[[random.Random], Pair]
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth"
).split()


@lru_cache(maxsize=1)
def words() -> Any:
    """Return the words with which templates are filled."""
    text = resources.files("nightschool.exam").joinpath("riddle_words.json").read_text("utf-8")
    return json.loads(text)


def surgeon(rng: random.Random) -> Pair:
    """The surgeon who is a parent; altered: the text says which."""
    child, his, kin = rng.choice([("boy", "his", "son"), ("girl", "her", "daughter")])
    place, who, act = rng.choice(
        [
            ("hospital", "surgeon", "operate here"),
            ("court", "judge", "judge this case"),
            ("police station", "officer", "ask the questions"),
        ]
    )
    told = "A {child} and {his} {dead} have an accident, and the {dead} dies. The {child} is brought to the {place}. The {who}{stated} says: I cannot {act}, this is my {kin}! Who is the {who}?"
    common = {"child": child, "his": his, "place": place, "who": who, "act": act, "kin": kin}
    known = f", who is the {child}'s father,"
    return Pair(
        (told.format(**common, dead="father", stated=""), f"the {child}'s mother"),
        (told.format(**common, dead="mother", stated=known), f"the {child}'s father"),
        (f"the {child}'s mother", f"the {child}'s father", f"the {child}'s uncle"),
    )


def feathers(rng: random.Random) -> Pair:
    """A kilogram of iron and one of feathers; altered: the amounts differ."""
    heavy = rng.choice(["iron", "lead", "stone", "steel"])
    light = rng.choice(["feathers", "cotton", "wool", "straw"])
    unit, more = rng.choice(["kilogram", "pound", "ton"]), rng.randint(2, 9)
    same = "they weigh the same"
    ask = "What weighs more: {} of {} or {} of {}?"
    one, many = f"one {unit}", f"{more} {unit}s"
    left, right = rng.choice([(one, many), (many, one)])
    return Pair(
        (ask.format(one, heavy, one, light), same),
        (ask.format(left, heavy, right, light), heavy if left == many else light),
        (heavy, light, same),
    )


def doors(rng: random.Random) -> Pair:
    """Monty Hall; altered: nothing is opened, or everything is seen."""
    prize, count = rng.choice(["car", "chest of gold", "watch"]), rng.randint(3, 5)
    mine, other = rng.sample(range(1, count + 1), 2)
    told = f"A {prize} is behind one of {count} closed doors, and nothing behind the others. You choose door {mine}. "
    ask = " To win, is it better to switch, to stay, or does it make no difference?"
    host = "The host, who knows where it is, "
    opened = (
        f"{host}opens another door, which is empty, and lets you switch to another closed door."
    )
    blind = f"{host}opens no door and says nothing of it, and lets you switch to door {other}."
    glass = f"All doors are of clear glass, and you see it behind door {mine}. The host lets you switch to door {other}."
    changed, right = rng.choice([(blind, "no difference"), (glass, "stay")])
    return Pair(
        (told + opened + ask, "switch"),
        (told + changed + ask, right),
        ("switch", "stay", "no difference"),
    )


def daughters(rng: random.Random) -> Pair:
    """Somebody's father has five daughters; altered: the neighbour has, and the fifth is named."""
    who, letter = (
        rng.choice(["Emma", "Clara", "Greta", "Iris", "Maria", "Rosa"]),
        rng.choice("DLNT"),
    )
    one, two, three, four, five = (f"{letter}{v}{letter.lower()}{v}" for v in "aeiou")
    told, ask = (
        f"has five daughters: {one}, {two}, {three}, {four} and",
        "What is the fifth called?",
    )
    return Pair(
        (f"{who}'s father {told} one more. {ask}", who),
        (f"{who}'s neighbour {told} {five}. {ask}", five),
        (who, five, four),
    )


def race(rng: random.Random) -> Pair:
    """You overtake the second; altered: and one more."""
    place, what = rng.randint(2, 7), rng.choice(["race", "ski race", "bicycle race", "regatta"])
    told = f"In a {what} you overtake the one in {ORDINALS[place - 1]} place"
    ask = ". In which place are you then?"
    return Pair(
        (told + ask, ORDINALS[place - 1]),
        (f"{told}, and after that the next one in front of you{ask}", ORDINALS[place - 2]),
        (ORDINALS[place - 1], ORDINALS[place - 2], ORDINALS[place]),
    )


def greenhouse(rng: random.Random) -> Pair:
    """What a greenhouse is made of; altered: a house that is green."""
    one, two = rng.sample(["red", "blue", "yellow", "white", "grey", "black"], 2)
    what = rng.choice(["bricks", "stones", "boards"])
    told = f"A {one} house is made of {one} {what}, and a {two} house of {two} {what}. What is a"
    return Pair(
        (f"{told} greenhouse made of?", "glass"),
        (f"{told} green house made of, if it was built in the same way?", f"green {what}"),
        ("glass", f"green {what}", f"{two} {what}"),
    )


def smoke(rng: random.Random) -> Pair:
    """The smoke of an electric train; altered: a steam train that stands."""
    wind, away = rng.choice(
        [("west", "east"), ("east", "west"), ("north", "south"), ("south", "north")]
    )
    speed, way = rng.randrange(60, 200, 10), rng.choice(["north", "south", "east", "west"])
    ask = f"The wind blows from the {wind}. Where does the smoke of the train go?"
    return Pair(
        (
            f"An electric train travels {way} at {speed} kilometres an hour. {ask}",
            "there is no smoke",
        ),
        (f"A steam train stands in a station, facing {way}. {ask}", f"to the {away}"),
        ("there is no smoke", f"to the {away}", f"to the {wind}"),
    )


def rooster(rng: random.Random) -> Pair:
    """The rooster's egg; altered: a hen's, on one side."""
    he, she = rng.choice(
        [("rooster", "hen"), ("gander", "goose"), ("peacock", "peahen"), ("drake", "duck")]
    )
    side, other = rng.choice([("left", "right"), ("right", "left")])
    none = f"a {he} lays no eggs"
    told = f"The roof of a barn slopes to the left and to the right. A {{}} lays an egg on the {side} slope. Where does the egg roll?"
    return Pair(
        (told.format(he), none),
        (told.format(she), f"to the {side}"),
        (none, f"to the {side}", f"to the {other}"),
    )


def hole(rng: random.Random) -> Pair:
    """The earth in a hole; altered: what was dug out of it."""
    long, wide, deep = rng.randint(2, 6), rng.randint(2, 4), rng.randint(2, 3)
    told = f"an empty hole that is {long} metres long, {wide} metres wide and {deep} metres deep?"
    right = f"{long * wide * deep} cubic metres"
    return Pair(
        (f"How much earth is there in {told}", "none"),
        (f"How much earth was dug out of {told}", right),
        ("none", right, f"{long + wide + deep} cubic metres"),
    )


FORMS: tuple[Template, ...] = (
    surgeon, feathers, doors, daughters, race, greenhouse, smoke, rooster, hole,
)  # fmt: skip
