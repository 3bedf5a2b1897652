"""The process that lives a night: started, watched and ended from the server's side.

It is `nightschool consolidate` behind `cli/night_child.py`, in a session of its own so that no Ctrl-C meant for the
server reaches it, and so that its whole group can be killed. Its standard input is a pipe that the server holds open:
when the server dies, however it dies, the pipe closes and the child ends itself. (The kernel's own signal for that,
PR_SET_PDEATHSIG, is tied to the thread that started the child, and Linux's alone.)

The memory limit is kept from here, by what is resident. RLIMIT_AS counts address space, of which torch reserves many
times what it uses (thread arenas, mapped weights, a GPU's whole memory); RLIMIT_DATA counts private reservations the
same way. Either would fail inside of an allocation, where a library rather aborts than says why. Resident memory
is what the machine runs out of, a child above the limit can be named in the error, and killing it loses nothing.
A burst between two looks is not seen; against that the child is the first that the kernel's out-of-memory killer takes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

CHILD = (sys.executable, "-m", "nightschool.cli.night_child")
GRACE_SECONDS = 5.0
"""Between asking a night's process to end and killing it: a step of training may have to end first."""
TAIL_CHUNKS = 16
CHUNK_BYTES = 4096
MESSAGE = re.compile(r"^Error: (.+)$", re.MULTILINE)
LONGEST = 600
"""Characters of an error that are kept."""


def threads_for(wanted: int | None) -> int:
    """Return how many threads a night computes with: what is wanted, else half of the cores that are ours."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or max(1, ours // 2)


class NightProcess:
    """One running night."""

    def __init__(
        self, arguments: Sequence[str], threads: int, command: Sequence[str] = CHILD
    ) -> None:
        """Start it.

        Args:
            arguments: Of `nightschool consolidate`.
            threads: How many it computes with.
            command: What takes the arguments.

        Raises:
            OSError: The machine starts no more processes.
        """
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(os.environ, threads),
            start_new_session=True,
        )
        self.born = _born(self._process.pid)
        self._tail: deque[bytes] = deque(maxlen=TAIL_CHUNKS)
        self._reader = threading.Thread(
            target=_drain, args=(self._process.stderr, self._tail), name="night-stderr", daemon=True
        )
        self._reader.start()

    @property
    def id(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended: its exit code, minus the signal that killed it; None while it runs."""
        return self._process.poll()

    def resident_bytes(self) -> int:
        """Return the memory that it and its own children hold, in bytes; 0 where it is gone.

        Pages that they share (the files of weights) are counted for each of them.
        """
        total = 0
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(self.id)
            for process in (own, *own.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """End it: asked first, then killed with all that it started. What it has stored stays."""
        if self.code is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self._signal(signal.SIGKILL)  # also what is left of a group whose first process is gone
        with contextlib.suppress(subprocess.TimeoutExpired):  # a process may hang in the kernel
            self._process.wait(grace_seconds)

    def said(self) -> str:
        """Return the error that it ended with; empty where it said none of ours.

        Only lines that the program words itself are taken: a traceback, or a note about an edited memory, may quote
        what somebody said.
        """
        self._reader.join(1.0)
        text = b"".join(self._tail).decode("utf-8", "replace")
        found = MESSAGE.findall(text)
        return str(found[-1])[:LONGEST] if found else ""

    def close(self) -> None:
        """Let go of its pipes, once it has ended."""
        for pipe in (self._process.stdin, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.id, number)


class Holding:
    """A lock that one process holds for as long as it wants or lives; who comes second does not wait."""

    def __init__(self, path: Path) -> None:
        """Name the lock's file; nothing is taken."""
        self._path = path
        self._handle: IO[str] | None = None

    def take(self) -> bool:
        """Take it, and tell whether it is ours now."""
        if self._handle is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = self._path.open("a+")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.close()
                return False
            self._handle = handle
        return True

    def release(self) -> None:
        """Let go of it; nothing happens where it is not ours."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def night_arguments(
    root: Path,
    tenant: str,
    events: Path,
    chosen: Mapping[str, str | None],
    overrides: Sequence[str],
) -> list[str]:
    """Return the arguments of `nightschool consolidate` for a tenant's night.

    Args:
        root: The workspace's folder.
        tenant: Whose night.
        events: Where its events go.
        chosen: Options by name; those that are None are left out.
        overrides: Settings as in `--set`.
    """
    return [
        *("--workspace", str(root.resolve()), "--tenant", tenant, "--json"),
        *("--events", str(events.resolve())),
        *(word for name, value in chosen.items() if value for word in (f"--{name}", value)),
        *(word for override in overrides for word in ("--set", override)),
    ]


def end_leftover(process: tuple[int, float]) -> None:
    """Kill a night's process of a server that is gone, where it still runs.

    Args:
        process: Its id and when it was born; another process that has its id by now is left alone.
    """
    number, born = process
    if abs(_born(number) - born) > 1.0:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)
    until = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < until and abs(_born(number) - born) <= 1.0:
        time.sleep(0.02)


def _born(number: int) -> float:
    """Return when a process was born, in seconds since the epoch; 0 where there is none, or a dead one."""
    try:
        process = psutil.Process(number)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return 0.0


def _environment(ours: Mapping[str, str], threads: int) -> dict[str, str]:
    """Return the child's environment: our own, with few threads that sleep while they wait for one another."""
    number = str(threads)
    return {
        **ours,
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _drain(pipe: IO[bytes] | None, tail: deque[bytes]) -> None:
    """Take what a child says, so that it never waits for a reader, and keep the end of it."""
    with contextlib.suppress(OSError, ValueError):
        while pipe and (chunk := os.read(pipe.fileno(), CHUNK_BYTES)):
            tail.append(chunk)
