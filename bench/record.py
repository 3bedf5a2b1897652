"""The result file of a benchmark: figures with intervals, raw rows, machine, commit.

A row is written to disk as soon as it is measured, so that a bench that is stopped goes on where it
was: `measure` returns a stored row instead of running it again, with the commit and the machine that it was measured at.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nightschool.config import load_settings
from nightschool.train.speed import matmul_bound, precision
from nightschool.workspace import write_atomic


def machine() -> dict[str, Any]:
    """Describe this machine: processor, cores, memory in GB, GPU, and how fast it multiplies matrices.

    Processors of one name differ by a factor of two, with and without bfloat16.
    """
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cpu": cpu,
        "cores": cores(),
        "memory_gb": round(memory, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "precision": str(precision()).removeprefix("torch."),
        "gflops": round(matmul_bound()),
    }


def cores() -> int | None:
    """Count the cores that this process may use, where the system tells; else those that there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count()


def base_name() -> str:
    """Name the model that is measured: the default base, or what `nightschool bench --model` says."""
    return load_settings().model.base


def commit() -> str:
    """Return the revision of the project, with `+` when the tree has changes."""
    here = Path(__file__).parent
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=here, capture_output=True, text=True
    )
    return run.stdout.strip() or "unknown"


def told(machine: dict[str, Any]) -> str:
    """Say in one line what a row was measured on."""
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['precision']} at {machine['gflops']} GFLOP/s"


PROVENANCE = ("command", "commit", "machine")


class Record:
    """One benchmark's result file."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        stored = json.loads(path.read_text("utf-8")) if path.exists() else {}
        self._stored = {name: stored[name] for name in PROVENANCE if name in stored}
        self._before = json.dumps(stored.get("rows"))
        if stored.get("model", base_name()) != base_name():
            sys.exit(
                f"{path} holds rows of {stored['model']}, and this run is of {base_name()}: rows of two "
                "models do not mix. Name another file with --json."
            )
        self.body: dict[str, Any] = {
            "name": name,
            "command": "python " + " ".join(sys.argv),
            "commit": commit(),
            "model": base_name(),
            "machine": machine(),
            "seeds": [],
            "figures": {},
            "rows": stored.get("rows", []),
        }

    def measure(self, key: dict[str, Any], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the row of this very key; run and store it if it is not there yet.

        A row that was measured with a further setting is another one. Rows of before keys were kept tell nothing of that,
        and are taken by what they share with the key.
        """
        for row in self.body["rows"]:
            same = row.get("key", sorted(key)) == sorted(key)
            if same and all(row.get(name) == value for name, value in key.items()):
                return row
        row = {"key": sorted(key), **key, **run(), "commit": commit(), "on": told(self.body["machine"])}  # fmt: skip
        self.body["rows"].append(row)
        self.save()
        return row

    def figure(
        self,
        name: str,
        value: float | None,
        *,
        n: int,
        unit: str,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """State a figure; None means that it was not run."""
        self.body["figures"][name] = {
            "value": value, "low": low, "high": high, "n": n, "unit": unit,
        }  # fmt: skip

    def save(self) -> None:
        """Write the file in one step; where nothing was measured, with the command, commit and machine that it had."""
        measured = json.dumps(self.body["rows"]) != self._before
        body = self.body if measured else {**self.body, **self._stored}
        write_atomic(self.path, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
