"""The journal of a night: each step's artifact is written before the next step begins.

A night that was killed is taken up again at its first step without an artifact. A practice run (`practise.py`) is kept
in the same manner, under a name of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from nightschool.codec import from_json, from_plain, to_json, to_plain
from nightschool.registry.records import may_quote, without
from nightschool.types import Bank, Material
from nightschool.workspace import Workspace, write_atomic

NIGHT, PRACTICE = "night", "practice"
"""What makes versions, and how its folders are named: `night-0001`, `practice-0001`."""
IMPORTED = "imported"
"""Stands where a version's night does, if it came from elsewhere (`export.py`)."""
LEDGERS = "closure"
"""Where the ledgers of versions lie, within a tenant's reports (`closure.py`)."""
TAKEN_UP, TRAINING = "taken up", "training"
"""Lines of the journal: a process begins to work on the night; it begins, or goes on, to train."""
DISCARDED = ".discarded-"
"""Stands in the hidden name of a night that is being deleted."""
OWN_WORDS = "attempt"
"""Family of a study example that a version worded itself: it may quote whatever that version knew."""


@dataclass(frozen=True, slots=True)
class Night:
    """One night or practice run of one tenant."""

    id: str
    folder: Path

    def artifact(self, step: str, make: Callable[[], str]) -> str:
        """Return a step's artifact: the stored one, or else what `make` returns, once it is stored."""
        path = self.folder / step
        if not path.exists():
            self.note(f"start {step}")
            write_atomic(path, make())
            self.note(f"done {step}")
        return path.read_text("utf-8")

    def stored(self, step: str) -> str | None:
        """Return a step's artifact; None when the night has not got there."""
        path = self.folder / step
        return path.read_text("utf-8") if path.exists() else None

    def take_back(self, *steps: str) -> None:
        """Delete steps' artifacts, so that they are made anew; a killed call leaves the later of those named."""
        for step in steps:
            if (self.folder / step).exists():
                (self.folder / step).unlink()
                self.note(f"took back {step}")

    def note(self, event: str) -> None:
        """Append a line to the journal, on disk before this returns."""
        with (self.folder / "journal.jsonl").open("a", encoding="utf-8") as journal:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            journal.write(json.dumps({"at": at, "event": event}) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    def take_up(self) -> None:
        """Note that a process begins to work on it."""
        self.note(TAKEN_UP)

    def seconds(self, training: float) -> float:
        """Return how long all processes have worked on it, by the journal.

        What a killed one did after its last line is not known, but for training, which keeps count itself.

        Args:
            training: How long the training took, over all processes.
        """
        noted: list[tuple[datetime, str]] = []
        for line in (self.stored("journal.jsonl") or "").splitlines():
            with suppress(ValueError):  # a power cut may have torn a line
                entry = json.loads(line)
                noted.append((datetime.fromisoformat(entry["at"]), entry["event"]))
        trained = other = 0.0
        for (begun, step), (ended, event) in pairwise(noted):
            gap = 0.0 if event == TAKEN_UP else max(0.0, (ended - begun).total_seconds())
            if step == TRAINING:
                trained += gap
            else:
                other += gap
        return other + max(trained, training)

    @property
    def outcome(self) -> str | None:
        """`promoted` or `refused`; None while the night is not over."""
        return self.stored("outcome.txt")

    def finish(self, outcome: str) -> None:
        """End the night."""
        write_atomic(self.folder / "outcome.txt", outcome)
        self.note(f"finished {outcome}")

    def discard(self) -> None:
        """Delete an unfinished night, if it is there; the next one starts afresh.

        It is moved away first: what a killed call leaves of it is no night, and goes with the next one.
        """
        if self.folder.exists():
            hidden = f".{self.id}{DISCARDED}{secrets.token_hex(4)}"
            shutil.rmtree(self.folder.rename(self.folder.with_name(hidden)))


def _sweep(workspace: Workspace, tenant: str) -> None:
    """Delete what killed calls have left of discarded nights; the caller holds the versions."""
    for left in (workspace.nights / tenant).glob(f".*{DISCARDED}*"):
        shutil.rmtree(left)


def nights(workspace: Workspace, tenant: str) -> list[Night]:
    """List a tenant's nights, oldest first, the unfinished one included."""
    return _listed(workspace, tenant, NIGHT)


def practices(workspace: Workspace, tenant: str) -> list[Night]:
    """List a tenant's practice runs, oldest first, the unfinished one included."""
    return _listed(workspace, tenant, PRACTICE)


def runs(workspace: Workspace, tenant: str) -> list[Night]:
    """List all that made a version, or is about to: the nights, and then the practice runs."""
    return [*nights(workspace, tenant), *practices(workspace, tenant)]


def _listed(workspace: Workspace, tenant: str, kind: str) -> list[Night]:
    folder = workspace.nights / tenant
    found = sorted(folder.glob(f"{kind}-*")) if folder.exists() else []
    return [Night(path.name, path) for path in found]


def strays(workspace: Workspace, tenant: str, known: Collection[str]) -> list[Night]:
    """List the finished nights and practice runs whose version is not among those known: the database is older than they are."""
    finished = [(n.stored("version.txt"), n) for n in runs(workspace, tenant) if n.outcome]
    return [night for version_id, night in finished if version_id and version_id not in known]


def upcoming_night(workspace: Workspace, tenant: str, kind: str = NIGHT) -> Night:
    """Return the tenant's unfinished night (or practice run), or the one after the last; its folder is not made."""
    known = _listed(workspace, tenant, kind)
    if known and known[-1].outcome is None:
        return known[-1]
    number = 1 + (int(known[-1].id.split("-")[1]) if known else 0)
    name = f"{kind}-{number:04d}"
    return Night(name, workspace.nights / tenant / name)


def open_night(workspace: Workspace, tenant: str, kind: str = NIGHT) -> Night:
    """Take up the tenant's unfinished night (or practice run), or begin a new one; the caller holds the versions."""
    _sweep(workspace, tenant)
    night = upcoming_night(workspace, tenant, kind)
    night.folder.mkdir(parents=True, exist_ok=True)
    return night


def scrub(
    workspace: Workspace,
    tenant: str,
    ids: Set[str],
    tainted: Collection[str] = (),
    successors: Collection[str] = (),
) -> int:
    """Erase memories from the files of finished nights and practice runs, and discard what is unfinished.

    Args:
        workspace: Where the nights are.
        tenant: Whose.
        ids: What is forgotten.
        tainted: Versions that were trained on it; their answers may quote it anywhere.
        successors: Memories that stay and had superseded it; see `ExamRecords.remove_items`.

    Returns:
        How many study examples were erased.
    """
    _sweep(workspace, tenant)
    erased = 0
    for night in runs(workspace, tenant):
        if night.outcome is None:
            night.discard()
            continue
        gone_items = set()
        stored = night.stored("banks.json")
        if stored is not None:
            banks = [from_plain(Bank, plain) for plain in json.loads(stored)]
            gone_items = {i.id for b in banks for i in b.items if ids & set(i.memory_ids)}
            kept = [without(bank, ids, set(successors)) for bank in banks]
            write_atomic(night.folder / "banks.json", json.dumps([to_plain(bank) for bank in kept]))
        stored = night.stored("material.json")
        if stored is not None:
            material = from_json(Material, stored)
            reached = night.stored("version.txt") in tainted
            left, review = (
                tuple(
                    e
                    for e in part
                    if not ids & set(e.memory_ids) and not (reached and e.family == OWN_WORDS)
                )
                for part in (material.examples, material.review)
            )
            erased += len(material.all) - len(left) - len(review)
            clean = Material(left, material.dropped, tuple(set(material.uncovered) - ids), review)
            write_atomic(night.folder / "material.json", to_json(clean))
        for path in night.folder.glob("report-*.json"):
            plain = json.loads(path.read_text("utf-8"))
            plain["results"] = [
                {**r, "answer": ""} if may_quote(plain["version_id"], r["mode"], tainted) else r
                for r in plain["results"]
                if r["item_id"] not in gone_items
            ]
            write_atomic(path, json.dumps(plain))
    for page in (workspace.reports / tenant).glob("night-*"):
        page.unlink()  # rendered pages may quote it; `nightschool report` renders them anew
    for version in tainted:  # what they were heard to say may quote it, too
        shutil.rmtree(workspace.reports / tenant / LEDGERS / version, ignore_errors=True)
    return erased
