"""What a conversation only repeats: memories that were recalled in it, the model's words, what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from nightschool.language import normalise, parse
from nightschool.sources.earnest import confirms, denied
from nightschool.trust import ORDER, rank
from nightschool.types import Finding, Memory, MemoryStatus, Reading, Turn

FILLER = frozenset("now still currently already also really actually indeed as".split())
"""Words that change no fact."""
LIGHT = frozenset("be call name have know go by as the a an 's team of still now currently".split())
"""Lemmas that join a thing and its value: "is called", "goes by", "is known as"."""


def without_echoes(
    reading: Reading,
    recalled: Sequence[Memory],
    near: Callable[[str], Sequence[Memory]],
    before: Sequence[Turn] = (),
) -> Reading:
    """Leave out of a conversation's findings what is no news; count it in the reading.

    No news is what stands in the words of a live memory that was recalled in the talk, whoever
    stated that; what a live memory of at least the finding's trust says already; what the assistant
    or a tool said first in the same words, unless the user agrees with it; and the denial of something that no
    memory holds. What takes a superseded value up again is news.

    Args:
        reading: What an extractor found.
        recalled: Memories that stood in the conversation's prompts, as they are now.
        near: Statement -> the live memories nearest to it.
        before: Earlier turns of the same talk.
    """
    kept: list[Finding] = []
    dropped = Counter(reading.dropped)
    in_prompt = [m for m in recalled if m.status is MemoryStatus.LIVE]
    for finding in reading.findings:
        known = [m for m in near(finding.text) if rank(m) <= ORDER.index(finding.trust)]
        value = denied(finding.text)
        if any(repeats(finding.text, m.text) for m in in_prompt) or _heard_first(
            finding, [*before, *reading.episode.turns], len(before)
        ):
            dropped["echo"] += 1
        elif any(
            repeats(finding.text, text) or same_fact(finding.text, text)
            for text in (*(m.text for m in known), *(f.text for f in kept))
        ):
            dropped["known"] += 1
        elif value and not any(repeats(value, m.text) for m in [*known, *in_prompt]):
            dropped["denial"] += 1
        else:
            kept.append(finding)
    return replace(reading, findings=tuple(kept), dropped=dict(dropped))


def repeats(statement: str, text: str) -> bool:
    """Tell whether a statement's words stand in a text, in one piece."""
    return f" {_plain(statement)} " in f" {_plain(text)} "


def same_fact(left: str, right: str) -> bool:
    """Tell whether two statements join the same words in another way: "X is called Y", "Y is X".

    Statements of two names are left alone: "Ada is Bo's deputy" is not "Bo is Ada's deputy".
    """
    a, b = _lemmas(left), _lemmas(right)
    names = [w for w in a if w[0].isupper() or any(c.isdigit() for c in w)]
    return len(names) <= 1 and {w.lower() for w in a} == {w.lower() for w in b} and bool(a)


def _lemmas(text: str) -> set[str]:
    return {
        t.text if t.pos_ in ("PROPN", "NUM", "X") else t.lemma_.lower()
        for t in parse(text)
        if not t.is_punct and t.lemma_.lower() not in LIGHT
    }


def _plain(text: str) -> str:
    words = normalise(text.replace("n’t", " not").replace("n't", " not")).split()
    return " ".join(w for w in words if w not in FILLER)


def _heard_first(finding: Finding, turns: Sequence[Turn], fresh: int) -> bool:
    """Tell whether the assistant or a tool said it before anybody else did."""
    at = next(
        (
            n
            for n, turn in enumerate(turns)
            if n >= fresh
            and finding.span is not None
            and turn.span.start <= finding.span.start < turn.span.end
        ),
        None,
    )
    if at is None or confirms(turns[at].text):
        return False
    first = next((turn for turn in turns[:at] if repeats(finding.text, turn.text)), None)
    return first is not None and first.role in ("assistant", "tool")
