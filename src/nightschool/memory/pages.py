"""The memories as Markdown: a file for each page of a source, and an index of them all.

Only pages that changed in the store, or whose files are not as they were written, are read and rendered;
so one more statement costs a page and the index, however much is stored. Files without their database are
made notes. What people change in the files is not covered (`files.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from nightschool.errors import UnknownMemory
from nightschool.memory.rendered import (
    INDEX,
    LINE,
    MARK,
    Record,
    Row,
    Stamp,
    save_record,
    stamp_of,
    text_of,
    write_rendered,
)
from nightschool.memory.vault import ROOT
from nightschool.protocols import Store
from nightschool.trust import displayed, trainable
from nightschool.types import Memory, Page, SourceKind, digest
from nightschool.workspace import write_atomic

INDEX_LINE = re.compile(r"^- \[.*\]\(.*\): (?:\d+|note)$")
RECOVERED = "recovered-"
"""How the name of a rendered file begins whose database was lost."""


class _Content(NamedTuple):
    text: str
    ids: Sequence[str]
    """Of the memories that stand in it, in order."""


def render(
    store: Store,
    folder: Path,
    tenant: str,
    record: Record,
    notes: Mapping[str, Stamp],
    seen: Mapping[str, Stamp],
) -> None:
    """Bring the rendered files in line with the store.

    Args:
        store: The tenant's memories.
        folder: Where the files are.
        tenant: Whose they are.
        record: What was rendered before, as it stands on disk.
        notes: Virtual path -> stamp of the notes that are there.
        seen: Name -> stamp of the files, from before anything of them was read. What somebody saved since
            is not overwritten.

    Raises:
        WorkspaceError: A file cannot be written.
    """
    pages = {file_name(page): page for page in store.pages(tenant)}
    stale = {
        name: _content(store, tenant, page)
        for name, page in pages.items()
        if not _as_rendered(name, page, record, seen)
    }
    shown = [INDEX, *(name for name, content in stale.items() if content.ids)]
    announced = _announce(folder, record, [name for name in shown if name not in record.files])
    rows = {n: row for n, row in record.files.items() if n in pages and n not in stale}
    bare = {n: rev for n, rev in record.bare.items() if n in pages and n not in stale}
    gone = {n: _Content("", ()) for n in record.files if n not in pages and n != INDEX}
    # The last page first: where a file is divided, a line is in its new place before it leaves the old one.
    for name, (text, ids) in [*reversed(stale.items()), *gone.items()]:
        ours = name in record.files
        if (ours or ids) and _saved_since(folder / name, seen):
            rows[name] = record.files.get(name, Row()).unknown()  # the next sync reads it first
        elif ids:
            rows[name] = write_rendered(folder, name, text, ids, pages[name].revision)
        else:
            if ours:
                (folder / name).unlink(missing_ok=True)
            if name in pages:
                bare[name] = pages[name].revision
    if _saved_since(folder / INDEX, seen):
        rows[INDEX] = Row()
    else:
        rows[INDEX] = write_rendered(folder, INDEX, _index(pages, rows, notes), (), None)
    now = Record(rows, dict(notes), bare)
    if now != announced:
        save_record(folder, now)


def recover(store: Store, folder: Path, tenant: str, record: Record) -> Record:
    """Make notes of rendered files of which the store knows no memory: what they say comes in again, as proposals.

    Their database is gone. Only of files that are as they were rendered: what was being forgotten is
    announced as unknown.

    Returns:
        The record without them, as it stands on disk.
    """
    revisions = {file_name(page): page.revision for page in store.pages(tenant)}
    lost = [
        name
        for name, row in record.files.items()
        if row.lines
        and (row.revision is None or row.revision != revisions.get(name))
        and _without_records(store, folder / name, row)
    ]
    for name in lost:
        kept = re.sub(rf"\s*{MARK.pattern}", "", text_of(folder / name))
        write_atomic(folder / f"{RECOVERED}{name}", kept)
        (folder / name).unlink()
    if not lost:
        return record
    files = {name: row for name, row in record.files.items() if name not in lost}
    left = Record(files, record.notes, record.bare)
    save_record(folder, left)
    return left


def file_name(page: Page) -> str:
    """Return the name of a page's file; a source's first page has the source's own."""
    number = "" if page.number == 1 else f"-{page.number}"
    return f"{_stem(page.source)}{number}.md"


def flat(text: str) -> str:
    """Return a text on one line, as it is rendered."""
    return " ".join(text.split())


def ids_in(text: str) -> set[str]:
    """Return the ids of the memories whose marks stand in a file's text."""
    return set(MARK.findall(text))


@lru_cache(maxsize=1024)
def _stem(source: str) -> str:
    word = re.sub(r"[^\w.-]+", "-", source.split("/")[-1]).strip("-.")
    short = word.encode("utf-8")[:60].decode("utf-8", "ignore") or "source"
    return f"{short}-{digest(source)[:8]}"


def _as_rendered(name: str, page: Page, record: Record, seen: Mapping[str, Stamp]) -> bool:
    row = record.files.get(name)
    if row is None:
        return record.bare.get(name) == page.revision
    return row.revision == page.revision and row.stamp == seen.get(name)


def _content(store: Store, tenant: str, page: Page) -> _Content:
    memories = [m for m in store.page(tenant, page.source, page.number) if _is_shown(m)]
    title = f"# {flat(page.source)}" + (f", page {page.number}" if page.number > 1 else "")
    lines = [f"- {flat(displayed(m).text)} <!-- {m.id} -->" for m in memories]
    return _Content("\n".join([title, "", *lines]) + "\n", [m.id for m in memories])


def _is_shown(memory: Memory) -> bool:
    """Tell whether a memory is rendered; what only stands in a note has the note for a file."""
    return memory.source_kind is not SourceKind.NOTE or trainable(memory)


def _index(pages: Mapping[str, Page], rows: Mapping[str, Row], notes: Iterable[str]) -> str:
    """Write a line for each source, with its first and last page, and one for each note."""
    sources: dict[str, list[str]] = {}
    for name, page in pages.items():
        if name in rows and rows[name].lines:
            sources.setdefault(page.source, []).append(name)
    lines = ["# Memories", ""]
    for source, names in sources.items():
        last = f" to [{pages[names[-1]].number}]({names[-1]})" if len(names) > 1 else ""
        count = sum(rows[name].lines for name in names)
        lines.append(f"- [{flat(source)}]({names[0]}){last}: {count}")
    lines += [f"- [{path}]({path.removeprefix(f'{ROOT}/')}): note" for path in sorted(notes)]
    return "\n".join(lines) + "\n"


def _announce(folder: Path, record: Record, names: Collection[str]) -> Record:
    """Say which files will be rendered before they are: a kill must not make notes of them.

    Somebody's own file under such a name is moved aside, and is a note from then on.
    """
    for name in names:
        number = 1
        while (folder / name).exists() and not looks_rendered(folder / name):
            aside = folder / f"{Path(name).stem}-before-{number}.md"
            if not aside.exists():
                os.replace(folder / name, aside)
            number += 1
    if not names:
        return record
    rows = {**record.files, **{name: Row() for name in names}}
    announced = Record(rows, record.notes, record.bare)
    save_record(folder, announced)
    return announced


def looks_rendered(path: Path) -> bool:
    """Tell whether a file holds rendered lines only: the record of it is lost, and nothing is in it to lose."""
    first, *lines = path.read_text("utf-8", errors="replace").splitlines() or [""]
    return first.startswith("# ") and all(
        not x.strip() or LINE.match(x) or INDEX_LINE.match(x) for x in lines
    )


def _saved_since(path: Path, seen: Mapping[str, Stamp]) -> bool:
    return path.name in seen and path.exists() and stamp_of(path) != seen[path.name]


def _without_records(store: Store, path: Path, row: Row) -> bool:
    """Tell whether a file is as it was rendered, and the store knows nothing that stands in it."""
    if not path.is_file():
        return False
    text = text_of(path)
    return digest(text) == row.digest and not any(_is_known(store, i) for i in ids_in(text))


def _is_known(store: Store, memory_id: str) -> bool:
    try:
        store.memory(memory_id)
    except UnknownMemory:
        return False
    return True
