"""Progress of long work: a bar for people on stderr, and a file of events for whoever follows a night from outside.

Events are JSON lines, one writer at a time. An event's id is the file's length behind it, so that a follower
goes on from any id with one seek, and a half line that a kill left has none. Not covered: how they travel
(`serve/nights.py`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nightschool.protocols import Bar, Progress
from nightschool.types import now

APART_SECONDS = 0.5
"""Progress is written at most so often; losses are, every step."""
BATCH_BYTES = 256 * 1024
"""A follower reads at most so much at once."""


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for one piece of work; yields the function to report (done, total) to.

    Nothing is shown when `quiet`; without a terminal, a plain line at the start and the end.
    """
    if quiet:
        yield _silent
        return
    if not sys.stderr.isatty():
        begun = time.monotonic()
        print(f"{label} ...", file=sys.stderr, flush=True)
        yield _silent
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

        def report(done: int, total: int, loss: float | None = None) -> None:
            bars.update(task, completed=done, total=max(total, 1))

        yield report


def _silent(done: int, total: int, loss: float | None = None) -> None:
    """Report to nobody."""


# -- events -------------------------------------------------------------------------------


class Recorder(Protocol):
    """Keeps how a night goes, beside the bar that people see."""

    def step(self, label: str) -> None:
        """A step of the night begins."""
        ...

    def progress(self, label: str, done: int, total: int, loss: float | None) -> None:
        """A step is at `done` of `total`; `loss` in nats a token where it is a step of training, else None."""
        ...


def recorded(bar: Bar, recorders: Sequence[Recorder]) -> Bar:
    """Return a bar that also tells the recorders."""
    if not recorders:
        return bar

    @contextmanager
    def both(label: str) -> Iterator[Progress]:
        with bar(label) as shown:
            for recorder in recorders:
                recorder.step(label)

            def report(done: int, total: int, loss: float | None = None) -> None:
                shown(done, total, loss)
                for recorder in recorders:
                    recorder.progress(label, done, total, loss)

            yield report

    return both


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a night."""

    id: int
    """Length of the file behind it, in bytes."""
    name: str
    """`step`, `progress`, `loss` or `end`."""
    at: str
    """ISO 8601, UTC."""
    data: dict[str, Any]


class EventLog:
    """The events of one night in a file; implements `Recorder`.

    A line is written by one system call and not forced to disk: some forty microseconds beside a training step of
    a tenth of a second or more, and what a power cut takes is told again by the night that goes on. A disk that is full
    costs events, never the night.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for appending; a half line at its end, left by a kill, is cut off."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._told = 0.0
        with suppress(OSError):
            self._cut(os.fstat(self._file).st_size)

    def step(self, label: str) -> None:
        """Write that a step begins."""
        self._told = 0.0
        self.write("step", {"step": label})

    def progress(self, label: str, done: int, total: int, loss: float | None) -> None:
        """Write every loss, and of other progress what is worth a look."""
        data = {"step": label, "done": done, "total": total}
        if loss is not None:
            self.write("loss", {**data, "loss": round(loss, 4)})
        elif done >= total or time.monotonic() - self._told > APART_SECONDS:
            self._told = time.monotonic()
            self.write("progress", data)

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        """Append an event; one that the disk does not take is left out."""
        line = json.dumps({"event": name, "at": now(), "data": data}) + "\n"
        raw = line.encode("utf-8")
        try:
            written = os.write(self._file, raw)
            if written < len(raw):
                self._cut(os.fstat(self._file).st_size)
        except OSError:
            return

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _cut(self, size: int) -> None:
        """Cut off what stands behind the last whole line."""
        start = size
        while start > 0:
            start = max(0, start - 4096)
            found = os.pread(self._file, min(4096, size - start), start).rfind(b"\n")
            if found >= 0:
                start += found + 1
                break
        if start < size:
            os.ftruncate(self._file, start)


def append_event(path: Path, name: str, data: Mapping[str, Any]) -> None:
    """Append one event to a file that nobody writes at the moment; left out where the disk does not take it."""
    with suppress(OSError), closing(EventLog(path)) as events:
        events.write(name, data)


def read_events(path: Path, after: int = 0) -> list[Event]:
    """Return the next events behind an id, oldest first; empty where there are none yet.

    Args:
        path: The file of an `EventLog`; it may not exist yet.
        after: Id of the last event that is known; what is no event's id means all of them.
    """
    try:
        with path.open("rb") as file:
            if after > 0:
                file.seek(after - 1)
                after = after if file.read(1) == b"\n" else 0
            file.seek(max(0, after))
            raw = file.read(BATCH_BYTES)
    except FileNotFoundError:
        return []
    found, at = [], max(0, after)
    for line in raw[: raw.rfind(b"\n") + 1].splitlines(keepends=True):
        at += len(line)
        plain = json.loads(line)
        found.append(Event(at, plain["event"], plain["at"], plain["data"]))
    return found


def all_events(path: Path) -> Iterator[Event]:
    """Yield every event of a file, oldest first."""
    after = 0
    while batch := read_events(path, after):
        yield from batch
        after = batch[-1].id
