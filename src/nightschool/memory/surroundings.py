"""What stands around a text where it was read: it helps to find the text, and is never shown."""

from __future__ import annotations

import re
from datetime import datetime

from nightschool.types import Episode, SourceKind, Span

HUMAN = "user"
"""The role of what people say."""


def around(episode: Episode, span: Span | None, speaker: str = "") -> str:
    """Return the words that a question may use for a text without their standing in it.

    Who said it, when, in which source, and what was said just before and after: an answer is often
    understood by its question only.
    """
    parts = [speaker, day_in_words(episode.at)]
    if episode.kind is not SourceKind.STATEMENT:
        parts += [" ".join(re.findall(r"[^\W_]+", episode.source)), episode.title]
    parts += _beside(episode, span) if span is not None else []
    return " ".join(filter(None, parts))


def day_in_words(at: str) -> str:
    """Write an ISO date as people ask for it (`8 May 2023`); a date in other words stays as it is."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{moment.day} {moment:%B %Y}"


def _beside(episode: Episode, span: Span) -> list[str]:
    """Return the turns that a span lies in, and those beside them; a document's sentences stand alone.

    Only people's: what an assistant or a tool puts into a conversation must not steer what is found.
    """
    touched = [
        n
        for n, t in enumerate(episode.turns)
        if t.span.start < span.end and span.start < t.span.end
    ]
    near = episode.turns[max(0, touched[0] - 1) : touched[-1] + 2] if touched else ()
    return [turn.text for turn in near if turn.role == HUMAN]
