"""Forgetting on purpose: a memory, all that was derived from it, and the versions that know it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from nightschool.backup import backups, copy_database, erase_backups, replaced
from nightschool.codec import from_json, from_plain, to_json
from nightschool.leftovers import sweep
from nightschool.memory.erasure import tombstone
from nightschool.memory.notes import erase_lines
from nightschool.probes import Probe, compared, measure, targets
from nightschool.registry.jobs import JobRecords
from nightschool.registry.nights import runs, scrub
from nightschool.registry.versions import BASE, DELETION
from nightschool.scope import lineage, stray_versions
from nightschool.types import Material, Memory, now
from nightschool.wire import School
from nightschool.workspace import Workspace, read_json, write_atomic

JOURNAL = ".forgetting-{}.json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a deletion removed; it carries no forgotten text."""

    tombstones: tuple[str, ...]
    """One for the memory and each that it had superseded."""
    exam_items: int
    examples: int
    """Study examples erased from the nights' files."""
    tainted: tuple[str, ...]
    """Versions trained on it, and on from those: their weights are deleted. So are those that a restored
    database does not know: nobody can tell what they know."""
    live_before: str
    live_after: str
    at: str
    backups: int = 0
    """Copies of the database erased; where there was one, a new one was made afterwards."""
    seconds: float = 0.0
    """How long the deletion took, without the probes."""
    resumed: bool = False
    """Whether it was killed before: then the counts are of what the second run still found."""
    probes: tuple[Probe, ...] | None = None
    """What the versions served before and after say of it; None where they were not asked."""
    left: tuple[str, ...] = ()
    """Virtual paths of notes that could not be looked through: the text may still stand in them."""


@dataclass(frozen=True, slots=True)
class _Deletion:
    """What is being erased, by ids: on disk from the first step to the last, so that a killed one is finished."""

    memory_ids: tuple[str, ...]
    whole_tenant: bool
    version_ids: tuple[str, ...]
    """Versions whose weights go, that of an unfinished night among them."""
    live_before: str
    successor_ids: tuple[str, ...] = ()
    """Memories that stay and superseded what goes: their exam questions tell its values from the right ones."""
    stray_ids: tuple[str, ...] = ()
    """Versions of nights that the database does not know: their weights and nights go, too."""
    backups: int = 0
    """Copies of the database when it began."""


class _Erased(NamedTuple):
    exam_items: int
    examples: int
    versions: list[str]
    tombstones: list[str]
    left: tuple[str, ...] = ()


def forget(school: School, memory_ids: Sequence[str], *, probes: int = 0) -> Receipt:
    """Erase memories everywhere, with the weights of every version that was trained on them.

    An unfinished night is discarded with its checkpoints and the version it made, unless that was served: its files
    hold the text. The next night trains without it.

    Args:
        school: The wired workspace.
        memory_ids: What is to be forgotten; what they had superseded goes along.
        probes: Ask the models for at most so many of them, before and after; this loads the models.

    Raises:
        UnknownMemory: An id is not known, or none was given; then nothing is erased.
        WorkspaceLocked: Another process holds the workspace.
    """
    with _alone(school.workspace):
        _finish(school)
        chain = lineage(school, memory_ids)
        return _forget(school, chain, False, probes)


def forget_all(school: School, *, probes: int = 0) -> Receipt:
    """Erase all that belongs to the school's tenant: records, files, nights, versions, exams and reports.

    Args:
        school: The wired workspace.
        probes: Ask the models for at most so many memories, before and after.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    with _alone(school.workspace):
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
    with _alone(school.workspace):
        _finish(school)


def being_forgotten(workspace: Workspace) -> frozenset[str]:
    """Return the memories that killed deletions of any tenant are about to erase."""
    found = [read_json(path) for path in workspace.root.glob(JOURNAL.format("*"))]
    return frozenset(i for plain in found for i in from_plain(_Deletion, plain).memory_ids)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Hold all of a workspace: no night, no change of memory and no backup goes on beside a deletion."""
    with (
        workspace.lock("forgetting"),
        workspace.lock_backups("forgetting"),
        workspace.lock_memory("forgetting"),
    ):
        yield


def _journal(school: School) -> Path:
    return school.workspace.root / JOURNAL.format(school.settings.tenant)


def _finish(school: School) -> None:
    if unfinished(school):
        plain = read_json(_journal(school))
        _carry_out(school, from_plain(_Deletion, plain), resumed=True)


def _forget(school: School, chain: Sequence[Memory], whole: bool, probes: int) -> Receipt:
    tenant = school.settings.tenant
    live = school.registry.alias(tenant, "live")
    own = school.on(school.base_of(live))  # the model that never saw it
    asked = targets(school, chain, probes)
    before = measure(school, live, asked) if probes else []
    versions = [v.id for v in school.registry.versions(tenant)] if whole else []
    versions += [
        night.stored("version.txt") or ""
        for night in runs(school.workspace, tenant)
        if night.outcome is None or whole
    ]
    copies = len(backups(school.workspace)) + len(replaced(school.workspace))
    deletion = _Deletion(
        tuple(memory.id for memory in chain),
        whole,
        tuple(sorted({*versions} - {""})),
        live,
        _successors(school, chain),
        stray_versions(school),
        copies,
    )
    write_atomic(_journal(school), to_json(deletion))
    receipt = _carry_out(school, deletion, resumed=False)
    if not probes:
        return receipt
    after = measure(school, receipt.live_after, asked) if receipt.live_after != live else before
    base = measure(own, BASE, asked) if receipt.live_after != BASE else after
    receipt = replace(receipt, probes=compared(asked, before, after, base))
    _write(school, receipt)
    return receipt


def _successors(school: School, chain: Sequence[Memory]) -> tuple[str, ...]:
    """Return the memories that superseded some, directly or over others, and are not among them."""
    gone = {memory.id for memory in chain}
    known = school.store.memories(school.settings.tenant, include_retired=True)
    newer: dict[str, list[str]] = {}
    for memory in known:
        if memory.supersedes:
            newer.setdefault(memory.supersedes, []).append(memory.id)
    found: set[str] = set()
    left = [*gone]
    while left:
        after = [name for name in newer.get(left.pop(), ()) if name not in found]
        found.update(after)
        left += after
    return tuple(sorted(found - gone))


def _carry_out(school: School, deletion: _Deletion, *, resumed: bool) -> Receipt:
    """Erase step by step; each step may find its work done, and the records go last but files and backups."""
    begun = time.monotonic()
    shutil.rmtree(school.handed_over, ignore_errors=True)  # left by a practice run that was killed
    for room in (school.workspace.nights, school.workspace.reports):
        sweep(room)
    erase = _erase_tenant if deletion.whole_tenant else _erase_memories
    erased = erase(school, deletion)
    # After the records: whatever copy was made before them is found here.
    copies = erase_backups(school.workspace)
    if copies or deletion.backups:
        copy_database(school.workspace)
    receipt = Receipt(
        tuple(dict.fromkeys([*map(tombstone, deletion.memory_ids), *erased.tombstones])),
        erased.exam_items,
        erased.examples,
        tuple(erased.versions),
        deletion.live_before,
        school.registry.alias(school.settings.tenant, "live"),
        now(),
        copies,
        round(time.monotonic() - begun, 3),
        resumed,
        left=erased.left,
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
    unclean = erase_lines(school.vault(), left)
    # Checkpoints before the night that names them.
    registry.taint(ids, map(tombstone, deletion.memory_ids))
    tainted = [v.id for v in registry.versions(tenant) if v.tainted_by]
    # A kill from here on leaves no version served that knows it, and files that are looked into again.
    school.expect_changes()
    while registry.alias(tenant, "live") in tainted:
        registry.rollback(tenant, DELETION, keep_base=True)
    # Nothing goes on with what was trained and never served: its night is discarded.
    dropped = set(deletion.version_ids) - registry.served(tenant)
    registry.erase_weights([*tainted, *dropped])
    for version_id in dropped.difference(tainted):
        registry.withdraw(version_id)
    registry.erase_weights(deletion.stray_ids)
    for night in runs(school.workspace, tenant):
        if night.stored("version.txt") in deletion.stray_ids:
            night.discard()
    items = school.exams.remove_items(ids, tainted, deletion.successor_ids)
    examples = scrub(school.workspace, tenant, ids, tainted, deletion.successor_ids)
    tombstones = school.store.remove([memory.id for memory in left])
    school.sync_files()
    marks = set(map(tombstone, deletion.memory_ids))
    gone = [v.id for v in registry.versions(tenant) if marks & set(v.tainted_by)]
    return _Erased(items, examples, [*gone, *deletion.stray_ids], tombstones, unclean)


def _erase_tenant(school: School, deletion: _Deletion) -> _Erased:
    """Erase all that is a tenant's; its aliases go first, so that nothing of it is served."""
    tenant, workspace = school.settings.tenant, school.workspace
    items = school.exams.remove_tenant(tenant)
    school.registry.remove_tenant(tenant)
    school.registry.erase_weights(deletion.version_ids)
    stored = [night.stored("material.json") for night in runs(workspace, tenant)]
    examples = sum(len(from_json(Material, body).all) for body in stored if body)
    tombstones = school.store.remove_tenant(tenant)
    JobRecords(workspace).remove_tenant(tenant)
    for room in (workspace.memories, workspace.nights, workspace.reports):
        if (room / tenant).is_symlink():
            (room / tenant).unlink()  # what it points to is not the workspace's
        elif (room / tenant).exists():
            shutil.rmtree(room / tenant)
    return _Erased(items, examples, list(deletion.version_ids), tombstones)
