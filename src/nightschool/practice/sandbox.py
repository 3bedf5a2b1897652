"""Code that nobody vouches for, run in a process of its own: little time, little memory, no way out.

What holds on Linux with Landlock (5.13) and seccomp, on x86_64 and aarch64, without being root, is all of `GUARDS`:

- `cpu`, `memory`, `sizes`: seconds of the processor, address space, bytes of any one file, open files;
- `files`: it reads the standard library and the system's shared libraries, and writes plain files in one empty folder,
  which is removed afterwards; everything else, /proc too, cannot be opened;
- `network`: no socket of any kind can be made;
- `processes`: no process and no thread is started, no other one is signalled, traced or read.

Always: it is killed, with its whole group, at the end of its time; its output is cut; it gets no environment variables
and no file of ours but its three streams.

Not promised: a kernel without holes; that files elsewhere stay unseen (they cannot be opened, but asked for by name they
tell their size and dates); that one file after another does not fill the folder's disk within the time; that time is fair on a busy machine (`cpu` is the processor's, `wall_s` the clock's); files and network where
the machine does not give the guards (macOS, old kernels, other processors), which `Ran.guards` says each time. There, the
program is still limited and killed, and can read and send what its user can. Windows: refused. Only the
standard library can be imported. What a program prints is what it claims: never let it grade itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from nightschool.errors import SandboxFailed

GUARDS = ("cpu", "memory", "sizes", "files", "network", "processes")
"""What the sandbox can guard, by the names of `Ran.guards`."""
CHILD = Path(__file__).with_name("sandbox_child.py")
CHUNK_BYTES = 65_536
WAIT_S = 0.002
"""Between two looks at a process that has closed its streams."""
Ending = Literal["ended", "failed", "time", "output"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use."""

    wall_s: float = 5.0
    """Seconds of the clock, its start (about 0.05 s) included."""
    cpu_s: int = 2
    """Seconds of the processor."""
    memory_bytes: int = 256 << 20
    """Address space; the interpreter itself takes about 30 MB of it."""
    file_bytes: int = 1 << 20
    """The largest file that it may write."""
    open_files: int = 32
    output_bytes: int = 64 << 10
    """Output above this ends it; of what it says on the error stream so much is kept."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    ending: Ending
    """`ended` by itself, `failed` (an exception, a signal, a limit of memory or processor), out of `time`, or too
    much `output`."""
    code: int
    """Exit code; minus the signal that killed it."""
    output: str
    errors: str
    guards: frozenset[str]
    """Which of `GUARDS` held on this machine."""


def run_python(source: str, given: str = "", limits: Limits = Limits()) -> Ran:
    """Run a Python program to its end or to its limits.

    Args:
        source: The program; only the standard library can be imported.
        given: Its standard input.
        limits: What it may use.

    Raises:
        SandboxFailed: No process can be started, or it did not get as far as the program.
    """
    if os.name != "posix":
        raise SandboxFailed(
            f"Code cannot be run apart on {sys.platform}; expected Linux (or macOS, with fewer guards). Use one of them."
        )
    work = json.dumps({"source": source, "given": given}).encode("utf-8", "surrogatepass")
    bounds = {name: getattr(limits, name) for name in ("cpu_s", "memory_bytes", "file_bytes", "open_files")}  # fmt: skip
    with _folder() as folder, tempfile.TemporaryFile() as stdin:
        stdin.write(work)
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(CHILD), json.dumps(bounds)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={"TMPDIR": folder, "HOME": folder, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxFailed(f"No process can be started for the sandbox: {error}.") from error
        with process:
            late, output, errors = _watched(process, limits)
    return _told(process.returncode, late, output, errors, limits)


@cache
def guards() -> frozenset[str]:
    """Return which of `GUARDS` this machine gives; tried once.

    Raises:
        SandboxFailed: As of `run_python`.
    """
    return run_python("").guards


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """Make an empty folder, and remove it with what the program left there."""
    folder = tempfile.mkdtemp(prefix="practice-")
    try:
        yield folder
    finally:
        # Without the guard of files it may have nested folders until no tool removes them.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)


def _watched(process: subprocess.Popen[bytes], limits: Limits) -> tuple[bool, bytes, bytes]:
    """Read what it says until it ends, is late or says too much; then kill its group, whatever is left of it."""
    until = time.monotonic() + limits.wall_s
    kept: dict[str, bytearray] = {"output": bytearray(), "errors": bytearray()}
    late = False
    # The line with the guards comes before the program's own output.
    most = limits.output_bytes + 200
    try:
        with selectors.DefaultSelector() as selector:
            for name, stream in (("output", process.stdout), ("errors", process.stderr)):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, name)
            while selector.get_map() and len(kept["output"]) <= most and not late:
                for key, _ in selector.select(max(0.0, until - time.monotonic())):
                    _take(selector, key, kept[key.data], most)
                late = time.monotonic() >= until
        while not late and len(kept["output"]) <= most and not _over(process):
            time.sleep(WAIT_S)
            late = time.monotonic() >= until
    finally:
        # Before it is waited for: until then its id, which is the group's, is nobody else's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return late, bytes(kept["output"]), bytes(kept["errors"])


def _take(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, kept: bytearray, most: int
) -> None:
    stream = key.fileobj
    chunk = os.read(key.fd, CHUNK_BYTES)
    if not chunk:
        selector.unregister(stream)
    kept += chunk[: most + 1 - len(kept)]


def _over(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether it has ended, and leave it to be waited for."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _told(code: int, late: bool, output: bytes, errors: bytes, limits: Limits) -> Ran:
    head, found, rest = output.partition(b"\n")
    said = errors[: limits.output_bytes].decode("utf-8", "replace")
    if not found:
        why = f"it took more than {limits.wall_s} s to start" if late else said.strip()[-500:]
        raise SandboxFailed(
            f"The sandbox did not get as far as the program (code {code}): {why}. Look whether this machine is "
            "overloaded, and whether `python -I -S -c 'import ctypes, resource'` works."
        )
    much = len(rest) > limits.output_bytes
    ending: Ending = "output" if much else "time" if late else "failed" if code else "ended"
    text = rest[: limits.output_bytes].decode("utf-8", "replace")
    return Ran(ending, code, text, said, frozenset(json.loads(head)))
