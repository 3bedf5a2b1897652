"""What was rendered into a tenant's folder: it tells an edited file from a stale one, and ours from a note.

`.rendered.json` has a row for each rendered file and each note that was read. Which memories stand in a
file is wanted only when the file was edited, so each has a list of its own, `.rendered/NAME.ids`:
a page that changes costs its own list, not everybody's. The lists hold ids alone, no text.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nightschool.errors import WorkspaceCorrupt
from nightschool.types import digest
from nightschool.workspace import read_json, write_atomic

INDEX = "MEMORY.md"
RENDERED = ".rendered.json"
LISTS = ".rendered"
LAYOUT = 1
"""Raise it with any change of how a page is rendered; then all are rendered anew."""
LINE = re.compile(r"^[-*] +(?P<text>.*?)\s*<!-- *(?P<id>mem-\w+) *-->\s*$")
MARK = re.compile(r"<!--\s*(mem-\w+)\s*-->")
"""The mark of a line that was rendered from a record, wherever an editor has put it."""
SETTLED_SECONDS = 1.0
"""An editor empties a file and writes it afterwards: what was not touched for so long is saved as it was meant."""
PATIENCE_SECONDS = 3.0
"""How long a file is watched that is being saved."""

Stamp = tuple[int, ...]
"""A file's size in bytes and the time of its last change (ns); empty for a file of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rendered file, as it was when it was written last."""

    digest: str = ""
    """Of its text; empty where nobody knows what it holds."""
    stamp: Stamp = ()
    revision: int | None = None
    """The revision of its page in the store; None for the index."""
    lines: int = 0
    """How many memories stand in it."""
    ids: tuple[str, ...] | None = None
    """Their ids, in a row that was written before there were lists; then the file may hold several pages. Else None."""

    def unknown(self) -> Row:
        """Return the row of the same file, of which nobody knows any more what it holds."""
        return replace(self, digest="", stamp=())


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of a folder's files."""

    files: dict[str, Row] = field(default_factory=dict)
    """Name -> a file that we rendered."""
    notes: dict[str, Stamp] = field(default_factory=dict)
    """Virtual path -> stamp of a note, as it was read."""
    bare: dict[str, int] = field(default_factory=dict)
    """Name -> revision of a page that has no file, since nothing of it is shown."""


def read_record(folder: Path) -> Record:
    """Read what was rendered into a folder; nothing, before the first time.

    Raises:
        WorkspaceCorrupt: The record is not what was written.
    """
    path = folder / RENDERED
    if not path.exists():
        return Record()
    found = read_json(path)
    try:
        if not isinstance(found, dict):
            raise TypeError(type(found).__name__)
        same = found.get("layout") == LAYOUT
        files = {name: _row(row, same) for name, row in found["files"].items()}
        notes = {path: tuple(stamp) for path, stamp in found["notes"].items()}
        return Record(files, notes, dict(found.get("bare", {})) if same else {})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WorkspaceCorrupt(
            f"{path} is not what was written. Delete it; the files are read anew."
        ) from error


def save_record(folder: Path, record: Record) -> None:
    """Replace the record, and remove the lists of files that are not in it.

    Raises:
        WorkspaceError: It cannot be written.
    """
    lists = folder / LISTS
    for path in lists.iterdir() if lists.is_dir() else ():
        # Its name may tell of what is forgotten.
        if path.name.removesuffix(".ids") not in record.files:
            path.unlink(missing_ok=True)
    body = {
        "layout": LAYOUT,
        "files": {name: _plain(row) for name, row in record.files.items()},
        "notes": record.notes,
        "bare": record.bare,
    }
    write_atomic(folder / RENDERED, json.dumps(body))


def _row(plain: dict[str, Any], same_layout: bool) -> Row:
    ids = plain.get("ids")
    return Row(
        plain["digest"],
        tuple(plain["stamp"]),
        plain.get("revision") if same_layout else None,
        plain.get("lines", len(ids or ())),
        None if ids is None else tuple(ids),
    )


def _plain(row: Row) -> dict[str, Any]:
    plain = {
        "digest": row.digest,
        "stamp": row.stamp,
        "revision": row.revision,
        "lines": row.lines,
    }
    return plain if row.ids is None else {**plain, "ids": row.ids}


def listed(folder: Path, name: str, row: Row) -> Sequence[str]:
    """Return the ids of the memories that stood in a file when it was rendered."""
    if row.ids is not None:
        return row.ids
    path = folder / LISTS / f"{name}.ids"
    return path.read_text("utf-8").split() if path.is_file() else ()


def write_rendered(
    folder: Path, name: str, text: str, ids: Sequence[str], revision: int | None
) -> Row:
    """Write a file and the list of what stands in it, as far as they are not there already; return its row.

    The list follows the file: killed in between, it names some whose lines we took out ourselves, never one
    whose line is still to come.

    Raises:
        WorkspaceError: One of them cannot be written.
    """
    path = folder / name
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_atomic(path, text)
    if tuple(listed(folder, name, Row())) != tuple(ids):
        write_atomic(folder / LISTS / f"{name}.ids", "\n".join(ids))
    return Row(digest(text), stamp_of(path), revision, len(ids))


def edited_text(folder: Path, name: str, row: Row, current: Stamp | None) -> str | None:
    """Return the text of a rendered file that is not as it was written; None where it is, or is gone.

    It may be half of what an editor is saving (`settled`).

    Args:
        folder: The tenant's.
        name: The file's.
        row: How it was written.
        current: The file's stamp now; None where there is no such file.

    Raises:
        WorkspaceCorrupt: It is not UTF-8 text.
    """
    if current is None or current == row.stamp:
        return None
    try:
        text = text_of(folder / name)
    except FileNotFoundError:  # an editor is just replacing it
        return None
    return None if digest(text) == row.digest else text


def settled(path: Path) -> Stamp | None:
    """Wait until nobody has touched a file for a while; return its stamp, or None where it is still being saved, or gone."""
    until = time.monotonic() + PATIENCE_SECONDS
    stamp: Stamp = ()
    since = time.monotonic()
    while time.monotonic() < until:
        try:
            found = stamp_of(path)
        except FileNotFoundError:
            return None
        if found != stamp:
            stamp, since = found, time.monotonic()
        # Its own time may be of another clock, so what is seen to rest counts as well.
        rested = max(time.time() - stamp[1] / 1e9, time.monotonic() - since)
        if rested >= SETTLED_SECONDS:
            return stamp
        time.sleep(0.02)
    return None


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield a file's lines that hold something: (text, id of its memory), or (line, "") where it has no mark.

    An entry that an editor wrapped is one line again, and entries that it put on one line are several. What
    somebody wrote behind a mark belongs to the text before it.
    """
    text = MARK.sub(r"<!-- \1 -->", text)
    text = re.sub(r"(<!-- mem-\w+ -->)[ \t]*(?=[-*] |[^\n]*<!-- mem-)", r"\1\n", text)
    begun: list[str] = []
    for line in [*map(str.strip, text.splitlines()), ""]:
        found = MARK.search(line)
        opens = re.match(r"[-*] ", line)
        if opens or not line or line.startswith("#"):
            yield from ((one, "") for one in begun)
            begun = []
        if found:
            whole = " ".join([*begun, MARK.sub("", line)])
            yield re.sub(r"^[-*](?: |$)", "", " ".join(whole.split())), found[1]
            begun = []
        elif opens or begun:
            begun.append(line)
        elif line:
            yield line, ""


def stamps(folder: Path) -> dict[str, Stamp]:
    """Return the stamps of a folder's Markdown files; none where there is no folder."""
    found = {}
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".md") and entry.is_file():
                    found[entry.name] = _stamp(entry.stat())
    return found


def stamp_of(path: Path) -> Stamp:
    """Return a file's stamp."""
    return _stamp(path.stat())


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns


def text_of(path: Path) -> str:
    """Return the text of a file that people may have saved with any editor.

    Raises:
        WorkspaceCorrupt: It is not UTF-8 text.
    """
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise WorkspaceCorrupt(
            f"{path} was edited and is not UTF-8 text any more (byte {error.start}). Save it as UTF-8; "
            "nothing of it was overwritten."
        ) from error
