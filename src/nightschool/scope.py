"""What forgetting would reach: which memories are meant, and what goes along with them. Nothing is done here."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from nightschool.codec import from_json
from nightschool.course import choose as choose_course
from nightschool.errors import ConfigError, UnknownMemory
from nightschool.language import normalise
from nightschool.memory.kin import PASSAGE, kin
from nightschool.registry.nights import nights, runs, strays
from nightschool.registry.versions import BASE
from nightschool.trust import trainable
from nightschool.types import Material, Memory, NightKind
from nightschool.wire import School


@dataclass(frozen=True, slots=True)
class Cost:
    """What forgetting some memories would take along."""

    memories: tuple[Memory, ...]
    """They, what says the same once more, and what these had superseded."""
    tainted: tuple[str, ...]
    """Versions whose weights would be deleted; those that a restored database does not know among them."""
    live_before: str
    live_after: str
    next_night: int
    """Memories that are new to the version that the next night would start from; after a rebuild's start, all."""
    minutes: float | None
    """What the last night took, as the estimate of the next; None before the first."""
    exam_items: int
    examples: int
    """Study examples in the files of finished nights."""


def choose(
    school: School,
    *,
    query: str | None = None,
    source: str | None = None,
    before: str | None = None,
) -> list[Memory]:
    """Find what is to be forgotten: the tenant's memories, superseded ones too, that meet every condition.

    Args:
        school: The wired workspace.
        query: Words that all stand in the memory, in any order; parts of words do not count. Of a document's passage
            only the statements that hold them are meant, where one does.
        source: The source, or a folder that it lies in.
        before: An ISO date or time; what is dated earlier. A date means its midnight, UTC; a memory
            whose source gives no ISO date is not meant.

    Raises:
        ConfigError: No condition was given, the query has no word, or `before` is not a date.
    """
    if query is None and source is None and before is None:
        raise ConfigError("Nothing says what to forget. Give ids, --query, --source or --before.")
    words = set(normalise(query or "").split())
    if query is not None and not words:
        raise ConfigError(
            f"--query {query!r} holds no word; expected words that stand in the memory."
        )
    limit = _moment(before) if before is not None else None
    found = school.store.memories(school.settings.tenant, include_retired=True)
    chosen = [
        m
        for m in found
        if words <= set(normalise(m.text).split())
        and (source is None or m.source == source or m.source.startswith((f"{source.rstrip('/')}/", f"{source}#")))
        and (limit is None or _stored_before(m, limit))
    ]  # fmt: skip
    if query is None:
        return chosen
    # A passage goes with the statement that is meant; chosen by itself it would take its other statements along.
    statements = [m for m in chosen if m.form != PASSAGE]
    passages = [m for m in chosen if m.form == PASSAGE]
    spared = {m.id for m in kin(statements, passages)}
    return [m for m in chosen if m.id not in spared]


def cost(school: School, memory_ids: Sequence[str] | None) -> Cost:
    """Tell what `forget` would erase, which versions would go and what the next night redoes; nothing is done.

    Args:
        school: The wired workspace.
        memory_ids: What would be forgotten; None means all of the tenant's (`forget_all`).

    Raises:
        UnknownMemory: An id is not known, or none was given.
    """
    tenant = school.settings.tenant
    versions = school.registry.versions(tenant)
    minutes = _last_minutes(school)
    if memory_ids is None:
        every = school.store.memories(tenant, include_retired=True)
        live = school.registry.alias(tenant, "live")
        hit = _derived(school, None)
        return Cost(tuple(every), tuple(v.id for v in versions), live, BASE, 0, minutes, *hit)
    chain = lineage(school, memory_ids)
    ids = {memory.id for memory in chain}
    gone: set[str] = set()
    for version in versions:
        if version.tainted_by or ids & set(version.memory_ids) or version.parent in gone:
            gone.add(version.id)
    new = (
        *(v.id for v in versions if v.id in gone and not v.tainted_by),
        *stray_versions(school),
    )
    live = school.registry.alias(school.settings.tenant, "live")
    after = school.registry.fallback(school.settings.tenant, gone) if live in gone else live
    left = [m for m in school.store.memories(tenant) if trainable(m) and m.id not in ids]
    # A night that can only go on is refused where nothing is left to go on from; then it would begin anew.
    kind: NightKind | None = "auto" if school.settings.night.kind == "continue" else None
    course = choose_course(school, left, kind, after)
    unknown = sum(m.id not in course.known for m in left)
    return Cost(tuple(chain), new, live, after, unknown, minutes, *_derived(school, ids))


def _derived(school: School, ids: Set[str] | None) -> tuple[int, int]:
    """Count the exam items and the study examples that memories are in; None means all memories."""
    tenant = school.settings.tenant
    items = [item for bank in school.exams.banks(tenant) for item in bank.items]
    stored = [n.stored("material.json") for n in runs(school.workspace, tenant) if n.outcome]
    examples = [e for body in stored if body for e in from_json(Material, body).all]
    named = [[i.memory_ids for i in items], [e.memory_ids for e in examples]]
    hit = [sum(ids is None or not ids.isdisjoint(one) for one in found) for found in named]
    return hit[0], hit[1]


def stray_versions(school: School) -> tuple[str, ...]:
    """Return the versions of nights that the database does not know, since it was restored."""
    tenant = school.settings.tenant
    known = {version.id for version in school.registry.versions(tenant)}
    found = strays(school.workspace, tenant, known)
    return tuple(night.stored("version.txt") or "" for night in found)


def _last_minutes(school: School) -> float | None:
    facts = [n.stored("facts.json") for n in nights(school.workspace, school.settings.tenant)]
    taken = [json.loads(body)["minutes"] for body in facts if body]
    return float(taken[-1]) if taken else None


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise ConfigError(f"--before {given}: expected a date such as 2026-03-31.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stored_before(memory: Memory, limit: datetime) -> bool:
    """Tell whether a memory is older; one whose source dates it in other words is not known to be."""
    try:
        return _moment(memory.at) < limit
    except ConfigError:
        return False


def lineage(school: School, memory_ids: Sequence[str]) -> list[Memory]:
    """Return the named memories, all that say the same once more (`memory/kin.py`), and all that they had superseded.

    Raises:
        UnknownMemory: An id is not known, or none was given.
    """
    if not memory_ids:
        raise UnknownMemory("No memory was named. Give the ids of what is to be forgotten.")
    store, tenant = school.store, school.settings.tenant
    chain = [m for given in memory_ids for m in store.lineage(school.memory(given).id)]
    same = kin(chain, store.memories(tenant, include_retired=True))
    chain += [m for memory in same for m in store.lineage(memory.id)]
    return list({memory.id: memory for memory in chain}.values())
