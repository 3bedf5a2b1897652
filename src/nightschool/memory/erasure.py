"""Erasing memories from the database: records, history, index, and the text of the episodes they stand in."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from nightschool.codec import from_json, to_json
from nightschool.language import normalise
from nightschool.memory.passages import Passages
from nightschool.memory.recall import Index
from nightschool.memory.surroundings import around
from nightschool.types import Episode, Memory, Span, new_id, now


def erase(connection: sqlite3.Connection, chain: Iterable[Memory]) -> list[str]:
    """Erase memories, and notes in the same words, inside of the caller's transaction.

    Returns:
        A tombstone id for each erased record; it carries no content.
    """
    named = {memory.id: memory for memory in chain}
    memories = [
        *named.values(),
        *(m for m in _noted(connection, named.values()) if m.id not in named),
    ]
    tombstones = []
    for memory in memories:
        for statement in (
            "DELETE FROM recall WHERE rowid = (SELECT slot FROM memories WHERE id = ?)",
            "DELETE FROM memories WHERE id = ?",
            "DELETE FROM history WHERE memory_id = ?",
        ):
            connection.execute(statement, (memory.id,))
        tombstone = new_id("gone")
        connection.execute(
            "INSERT INTO tombstones VALUES (?, ?, ?)", (tombstone, memory.tenant, now())
        )
        tombstones.append(tombstone)
    for memory in memories:  # before any episode goes: the others are found by its text
        _blank_in_others(connection, memory)
    for memory in memories:
        _blank_in_own(connection, memory)
    return tombstones


def _noted(connection: sqlite3.Connection, chain: Iterable[Memory]) -> list[Memory]:
    """Return what notes say in the same words: a note was renamed, or copied."""
    texts = {(memory.tenant, normalise(memory.text)) for memory in chain}
    rows = connection.execute(
        "SELECT body FROM memories WHERE json_extract(body, '$.source_kind') = 'note'"
    )
    notes = [from_json(Memory, row["body"]) for row in rows]
    return [memory for memory in notes if (memory.tenant, normalise(memory.text)) in texts]


def _blank_in_own(connection: sqlite3.Connection, memory: Memory) -> None:
    """Blank what the memory was read from; an episode that nothing else stands on is deleted."""
    episode = _episode(connection, memory.episode_id)
    if episode is None:
        return
    others = connection.execute(
        "SELECT 1 FROM memories WHERE episode_id = ? LIMIT 1", (memory.episode_id,)
    ).fetchone()
    if others is None:
        connection.execute("DELETE FROM episodes WHERE id = ?", (memory.episode_id,))
        Passages(connection).drop(memory.episode_id)
    else:
        _rewrite(connection, _blanked(episode, memory.span))


def _blank_in_others(connection: sqlite3.Connection, memory: Memory) -> None:
    """Blank what was unchanged when the source was read again: it stands in that episode, too."""
    own = _episode(connection, memory.episode_id)
    if own is None or memory.span is None:
        return
    raw = own.text[memory.span.start : memory.span.end]
    rows = connection.execute(
        "SELECT body FROM episodes WHERE tenant = ? AND source = ? AND id != ?",
        (memory.tenant, memory.source, memory.episode_id),
    ).fetchall()
    for row in rows:
        other = from_json(Episode, row["body"])
        for found in re.finditer(re.escape(raw), other.text) if raw.strip() else ():
            other = _blanked(other, Span(found.start(), found.end()))
        _rewrite(connection, other)


def _episode(connection: sqlite3.Connection, episode_id: str) -> Episode | None:
    row = connection.execute("SELECT body FROM episodes WHERE id = ?", (episode_id,)).fetchone()
    return from_json(Episode, row["body"]) if row else None


def _rewrite(connection: sqlite3.Connection, episode: Episode) -> None:
    """Store an episode's new text, and take the old one out from around what else was read from it."""
    connection.execute("UPDATE episodes SET body = ? WHERE id = ?", (to_json(episode), episode.id))
    Passages(connection).add(episode)
    rows = connection.execute(
        "SELECT slot, body FROM memories WHERE episode_id = ? AND slot IS NOT NULL", (episode.id,)
    ).fetchall()
    index = Index(connection, "recall")
    for row in rows:
        memory = from_json(Memory, row["body"])
        index.surround(row["slot"], around(episode, memory.span, memory.speaker))


def _blanked(episode: Episode, span: Span | None) -> Episode:
    """Overwrite a span, and the turns that it lies in, with blanks of the same length; None means all."""
    if span is None:
        return replace(episode, text="", turns=())
    text = episode.text[: span.start] + " " * (span.end - span.start) + episode.text[span.end :]
    turns = tuple(
        replace(turn, text=text[turn.span.start : turn.span.end])
        if turn.span.start < span.end and span.start < turn.span.end
        else turn
        for turn in episode.turns
    )
    return replace(episode, text=text, turns=turns)
