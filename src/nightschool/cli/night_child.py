"""The process in which a service's night lives: `nightschool consolidate` at the lowest priority, never an orphan.

Started by `night_process.py` only, with the arguments of `consolidate`. Before anything heavy is loaded it steps back in
every queue of the machine: the processor's, the disks', and to the front of the one for the out-of-memory killer. Then it
waits, in a thread, for its standard input to close, which happens when the server dies.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nightschool.aside import NICEST

FIRST_TO_GO = "900"
"""Of 1000; the kernel's score for whom to kill when memory runs out."""


def step_back() -> None:
    """Lower this process's claim on processor, disks and memory, as far as the system lets it.

    The lowest niceness and not the idle class, which is for what only computes (`aside.py`): a night holds the database's lock
    for moments, and in the idle class of a busy machine would hold it for minutes. The disks for the same reason: last of the
    ordinary ones.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICEST)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
    with suppress(Exception):  # not every system has classes of disk access
        import psutil

        psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 7)


def die_with_parent() -> None:
    """Kill this process and what it started once standard input closes; nothing of the night is lost."""

    def wait() -> None:
        with suppress(OSError):
            while os.read(0, 1024):
                pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """End as an exception does, so that half-written temporary files go."""
    raise SystemExit(128 + number)


def main() -> None:
    """Live the night."""
    step_back()
    if os.getpgid(0) == os.getpid():  # otherwise the group is somebody else's
        die_with_parent()
    signal.signal(signal.SIGTERM, leave)
    from nightschool.cli.main import app

    app(["consolidate", *sys.argv[1:]])


if __name__ == "__main__":
    main()
