"""What a statement says of what: its names and numbers, its relation, and the rest, which tells the thing.

Two statements are about one fact if the relation and the rest are alike, whatever the words and their order.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from nightschool.language import parse
from nightschool.negation import denies
from nightschool.sources.framing import without_cries
from nightschool.sources.relations import (
    LIGHT,
    LIVE,
    MISREAD,
    RELATIONS,
    RELATIVES,
    START,
    TIMES,
    TURNING,
    TURNS,
    WORK,
)

if TYPE_CHECKING:
    from spacy.tokens import Token

ANY = "*"
"""The relation of "Ada took the bakery over": whichever it was."""
DAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|today|tonight|tomorrow|yesterday|now|then|(?:this|last|next) (?:week|month|year|morning|evening|\w+day))"
)
WHEN = re.compile(
    rf",? ?\b(?:(?:since|from|as of|as from|starting|beginning|effective|until) (?:on |with )?{DAY}(?: on| onwards?)?"
    rf"|these days|nowadays|at the moment|for now|right now|now|(?:on )?{DAY}|no longer|any ?more|any longer)(?=\W|$)",
    re.IGNORECASE,
)
"""When it is so: no part of what is so."""
CLOCK = re.compile(r"\d{1,2}(?::\d\d| ?[ap]\.?m)", re.IGNORECASE)
ENDED = re.compile(
    r"\bno longer\b|\bnot\b.{0,100} any ?more\b|n[’']t\b.{0,100} any ?more\b|\bused to\b|\bformerly\b|\bquit\b|\bstep(?:s|ped) down\b"
    r"|\b(?:has |have |had )?stopped \w+ing\b|\bg[ai]ve(?:n|s)?\b.{0,60} up\b|\bthe former\b",
    re.IGNORECASE,
)
"""Says that something is so no more."""
OLD_BEFORE = re.compile(
    r"(?:\b(?:instead of|rather than|in place of|place of|no longer|not|never|forget|used to be|formerly|as opposed to)|n[’']t"
    r"|\b(?:replac|succeed|swapp)\w*)(?: (?:at|in|by|to|the|called|be|start|begin|live|lives|use|starts|begins)){0,2}$",
    re.IGNORECASE,
)
OLD_IN_CHANGE = re.compile(
    r"\b(?:from|left|leaving|gave up|given up|was|were)(?: (?:at|in|the|flat|house|home)){0,3}$",
    re.IGNORECASE,
)
OLD_AFTER = re.compile(
    r"^(?: \w+)? (?:no longer|used to|stopped|handed|passed|gave|stepped down|quit|does not|doesn[’']t|is not|isn[’']t)\b|^ \w+ (?:over )?to$",
    re.IGNORECASE,
)
"""What stands before or after a value that another one has taken the place of."""
CHANGING = re.compile(
    r"\b(?:chang|switch|mov|renam|tak|took|hand|pass|shift|relocat|replac|put back|push|swap|postpon|reschedul|brought|settl|left|leav|"
    r"gave up|instead|but|now|these days)",
    re.IGNORECASE,
)
DENYING = frozenset("not n't never no nobody nothing none".split())


class Claim:
    """One statement taken apart."""

    def __init__(self, whole: str) -> None:
        self.text = text = without_cries(whole)
        timeless = re.sub(r"\s+", " ", WHEN.sub("", text)).strip(" ,")
        tokens = [t for t in parse(timeless) if not t.is_punct]
        spans = _values(tokens)
        self.values = [" ".join(t.text for t in span).lower() for span in spans]
        old = _old(timeless, spans)
        self.olds = [v for v, is_old in zip(self.values, old, strict=True) if is_old]
        self.news = [v for v, is_old in zip(self.values, old, strict=True) if not is_old]
        self.timed = any(CLOCK.fullmatch(v) for v in self.values)
        self.ended = bool(ENDED.search(text)) or (bool(self.olds) and not self.news)
        self.denies = not (self.olds and self.news) and _denied(text)
        inside = {t.i for span in spans for t in span}
        words = [t for t in tokens if t.i not in inside]
        lemmas = {_lemma(t) for t in words}
        self.turns = bool(lemmas & TURNING)
        self.relation, used = _relation(words, TIMES if self.timed else RELATIONS)
        if self.timed and not self.relation:
            self.relation = START
        elif self.turns and not self.relation:
            self.relation = ANY
        elif not self.relation and lemmas & RELATIVES and lemmas >= {"have", "in"}:
            self.relation = LIVE  # "I have a sister in Oslo"
        light = (
            LIGHT | used | (TURNS if self.turns or self.ended or "new" in lemmas else frozenset())
        )
        light |= {"job", "task", "duty"} if self.relation not in ("", WORK) else set()
        self.rest = frozenset(lemmas - light)

    @property
    def fact(self) -> tuple[str, bool, frozenset[str]] | None:
        """The relation and the thing, of which there is one value; None where that is not clear, or where it is denied."""
        clear = bool(self.rest and self.news) and self.relation != ANY
        return (
            None
            if not clear or self.denies or self.ended
            else (self.relation, self.timed, self.rest)
        )

    @property
    def now(self) -> list[str]:
        """The values that it gives, without those that it says are old."""
        return self.news or self.values


@lru_cache(maxsize=4096)
def claim(text: str) -> Claim:
    """Take a statement apart; the last few thousand are kept."""
    return Claim(text)


def same_fact(left: str, right: str) -> bool:
    """Tell whether two statements say one thing in other words: "X is called Y", "Y is X".

    Several names have to come in the same order: "Ada is Bo's deputy" is not "Bo is Ada's deputy".
    """
    a, b = claim(left), claim(right)
    alike = _about_the_same(a, b) and a.denies == b.denies and a.ended == b.ended
    return bool(a.news and b.news) and alike and a.news == b.news


def gives_another_value(left: str, right: str) -> bool:
    """Tell whether two statements say the same of different names or numbers."""
    a, b = claim(left), claim(right)
    return bool(a.rest and a.now and b.now) and _about_the_same(a, b) and a.now[:1] != b.now[:1]


def ends(left: str, right: str) -> bool:
    """Tell whether a statement says that what another one states is so no more, whatever the relation is called."""
    a, b = claim(left), claim(right)
    values = a.olds or (a.values if a.ended or a.denies else [])
    named = bool(set(values) & set(b.now)) and not (b.ended or b.denies)
    return named and a.rest == b.rest and (bool(a.olds and a.news) or _alike(a, b))


def _about_the_same(a: Claim, b: Claim) -> bool:
    return a.rest == b.rest and a.timed == b.timed and _alike(a, b)


def _alike(a: Claim, b: Claim) -> bool:
    return a.relation == b.relation or ANY in (a.relation, b.relation)


def _values(tokens: list[Token]) -> list[list[Token]]:
    """Find names and numbers, those of several words as one."""
    found: list[list[Token]] = []
    for token in tokens:
        digit = any(c.isdigit() for c in token.text)
        if digit or (token.pos_ == "PROPN" and token.text[0].isupper()):
            if found and found[-1][-1].i == token.i - 1:
                found[-1].append(token)
            else:
                found.append([token])
    return found


def _old(text: str, values: list[list[Token]]) -> list[bool]:
    """Tell of each value whether the statement itself calls it old."""
    changing = CHANGING.search(text) is not None
    at = 0
    found = []
    flat = values[0][0].doc.text if values else text
    for number, value in enumerate(values):
        start = value[0].idx
        end = value[-1].idx + len(value[-1])
        following = values[number + 1][0].idx if number + 1 < len(values) else len(flat)
        before, after = flat[at:start].rstrip(), flat[end:following].rstrip()
        at = end
        old = OLD_BEFORE.search(before) or (changing and OLD_IN_CHANGE.search(before))
        only = len(values) == 1
        found.append(bool(old) or (not only and OLD_AFTER.search(after) is not None))
    return found


def _denied(text: str) -> bool:
    """Tell a negation of the main claim from one in a clause beside it: "the host that is not used is osprey-2"."""
    if not denies(text):
        return False
    beside = ("relcl", "advcl", "acl", "intj")
    words = [t for t in parse(text) if t.lower_.replace("’", "'") in DENYING]
    return any(all(t.dep_ not in beside for t in (word, *word.ancestors)) for word in words)


def _lemma(token: Token) -> str:
    plural = token.tag_ == "NNS"
    return MISREAD.get(token.lower_, token.lemma_.lower()) if plural else token.lemma_.lower()


def _relation(
    words: list[Token], lexicon: dict[str, tuple[str, ...]]
) -> tuple[str, frozenset[str]]:
    """Return the relation whose words stand nearest to the main verb, and those words."""
    depth = {
        _lemma(t): len(list(t.ancestors))
        for t in reversed(words)
        if t.dep_ not in ("compound", "amod") or t.head.lemma_ == "time" or t.head.lower_ in MISREAD
    }
    best: tuple[int, int, int, str] | None = None
    for order, (name, phrases) in enumerate(lexicon.items()):
        for phrase in phrases:
            parts = phrase.split()
            if all(part in depth for part in parts):
                rank = (min(depth[p] for p in parts), -len(parts), order, name)
                best = min(best or rank, rank)
    if best is None:
        return "", frozenset()
    mine = [p.split() for p in lexicon[best[3]]]
    used = {part for parts in mine if all(p in depth for p in parts) for part in parts}
    return best[3], frozenset(used)
