"""Training checkpoints: one folder, replaced atomically, used only by the run that wrote it."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from nightschool.errors import WorkspaceError
from nightschool.workspace import sync_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of one training run on disk."""

    folder: Path

    @property
    def _file(self) -> Path:
        return self.folder / "state.pt"

    def save(self, run: str, state: dict[str, Any]) -> None:
        """Replace the stored state; a kill in between leaves the older one.

        Raises:
            WorkspaceError: The disk is full or the folder cannot be written to.
        """
        temporary = self.folder / "state.pt.new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as handle:
                torch.save({"run": run, **state}, handle)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(temporary, self._file)
            sync_folder(self.folder)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            temporary.unlink(missing_ok=True)
            raise WorkspaceError(
                f"Cannot write the checkpoint {self._file}: {error}. Free some disk space and run "
                "the night again; it resumes."
            ) from error

    def load(self, run: str) -> dict[str, Any] | None:
        """Return the stored state of this very run; None when there is none to resume from, or it is damaged."""
        if not self._file.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self._file, weights_only=True)
            return state if state["run"] == run else None
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, UnpicklingError) as error:
            log.warning(
                "%s is damaged (%s); the training begins anew.", self._file, type(error).__name__
            )
            return None

    def discard(self) -> None:
        """Delete the checkpoint."""
        shutil.rmtree(self.folder, ignore_errors=True)
