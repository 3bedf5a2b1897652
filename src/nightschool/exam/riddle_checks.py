"""Counting, spelling and misleading premises, each with an altered form; and one question in two orders.

The altered form asks nearly the same, and the familiar form's answer is wrong there. Of an order pair both
forms are the same question with the same answer, its options named in reverse.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from nightschool.exam.riddle_forms import ORDINALS, Pair, Template, words
from nightschool.exam.riddle_sums import numbers

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
THIRTY_DAYS = ("April", "June", "September", "November")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# -- counting -----------------------------------------------------------------------------


def members(rng: random.Random) -> Pair:
    """How many fruits; altered: one of the things is none."""
    kind, other = rng.sample(sorted(words()["members"]), 2)
    things = rng.sample(words()["members"][kind], rng.randint(3, 6))
    mixed = list(things)
    mixed[rng.randrange(len(mixed))] = rng.choice(words()["members"][other])
    ask = f"On a table lie: {{}}. How many of them are {kind}?"
    count = len(things)
    return numbers(
        (ask.format(", ".join(things)), count), (ask.format(", ".join(mixed)), count - 1), count + 1
    )


def length(rng: random.Random) -> Pair:
    """How many letters a word has; altered: some are struck out."""
    word, gone = rng.choice(words()["words"]), rng.randint(1, 3)
    told = f"How many letters has the word “{word}”"
    struck = f" when its last {gone} letters are struck out?" if gone > 1 else " when its last letter is struck out?"  # fmt: skip
    return numbers((told + "?", len(word)), (told + struck, len(word) - gone), len(word) + 1)


def letters(rng: random.Random) -> Pair:
    """How often a letter stands in a word; altered: the word is written twice."""
    word = rng.choice([w for w in words()["words"] if len(set(w)) < len(w)])
    letter = rng.choice([c for c in word if word.count(c) > 1])
    count = word.count(letter)
    ask = f"How many times does the letter {letter} stand in “{{}}”?"
    return numbers(
        (ask.format(word), count), (ask.format(f"{word} {word}"), 2 * count), 2 * count + 1
    )


def legs(rng: random.Random) -> Pair:
    """How many legs so many animals have; altered: some have lost one."""
    animal, each = rng.choice([("dogs", 4), ("cats", 4), ("hens", 2), ("beetles", 6), ("cows", 4)])
    count, lost = rng.randint(3, 6), rng.choice([1, 2])
    told = f"How many legs have {count} {animal} together"
    hurt = ", if one of them has lost a leg?" if lost == 1 else ", if two of them have lost a leg each?"  # fmt: skip
    return numbers(
        (told + "?", count * each), (told + hurt, count * each - lost), (count + 1) * each
    )


def whole(rng: random.Random) -> Pair:
    """How many whole numbers from one on; altered: from a later one on."""
    last, first = rng.randint(12, 40), rng.randint(3, 7)
    ask = f"How many whole numbers are there from {{}} to {last}, both counted?"
    return numbers((ask.format(1), last), (ask.format(first), last - first + 1), last - first)


# -- spelling -----------------------------------------------------------------------------


def beginning(rng: random.Random) -> Pair:
    """The letter a word begins with; altered: without its first."""
    word = rng.choice([w for w in words()["words"] if len(set(w[:3])) == 3])
    return Pair(
        (f"Which letter does the word “{word}” begin with?", word[0].upper()),
        (f"Strike out the first letter of “{word}”. Which letter does the rest begin with?", word[1].upper()),
        (word[0].upper(), word[1].upper(), word[2].upper()),
    )  # fmt: skip


def ending(rng: random.Random) -> Pair:
    """The last letter; altered: the letter before it."""
    word = rng.choice([w for w in words()["words"] if len(set(w[-3:])) == 3])
    told = f"In the word “{word}”, which is the"
    return Pair(
        (f"{told} last letter?", word[-1].upper()),
        (f"{told} letter right before the last letter?", word[-2].upper()),
        (word[-1].upper(), word[-2].upper(), word[-3].upper()),
    )


def backwards(rng: random.Random) -> Pair:
    """A word backwards; altered: there and back again."""
    word = rng.choice([w for w in words()["short_words"] if w != w[::-1]])
    turned = word[::-1]
    return Pair(
        (f"Write the word “{word}” backwards. What stands there?", turned),
        (f"Write the word “{word}” backwards, and turn that around again. What stands there?", word),
        (turned, word, turned[1:] + turned[0]),
    )  # fmt: skip


def correct(rng: random.Random) -> Pair:
    """Which spelling is right; altered: which is wrong."""
    right, wrong = rng.choice(words()["spellings"])
    one, two = rng.sample([right, wrong], 2)
    told = f"One of “{one}” and “{two}” is spelled right and one wrong. Which is spelled"
    return Pair((f"{told} right?", right), (f"{told} wrong?", wrong), (right, wrong))


def dictionary(rng: random.Random) -> Pair:
    """Which word a dictionary has first; altered: which last."""
    found = rng.sample(words()["words"], 3)
    told = f"A dictionary has the words {found[0]}, {found[1]} and {found[2]}. Which of them comes"
    return Pair((f"{told} first?", min(found)), (f"{told} last?", max(found)), tuple(found))


# -- misleading premises ------------------------------------------------------------------


def ordinal(rng: random.Random) -> Pair:
    """The third day of the week; altered: the ninth."""
    things, what = rng.choice(
        [(DAYS, "day of the week, counted from Monday"), (MONTHS, "month of the year")]
    )
    within = rng.randrange(1, len(things) - 1)
    beyond = len(things) + rng.choice([k for k in range(1, 4) if k not in (within, within + 1)])
    thing = what.split()[0]
    return Pair(
        (f"Which is the {ORDINALS[within]} {what}?", things[within]),
        (f"Which is the {ORDINALS[beyond - 1]} {what}?", f"there is no such {thing}"),
        (things[within], f"there is no such {thing}", things[beyond - len(things) - 1]),
    )


def date(rng: random.Random) -> Pair:
    """The day after the 30th; altered: the day after a 31st that is none."""
    month, year = rng.choice(THIRTY_DAYS), rng.randint(1950, 2049)
    following = MONTHS[MONTHS.index(month) + 1]
    ask = f"Which day comes right after the {{}} of {month} {year}?"
    none = "there is no such day"
    return Pair(
        (ask.format("30th"), f"the 1st of {following}"),
        (ask.format("31st"), none),
        (f"the 1st of {following}", none, f"the 2nd of {following}"),
    )


def parts(rng: random.Random) -> Pair:
    """How many wheels a bicycle has; altered: a horse."""
    row = rng.choice(words()["parts"])
    thing, lacking = rng.choice(sorted(row["has"])), rng.choice(row["lacks"])
    ask = f"How many {row['part']} does a {{}} have?"
    return numbers((ask.format(thing), row["has"][thing]), (ask.format(lacking), 0), 12)


def reason(rng: random.Random) -> Pair:
    """Why birds build nests; altered: why bicycles do."""
    does, who, why, lacking = rng.choice(words()["reasons"])
    other = rng.choice([row[2] for row in words()["reasons"] if row[2] != why])
    none = f"{lacking} do not {does.replace('their', 'any')}"
    return Pair(
        (f"Why do {who} {does}?", why), (f"Why do {lacking} {does}?", none), (why, none, other)
    )


def larger(rng: random.Random) -> Pair:
    """By how much one number is larger than another; altered: it is the smaller one."""
    small, more = rng.randint(3, 20), rng.randint(2, 9)
    ask, none = "By how much is {} larger than {}?", "it is not larger"
    return Pair(
        (ask.format(small + more, small), f"by {more}"),
        (ask.format(small, small + more), none),
        (f"by {more}", none, f"by {2 * small + more}"),
    )


# -- orders -------------------------------------------------------------------------------


def ordered(rng: random.Random, ask: str, right: str, wrong: Sequence[str]) -> Pair:
    """Ask one question with its three options in an order and in reverse; the right one is at an end."""
    options = [right, *rng.sample(list(wrong), 2)]
    if rng.random() < 0.5:
        options.reverse()
    one, two = (f"{ask}: {a}, {b} or {c}?" for a, b, c in (options, options[::-1]))
    return Pair((one, right), (two, right), tuple(sorted(options)))


def kind(rng: random.Random) -> Pair:
    """Which of three things is a fruit."""
    sort, other = rng.sample(sorted(words()["members"]), 2)
    ask = f"Which of these is one of the {sort}"
    return ordered(rng, ask, rng.choice(words()["members"][sort]), words()["members"][other])


def largest(rng: random.Random) -> Pair:
    """Which of three numbers is the largest."""
    one, two, three = sorted(rng.sample(range(10, 100), 3))
    return ordered(rng, "Which number is the largest", str(three), [str(one), str(two)])


def heaviest(rng: random.Random) -> Pair:
    """Which of three animals is the heaviest."""
    places = sorted(rng.sample(range(len(words()["weights"])), 3))
    light, middle, heavy = (words()["weights"][k] for k in places)
    return ordered(rng, "Which animal is the heaviest", heavy, [light, middle])


def earliest(rng: random.Random) -> Pair:
    """Which of three months comes first in the year."""
    first, second, third = (MONTHS[k] for k in sorted(rng.sample(range(12), 3)))
    return ordered(rng, "Which month is the first of them in a year", first, [second, third])


COUNTING: tuple[Template, ...] = (members, length, letters, legs, whole)
SPELLING: tuple[Template, ...] = (beginning, ending, backwards, correct, dictionary)
PREMISES: tuple[Template, ...] = (ordinal, date, parts, reason, larger)
ORDERS: tuple[Template, ...] = (kind, largest, heaviest, earliest)
