"""The memories as Markdown that people read and edit: an index, and one file for each source.

A line is a memory, with its id in a comment. What a person changes in an editor is picked up: a
changed line corrects its memory, a deleted one retires it, a new one is a new statement. Only then are
the files rendered again, so that no edit is lost. Which lines we wrote ourselves stands in
`.rendered.json`; files that are not listed there are somebody's own notes and are left alone.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nightschool.errors import UnknownMemory, WorkspaceCorrupt
from nightschool.protocols import Store
from nightschool.types import Memory, MemoryStatus, Reading, digest
from nightschool.workspace import Workspace, read_json, write_atomic

INDEX = "MEMORY.md"
RENDERED = ".rendered.json"
EDITOR = "editor"
"""The actor of a change that was made in a file."""
LINE = re.compile(r"^[-*] +(?P<text>.*?)\s*<!-- *(?P<id>mem-\w+) *-->\s*$")
INDEX_LINE = re.compile(r"^- \[.*\]\(.*\): \d+$")
OURS = re.compile(r"-[0-9a-f]{8}\.md$")

State = Callable[[str], Reading]
"""Statement -> its reading, in the owner's name."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What people changed in the files since they were written."""

    changed: tuple[Memory, ...] = ()
    """Memories with their new texts."""
    added: tuple[Memory, ...] = ()
    retired: tuple[Memory, ...] = ()
    """Memories whose lines are gone; their history stays."""
    ignored: tuple[str, ...] = ()
    """Lines that became nothing, with the reason."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.retired or self.ignored)


def sync_files(store: Store, workspace: Workspace, tenant: str, state: State) -> Edits:
    """Take what was edited in `memories/<tenant>/` into the store, and render the files anew.

    The workspace's lock must be held. A file that was deleted as a whole is rendered again: that is
    more often an accident than a wish, and `nightschool forget` is there for wishes.

    Raises:
        WorkspaceCorrupt: An edited file is not UTF-8 text; nothing is overwritten then.
        WorkspaceError: A file cannot be written.
    """
    edits = _take_in(store, workspace.memories / tenant, state)
    _render(store, workspace.memories / tenant, tenant)
    return edits


def edited(workspace: Workspace, tenant: str) -> bool:
    """Tell whether a rendered file is not as it was written."""
    folder = workspace.memories / tenant
    return any(_changed(folder / name, row) for name, row in _record(folder).items())


# -- from the files -----------------------------------------------------------------------


def _record(folder: Path) -> dict[str, dict[str, object]]:
    path = folder / RENDERED
    found = read_json(path) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def _changed(path: Path, row: dict[str, object]) -> bool:
    if not path.is_file():
        return False
    status = path.stat()
    if [status.st_size, status.st_mtime_ns] == row["stamp"]:
        return False
    return digest(_text(path)) != row["digest"]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise WorkspaceCorrupt(
            f"{path} was edited and is not UTF-8 text any more (byte {error.start}). Save it as UTF-8; "
            "nothing of it was overwritten."
        ) from error


def _take_in(store: Store, folder: Path, state: State) -> Edits:
    rows = {name: row for name, row in _record(folder).items() if _changed(folder / name, row)}
    texts = {name: _text(folder / name) for name in rows}
    kept = {m["id"] for text in texts.values() for m in map(LINE.match, text.splitlines()) if m}
    changed: list[Memory] = []
    added: list[Memory] = []
    retired: list[Memory] = []
    ignored: list[str] = []
    for name, text in texts.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            found = LINE.match(line)
            if line == _title(text) or (name == INDEX and INDEX_LINE.match(line)):
                continue
            if line.startswith("#"):
                ignored.append(f"{name}: {line} (headings hold no memory)")
            elif found is None:
                added += store.absorb(state(re.sub(r"^[-*] +", "", line)))[0]
            else:
                _correct(store, state, found["id"], found["text"], (changed, added, ignored))
        ids = rows[name]["ids"]
        for gone in [i for i in ids if i not in kept] if isinstance(ids, list) else []:
            try:
                memory = store.memory(str(gone))
            except UnknownMemory:
                continue
            if memory.status is MemoryStatus.LIVE:
                retired.append(store.retire(memory.id, EDITOR))
    return Edits(tuple(changed), tuple(added), tuple(retired), tuple(ignored))


def _correct(
    store: Store,
    state: State,
    memory_id: str,
    text: str,
    into: tuple[list[Memory], list[Memory], list[str]],
) -> None:
    """Take one line with an id: as it was, corrected, or of a memory that is gone."""
    changed, added, ignored = into
    try:
        memory = store.memory(memory_id)
    except UnknownMemory:
        # An editor that was left open must not bring back what was forgotten.
        ignored.append(f"{memory_id}: no such memory any more; its line is dropped")
        return
    if not text or text == _flat(memory.text):
        return
    if memory.status is MemoryStatus.LIVE:
        changed.append(store.edit(memory_id, text, EDITOR))
    else:  # replaced while the file lay open: the person's words are the newest
        added += store.absorb(state(text))[0]


# -- to the files -------------------------------------------------------------------------


def _render(store: Store, folder: Path, tenant: str) -> None:
    by_source: dict[str, list[Memory]] = defaultdict(list)
    for memory in store.memories(tenant):
        by_source[memory.source].append(memory)
    names = {source: _file_name(source) for source in by_source}
    before = _record(folder) or {p.name: {} for p in folder.glob("*.md") if OURS.search(p.name)}
    record: dict[str, dict[str, object]] = {}
    for source, memories in by_source.items():
        lines = [f"- {_flat(memory.text)} <!-- {memory.id} -->" for memory in memories]
        text = "\n".join([f"# {source}", "", *lines]) + "\n"
        record[names[source]] = _written(folder / names[source], text, [m.id for m in memories])
    index = [
        f"- [{source}]({names[source]}): {len(memories)}" for source, memories in by_source.items()
    ]
    record[INDEX] = _written(folder / INDEX, "\n".join(["# Memories", "", *index]) + "\n", [])
    for stale in before.keys() - record.keys():
        (folder / stale).unlink(missing_ok=True)
    write_atomic(folder / RENDERED, json.dumps(record))


def _written(path: Path, text: str, ids: list[str]) -> dict[str, object]:
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_atomic(path, text)
    status = path.stat()
    return {"digest": digest(text), "stamp": [status.st_size, status.st_mtime_ns], "ids": ids}


def _title(text: str) -> str:
    return text.split("\n", 1)[0].strip()


def _flat(text: str) -> str:
    return " ".join(text.split())


def _file_name(source: str) -> str:
    word = re.sub(r"[^\w.-]+", "-", source.split("/")[-1]).strip("-.")[:60] or "source"
    return f"{word}-{digest(source)[:8]}.md"
