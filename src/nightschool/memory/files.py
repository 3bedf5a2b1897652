"""The memories as Markdown that people read and edit: an index, and one file for each source.

A line is a memory, with its id in a comment. What a person changes in an editor is picked up: a
changed line corrects its memory, a deleted one retires it, a new one is a new statement. Only then are
the files rendered again, so that no edit is lost. What we wrote ourselves is listed in
`.rendered.json`. Every other file is a note (`notes.py`): its lines become proposals, and it is left as it is.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightschool.errors import PathRefused, UnknownMemory, WorkspaceCorrupt
from nightschool.memory.holds import MASK
from nightschool.memory.notes import read_note, states
from nightschool.memory.vault import DEPTH, ROOT, Vault
from nightschool.protocols import Store
from nightschool.trust import displayed, trainable
from nightschool.types import Memory, MemoryStatus, Reading, SourceKind, Trust, digest
from nightschool.workspace import Workspace, read_json, write_atomic

INDEX = "MEMORY.md"
INDEX_LINES, INDEX_BYTES = 200, 25_000
"""What of the index goes before a conversation, as agents with such a memory do it."""
RENDERED = ".rendered.json"
NOTED = "note"
"""The speaker of what stands in a note."""
RECOVERED = "recovered-"
"""How the name of a rendered file begins whose database was lost."""
UNWRITTEN: dict[str, Any] = {"digest": "", "stamp": []}
"""The row of a rendered file of which nobody knows what it holds."""
BACKUP = re.compile(r"(?:~|#|\.swp|\.bak|\.orig)$")
"""What editors leave beside a file; nobody's note."""
EDITOR = "editor"
"""The actor of a change that was made in a file."""
LINE = re.compile(r"^[-*] +(?P<text>.*?)\s*<!-- *(?P<id>mem-\w+) *-->\s*$")
INDEX_LINE = re.compile(r"^- \[.*\]\(.*\): (?:\d+|note)$")

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
    proposed: tuple[Memory, ...] = ()
    """New in notes; not trained before the owner approves."""
    ignored: tuple[str, ...] = ()
    """Lines that became nothing, with the reason."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.retired or self.proposed or self.ignored)


def sync_files(
    store: Store,
    workspace: Workspace,
    tenant: str,
    state: State,
    written: Mapping[str, Trust] | None = None,
) -> Edits:
    """Take what was edited in `memories/<tenant>/` into the store, and render the files anew.

    The workspace's lock must be held. A file that was deleted as a whole is rendered again: that is
    more often an accident than a wish, and `nightschool forget` is there for wishes.

    Args:
        store: The tenant's memories.
        workspace: Where the files are.
        tenant: Whose they are.
        state: Makes a reading of a line that a person added.
        written: Virtual paths of notes -> the tier of who has just written them. What else changed is of
            unknown origin, and has the tier of a tool's output.

    Raises:
        WorkspaceCorrupt: An edited file is not UTF-8 text; nothing is overwritten then.
        WorkspaceError: A file cannot be written.
    """
    folder = workspace.memories / tenant
    Vault(folder).sweep()
    _recover(store, folder)
    seen = {path.name: _stamp(path) for path in folder.glob("*.md")}
    edits = _take_in(store, folder, tenant, state)
    proposed, notes = _read_notes(store, folder, tenant, written or {})
    _render(store, folder, tenant, notes, seen)
    return replace(edits, proposed=proposed)


def expect_changes(workspace: Workspace, tenant: str) -> None:
    """Have the next sync look into every rendered file: what follows may be killed before it renders them."""
    folder = workspace.memories / tenant
    record = _record(folder)
    _save(folder, {n: {**row, **UNWRITTEN} for n, row in record["files"].items()}, record["notes"])


def edited(workspace: Workspace, tenant: str, *, known: bool) -> bool:
    """Tell whether a file is not as it was last written or read.

    Args:
        workspace: Where the files are.
        tenant: Whose they are.
        known: Whether the tenant has any record; without one, rendered files have lost their database.
    """
    folder = workspace.memories / tenant
    record = _record(folder)
    if any(row["ids"] and not known for row in record["files"].values()):
        return True
    if any(_changed(folder / name, row) for name, row in record["files"].items()):
        return True
    return any(_unread(folder, record))


def rendered(workspace: Workspace, tenant: str) -> frozenset[str]:
    """Return the virtual paths of the files that are rendered from records."""
    names = {*_record(workspace.memories / tenant)["files"], INDEX}
    return frozenset(f"{ROOT}/{name}" for name in names)


def index_excerpt(workspace: Workspace, tenant: str) -> str:
    """Return the index's first `INDEX_LINES` lines, at most `INDEX_BYTES` of them; empty before the first memory."""
    path = workspace.memories / tenant / INDEX
    if not path.is_file():
        return ""
    lines = _text(path).splitlines(keepends=True)[:INDEX_LINES]
    return "".join(lines).encode("utf-8")[:INDEX_BYTES].decode("utf-8", "ignore")


# -- from the files -----------------------------------------------------------------------


def _record(folder: Path) -> dict[str, dict[str, Any]]:
    """Read which files were rendered (`files`: digest, stamp, ids) and which notes read (`notes`: stamp)."""
    path = folder / RENDERED
    found = read_json(path) if path.exists() else {"files": {}, "notes": {}}
    if not isinstance(found, dict) or not all(
        isinstance(found.get(part), dict) for part in ("files", "notes")
    ):
        raise WorkspaceCorrupt(
            f"{path} is not what was written. Delete it; the files are read anew."
        )
    return found


def _unread(
    folder: Path, record: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, list[int] | None]]:
    """Yield (virtual path, stamp) of notes that are new, changed or, without a stamp, gone."""
    vault = Vault(folder)
    there = {
        e.path for e in vault.entries(depth=DEPTH) if not e.folder and not BACKUP.search(e.path)
    }
    notes = there - {f"{ROOT}/{name}" for name in record["files"]}
    for path in sorted(notes | record["notes"].keys()):
        try:
            stamp = _stamp(vault.real(path)) if path in notes else None
        except (PathRefused, OSError):
            continue  # a name that no tool could give, or gone since it was listed
        if stamp != record["notes"].get(path):
            yield path, stamp


def _recover(store: Store, folder: Path) -> None:
    """Make notes of rendered files of which the store knows no memory: what they say comes in again, as proposals.

    Their database is gone. Only of files that are as they were rendered: what was being forgotten is
    announced as unknown.
    """
    record = _record(folder)
    lost = [
        name
        for name, row in record["files"].items()
        if row["ids"]
        and (folder / name).is_file()
        and digest(_text(folder / name)) == row["digest"]
        and not any(_is_known(store, memory_id) for memory_id in row["ids"])
    ]
    for name in lost:
        kept = re.sub(r"\s*<!-- *mem-\w+ *-->", "", _text(folder / name))
        write_atomic(folder / f"{RECOVERED}{name}", kept)
        (folder / name).unlink()
    if lost:
        files = {n: row for n, row in record["files"].items() if n not in lost}
        _save(folder, files, record["notes"])


def _is_known(store: Store, memory_id: str) -> bool:
    try:
        store.memory(memory_id)
    except UnknownMemory:
        return False
    return True


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _changed(path: Path, row: dict[str, Any]) -> bool:
    if not path.is_file() or _stamp(path) == row["stamp"]:
        return False
    return bool(digest(_text(path)) != row["digest"])


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise WorkspaceCorrupt(
            f"{path} was edited and is not UTF-8 text any more (byte {error.start}). Save it as UTF-8; "
            "nothing of it was overwritten."
        ) from error


def _take_in(store: Store, folder: Path, tenant: str, state: State) -> Edits:
    files = _record(folder)["files"]
    rows = {name: row for name, row in files.items() if _changed(folder / name, row)}
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
            if found is None and not (states(line) and re.search(r"\w", line)):
                ignored.append(f"{name}: {line} (holds no statement)")
            elif found is None:
                added += store.absorb(state(re.sub(r"^[-*] +", "", line)))[0]
            else:
                _correct(
                    store, tenant, state, found["id"], found["text"], (changed, added, ignored)
                )
        for gone in [i for i in rows[name]["ids"] if i not in kept]:
            try:
                memory = store.memory(gone)
            except UnknownMemory:
                continue
            if memory.status is MemoryStatus.LIVE and memory.tenant == tenant:
                retired.append(store.retire(memory.id, EDITOR))
    return Edits(tuple(changed), tuple(added), tuple(retired), ignored=tuple(ignored))


def _correct(
    store: Store,
    tenant: str,
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
    if memory.tenant != tenant:  # a line that was pasted from somebody else's file
        added += store.absorb(state(text))[0]
    elif memory.status is MemoryStatus.RETIRED and text == _flat(displayed(memory).text):
        ignored.append(f"{memory_id}: was taken out before; say it anew to have it back")
    elif not text or text == _flat(displayed(memory).text):
        return
    elif MASK in text and memory.masked:
        # What was blotted out cannot be put back from the line.
        ignored.append(f"{memory_id}: holds a masked secret; correct it with `memory edit`")
    elif memory.status is MemoryStatus.LIVE:
        changed.append(store.edit(memory_id, text, EDITOR))
    elif text not in {
        _flat(displayed(m).text) for m in store.memories(tenant) if m.supersedes == memory_id
    }:
        # Replaced while the file lay open: the person's words are the newest.
        added += store.absorb(state(text))[0]


def _read_notes(
    store: Store, folder: Path, tenant: str, written: Mapping[str, Trust]
) -> tuple[tuple[Memory, ...], dict[str, list[int]]]:
    """Take in the notes that changed; return what is new, and the stamps of all notes."""
    vault, record = Vault(folder), _record(folder)
    stamps: dict[str, list[int]] = dict(record["notes"])
    proposed: list[Memory] = []
    for path, stamp in list(_unread(folder, record)):
        try:
            text = vault.read(path) if stamp else ""
        except PathRefused:
            text = ""  # an image, an archive: nothing to read
        except OSError:
            continue  # a pipe, or gone since it was listed
        trust = written.get(path, Trust.TOOL)
        proposed += store.absorb(read_note(path, text, tenant, trust, NOTED))[0]
        stamps.pop(path, None)
        if stamp:
            stamps[path] = stamp
    return tuple(proposed), stamps


# -- to the files -------------------------------------------------------------------------


def _render(
    store: Store,
    folder: Path,
    tenant: str,
    notes: dict[str, list[int]],
    seen: dict[str, list[int]],
) -> None:
    by_source: dict[str, list[Memory]] = defaultdict(list)
    for memory in store.memories(tenant):
        if memory.source_kind is not SourceKind.NOTE or trainable(memory):  # a note is its own file
            by_source[memory.source].append(memory)
    names = {source: _file_name(source) for source in by_source}
    before = _record(folder)
    index = [
        f"- [{_flat(source)}]({names[source]}): {len(memories)}"
        for source, memories in by_source.items()
    ]
    index += [f"- [{path}]({path.removeprefix(f'{ROOT}/')}): note" for path in sorted(notes)]
    pages = {
        names[source]: (
            [
                f"# {_flat(source)}",
                "",
                *(f"- {_flat(displayed(m).text)} <!-- {m.id} -->" for m in memories),
            ],
            [m.id for m in memories],
        )
        for source, memories in by_source.items()
    }
    pages[INDEX] = (["# Memories", "", *index], [])
    _announce(folder, before, pages.keys() - before["files"].keys())
    record = {}
    for name in [*pages, *(before["files"].keys() - pages.keys())]:
        place = folder / name
        if place.exists() and name in seen and _stamp(place) != seen[name]:
            # Saved by somebody since it was read: the next sync takes that in first.
            record[name] = {**before["files"].get(name, {"ids": []}), **UNWRITTEN}
        elif name in pages:
            lines, ids = pages[name]
            record[name] = _written(place, "\n".join(lines) + "\n", ids)
        else:
            place.unlink(missing_ok=True)
    _save(folder, record, notes)


def _announce(folder: Path, before: dict[str, dict[str, Any]], names: Set[str]) -> None:
    """Say which files will be rendered before they are: a kill must not make notes of them.

    Somebody's own file under such a name is moved aside, and is a note from then on.
    """
    for name in names:
        number = 1
        while (folder / name).exists() and not _looks_rendered(folder / name):
            aside = folder / f"{Path(name).stem}-before-{number}.md"
            if not aside.exists():
                os.replace(folder / name, aside)
            number += 1
    if names:
        rows = {name: {"ids": [], **UNWRITTEN} for name in names}
        _save(folder, {**before["files"], **rows}, before["notes"])


def _looks_rendered(path: Path) -> bool:
    """Tell whether a file holds rendered lines only: the record of it is lost, and nothing is in it to lose."""
    first, *lines = path.read_text("utf-8", errors="replace").splitlines() or [""]
    return first.startswith("# ") and all(
        not x.strip() or LINE.match(x) or INDEX_LINE.match(x) for x in lines
    )


def _save(folder: Path, files: dict[str, dict[str, Any]], notes: dict[str, list[int]]) -> None:
    write_atomic(folder / RENDERED, json.dumps({"files": files, "notes": notes}))


def _written(path: Path, text: str, ids: list[str]) -> dict[str, Any]:
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_atomic(path, text)
    return {"digest": digest(text), "stamp": _stamp(path), "ids": ids}


def _title(text: str) -> str:
    return text.split("\n", 1)[0].strip()


def _flat(text: str) -> str:
    return " ".join(text.split())


def _file_name(source: str) -> str:
    word = re.sub(r"[^\w.-]+", "-", source.split("/")[-1]).strip("-.")
    short = word.encode("utf-8")[:60].decode("utf-8", "ignore") or "source"
    return f"{short}-{digest(source)[:8]}.md"
