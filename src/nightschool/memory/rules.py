"""What a new finding does to the memories about the same thing; every store follows these rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nightschool.language import normalise
from nightschool.trust import ORDER, entitled, rank
from nightschool.types import Episode, Finding, Memory, SourceKind, digest

SAID = (SourceKind.CONVERSATION, SourceKind.STATEMENT)
"""What people say: the same thing said in another conversation replaces what was said before."""


def is_news(finding: Finding, known: Sequence[Memory]) -> bool:
    """Tell whether a finding adds something to the live memories about the same thing.

    It does not if one of at least its trust says the same, nor if the owner has corrected or approved
    the line of a note from which it is read.
    """
    for memory in known:
        same = normalise(memory.text) == normalise(finding.text)
        if same and rank(memory) <= ORDER.index(finding.trust):
            return False
        if memory.source_kind is SourceKind.NOTE and not entitled(finding.trust, memory):
            return False
    return True


def said_again(episode: Episode) -> Episode:
    """Tell a statement apart from the same one that was said before, and has been taken back since."""
    return replace(episode, digest=digest(episode.digest, episode.id))


def may_vanish(memory: Memory) -> bool:
    """Tell whether a memory goes when its source does not hold it any more; the owner's stay."""
    return memory.source_kind is not SourceKind.NOTE or rank(memory) > 0
