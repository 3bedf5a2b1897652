"""How people ask for a told fact: kinds of statements, and the questions that belong to each.

The knowledge stands in `frames/*.txt`, readable and extendable: a frame is a few patterns of a
statement (`= {x} weighs {y:number}`) and, for each thing that can be asked (`> {y}`), questions in
many words ("I have to lift {x}. How many kilos is that?").

Source:
    Frame semantics (Fillmore 1976): a relation with its roles, and the many ways to speak of it.
    Here the frames are surface patterns, and only questions are written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from nightschool.language import parse
from nightschool.negation import affirmed, denies
from nightschool.study.lexicon import FILLERS

NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "hundred|thousand|half|both|a dozen"
)
MONTHS = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DAYS = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
FINITE = r"(?!(?:is|are|was|were|has|have|had|will|can|must|(?-i:may)|wants?|keeps?|comes?)\b)"
"""No slot runs over a verb: what stands before it is another clause."""
SLOTS = {
    "": rf"(?!(?:with|on|at|in|by|to|for|from|as|of|called|named)\b){FINITE}\S+(?: {FINITE}\S+){{0,11}}?",
    "person": r"(?-i:[A-Z][\w'’.-]*\w)(?: (?-i:(?:van |von |de |af )?[A-Z][\w'’-]+)){0,2}",
    "time": r"\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?|noon|midnight|[\w-]+ o'clock|(?:half|quarter) (?:past|to) \w+",
    "date": (
        r"(?:(?:the|next|last|this|every|each|early|late|mid|end of|beginning of) )*"
        rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTHS}(?: \d{{4}})?|{MONTHS}(?: \d{{1,2}}(?:,? \d{{4}})?| \d{{4}})?"
        rf"|{DAYS}(?: \S+){{0,3}}?|[12]\d\d\d|(?:\S+ )?(?:spring|summer|autumn|winter|month|week|year|day|morning|evening)s?)"
    ),
    "number": rf"(?:(?:at (?:the )?(?:most|least)|up to|about|around|exactly|roughly|nearly|almost|over|more than|fewer than|less than|no more than|between|minus|every) ){{0,2}}(?:[€$£]?\d|(?:{NUMBER_WORDS})\b)\S*(?: \S+){{0,5}}?",
    "code": r"#?(?-i:[\w.:/#-]*[\d#_-][\w.:/#-]*|[A-Z]{1,4} \d+|\w+)",
    "place": r"(?:the )?(?-i:[A-Z0-9])\S*(?: \S+){0,4}?",
}
"""Slot type -> what it may hold."""
MOST_FRAMES = 2
"""Of the frames that fit a statement, so many are used: the ones with the longest patterns."""
SLOT = re.compile(r"\{(\w)(?::(\w+))?\}")
PART = re.compile(r"\{[^}]*\}|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\??|[^{(]+")
"""A pattern's slots, groups (two deep at the most), and the words between them."""
ARTICLES = re.compile(r"(?:the team's|the|a|an|our) ", re.IGNORECASE)


class Pattern:
    """One wording of a statement, with slots.

    Its expression is long and takes ten milliseconds to compile: of fifteen hundred patterns a statement needs a few, those
    whose own words it holds.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """Sets of words in lower case, of each of which a statement holds one if the pattern fits it."""
        found = []
        for part in PART.findall(self.text):
            plain = part.startswith("(") and not re.search(r"[({?]", part[1:])
            words = part[1:-1].split("|") if plain else [part]
            if plain or not re.search(r"[{(?|]", part):
                found.append(tuple(word.strip().lower() for word in words))
        return tuple(found)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The whole expression."""
        return _compiled(self.text)

    def fits(self, statement: str) -> re.Match[str] | None:
        """Find the slots of a statement; None where it is worded otherwise."""
        low = statement.lower()
        if not all(any(word in low for word in either) for either in self.words):
            return None
        return self.regex.fullmatch(statement)


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of statement and what is asked of it."""

    patterns: tuple[Pattern, ...]
    asks: tuple[tuple[str, tuple[str, ...]], ...]
    """(answer, questions), the value that the statement tells first."""


@dataclass(frozen=True, slots=True)
class Framed:
    """Questions about one statement that have the same answer."""

    answer: str
    questions: tuple[str, ...]
    main: bool
    """True for the value that the statement tells; False for asking back from it."""


def framed(statement: str) -> list[Framed]:
    """Find the frames of a statement, the closest fitting first, and put its words into their questions.

    None of a denial: their questions would affirm it.
    """
    statement = affirmed(statement)
    if denies(statement):
        return []
    said = [_plain(statement, reason=reason) for reason in (False, True)]
    fitting: list[tuple[int, Frame, dict[str, str]]] = []
    for frame in frames():
        found = [m for m in (p.fits(s) for s in dict.fromkeys(said) for p in frame.patterns) if m]
        if found:
            best = max(found, key=_literal)
            slots = {
                name: _inside(statement, value) if not best.start(name) else value
                for name, value in best.groupdict().items()
                if value
            }
            fitting.append((_literal(best), frame, slots))
    fitting.sort(key=lambda one: -one[0])
    groups = []
    for _, frame, slots in fitting[:MOST_FRAMES]:
        for number, (answer, questions) in enumerate(frame.asks):
            told = _filled(answer, slots, opens=False)
            asked = [_filled(question, slots) for question in questions]
            kept = tuple(q for q in asked if told.lower() not in q.lower())
            if kept:
                groups.append(Framed(told, kept, number == 0))
    return groups


@cache
def frames() -> tuple[Frame, ...]:
    """Read all frames.

    Raises:
        ValueError: A line is not of the format (the message names it).
    """
    found: list[Frame] = []
    for entry in sorted((files("nightschool.study") / "frames").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".txt"):
            found += _parsed(entry.name, entry.read_text("utf-8"))
    return tuple(found)


def _parsed(name: str, text: str) -> Iterator[Frame]:
    patterns: list[Pattern] = []
    asks: list[tuple[str, list[str]]] = []
    for number, line in enumerate([*text.splitlines(), "= end"], start=1):
        kind, rest = line[:1], line[1:].strip()
        if kind == "=" and asks:
            yield Frame(tuple(patterns), tuple((a, tuple(q)) for a, q in asks))
            patterns, asks = [], []
        if kind == "=":
            patterns.append(Pattern(rest))
        elif kind == ">":
            asks.append((rest, []))
        elif line.strip() and kind != "#":
            if not asks:
                raise ValueError(f"{name}, line {number}: a question before any '>' line: {line}")
            asks[-1][1].append(line.strip())


def _compiled(pattern: str) -> re.Pattern[str]:
    regex, end = "", 0
    seen: set[str] = set()
    for match in SLOT.finditer(pattern):
        name, kind = match.groups()
        regex += re.sub(r"[.+*\[\]^$\\]", r"\\\g<0>", pattern[end : match.start()])
        regex += f"(?P={name})" if name in seen else f"(?P<{name}>{SLOTS[kind or '']})"
        seen.add(name)
        end = match.end()
    return re.compile(regex + re.sub(r"[.+*\[\]^$\\]", r"\\\g<0>", pattern[end:]), re.IGNORECASE)


def _literal(match: re.Match[str]) -> int:
    """Count the characters that the pattern itself prescribed."""
    return len(match.group()) - sum(len(value or "") for value in match.groupdict().values())


def _plain(statement: str, *, reason: bool) -> str:
    """Leave out what does not change what is told: fillers, the full stop, and reasons unless wanted."""
    text = statement.rstrip(" .")
    if not reason:
        text = re.sub(r",? (?:because|so that|which is why) .*", "", text)
    words = [w for w in text.split() if w.lower().strip(",") not in FILLERS | {"always", "only"}]
    return " ".join(words)


def _inside(statement: str, value: str) -> str:
    """Put the words that open a statement inside a question: a plural noun is no name."""
    return value[0].lower() + value[1:] if parse(statement)[0].tag_ == "NNS" else value


def _filled(template: str, slots: dict[str, str], *, opens: bool = True) -> str:
    """Put the slots in; a question opens with a capital, an answer keeps the case of its name or code."""

    def fill(match: re.Match[str]) -> str:
        name, bare = match.group(1), match.group(2)
        value = (slots.get(name.lower()) or "").strip(" ,")
        if ARTICLES.match(value):
            value = value[0].lower() + value[1:]
        if bare:
            value = ARTICLES.sub("", value, count=1) if ARTICLES.match(value) else value
        if name.isupper() or (opens and not match.start()):
            value = value[:1].upper() + value[1:]
        return value

    text = re.sub(r"\{(\w)(!?)\}", fill, template)
    return re.sub(r"s's\b", "s'", text)
