"""What a training run holds of the machine's memory: its peak, and giving back what it holds for nothing."""

from __future__ import annotations

import ctypes
import resource
import sys


def trim() -> None:
    """Let the C library give back the pages that it keeps between living blocks, where it can."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc
        library.malloc_trim(0)


def peak_bytes() -> int:
    """Return the peak resident memory of this process so far, in bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
