"""What a new finding does to the memories about the same thing; every store follows these rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nightschool.language import normalise
from nightschool.trust import ORDER, entitled, rank
from nightschool.types import Episode, Finding, Memory, MemoryStatus, SourceKind, digest

SAID = (SourceKind.CONVERSATION, SourceKind.STATEMENT)
"""What people say: the same thing said in another conversation replaces what was said before."""

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
            if step.status is MemoryStatus.RETIRED or person:
                return True
            step = successor(step.id)
    return False


def said_again(episode: Episode) -> Episode:
    """Tell a statement apart from the same one that was said before, and has been taken back since."""
    return replace(episode, digest=digest(episode.digest, episode.id))


def may_vanish(memory: Memory) -> bool:
    """Tell whether a memory goes when its source does not hold it any more; the owner's stay."""
    return memory.source_kind is not SourceKind.NOTE or rank(memory) > 0
