"""What a conversation only repeats: memories that were recalled in it, the model's words, what is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from nightschool.language import normalise, parse
from nightschool.sources.earnest import confirms, negated
from nightschool.sources.keys import SAME_VERBS
from nightschool.trust import ORDER, rank
from nightschool.types import Finding, Memory, MemoryStatus, Reading, Turn

FILLER = frozenset("now still currently already also really actually indeed as".split())
"""Words that change no fact."""
LIGHT = frozenset(
    "be call name have know go by as the a an 's i my our we team user of in at to where and but still now "
    "currently from on longer no not do never".split()
)
"""Lemmas that join a thing and its value: "is called", "goes by", "is known as"."""
TURNS = frozenset("change switch rename move become".split())
"""Verbs that say only that a value is another one."""
CHANGES = re.compile(
    r"\b(?:now|no longer|not .{0,300} any ?more|instead|correction|actually|changed|moved|switched|renamed|taken over)\b",
    re.IGNORECASE,
)
"""Says that a value has changed; a statement with it takes the place of one of another value."""


def without_echoes(
    reading: Reading,
    recalled: Sequence[Memory],
    near: Callable[[str], Sequence[Memory]],
    before: Sequence[Turn] = (),
) -> Reading:
    """Leave out of a conversation's findings what is no news; count it in the reading.

    No news is what stands in the words of a live memory that was recalled in the talk, whoever
    stated that; what a live memory of at least the finding's trust says already; what the assistant
    or a tool said first in the same words, unless the user agrees with it; and the denial of a value
    where a memory holds another one. What takes a superseded value up again is news. A turn that speaks of a change replaces the
    memory that says the same of another value, however it was worded.

    Args:
        reading: What an extractor found.
        recalled: Memories that stood in the conversation's prompts, as they are now.
        near: Statement -> the live memories nearest to it.
        before: Earlier turns of the same talk.
    """
    kept: list[Finding] = []
    dropped = Counter(reading.dropped)
    in_prompt = [m for m in recalled if m.status is MemoryStatus.LIVE]
    turns = [*before, *reading.episode.turns]
    for finding in reading.findings:
        known: list[Memory | Finding] = [
            m for m in near(finding.text) if rank(m) <= ORDER.index(finding.trust)
        ]
        known += kept
        if any(repeats(finding.text, m.text) for m in in_prompt) or _heard_first(
            finding, turns, len(before)
        ):
            dropped["echo"] += 1
        elif any(
            repeats(finding.text, other.text) or same_fact(finding.text, other.text)
            for other in known
        ):
            dropped["known"] += 1
        elif _denies_nothing(finding, known):
            dropped["denial"] += 1
        else:
            old = next((m for m in known if gives_another_value(finding.text, m.text)), None)
            at = _place(finding, turns, len(before))
            if old is not None and old.key and at is not None and CHANGES.search(turns[at].text):
                finding = replace(finding, key=old.key)
            kept.append(finding)
    return replace(reading, findings=tuple(kept), dropped=dict(dropped))


def repeats(statement: str, text: str) -> bool:
    """Tell whether a statement's words stand in a text, in one piece."""
    return f" {_plain(statement)} " in f" {_plain(text)} "


def same_fact(left: str, right: str) -> bool:
    """Tell whether two statements join the same words in another way: "X is called Y", "Y is X".

    Several names have to come in the same order: "Ada is Bo's deputy" is not "Bo is Ada's deputy".
    """
    a, b = _Words(left), _Words(right)
    ordered = a.names == b.names or len(a.names) == 1
    alike = a.frame == b.frame and negated(left) == negated(right)
    return bool(a.names) and alike and set(a.names) == set(b.names) and ordered


def gives_another_value(left: str, right: str) -> bool:
    """Tell whether two statements say the same of different names or numbers."""
    a, b = _Words(left), _Words(right)
    same = a.frame == b.frame or (a.verbs & TURNS and a.frame - a.verbs == b.frame - b.verbs)
    return bool(a.frame - TURNS and a.names and b.names and same) and a.names[:1] != b.names[:1]


class _Words:
    """A statement's names and numbers in order, a name of several words as one, and its other words."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self.frame: set[str] = set()
        self.verbs: set[str] = set()
        last = -2
        for token in parse(text):
            lemma = token.lemma_.lower()
            digit = any(c.isdigit() for c in token.text)
            if digit or (token.pos_ == "PROPN" and token.text[0].isupper()):
                word = token.text.lower()
                if token.i == last + 1:
                    self.names[-1] += f" {word}"
                else:
                    self.names.append(word)
                last = token.i
            elif not token.is_punct and lemma not in LIGHT:
                self.frame.add(SAME_VERBS.get(lemma, lemma))
                self.verbs |= {SAME_VERBS.get(lemma, lemma)} if token.pos_ == "VERB" else set()


def _plain(text: str) -> str:
    words = normalise(text.replace("n’t", " not").replace("n't", " not")).split()
    return " ".join(w for w in words if w not in FILLER)


def _denies_nothing(finding: Finding, known: Sequence[Memory | Finding]) -> bool:
    """Tell a denial that would take the place of another value than the one that it denies."""
    words = _Words(finding.text)
    if not words.names or not negated(finding.text):
        return False
    rivals = [m for m in known if m.key == finding.key or gives_another_value(finding.text, m.text)]
    return bool(rivals) and not any(set(words.names) & set(_Words(m.text).names) for m in rivals)


def _heard_first(finding: Finding, turns: Sequence[Turn], fresh: int) -> bool:
    """Tell whether the assistant or a tool said it before anybody else did."""
    at = _place(finding, turns, fresh)
    if at is None or confirms(turns[at].text):
        return False
    first = next((turn for turn in turns[:at] if repeats(finding.text, turn.text)), None)
    return first is not None and first.role in ("assistant", "tool")


def _place(finding: Finding, turns: Sequence[Turn], fresh: int) -> int | None:
    """Return which turn a finding is from."""
    if finding.span is None:
        return None
    start = finding.span.start
    places = (
        n for n in range(fresh, len(turns)) if turns[n].span.start <= start < turns[n].span.end
    )
    return next(places, None)
