"""llama.cpp in a process of its own, behind its own HTTP API: the engine that serves on a CPU.

A model that takes the process down takes nothing else along, and what llama.cpp holds in memory is gone with it. Not
covered: starting it again (its owner sees `alive` and makes a new one).
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from nightschool.errors import EngineFailed, ModelCorrupt, UnknownVersion

PARALLEL = 8
"""Sequences decoded together."""
CONTEXT = 2048
"""Tokens of context for each of them."""
SPINS = 2000
"""Turns that a thread waits for another before it sleeps; OpenMP's own are many more. Where two engines run, as at a promotion,
each thread otherwise waits on for one that has no core; with fewer turns an engine that runs alone is slower (`bench/engine_pair.py`)."""
PATIENCE_SECONDS = 5.0
"""How long the process has to end before it is killed."""


class LlamaEngine:
    """A GGUF served on the loopback interface; implements `protocols.Engine`."""

    def __init__(
        self,
        gguf: Path,
        adapters: Mapping[str, Path] | None = None,
        *,
        parallel: int = PARALLEL,
        context: int = CONTEXT,
        threads: int | None = None,
        embedding: bool = False,
    ) -> None:
        """Start the process, and wait until it serves.

        Args:
            gguf: The weights.
            adapters: Version id -> LoRA file; each request chooses one by `model_for`, or none.
            parallel: Sequences decoded together.
            context: Tokens of context for each of them; a longer prompt is refused.
            threads: Of the matrix products; None: OMP_NUM_THREADS, else one for each core that this process may use.
            embedding: Whether it embeds texts, too; that makes answers slower.

        Raises:
            ModelCorrupt: llama.cpp cannot read a file.
            EngineFailed: The process died before it served.
        """
        self._versions = tuple(adapters or {})
        key = secrets.token_urlsafe(32)  # other users of the machine can reach the port, too
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {key}"}
        settings = {
            "gguf": str(gguf),
            "adapters": [str(path) for path in (adapters or {}).values()],
            "parallel": parallel,
            "context": context,
            "threads": threads or _threads(),
            "key": key,
            "embedding": embedding,
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        # A session of its own: Ctrl-C in the terminal is for the server, which closes its engines in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nightschool.models.engine_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            env={"GOMP_SPINCOUNT": str(SPINS), **os.environ},
        )
        self.close = weakref.finalize(self, _end, self._process, self._errors)
        self.address: str = self._served(settings, gguf)

    def _served(self, settings: Mapping[str, Any], gguf: Path) -> str:
        """Hand the settings over, and return the address that comes back."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write((json.dumps(settings) + "\n").encode())
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            said = self._said()
            self.close()
            raise EngineFailed(
                f"llama.cpp died while it loaded {gguf}{said}. Is there enough memory? "
                'If not, use model.engine = "torch", or a smaller base.'
            )
        reply = json.loads(line)
        if "error" in reply:
            said = self._said()
            self.close()
            raise ModelCorrupt(
                f"llama.cpp cannot read {gguf}: {reply['error']}{said}. Delete the file and have it written or "
                "pulled again."
            )
        return str(reply["address"])

    def _said(self) -> str:
        """Return the last line that the process wrote to stderr."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f" ({lines[-1]})" if lines else ""

    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return the fields of a request that choose a version's weights, or `base` for none of the adapters.

        An engine without adapters has one model, whatever it is called.

        Raises:
            UnknownVersion: The engine has adapters, and none of that version.
        """
        if not self._versions:
            return {}
        if version_id != "base" and version_id not in self._versions:
            raise UnknownVersion(
                f"This engine has no adapter of {version_id}. Start one that has it: adapters are read at the start."
            )
        return {
            "lora": [
                {"id": number, "scale": float(version == version_id)}
                for number, version in enumerate(self._versions)
            ]
        }

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return the field that leaves the cache alone; see `protocols.Engine`."""
        return {"cache_prompt": False}


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    """End the process; requests that are under way are cut."""
    assert process.stdin
    assert process.stdout
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    errors.close()


def _threads() -> int:
    """Return how many threads are ours: what OMP_NUM_THREADS says, as in a night beside serving, else one for each core."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
