"""Well-known riddles whose answers are numbers, in their familiar form and altered so that it is another number."""

from __future__ import annotations

import math
import random

from nightschool.exam.riddle_forms import Pair, Template, words


def numbers(
    familiar: tuple[str, int], altered: tuple[str, int], other: int, unit: str = ""
) -> Pair:
    """Make a pair whose answers are numbers, with a third number to choose from."""

    def told(value: int) -> str:
        return f"{value} {unit}".strip()

    return Pair(
        (familiar[0], told(familiar[1])),
        (altered[0], told(altered[1])),
        (told(familiar[1]), told(altered[1]), told(other)),
    )


def river(rng: random.Random) -> Pair:
    """The wolf, the goat and the cabbage; altered: the boat carries two or all of them."""
    a, b, c = rng.choice(
        [("wolf", "goat", "cabbage"), ("fox", "hen", "sack of corn"), ("dog", "rabbit", "carrot")]
    )
    who = rng.choice(["farmer", "peasant", "shepherd", "gardener"])
    what, least = rng.choice([("all three of them", 1), ("any two of them", 3)])
    told = (
        f"A {who} wants to cross a river with a {a}, a {b} and a {c}. Left alone, the {a} would eat the {b}, and the "
        f"{b} would eat the {c}. The boat carries the {who} and "
    )
    ask = " at a time. How many times must the boat cross the river at least?"
    return numbers((f"{told}one of them{ask}", 7), (f"{told}{what}{ask}", least), 5)


def ages(rng: random.Random) -> Pair:
    """Half my age; altered: twice my age."""
    then, today = rng.randrange(4, 14, 2), rng.randrange(40, 80, 2)
    kin = rng.choice(["sister", "brother", "cousin"])
    told, ask = f"When I was {then}, my {kin} was", f"Now I am {today}. How old is my {kin}?"
    return numbers(
        (f"{told} half as old as I. {ask}", today - then // 2),
        (f"{told} twice as old as I. {ask}", today + then),
        today // 2,
    )


def sheep(rng: random.Random) -> Pair:
    """All but nine run away; altered: nine run away."""
    who, kind = rng.choice(["farmer", "shepherd"]), rng.choice(["sheep", "goats", "cows", "geese"])
    some = rng.randint(5, 11)
    total = 2 * some + rng.randint(1, 9)
    told, ask = f"A {who} has {total} {kind}.", f"run away. How many {kind} are left?"
    return numbers(
        (f"{told} All but {some} {ask}", some), (f"{told} {some} {ask}", total - some), total
    )


def apples(rng: random.Random) -> Pair:
    """What you take you have; altered: what is left."""
    fruit, taken = rng.choice(["apples", "plums", "pears", "nuts"]), rng.randint(2, 5)
    total = 2 * taken + rng.choice([1, 2, 3])
    told = (
        f"There are {total} {fruit} in a bowl, and you take {taken} of them out. How many {fruit}"
    )
    return numbers(
        (f"{told} do you have?", taken), (f"{told} are in the bowl?", total - taken), total
    )


def siblings(rng: random.Random) -> Pair:
    """A brother has one sister more than his sister has; altered: a sister is asked about."""
    who = rng.choice(["Alice", "Emma", "Clara", "Greta", "Maria", "Olga"])
    sisters, brothers = rng.randint(2, 4), rng.randint(6, 9)
    told = f"{who} is a girl. She has {brothers} brothers and {sisters} sisters. How many sisters does each of {who}'s"
    return numbers(
        (f"{told} brothers have?", sisters + 1), (f"{told} sisters have?", sisters), brothers
    )


def bat(rng: random.Random) -> Pair:
    """The bat and the ball; altered: the bat's own price is told."""
    dear, cheap = rng.choice([("bat", "ball"), ("book", "pen"), ("cake", "bun"), ("lamp", "bulb")])
    small, more = rng.choice([5, 10, 15, 20]), rng.choice([100, 150, 200, 250])
    told = f"A {dear} and a {cheap} cost {more + 2 * small} cents together. The {dear} costs {more} cents"
    ask = f". How much does the {cheap} cost?"
    return numbers(
        (f"{told} more than the {cheap}{ask}", small), (told + ask, 2 * small), more, "cents"
    )


def machines(rng: random.Random) -> Pair:
    """So many machines, so many things, so many minutes; altered: no more machines."""
    what, few, times = rng.choice(["toys", "cups", "pins"]), rng.randint(3, 9), rng.choice([10, 20])
    many = few * times
    told = f"{few} machines make {few} {what} in {few} minutes. How many minutes do"
    ask = f"machines need to make {many} {what}?"
    return numbers((f"{told} {many} {ask}", few), (f"{told} {few} {ask}", many), many * 2)


def lilies(rng: random.Random) -> Pair:
    """Lilies that double each day; altered: they grow by the same area."""
    days, what = rng.randrange(10, 60, 2), rng.choice(["water lilies", "duckweed", "moss"])
    told = f"A patch of {what} covers a pond after exactly {days} days. It"
    ask = "After how many days did it cover half of the pond?"
    return numbers(
        (f"{told} doubles its area every day. {ask}", days - 1),
        (f"{told} began at nothing and grows by the same area every day. {ask}", days // 2),
        days - 2,
    )


def laundry(rng: random.Random) -> Pair:
    """Shirts dry side by side; altered: they are ironed one after another."""
    what, few = rng.choice(["shirts", "towels", "sheets"]), rng.randint(3, 6)
    hours, times = rng.randint(2, 6), rng.randint(3, 5)
    many = few * times
    return numbers(
        (f"{few} {what} side by side in the sun dry in {hours} hours. How many hours do {many} {what} need side by side?", hours),
        (f"{few} {what} are ironed one after another in {hours} hours. How many hours do {many} {what} need?", hours * times),
        hours * 2,
    )  # fmt: skip


def pills(rng: random.Random) -> Pair:
    """One pill now and then one each half hour; altered: the first only after that time."""
    count, gap = rng.randint(3, 7), rng.choice([10, 15, 20, 30, 45])
    told = f"You have {count} pills and take one every {gap} minutes, the first"
    ask = ". After how many minutes have you taken the last?"
    return numbers(
        (f"{told} at once{ask}", (count - 1) * gap),
        (f"{told} after {gap} minutes{ask}", count * gap),
        (count + 1) * gap,
    )


def snail(rng: random.Random) -> Pair:
    """The snail in the well; altered: it does not slip back."""
    slip = rng.randint(1, 3)
    climb, extra = slip + rng.randint(1, 2), rng.randint(3, 6)
    depth = climb + (climb - slip) * extra
    told = f"A snail is at the bottom of a well that is {depth} metres deep. By day it climbs {climb} metres, at night"
    ask = ". Counted from 1, what is the number of the day on which it reaches the top?"
    return numbers(
        (f"{told} it slips back {slip}{ask}", extra + 1),
        (f"{told} it rests and does not slip{ask}", math.ceil(depth / climb)),
        depth + 1,
    )


def socks(rng: random.Random) -> Pair:
    """Socks in the dark; altered: two of one colour are asked for."""
    dark, light = rng.choice([("black", "white"), ("blue", "red"), ("brown", "grey")])
    many, few = rng.randint(6, 15), rng.randint(4, 9)
    told = f"A drawer holds {many} {dark} and {few} {light} socks. In the dark, how many must you take to be sure of two"
    return numbers(
        (f"{told} socks of the same colour?", 3), (f"{told} {light} socks?", many + 2), 2
    )


def met(rng: random.Random) -> Pair:
    """As I was going to St Ives; altered: they went along."""
    place, count = rng.choice(words()["places"]), rng.randint(4, 9)
    ask = f"his {count} sisters. How many of all these people, me included, were going to {place}?"
    return numbers(
        (f"As I was going to {place}, I met on their way back a man and {ask}", 1),
        (f"As I was going to {place}, with me went there a man and {ask}", count + 2),
        count + 1,
    )


def halves(rng: random.Random) -> Pair:
    """Divided by half; altered: half of it."""
    value, more = rng.randrange(10, 60, 2), rng.choice([3, 5, 7, 10])
    return numbers(
        (f"Divide {value} by one half and add {more}. What do you get?", 2 * value + more),
        (f"Take one half of {value} and add {more}. What do you get?", value // 2 + more),
        value + more,
    )


def ladder(rng: random.Random) -> Pair:
    """The rope ladder of a ship; altered: it hangs from a wall."""
    gap, hours = rng.choice([20, 30, 40]), rng.randint(2, 5)
    more = rng.randint(1, 3)
    rise = gap * more * hours + gap // 2
    told = f"An iron ladder hangs from {{}}, its lowest rung at the surface of the sea. The rungs are {gap} centimetres apart. In {hours} hours the sea rises by {rise} centimetres. How many rungs above the lowest are then under water?"
    return numbers(
        (told.format("a ship that floats"), 0),
        (told.format("a harbour wall of stone"), more * hours),
        more * hours + 2,
    )


SUMS: tuple[Template, ...] = (
    river, ages, sheep, apples, siblings, bat, machines, lilies, laundry, pills, snail, socks, met, halves, ladder,
)  # fmt: skip
