"""Forgetting on purpose: a memory, all that was derived from it, and the versions that know it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from nightschool.codec import from_json, from_plain, to_json
from nightschool.course import choose as choose_course
from nightschool.errors import ConfigError, UnknownMemory
from nightschool.language import normalise
from nightschool.memory.erasure import tombstone
from nightschool.memory.notes import erase_lines
from nightschool.probes import Probe, compared, measure, targets
from nightschool.registry.nights import nights, scrub
from nightschool.registry.versions import BASE
from nightschool.trust import trainable
from nightschool.types import Material, Memory, now
from nightschool.wire import School
from nightschool.workspace import read_json, write_atomic


@dataclass(frozen=True, slots=True)
class Cost:
    """What forgetting some memories would take along."""

    memories: tuple[Memory, ...]
    """They, and what they had superseded."""
    tainted: tuple[str, ...]
    """Versions whose weights would be deleted."""
    live_before: str
    live_after: str
    next_night: int
    """Memories that are new to the version that the next night would start from; after a rebuild's start, all."""
    minutes: float | None
    """What the last night took, as the estimate of the next; None before the first."""


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
        query: Words that all stand in the memory, in any order; parts of words do not count.
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
    return [
        m
        for m in found
        if words <= set(normalise(m.text).split())
        and (source is None or m.source == source or m.source.startswith((f"{source.rstrip('/')}/", f"{source}#")))
        and (limit is None or _stored_before(m, limit))
    ]  # fmt: skip


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
        return Cost(tuple(every), tuple(v.id for v in versions), live, BASE, 0, minutes)
    chain = _chain(school, memory_ids)
    ids = {memory.id for memory in chain}
    gone: set[str] = set()
    for version in versions:
        if version.tainted_by or ids & set(version.memory_ids) or version.parent in gone:
            gone.add(version.id)
    new = tuple(v.id for v in versions if v.id in gone and not v.tainted_by)
    live = school.registry.alias(school.settings.tenant, "live")
    after = school.registry.fallback(school.settings.tenant, gone) if live in gone else live
    left = [m for m in school.store.memories(tenant) if trainable(m) and m.id not in ids]
    course = choose_course(school, left, None, after)
    unknown = sum(m.id not in course.known for m in left)
    return Cost(tuple(chain), new, live, after, unknown, minutes)


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


def _chain(school: School, memory_ids: Sequence[str]) -> list[Memory]:
    if not memory_ids:
        raise UnknownMemory("No memory was named. Give the ids of what is to be forgotten.")
    chain = [m for given in memory_ids for m in school.store.lineage(school.memory(given).id)]
    return list({memory.id: memory for memory in chain}.values())


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a deletion removed; it carries no forgotten text."""

    tombstones: tuple[str, ...]
    """One for the memory and each that it had superseded."""
    exam_items: int
    examples: int
    """Study examples erased from the nights' files."""
    tainted: tuple[str, ...]
    """Versions trained on it, and on from those: their weights are deleted."""
    live_before: str
    live_after: str
    at: str
    seconds: float = 0.0
    """How long the deletion took, without the probes."""
    resumed: bool = False
    """Whether it was killed before: then the counts are of what the second run still found."""
    probes: tuple[Probe, ...] | None = None
    """What the versions served before and after say of it; None where they were not asked."""


@dataclass(frozen=True, slots=True)
class _Deletion:
    """What is being erased, by ids: on disk from the first step to the last, so that a killed one is finished."""

    memory_ids: tuple[str, ...]
    whole_tenant: bool
    version_ids: tuple[str, ...]
    """Versions whose weights go, that of an unfinished night among them."""
    live_before: str


class _Erased(NamedTuple):
    exam_items: int
    examples: int
    versions: list[str]
    tombstones: list[str]


def forget(school: School, memory_ids: Sequence[str], *, probes: int = 0) -> Receipt:
    """Erase memories everywhere, with the weights of every version that was trained on them.

    An unfinished night is discarded with its checkpoints: its files hold the text. The next night trains
    without it.

    Args:
        school: The wired workspace.
        memory_ids: What is to be forgotten; what they had superseded goes along.
        probes: Ask the models for at most so many of them, before and after; this loads the models.

    Raises:
        UnknownMemory: An id is not known, or none was given; then nothing is erased.
        WorkspaceLocked: Another process holds the workspace.
    """
    with (
        school.workspace.lock("forgetting"),
        school.workspace.lock_memory("forgetting"),
    ):
        _finish(school)
        chain = _chain(school, memory_ids)
        return _forget(school, chain, False, probes)


def forget_all(school: School, *, probes: int = 0) -> Receipt:
    """Erase all that belongs to the school's tenant: records, files, nights, versions, exams and reports.

    Args:
        school: The wired workspace.
        probes: Ask the models for at most so many memories, before and after.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    with (
        school.workspace.lock("forgetting"),
        school.workspace.lock_memory("forgetting"),
    ):
        _finish(school)
        chain = school.store.memories(school.settings.tenant, include_retired=True)
        return _forget(school, chain, True, probes)


def unfinished(school: School) -> bool:
    """Tell whether a deletion of this tenant was killed."""
    return _journal(school).exists()


def finish(school: School) -> None:
    """Bring a killed deletion to its end.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    with (
        school.workspace.lock("forgetting"),
        school.workspace.lock_memory("forgetting"),
    ):
        _finish(school)


def _journal(school: School) -> Path:
    return school.workspace.root / f".forgetting-{school.settings.tenant}.json"


def _finish(school: School) -> None:
    if unfinished(school):
        plain = read_json(_journal(school))
        _carry_out(school, from_plain(_Deletion, plain), resumed=True)


def _forget(school: School, chain: Sequence[Memory], whole: bool, probes: int) -> Receipt:
    tenant = school.settings.tenant
    live = school.registry.alias(tenant, "live")
    asked = targets(school, chain, probes)
    before = measure(school, live, asked) if probes else []
    versions = [v.id for v in school.registry.versions(tenant)] if whole else []
    versions += [
        night.stored("version.txt") or ""
        for night in nights(school.workspace, tenant)
        if night.outcome is None or whole
    ]
    deletion = _Deletion(
        tuple(memory.id for memory in chain), whole, tuple(sorted({*versions} - {""})), live
    )
    write_atomic(_journal(school), to_json(deletion))
    receipt = _carry_out(school, deletion, resumed=False)
    if not probes:
        return receipt
    after = measure(school, receipt.live_after, asked) if receipt.live_after != live else before
    base = measure(school, BASE, asked) if receipt.live_after != BASE else after
    receipt = replace(receipt, probes=compared(asked, before, after, base))
    _write(school, receipt)
    return receipt


def _carry_out(school: School, deletion: _Deletion, *, resumed: bool) -> Receipt:
    """Erase step by step; each step may find its work done, and the records go last but the rendered files."""
    begun = time.monotonic()
    erase = _erase_tenant if deletion.whole_tenant else _erase_memories
    erased = erase(school, deletion)
    receipt = Receipt(
        tuple(dict.fromkeys([*map(tombstone, deletion.memory_ids), *erased.tombstones])),
        erased.exam_items,
        erased.examples,
        tuple(erased.versions),
        deletion.live_before,
        school.registry.alias(school.settings.tenant, "live"),
        now(),
        round(time.monotonic() - begun, 3),
        resumed,
    )
    _write(school, receipt)
    _journal(school).unlink()
    return receipt


def _write(school: School, receipt: Receipt) -> None:
    name = receipt.tombstones[0] if receipt.tombstones else f"none-{receipt.at.replace(':', '')}"
    text = json.dumps(asdict(receipt), indent=1) + "\n"
    write_atomic(school.workspace.reports / f"receipt-{name}.json", text)


def _erase_memories(school: School, deletion: _Deletion) -> _Erased:
    """Erase memories, with the weights and the study material that hold them."""
    tenant, registry = school.settings.tenant, school.registry
    known = school.store.memories(tenant, include_retired=True)
    ids = set(deletion.memory_ids)
    left = [memory for memory in known if memory.id in ids]
    erase_lines(school.vault(), left)
    # Checkpoints before the night that names them.
    registry.taint(ids, map(tombstone, deletion.memory_ids))
    tainted = [v.id for v in registry.versions(tenant) if v.tainted_by]
    # A kill from here on leaves no version served that knows it, and files that are looked into again.
    school.expect_changes()
    while registry.alias(tenant, "live") in tainted:
        registry.rollback(tenant, "forget")
    clean = {v.id for v in registry.versions(tenant) if not v.tainted_by}
    registry.erase_weights([*tainted, *(v for v in deletion.version_ids if v not in clean)])
    items = school.exams.remove_items(ids, tainted)
    examples = scrub(school.workspace, tenant, ids, tainted)
    tombstones = school.store.remove([memory.id for memory in left])
    school.sync_files()
    marks = set(map(tombstone, deletion.memory_ids))
    gone = [v.id for v in registry.versions(tenant) if marks & set(v.tainted_by)]
    return _Erased(items, examples, gone, tombstones)


def _erase_tenant(school: School, deletion: _Deletion) -> _Erased:
    """Erase all that is a tenant's; its aliases go first, so that nothing of it is served."""
    tenant, workspace = school.settings.tenant, school.workspace
    items = school.exams.remove_tenant(tenant)
    school.registry.remove_tenant(tenant)
    school.registry.erase_weights(deletion.version_ids)
    stored = [night.stored("material.json") for night in nights(workspace, tenant)]
    examples = sum(len(from_json(Material, body).examples) for body in stored if body)
    tombstones = school.store.remove_tenant(tenant)
    for room in (workspace.memories, workspace.nights, workspace.reports):
        if (room / tenant).is_symlink():
            (room / tenant).unlink()  # what it points to is not the workspace's
        elif (room / tenant).exists():
            shutil.rmtree(room / tenant)
    return _Erased(items, examples, list(deletion.version_ids), tombstones)
