"""Forgetting on purpose: a memory, all that was derived from it, and the versions that know it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from nightschool.codec import from_json, from_plain, to_json, to_plain
from nightschool.errors import ConfigError, UnknownMemory
from nightschool.language import normalise
from nightschool.memory.notes import erase_lines
from nightschool.registry.nights import nights
from nightschool.registry.versions import BASE
from nightschool.types import Bank, Material, Memory, new_id, now
from nightschool.wire import School
from nightschool.workspace import write_atomic


@dataclass(frozen=True, slots=True)
class Cost:
    """What forgetting some memories would take along."""

    memories: tuple[Memory, ...]
    """They, and what they had superseded."""
    tainted: tuple[str, ...]
    """Versions that would not be served any more."""
    live_before: str
    live_after: str


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


def cost(school: School, memory_ids: Sequence[str]) -> Cost:
    """Tell what `forget` would erase and which versions would go, without doing it.

    Raises:
        UnknownMemory: An id is not known, or none was given.
    """
    chain = _chain(school, memory_ids)
    ids = {memory.id for memory in chain}
    versions = school.registry.versions(school.settings.tenant)
    gone: set[str] = set()
    for version in versions:
        if version.tainted_by or ids & set(version.memory_ids) or version.parent in gone:
            gone.add(version.id)
    new = tuple(v.id for v in versions if v.id in gone and not v.tainted_by)
    live = school.registry.alias(school.settings.tenant, "live")
    after = school.registry.fallback(school.settings.tenant, gone) if live in gone else live
    return Cost(tuple(chain), new, live, after)


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
    """Versions trained on it: not served, promoted or rolled back to any more."""
    live_before: str
    live_after: str
    at: str


def forget(school: School, memory_ids: Sequence[str]) -> Receipt:
    """Erase memories everywhere, and stop serving every version that was trained on them.

    An unfinished night is discarded: its files hold the text. The next night trains without it.

    Raises:
        UnknownMemory: An id is not known, or none was given; then nothing is erased.
        WorkspaceLocked: Another process holds the workspace.
    """
    tenant = school.settings.tenant
    with school.workspace.lock("forgetting"):
        chain = _chain(school, memory_ids)
        ids = {memory.id for memory in chain}
        erase_lines(school.vault(), chain)
        items = school.exams.remove_items(ids)
        examples = _scrub_nights(school, ids)
        live_before = school.registry.alias(tenant, "live")
        # A kill from here on leaves no version served that knows it, and files that are looked into again.
        school.expect_changes()
        tainted = [v.id for v in school.registry.taint(ids, [new_id("gone") for _ in ids])]
        while school.registry.alias(tenant, "live") in tainted:
            school.registry.rollback(tenant, "forget")
        tombstones = school.store.remove(memory_ids)
        school.sync_files()
        receipt = Receipt(
            tuple(tombstones),
            items,
            examples,
            tuple(tainted),
            live_before,
            school.registry.alias(tenant, "live") or BASE,
            now(),
        )
        name = f"receipt-{tombstones[0]}.json"
        write_atomic(school.workspace.reports / name, json.dumps(asdict(receipt), indent=1) + "\n")
    return receipt


def _scrub_nights(school: School, ids: set[str]) -> int:
    """Erase the memories from the files of finished nights, and discard the unfinished one."""
    erased = 0
    for night in nights(school.workspace, school.settings.tenant):
        if night.outcome is None:
            night.discard()
            continue
        gone_items = set()
        stored = night.stored("banks.json")
        if stored is not None:
            banks = [from_plain(Bank, plain) for plain in json.loads(stored)]
            gone_items = {i.id for b in banks for i in b.items if ids & set(i.memory_ids)}
            kept = [
                {**to_plain(b), "items": [to_plain(i) for i in b.items if i.id not in gone_items]}
                for b in banks
            ]
            write_atomic(night.folder / "banks.json", json.dumps(kept))
        stored = night.stored("material.json")
        if stored is not None:
            material = from_json(Material, stored)
            left = tuple(e for e in material.examples if not ids & set(e.memory_ids))
            erased += len(material.examples) - len(left)
            clean = Material(left, material.dropped, tuple(set(material.uncovered) - ids))
            write_atomic(night.folder / "material.json", to_json(clean))
        for path in night.folder.glob("report-*.json"):
            plain = json.loads(path.read_text("utf-8"))
            plain["results"] = [r for r in plain["results"] if r["item_id"] not in gone_items]
            write_atomic(path, json.dumps(plain))
    for page in (school.workspace.reports / school.settings.tenant).glob("night-*"):
        page.unlink()  # rendered pages may quote it; `nightschool report` renders them anew
    return erased
