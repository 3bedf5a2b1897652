"""What people and models do to memories: edits in files, tool calls, corrections, approval; and why recall chose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from nightschool.contradictions import Contradictions
from nightschool.errors import SourceMalformed, UnknownMemory, WorkspaceError
from nightschool.language import normalise, visible
from nightschool.memory.files import Edits
from nightschool.memory.holds import MASK, masked
from nightschool.memory.kin import take_out_kin
from nightschool.memory.notes import erase_lines
from nightschool.memory.tool import MemoryTool, ToolResult
from nightschool.prompts import within_budget
from nightschool.trust import displayed, lowest, mark, tier, trainable, waits
from nightschool.types import Episode, Memory, MemoryStatus, Passage, Trust, View
from nightschool.wire import School

SEARCHED = 200
"""So many of the nearest memories are looked through for those that a listing asks for."""

MEMORY_ID = re.compile(r"\bmem-[0-9a-z]+\b")

EXCERPT = 300
"""Characters shown before and after a memory where it was read; secrets are looked for in twice as many."""


def pick_up_edits(school: School) -> Edits:
    """Take in what people edited in the memory files since these were written.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
        WorkspaceCorrupt: An edited file is not UTF-8 text.
    """
    if not school.edited():
        return Edits()
    with school.workspace.lock_memory("taking in edits"):
        return school.sync_files()


def use_memory_tool(
    school: School, tool: MemoryTool, call: Mapping[str, Any], trust: Trust = Trust.USER
) -> ToolResult:
    """Execute a model's memory tool call, and take in what it wrote: as proposals, for recall only.

    Args:
        school: The wired workspace.
        tool: The conversation's tool, from `School.memory_tool`.
        call: The tool call's input.
        trust: The lowest tier of what the model has before it; what it writes inherits that, and is at
            best the user's: a model's words are nobody's approval.
    """
    result = tool.call(call)
    if not result.is_error and call.get("command") != "view":
        path = str(call.get("path") or call.get("new_path")).rstrip("/")
        files = (one for one in tool.vault.files() if one == path or one.startswith(f"{path}/"))
        written = dict.fromkeys(files, lowest(trust, Trust.USER))
        # A file that cannot be read is the owner's to mend; the model's own write is done.
        with suppress(WorkspaceError), school.workspace.lock_memory("the memory tool"):
            school.sync_files(written)
    return result


def tier_of_view(school: School, path: str, text: str) -> Trust:
    """Return the lowest tier of what a file of the memory tool's has told a model.

    Args:
        school: The wired workspace.
        path: Its virtual path.
        text: What was shown of it.
    """
    tenant = school.settings.tenant
    shown = school.store.live_among(tenant, set(MEMORY_ID.findall(text)))
    told = [school.memory(memory_id) for memory_id in shown]
    told += school.store.browse(tenant, source=path, limit=SEARCHED)
    return lowest(Trust.OWNER, *map(tier, told))


def search(school: School, query: str, limit: int) -> list[Memory]:
    """Find the tenant's live memories nearest to a query, best first."""
    return [memory for memory, _ in school.store.recall(school.settings.tenant, query, limit)]


def search_passages(school: School, query: str, limit: int) -> list[Passage]:
    """Find what people said in the tenant's conversations, nearest first, with secrets blotted out."""
    found = school.store.passages(school.settings.tenant, query, limit)
    return [replace(p, text=masked(p.text) or p.text) for p, _ in found]


def correct(school: School, memory_id: str, text: str) -> Memory:
    """Replace a memory's text in the owner's name; the old text stays in the history, and what else says it is taken out.

    Raises:
        SourceMalformed: The text is empty, or it is one that was shown with its secret blotted out.
        UnknownMemory: The tenant has no live memory of this id.
        WorkspaceLocked: Another process holds the workspace.
    """
    text = visible(text)
    if not text.strip():
        raise SourceMalformed("The text is empty. Say what is right, or use `memory reject`.")
    with school.workspace.lock_memory("an edit"):
        old = school.memory(memory_id)
        if old.masked and MASK in text:
            raise SourceMalformed(
                f"The text holds {MASK} where {memory_id} holds a secret, which would be lost. Write the sentence "
                "whole, or without it."
            )
        take_out_kin(school.store, school.settings.tenant, [old], "owner")
        new = school.store.edit(old.id, text, "owner")
        school.sync_files()
    return new


def course_of(school: School, memory_id: str) -> list[Memory]:
    """Return what was said of the same thing over time, newest first, whichever of it is named.

    Raises:
        UnknownMemory: The tenant has no memory of this id.
    """
    found = school.memory(memory_id)
    known = school.store.memories(school.settings.tenant, include_retired=True)
    after = {memory.supersedes: memory for memory in known if memory.supersedes}
    while found.id in after:
        found = after[found.id]
    return school.store.lineage(found.id)


def review(school: School, memory_ids: Sequence[str], *, approve: bool) -> list[Memory]:
    """Approve memories for training, or take them out, with what says the same and from the notes that hold them.

    Raises:
        UnknownMemory: An id is unknown, or its memory is not live; then nothing is changed.
        WorkspaceLocked: Another process holds the workspace.
    """
    with school.workspace.lock_memory("a review"):
        memories = [school.memory(memory_id) for memory_id in dict.fromkeys(memory_ids)]
        closed = [m for m in memories if m.status is not MemoryStatus.LIVE]
        if closed:
            raise UnknownMemory(f"{closed[0].id} is {closed[0].status.value} already.")
        if approve:
            done = [school.store.approve(memory.id, "owner") for memory in memories]
        else:
            same = take_out_kin(school.store, school.settings.tenant, memories, "owner")
            out = {memory.id for memory in same}
            done = [school.store.retire(m.id, "owner") for m in memories if m.id not in out]
            done += same
            erase_lines(school.vault(), memories)
        school.sync_files()
    return done


def conflicts(school: School) -> list[list[Memory]]:
    """Return the groups of live memories that say different things of one thing; see `Contradictions.groups`."""
    return Contradictions().groups(school)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a listing."""

    memories: tuple[Memory, ...]
    next: str | None
    """What to ask for the part after it with; None where this is the last."""


def listing(
    school: School,
    view: View = "all",
    *,
    query: str = "",
    source: str | None = None,
    after: str | None = None,
    limit: int,
) -> Part:
    """List memories, newest first; with a query the best first, and in one part.

    Args:
        school: The wired workspace.
        view: Which.
        query: A question or words. Of `superseded` and `retired` ones, which no index holds, all words must stand
            in the text, and the newest come first.
        source: Only those from this source; None: from any.
        after: `next` of the part before.
        limit: At most so many.

    Raises:
        UnknownMemory: What `after` names has been forgotten since.
    """
    tenant, store = school.settings.tenant, school.store
    if query and view not in ("superseded", "retired"):
        ranked = [memory for memory, _ in store.recall(tenant, query, max(limit, SEARCHED))]
        fitting = [
            m for m in ranked if source in (None, m.source) and (view != "waiting" or waits(m))
        ]
        return Part(tuple(fitting[:limit]), None)
    words = normalise(query).split()
    found = store.browse(tenant, view, source=source, words=words, after=after, limit=limit + 1)
    more = len(found) > limit
    return Part(tuple(found[:limit]), found[limit - 1].id if more else None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memory came from and what became of it, as it may be shown."""

    id: str
    """The episode's; empty where that is forgotten."""
    title: str
    source: str
    excerpt: str
    history: tuple[dict[str, str], ...]
    """What happened to the memory and to those whose place it took, oldest first."""
    held_by: tuple[str, ...]
    """Versions shown to hold it, whose weights are still there."""
    trained: tuple[str, ...]
    """Versions trained on it, whose weights are still there."""


def provenance(school: School, memory: Memory) -> Provenance:
    """Tell where a memory was read, what was done to it, and which versions know it."""
    line = school.store.lineage(memory.id)
    events = [
        {**event, "memory": found.id, "text": displayed(found).text}
        for found in reversed(line)
        for event in school.store.history(found.id)
    ]
    tainted = {v.id for v in school.registry.versions(memory.tenant) if v.tainted_by}
    try:
        episode = school.store.episode(memory.episode_id)
    except UnknownMemory:
        episode = None
    return Provenance(
        id=episode.id if episode else "",
        title=(masked(episode.title) or episode.title) if episode else "",
        source=masked(memory.source) or memory.source,
        excerpt=_excerpt(episode, memory) if episode else "",
        history=tuple(sorted(events, key=lambda event: event["at"])),
        held_by=tuple(name for name in memory.graduated if name not in tainted),
        trained=tuple(school.registry.trained_on(memory.tenant, memory.id)),
    )


def _excerpt(episode: Episode, memory: Memory) -> str:
    """Return the words around a memory in its source; its own alone where a secret stands nearby."""
    own = displayed(memory).text
    if memory.span is None or not episode.text.strip():
        return own
    start, end = max(0, memory.span.start - EXCERPT), memory.span.end + EXCERPT
    wide = episode.text[max(0, start - EXCERPT) : end + EXCERPT]
    if masked(wide) or "PRIVATE KEY" in episode.text:
        return own
    return f"{'... ' if start else ''}{episode.text[start:end].strip()}{' ...' if end < len(episode.text) else ''}"


@dataclass(frozen=True, slots=True)
class Recalled:
    """One memory that fits a question, and what becomes of it."""

    memory: Memory
    score: float
    """From 0 to about 1: the share of the question's weight that it carries."""
    used: bool
    reason: str


def why(school: School, question: str, version: str = "live") -> list[Recalled]:
    """Tell what would be recalled for a question, what would not, and why.

    Raises:
        UnknownVersion: There is no such version.
    """
    settings = school.settings.recall
    found = school.registry.resolve(school.settings.tenant, version)
    version_id = found.id if found else "base"
    rows = []
    ranked = school.store.recall(school.settings.tenant, question, 4 * settings.limit)
    shown = {
        id(m)
        for m in within_budget(
            [m for m, _ in ranked[: settings.limit] if version_id not in m.graduated],
            settings.budget_tokens,
        )
    }
    for place, (memory, score) in enumerate(ranked):
        used = id(memory) in shown
        if version_id in memory.graduated:
            reason = f"{version_id} is shown to know it"
        elif place >= settings.limit:
            reason = f"beyond recall.limit ({settings.limit})"
        elif not used:
            reason = f"beyond recall.budget_tokens ({settings.budget_tokens})"
        else:
            reason = "recalled" if trainable(memory) else f"recalled, not trained: {mark(memory)}"
        rows.append(Recalled(displayed(memory), score, used, reason))
    return rows
