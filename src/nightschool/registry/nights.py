"""The journal of a night: each step's artifact is written before the next step begins.

A night that was killed is taken up again at its first step without an artifact.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nightschool.types import now
from nightschool.workspace import Workspace, write_atomic


@dataclass(frozen=True, slots=True)
class Night:
    """One night of one tenant."""

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

    def note(self, event: str) -> None:
        """Append a line to the journal, on disk before this returns."""
        with (self.folder / "journal.jsonl").open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({"at": now(), "event": event}) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    @property
    def outcome(self) -> str | None:
        """`promoted` or `refused`; None while the night is not over."""
        return self.stored("outcome.txt")

    def finish(self, outcome: str) -> None:
        """End the night."""
        write_atomic(self.folder / "outcome.txt", outcome)
        self.note(f"finished {outcome}")

    def discard(self) -> None:
        """Delete an unfinished night; the next one starts afresh."""
        shutil.rmtree(self.folder, ignore_errors=True)


def nights(workspace: Workspace, tenant: str) -> list[Night]:
    """List a tenant's nights, oldest first, the unfinished one included."""
    folder = workspace.nights / tenant
    found = sorted(folder.glob("night-*")) if folder.exists() else []
    return [Night(path.name, path) for path in found]


def upcoming_night(workspace: Workspace, tenant: str) -> Night:
    """Return the tenant's unfinished night, or the one after the last; its folder is not made."""
    known = nights(workspace, tenant)
    if known and known[-1].outcome is None:
        return known[-1]
    number = 1 + (int(known[-1].id.split("-")[1]) if known else 0)
    return Night(f"night-{number:04d}", workspace.nights / tenant / f"night-{number:04d}")


def open_night(workspace: Workspace, tenant: str) -> Night:
    """Take up the tenant's unfinished night, or begin a new one."""
    night = upcoming_night(workspace, tenant)
    night.folder.mkdir(parents=True, exist_ok=True)
    return night
