"""The keys of the riddles, each found a second time: from the words of the question, by search or by counting."""

import calendar
import math
import re
from collections import Counter, deque
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.exam.riddle_checks import DAYS, MONTHS
from nightschool.exam.riddle_forms import ORDINALS, words
from nightschool.exam.riddles import TEMPLATES, riddle_bank
from nightschool.types import Verdict
from nightschool.verify.judge import grade
from nightschool.verify.metrics import canonical


def values(question):
    return [int(number) for number in re.findall(r"\d+", question)]


def named(pattern, question):
    return re.search(pattern, question)


# -- what each template's answers are, found another way, from the words of the question -----------------


def crossings(question):
    """The fewest crossings, by search over who is on which bank."""
    room = {"one": 1, "any": 2, "all": 3}[named(r"and (one|any|all)\b", question)[1]]
    start, seen = (0, 0, 0, 0), {(0, 0, 0, 0)}
    queue = deque([(start, 0)])
    while queue:
        (man, *load), steps = queue.popleft()
        if man == sum(load) / 3 == 1:
            return steps
        for taken in product((0, 1), repeat=3):
            if sum(taken) > room or any(
                t and side != man for t, side in zip(taken, load, strict=True)
            ):
                continue
            left = tuple(1 - s if t else s for t, s in zip(taken, load, strict=True))
            a, b, c = left
            state = (1 - man, *left)
            if (a == b != 1 - man) or (b == c != 1 - man) or state in seen:
                continue
            seen.add(state)
            queue.append((state, steps + 1))
    raise AssertionError(question)


def parent(question):
    told = named(r"who is the (\w+)'s (father|mother),", question)
    dead = named(r"the (father|mother) dies", question)[1]
    child = named(r"A (boy|girl)", question)[1]
    return f"the {child}'s {told[2] if told else {'father': 'mother', 'mother': 'father'}[dead]}"


def heavier(question):
    (n, one), (m, two) = re.findall(r"(one|\d+) \w+ of (\w+)", question)
    left, right = (1 if k == "one" else int(k) for k in (n, m))
    return "they weigh the same" if left == right else one if left > right else two


def chances(question):
    """What switching wins and what staying wins, over every place of the prize and every door the host may open."""
    count, mine = values(question)[:2]
    if "glass" in question:
        seen = values(question)[2]
        return "stay" if seen == mine else "switch"
    stays = switches = 0.0
    for prize in range(1, count + 1):
        stays += (prize == mine) / count
        others = [door for door in range(1, count + 1) if door != mine]
        opened = (
            [door for door in others if door != prize] if "opens another" in question else [None]
        )
        for door in opened:
            left = [other for other in others if other != door]
            target = left if door else [values(question)[2]]
            switches += (prize in target) / len(target) / len(opened) / count
    return (
        "no difference"
        if math.isclose(stays, switches)
        else "switch"
        if switches > stays
        else "stay"
    )


def fifth(question):
    return (
        named(r"and (\w+)\. What", question)[1]
        if "neighbour" in question
        else question.split("'")[0]
    )


def climbing(question):
    depth, climb, *slip = values(question)[:-1]
    height, day = 0, 0
    while True:
        day, height = day + 1, height + climb
        if height >= depth:
            return day
        height -= slip[0] if slip else 0


def dosing(question):
    count, gap = values(question)[:2]
    clock = 0 if "at once" in question else gap
    for _ in range(count - 1):
        clock += gap
    return clock


def drawers(question):
    """The most socks that can be drawn without success, and one more."""
    many, few = values(question)
    light = named(r"and \d+ (\w+) socks", question)[1]
    failing = [
        one + two for one in range(many + 1) for two in range(few + 1)
        if (max(one, two) < 2 if "same colour" in question else two < 2)
    ]  # fmt: skip
    assert f"two {light} socks" in question or "same colour" in question
    return max(failing) + 1


def rungs(question):
    gap, _, rise = values(question)
    return 0 if "floats" in question else sum(gap * k < rise for k in range(1, 100))


def growing(question):
    days = values(question)[0]
    size = {d: 2.0 ** (d - days) if "doubles" in question else d / days for d in range(days + 1)}
    return next(day for day, share in size.items() if share >= 0.5)


def priced(question):
    total, more = values(question)
    return next(
        f"{cheap} cents" for cheap in range(total)
        if cheap + (more + cheap if "more than" in question else more) == total
    )  # fmt: skip


def sisters(question):
    brothers, own = values(question)
    girls = [0, *range(1, own + 1)]  # she is number 0
    asked_of = None if "brothers have" in question else 1
    assert brothers > 0
    return sum(girl != asked_of for girl in girls)


def counted(question):
    things = re.search(r": (.*)\. How", question)[1].split(", ")
    return sum(thing in words()["members"][named(r"are (\w+)\?", question)[1]] for thing in things)


def lettered(question):
    letter, text = named(r"letter (\w) stand in “(.*)”", question).groups()
    return Counter(text)[letter]


def spelled(question):
    word = named(r"“(\w+)”", question)[1]
    gone = 1 if "letter is struck" in question else values(question)[0] if values(question) else 0
    return len(list(word)[: len(word) - gone])


def legged(question):
    count, kind = named(r"have (\d+) (\w+)", question).groups()
    each = {"dogs": 4, "cats": 4, "hens": 2, "beetles": 6, "cows": 4}[kind]
    return int(count) * each - (
        1 if "one of them" in question else 2 if "two of them" in question else 0
    )


def turned(question):
    word = named(r"“(\w+)”", question)[1]
    return word if "again" in question else "".join(reversed(word))


def well_spelled(question):
    right = {row[0] for row in words()["spellings"]}
    one, two = re.findall(r"“(\w+)”", question)
    return one if (one in right) == ("spelled right?" in question) else two


def dated(question):
    day, year = values(question)
    month = MONTHS.index(named(r"of (\w+) \d", question)[1]) + 1
    last = calendar.monthrange(year, month)[1]
    return (
        "there is no such day"
        if day > last
        else f"the 1st of {MONTHS[month]}"
        if day == last
        else ""
    )


def numbered(question):
    place = ORDINALS.index(named(r"the (\w+) (?:day|month)", question)[1])
    things, thing = (DAYS, "day") if "week" in question else (MONTHS, "month")
    return things[place] if place < len(things) else f"there is no such {thing}"


def parted(question):
    what, thing = named(r"many (\w+) does a (\w+) have", question).groups()
    row = next(row for row in words()["parts"] if row["part"] == what)
    assert (thing in row["has"]) != (thing in row["lacks"])
    return row["has"].get(thing, 0)


def caused(question):
    for does, who, why, lacking in words()["reasons"]:
        if question == f"Why do {who} {does}?":
            return why
        if question == f"Why do {lacking} {does}?":
            return f"{lacking} do not {does.replace('their', 'any')}"
    raise AssertionError(question)


def more(question):
    one, two = values(question)
    return f"by {one - two}" if one > two else "it is not larger"


def options(question):
    return re.split(r", | or ", question.split(": ")[1].rstrip("?"))


def of_kind(question):
    members = words()["members"][named(r"of the (\w+):", question)[1]]
    (right,) = [option for option in options(question) if option in members]
    return right


def overtaken(question):
    place = ORDINALS.index(named(r"in (\w+) place", question)[1])
    return ORDINALS[place - ("after that" in question)]


def blown(question):
    opposite = {"west": "east", "east": "west", "north": "south", "south": "north"}
    steam, wind = "steam" in question, named(r"from the (\w+)\.", question)[1]
    return f"to the {opposite[wind]}" if steam else "there is no smoke"


def laid(question):
    bird = named(r"A (\w+) lays", question)[1]
    hens = {"hen", "goose", "peahen", "duck"}
    return (
        f"to the {named(r'on the (left|right)', question)[1]}"
        if bird in hens
        else f"a {bird} lays no eggs"
    )


def dug(question):
    return "none" if "there in" in question else f"{math.prod(values(question))} cubic metres"


def drying(question):
    few, hours, many = values(question)
    return hours if "side by side" in question else many * hours // few


def making(question):
    machines, made, minutes, others, wanted = values(question)
    return round(wanted / (others * made / (machines * minutes)))


def built(question):
    material = named(r"made of \w+ (\w+),", question)[1]
    return "glass" if "greenhouse" in question else f"green {material}"


def aged(question):
    then, today = values(question)
    born = then / 2 if "half" in question else then * 2
    return int(born + today - then)


def left_over(question):
    total, some = values(question)
    return some if "All but" in question else total - some


def taken(question):
    total, mine = values(question)
    return mine if "you have" in question else total - mine


def travelling(question):
    return 1 if "on their way back" in question else 2 + values(question)[0]


def halved(question):
    value, add = values(question)
    return value * 2 + add if "by one half" in question else value // 2 + add


def letter_at(place):
    return lambda q: named(r"“(\w+)”", q)[1][place(q)].upper()


KEYS = {
    "river": crossings, "surgeon": parent, "feathers": heavier, "doors": chances, "daughters": fifth, "snail": climbing,
    "pills": dosing, "socks": drawers, "ladder": rungs, "lilies": growing, "bat": priced, "siblings": sisters,
    "members": counted, "letters": lettered, "length": spelled, "legs": legged, "backwards": turned,
    "correct": well_spelled, "date": dated, "ordinal": numbered, "parts": parted, "reason": caused, "larger": more,
    "kind": of_kind, "race": overtaken, "smoke": blown, "rooster": laid, "hole": dug, "laundry": drying,
    "machines": making, "greenhouse": built, "ages": aged, "sheep": left_over, "apples": taken, "met": travelling,
    "halves": halved,
    "whole": lambda q: len(range(values(q)[0], values(q)[1] + 1)),
    "beginning": letter_at(lambda q: 1 if "Strike" in q else 0),
    "ending": letter_at(lambda q: -2 if "before" in q else -1),
    "dictionary": lambda q: sorted(re.split(", | and ", named("words (.*)\\. Which", q)[1]))[-("last" in q)],
    "largest": lambda q: max(options(q), key=int),
    "heaviest": lambda q: max(options(q), key=words()["weights"].index),
    "earliest": lambda q: min(options(q), key=MONTHS.index),
}  # fmt: skip


def template(item):
    return item.pair.rpartition("-")[0]


def test_the_key_of_every_template_is_recomputed_here():
    assert set(KEYS) == {each.__name__ for found in TEMPLATES.values() for each in found}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000).map("night-{:04}".format))
def test_every_key_is_right_and_only_one_choice_is(night):
    bank = riddle_bank(night, 300)
    for item in bank.items:
        assert item.answers == (str(KEYS[template(item)](item.question)),), item.question
        assert item.answers[0] in item.choices
        verdicts = [grade(item, choice).score.verdict for choice in item.choices]
        assert verdicts.count(Verdict.CORRECT) == 1
        told = [canonical(choice) or choice for choice in item.choices]
        assert len(set(told)) == len(told) > 1
