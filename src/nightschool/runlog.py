"""Progress for people: long work shows a bar with the time left, on stderr only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nightschool.protocols import Progress


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for one piece of work; yields the function to report (done, total) to.

    Nothing is shown when `quiet`; without a terminal, a plain line at the start and the end.
    """
    if quiet:
        yield lambda done, total: None
        return
    if not sys.stderr.isatty():
        begun = time.monotonic()
        print(f"{label} ...", file=sys.stderr, flush=True)
        yield lambda done, total: None
        seconds = time.monotonic() - begun
        print(f"{label}: {seconds:.0f} s", file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.completed:>6.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bars:
        task = bars.add_task(label, total=1)

        def report(done: int, total: int) -> None:
            bars.update(task, completed=done, total=max(total, 1))

        yield report
