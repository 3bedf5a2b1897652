"""Erasing memories from the database: records, history, index, and the text of the episodes they stand in."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from nightschool.codec import from_json, to_json
from nightschool.language import hint, normalise, tells, wording
from nightschool.memory.passages import Passages
from nightschool.memory.recall import Index
from nightschool.memory.surroundings import around
from nightschool.memory.telling import own_words, telling
from nightschool.types import Episode, Memory, MemoryStatus, SourceKind, Span, now


def tombstone(memory_id: str) -> str:
    """Return the tombstone of a memory: as random as its id, and the same in store, versions and receipts."""
    return f"gone-{memory_id.removeprefix('mem-')}"


def buried(connection: sqlite3.Connection, tombstones: Iterable[str]) -> int:
    """Count those of some tombstones that stand: memories that were forgotten."""
    found = [
        connection.execute("SELECT 1 FROM tombstones WHERE id = ?", (name,)).fetchone()
        for name in set(tombstones)
    ]
    return len([row for row in found if row])


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
        tombstones.append(_bury(connection, memory.id, memory.tenant))
    _blank_answers(connection, memories)  # while questions still stand that state what is forgotten
    for memory in memories:  # before any episode goes: the others are found by its text
        _blank_in_others(connection, memory)
    for memory in memories:
        _blank_in_own(connection, memory)
    return tombstones


def erase_tenant(connection: sqlite3.Connection, tenant: str) -> list[str]:
    """Erase all memories and episodes of a tenant, inside of the caller's transaction.

    Returns:
        A tombstone id for each erased record; it carries no content.
    """
    rows = connection.execute("SELECT id FROM memories WHERE tenant = ?", (tenant,)).fetchall()
    tombstones = [_bury(connection, row["id"], tenant) for row in rows]
    for statement in (
        "DELETE FROM history WHERE memory_id IN (SELECT id FROM memories WHERE tenant = ?)",
        "DELETE FROM recall WHERE rowid IN (SELECT slot FROM memories WHERE tenant = ?)",
        "DELETE FROM said WHERE rowid IN (SELECT slot FROM passages WHERE episode_id IN "
        "(SELECT id FROM episodes WHERE tenant = ?))",
        "DELETE FROM passages WHERE episode_id IN (SELECT id FROM episodes WHERE tenant = ?)",
        "DELETE FROM memories WHERE tenant = ?",
        "DELETE FROM episodes WHERE tenant = ?",
    ):
        connection.execute(statement, (tenant,))
    return tombstones


def _bury(connection: sqlite3.Connection, memory_id: str, tenant: str) -> str:
    name = tombstone(memory_id)
    connection.execute("INSERT INTO tombstones VALUES (?, ?, ?)", (name, tenant, now()))
    return name


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
    """Blank the same words in the tenant's other episodes: the source was read again, or it was said twice.

    They are those of the memory and those that it was read from: a corrected one has other words by now.
    What another memory stands on in another source is that memory's, and stays.
    """
    own = _episode(connection, memory.episode_id)
    for text in dict.fromkeys((_in(own.text, memory.span) if own else "", memory.text)):
        said = wording(text)
        if said is None:
            continue
        rows = connection.execute(
            "SELECT body FROM episodes WHERE tenant = ? AND id != ? AND body LIKE ?",
            (memory.tenant, memory.episode_id, f"%{hint(text)}%"),
        ).fetchall()
        for row in rows:
            other = from_json(Episode, row["body"])
            if other.source != memory.source and not tells(" ".join(re.findall(r"\w+", text))):
                continue  # "Yes." elsewhere is another yes
            kept = [] if other.source == memory.source else _stood_on(connection, other)
            _blank_said(connection, other, said, kept)


def _blank_said(
    connection: sqlite3.Connection, episode: Episode, said: re.Pattern[str], kept: Sequence[Memory]
) -> None:
    """Blank some words in an episode, but where one of the kept memories needs them."""
    spans = [Span(found.start(), found.end()) for found in said.finditer(episode.text)]
    spans = [
        span for span in spans if not any(_needed(episode, span, m.span, m.text) for m in kept)
    ]
    for span in spans:
        episode = _blanked(episode, span)
    if spans:
        _rewrite(connection, episode)


def _needed(episode: Episode, gone: Span, kept: Span | None, text: str) -> bool:
    """Tell whether a memory stands on what is to go, and is not said by the rest of what it was read from."""
    if kept is None or gone.end <= kept.start or kept.end <= gone.start:
        return False
    rest = f"{episode.text[kept.start : gone.start]} {episode.text[gone.end : kept.end]}"
    own = wording(text)
    return own is None or own.search(rest) is None


def _blank_answers(connection: sqlite3.Connection, memories: Sequence[Memory]) -> None:
    """Blank what a model answered from the memories, in whichever conversation."""
    for tenant in {memory.tenant for memory in memories}:
        theirs = [memory for memory in memories if memory.tenant == tenant]
        texts = connection.execute(
            "SELECT json_extract(body, '$.text') AS text FROM memories WHERE tenant = ?", (tenant,)
        )
        own = own_words(theirs, (row["text"] for row in texts))
        theirs = [memory for memory in theirs if own[memory.id]]
        rows = connection.execute(
            "SELECT body FROM episodes WHERE tenant = ? AND json_extract(body, '$.kind') = ?",
            (tenant, SourceKind.CONVERSATION.value),
        ).fetchall()
        for row in rows if theirs else ():
            episode = from_json(Episode, row["body"])
            spans = telling(episode, theirs, own)
            for span in spans:
                episode = _blanked(episode, span)
            if spans:
                _rewrite(connection, episode)


def _stood_on(connection: sqlite3.Connection, episode: Episode) -> list[Memory]:
    """Return the memories that were read from an episode."""
    rows = connection.execute("SELECT body FROM memories WHERE episode_id = ?", (episode.id,))
    return [from_json(Memory, row["body"]) for row in rows]


def _episode(connection: sqlite3.Connection, episode_id: str) -> Episode | None:
    row = connection.execute("SELECT body FROM episodes WHERE id = ?", (episode_id,)).fetchone()
    return from_json(Episode, row["body"]) if row else None


def _rewrite(connection: sqlite3.Connection, episode: Episode) -> None:
    """Store an episode's new text, and take the old one out from around what else was read from it."""
    rows = connection.execute(
        "SELECT slot, body FROM memories WHERE episode_id = ?", (episode.id,)
    ).fetchall()
    if not rows and not episode.text.strip():
        connection.execute("DELETE FROM episodes WHERE id = ?", (episode.id,))
        Passages(connection).drop(episode.id)
        return
    connection.execute("UPDATE episodes SET body = ? WHERE id = ?", (to_json(episode), episode.id))
    passages, index = Passages(connection), Index(connection, "recall")
    passages.add(episode)
    for row in rows:
        memory = from_json(Memory, row["body"])
        if memory.status is MemoryStatus.RETIRED:
            passages.overrule(episode, memory)
        if row["slot"] is not None:
            index.surround(row["slot"], around(episode, memory.span, memory.speaker))


def _in(text: str, span: Span | None) -> str:
    return text[span.start : span.end] if span else text


def _blanked(episode: Episode, span: Span | None) -> Episode:
    """Overwrite a span, and the turns that it lies in, with blanks of the same length; None means all.

    A title that says the same goes, too: that of a statement is its beginning.
    """
    title, gone = normalise(episode.title), normalise(_in(episode.text, span))
    told = gone and (gone in title or (title in gone and episode.kind is SourceKind.STATEMENT))
    episode = replace(episode, title="" if told else episode.title)
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
