"""What a conversation only repeats: memories that were recalled in it, the model's words, what is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from nightschool.language import normalise
from nightschool.sources.claims import DAY, claim, ends, gives_another_value, same_fact
from nightschool.sources.earnest import confirms
from nightschool.trust import ORDER, rank
from nightschool.types import Finding, Memory, MemoryStatus, Reading, Turn

FILLER = frozenset("now still currently already also really actually indeed as".split())
"""Words that change no fact."""
CHANGES = re.compile(
    r"\b(?:now|nowadays|these days|no longer|not .{0,300} any ?more|n[’']t .{0,300} any ?more|instead|rather than|in place of|correct(?:ion|ed|ing)?"
    r"|correct myself|actually|in fact|updates?|out of date|outdated|obsolete|mistaken?|(?:was|were) wrong|change[ds]?|moved|switched|renamed"
    r"|relocated|shifted|rescheduled|postponed|pushed|brought forward|put back|swapped|settled|replace[ds]?|succeed(?:s|ed)|successor"
    r"|t(?:ook|aken|akes) over|took the place|handed|passed|stopped|quit|g[ai]ve[ns]? .{0,60}up|stepped down|used to|formerly|new|news"
    r"|from today|as of|as from|and not|, not|but not)\b"
    rf"|\b(?:since|from|starting|beginning|effective)\W+(?:\w+ )?{DAY}",
    re.IGNORECASE,
)
"""Says that a value has changed; a statement with it takes the place of one of another value."""
REMARK = 5
"""So many words at most has a sentence that belongs to the next one: "I was wrong. ..."."""


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
            m
            for m in near(finding.text)
            if rank(m) <= ORDER.index(finding.trust) and not any(_overtaken(m, by) for by in kept)
        ]
        known += kept
        olds = _replaced(finding, known, turns, len(before))
        if any(repeats(finding.text, m.text) for m in in_prompt) or _heard_first(
            finding, turns, len(before)
        ):
            dropped["echo"] += 1
        elif not olds and any(
            repeats(finding.text, other.text) or same_fact(finding.text, other.text)
            for other in known
        ):
            dropped["known"] += 1
        elif _denies_nothing(finding, known) or _told_better(finding, reading.findings):
            dropped["denial"] += 1
        else:
            kept.append(_in_place_of(finding, olds, known, kept))
    return replace(reading, findings=tuple(kept), dropped=dict(dropped))


def _overtaken(memory: Memory, by: Finding) -> bool:
    """Tell whether the talk has told another value since: who takes the old one up again then says news."""
    return memory.id in by.replaces or (bool(by.key) and by.key == memory.key)


def _replaced(
    finding: Finding, known: Sequence[Memory | Finding], turns: Sequence[Turn], fresh: int
) -> list[Memory | Finding]:
    """Find what a finding takes the place of, however that was worded; nothing where that is not clear.

    It has to name the old value, or speak of a change of the same relation. Of several relations that it may
    mean, none is chosen: then both stand, and `nightschool memory conflicts` shows them.
    """
    named = [m for m in known if ends(finding.text, m.text)]
    if named:
        return [*named, *(m for m in known if m not in named and same_fact(finding.text, m.text))]
    at = _place(finding, turns, fresh)
    if at is None or not CHANGES.search(_around(finding, turns[at])) or claim(finding.text).denies:
        return []
    others = [m for m in known if gives_another_value(finding.text, m.text)]
    exact = [m for m in others if claim(m.text).relation == claim(finding.text).relation]
    others = exact or others
    if len({claim(m.text).relation for m in others}) > 1:
        return []
    again = [m for m in known if same_fact(finding.text, m.text)] if others else []
    return [*others, *again]


def _in_place_of(
    finding: Finding,
    olds: Sequence[Memory | Finding],
    known: Sequence[Memory | Finding],
    kept: list[Finding],
) -> Finding:
    """Let a finding take the place of others: of memories by their ids, of what the same talk told before by its key."""
    ids = tuple(m.id for m in olds if isinstance(m, Memory))
    keyed = next((m.key for m in olds if m.key), finding.key)
    for place, earlier in enumerate(kept):
        if any(earlier is old for old in olds):
            kept[place] = replace(earlier, key=keyed)
    return replace(finding, key=keyed, replaces=ids)


def _told_better(finding: Finding, findings: Sequence[Finding]) -> bool:
    """Tell "Ada has stopped running it" beside "Bo runs it": what the other one tells is enough."""
    own = claim(finding.text)
    return (own.ended or own.denies) and any(
        other is not finding
        and not claim(other.text).ended
        and gives_another_value(other.text, finding.text)
        for other in findings
    )


def _around(finding: Finding, turn: Turn) -> str:
    """Return the sentence of a finding, with a short one before it."""
    assert finding.span is not None
    at = finding.span.start - turn.span.start
    sentences = [
        (m.start(), m[0])
        for m in re.finditer(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|[.!?](?=\S)|\n|$)", turn.text)
    ]
    found = ""
    for number, (start, text) in enumerate(sentences):
        if start <= at or not found:
            last = sentences[number - 1][1] if number else ""
            found = (last if len(last.split()) <= REMARK else "") + text
    return found


def repeats(statement: str, text: str) -> bool:
    """Tell whether a statement's words stand in a text, in one piece."""
    return f" {_plain(statement)} " in f" {_plain(text)} "


def _plain(text: str) -> str:
    words = normalise(text.replace("n’t", " not").replace("n't", " not")).split()
    return " ".join(w for w in words if w not in FILLER)


def _denies_nothing(finding: Finding, known: Sequence[Memory | Finding]) -> bool:
    """Tell a denial that would take the place of another value than the one that it denies."""
    own = claim(finding.text)
    if not own.values or not own.denies:
        return False
    rivals = [m for m in known if m.key == finding.key or gives_another_value(finding.text, m.text)]
    return bool(rivals) and not any(set(own.values) & set(claim(m.text).values) for m in rivals)


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
