"""Forgetting on purpose: a memory, all that was derived from it, and the versions that know it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nightschool.codec import from_json, from_plain, to_json, to_plain
from nightschool.errors import UnknownMemory
from nightschool.memory.notes import erase_lines
from nightschool.registry.nights import nights
from nightschool.registry.versions import BASE
from nightschool.types import Bank, Material, new_id, now
from nightschool.wire import School
from nightschool.workspace import write_atomic


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
    if not memory_ids:
        raise UnknownMemory("No memory was named. Give the ids of what is to be forgotten.")
    with school.workspace.lock("forgetting"):
        chain = [m for given in memory_ids for m in school.store.lineage(school.memory(given).id)]
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
