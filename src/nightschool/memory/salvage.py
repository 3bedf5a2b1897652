"""What memory files say that a restored database does not know: it comes in again, as proposals.

A rendered line names its memory by id. After a backup was put in place of the database, an id may be
unknown for two reasons: the memory was forgotten, of which the database keeps a tombstone, or it is
newer than the backup. Lines of the second kind are moved to notes, where they wait for approval: the
disk does not tell who wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightschool.errors import WorkspaceCorrupt
from nightschool.memory.pages import RECOVERED, looks_rendered
from nightschool.memory.rendered import LINE, Record, Row, listed, read_record, save_record
from nightschool.memory.vault import FILE_BYTES
from nightschool.workspace import write_atomic

TITLE = "# Recovered: newer than the backup that was restored\n\n"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What one tenant's files held beyond the database."""

    lines: int
    """Moved to notes."""
    rendered: frozenset[str] | None
    """Ids of the memories that were live when the files were last rendered; None where that is not known."""


def salvage(
    folder: Path, known: Callable[[str], bool], forgotten: Callable[[str], bool]
) -> Salvaged:
    """Move the lines of lost memories to notes, and have the next sync read every file and note anew.

    Run again after a kill, it ends the same. The workspace's lock must be held.

    Args:
        folder: One tenant's memory files.
        known: Tells whether the restored database has a memory of this id.
        forgotten: Tells whether a memory was forgotten, or is about to be: it must not come back.

    Raises:
        WorkspaceError: The disk is full.
    """
    rows = _rows(folder)
    count = 0
    for name in rows:
        path = folder / name
        if not path.is_file():
            continue
        raw = path.read_bytes()
        lines = raw.decode("utf-8-sig", "replace").splitlines(keepends=True)
        lost = [x for x in lines if _is_lost(x, known, forgotten)]
        if not lost:
            continue
        _note(folder, name, [re.sub(r"\s*<!-- *mem-\w+ *-->", "", x) for x in lost])
        count += len(lost)
        if raw.decode("utf-8", "ignore").encode() == raw:  # else the next sync says what is wrong
            write_atomic(path, "".join(x for x in lines if x not in lost))
    ids = {i for name, row in rows.items() for i in listed(folder, name, row)}
    whole = bool(rows) and all(row.digest for row in rows.values())
    # Without the stamps of the notes: the database may not know what they say.
    save_record(folder, Record({name: row.unknown() for name, row in rows.items()}))
    return Salvaged(count, frozenset(ids) if whole else None)


def _rows(folder: Path) -> dict[str, Row]:
    """Return the record's rows; where it is lost, a row for each file that holds rendered lines only."""
    with suppress(WorkspaceCorrupt):  # what damaged the database may have damaged it as well
        found = read_record(folder).files
        if found or not folder.is_dir():
            return found
    return {path.name: Row() for path in folder.glob("*.md") if looks_rendered(path)}


def _is_lost(line: str, known: Callable[[str], bool], forgotten: Callable[[str], bool]) -> bool:
    found = LINE.match(line.strip())
    return found is not None and not known(found["id"]) and not forgotten(found["id"])


def _note(folder: Path, name: str, lines: Sequence[str]) -> None:
    """Add lines to a file's note, and to further ones where it would be larger than a note may be."""
    left = list(lines)
    for path in _numbered(folder / f"{RECOVERED}{name}"):
        there = path.read_text("utf-8", errors="replace") if path.exists() else TITLE
        left = [line for line in left if line.strip() not in there.splitlines()]
        room = FILE_BYTES - len(there.encode("utf-8"))
        fitting = 0
        while fitting < len(left) and (room := room - len(left[fitting].encode("utf-8"))) >= 0:
            fitting += 1
        if fitting:
            write_atomic(path, there + "".join(left[:fitting]))
        left = left[fitting:]
        if not left:
            return


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in range(2, 1000):
        yield path.with_name(f"{path.stem}-{number}.md")
