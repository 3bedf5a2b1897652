"""How surprising what was told is to the version that was told it: the mean negative log-likelihood of a token."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from nightschool.protocols import Sampler
from nightschool.types import Memory, SourceKind
from nightschool.wire import School


def surprise_since(school: School) -> None:
    """Tell of what was stated in conversations since the last night how surprising it is to the version that lived it.

    A service answers through an engine of its own, and has nothing to score with: the night does it, before it trains.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    told = (SourceKind.CONVERSATION, SourceKind.STATEMENT)
    live = school.store.memories(school.settings.tenant)
    unknown = [
        m for m in live if m.surprise is None and m.learnt_in is None and m.source_kind in told
    ]
    if unknown:
        tell_surprise(school, school.sampler("live"), unknown)


def tell_surprise(school: School, model: Sampler, memories: Sequence[Memory]) -> None:
    """Keep the mean negative log-likelihood of each memory's text, in nats a token."""
    if not memories:
        return
    scores = model.score([((), memory.text) for memory in memories])
    school.store.surprised({m.id: -mean(s) for m, s in zip(memories, scores, strict=True) if s})
