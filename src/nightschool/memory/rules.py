"""What a new finding does to the memories about the same thing; every store follows these rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nightschool.language import normalise
from nightschool.memory.holds import holds, masked
from nightschool.memory.kinds import kind_of
from nightschool.memory.sentences import passage_of
from nightschool.trust import ORDER, entitled, rank
from nightschool.types import (
    Episode,
    Finding,
    Memory,
    MemoryStatus,
    Reading,
    SourceKind,
    Trust,
    digest,
    new_id,
    now,
)

SAID = (SourceKind.CONVERSATION, SourceKind.STATEMENT)
"""What people say: the same thing said in another conversation replaces what was said before."""

PAGE = 200
"""How many live memories a page has before the next one is begun."""

PEOPLE = ("owner", "editor")
"""Who corrects memories: the owner by command, or in an editor."""


def is_news(finding: Finding, known: Sequence[Memory]) -> bool:
    """Tell whether a finding adds something to the live memories about the same thing.

    It does not if one of at least its trust says the same, nor if the owner has corrected or approved
    the line of a note from which it is read.
    """
    for memory in known:
        same = normalise(memory.text) == normalise(finding.text)
        if same and rank(memory) <= ORDER.index(finding.trust):
            return False
        if memory.source_kind is SourceKind.NOTE and (
            same
            or not entitled(finding.trust, memory)  # who rewrites a note vouches for no line of it
        ):
            return False
    return True


def overruled(
    episode: Episode,
    finding: Finding,
    closed: Sequence[Memory],
    successor: Callable[[str], Memory | None],
) -> bool:
    """Tell whether a person has taken out or corrected what a source says once more.

    Only a statement that somebody makes anew counts again.

    Args:
        episode: What is read.
        finding: What it says.
        closed: The tenant's closed memories about the same thing.
        successor: Memory id -> the memory that took its place; None where none did.
    """
    if episode.kind is SourceKind.STATEMENT:
        return False
    for memory in closed:
        if normalise(memory.text) != normalise(finding.text):
            continue
        step: Memory | None = memory
        while step is not None:
            person = step is not memory and step.speaker in PEOPLE
            taken_out = step.status is MemoryStatus.RETIRED and not step.ended_by
            if taken_out or person:
                return True
            step = successor(step.id)
    return False


def replaced_too(memory: Memory, episode: Episode, finding: Finding) -> bool:
    """Tell whether a finding takes the place of a memory that it names, and that has another key or source."""
    live = memory.status is MemoryStatus.LIVE and memory.tenant == episode.tenant
    elsewhere = episode.kind not in SAID and memory.source != episode.source
    return live and (memory.key != finding.key or elsewhere)


def under(key: str, old: Memory) -> Memory:
    """Give a memory that is replaced the key of what replaces it: they are one history, and are forgotten together."""
    return replace(old, key=key)


def said_again(episode: Episode) -> Episode:
    """Tell a statement apart from the same one that was said before, and has been taken back since."""
    return replace(episode, digest=digest(episode.digest, episode.id))


def may_vanish(memory: Memory) -> bool:
    """Tell whether a memory goes when its source does not hold it any more; the owner's stay."""
    return memory.source_kind is not SourceKind.NOTE or rank(memory) > 0


def page_for(last: int, live: int) -> int:
    """Return the page of a source that a new memory belongs to.

    Args:
        last: The source's last page; 0 where it has none.
        live: How many live memories stand in it.
    """
    return last + 1 if last == 0 or live >= PAGE else last


def remembered(episode: Episode, finding: Finding, old: Memory | None) -> Memory:
    """Make a memory of a finding.

    Args:
        episode: Where it stands.
        finding: What it says.
        old: The memory whose place it takes; None where it takes none.
    """
    return Memory(
        id=new_id("mem"),
        tenant=episode.tenant,
        text=finding.text,
        form=finding.form,
        source_kind=episode.kind,
        source=episode.source,
        episode_id=episode.id,
        at=episode.at,
        span=finding.span,
        trust=finding.trust,
        speaker=finding.speaker,
        key=finding.key,
        facets=dict(finding.facets),
        supersedes=old.id if old else None,
        holds=tuple(
            dict.fromkeys(
                (*finding.holds, *holds(finding.text, episode.kind, passage_of(episode, finding)))
            )
        ),
        masked=masked(finding.text),
        kind=kind_of(finding.text),
        valid_from=episode.at,
    )


def corrected(old: Memory, text: str, actor: str) -> Memory:
    """Make the memory that takes an old one's place because a person says so."""
    return replace(
        old,
        id=new_id("mem"),
        text=text,
        facets={},
        form="said",
        at=now(),
        supersedes=old.id,
        learnt_in=None,
        graduated=(),
        speaker=actor,
        trust=Trust.OWNER,
        holds=holds(text, SourceKind.STATEMENT),
        masked=masked(text),
        kind=kind_of(text),
        valid_from=now(),
        surprise=None,
        uses=0,
    )


def closed(memory: Memory, status: MemoryStatus, ended_by: str = "") -> Memory:
    """End a memory's life at this moment.

    Args:
        memory: A live one.
        status: What becomes of it.
        ended_by: What took it out where no person did.
    """
    return replace(memory, status=status, valid_to=now(), ended_by=ended_by)


def gone_from(reading: Reading, live: Sequence[Memory]) -> list[Memory]:
    """Return which of a source's live memories a new reading of it does not hold any more."""
    kept = {*(finding.key for finding in reading.findings)}
    return [m for m in live if m.key not in kept and m.id not in reading.moved and may_vanish(m)]


def ending(reading: Reading) -> tuple[MemoryStatus, str, str]:
    """Return what becomes of memories that their source does not hold any more: status, actor, what ended them."""
    if reading.because:
        return MemoryStatus.RETIRED, reading.because, reading.because
    return MemoryStatus.SUPERSEDED, reading.episode.kind.value, ""


def compared(episode: Episode, known: Sequence[Memory]) -> list[Memory]:
    """Return the memories that a new finding may merely repeat; one that moved here from another source is none."""
    if episode.kind in SAID:
        return list(known)
    return [memory for memory in known if memory.source == episode.source]


def shown_by(memory: Memory, version_id: str, held: bool, night: str) -> Memory:
    """Keep what an exam of a version has shown of a memory: it holds it, or it does not."""
    others = tuple(v for v in memory.graduated if v != version_id)
    return replace(
        memory,
        graduated=(*others, version_id) if held else others,
        learnt_in=memory.learnt_in or (night if held else None),
    )
