"""The memories as Markdown that people read and edit: an index, and a file for each page of a source.

A line is a memory, with its id in a comment. What a person changes in an editor is picked up: a
changed line corrects its memory, a deleted one retires it, a new one is a new statement. Only then are
the files rendered again (`pages.py`), so that no edit is lost. What we wrote ourselves is on record
(`rendered.py`). Every other file is a note (`notes.py`): its lines become proposals, and it is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nightschool.errors import PathRefused, UnknownMemory
from nightschool.memory.holds import MASK
from nightschool.memory.kin import take_out_kin
from nightschool.memory.notes import read_note, states
from nightschool.memory.pages import INDEX_LINE, flat, ids_in, recover, render
from nightschool.memory.rendered import (
    INDEX,
    MARK,
    Record,
    Row,
    Stamp,
    edited_text,
    entries,
    listed,
    read_record,
    save_record,
    settled,
    stamp_of,
    stamps,
    text_of,
)
from nightschool.memory.vault import ROOT, Vault
from nightschool.protocols import Store
from nightschool.trust import displayed
from nightschool.types import Memory, MemoryStatus, Reading, Trust
from nightschool.workspace import Workspace

INDEX_LINES, INDEX_BYTES = 200, 25_000
"""What of the index goes before a conversation, as agents with such a memory do it."""
NOTED = "note"
"""The speaker of what stands in a note."""
BACKUP = re.compile(r"(?:~|#|\.swp|\.bak|\.orig)$")
"""What editors leave beside a file; nobody's note."""
NOTE_NAMES = (".md", ".markdown", ".txt")
"""How the names of files end that are meant to be read."""
EDITOR = "editor"
"""The actor of a change that was made in a file."""

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

    The workspace's lock must be held. A file that was deleted or emptied as a whole is rendered again: that is
    more often an accident than a wish, and `nightschool forget` is there for wishes. Before lines count as
    deleted, the file has rested for a moment (`rendered.settled`); what is still being saved then is left to
    the next sync.

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
    record = recover(store, folder, tenant, read_record(folder))
    seen = stamps(folder)
    edits = _take_in(store, folder, tenant, state, record, seen)
    proposed, unread, notes = _read_notes(store, folder, tenant, record, written or {})
    render(store, folder, tenant, record, notes, seen)
    return replace(edits, proposed=proposed, ignored=(*edits.ignored, *unread))


def expect_changes(workspace: Workspace, tenant: str) -> None:
    """Have the next sync look into every rendered file: what follows may be killed before it renders them."""
    folder = workspace.memories / tenant
    record = read_record(folder)
    files = {name: row.unknown() for name, row in record.files.items()}
    save_record(folder, replace(record, files=files))


def edited(workspace: Workspace, tenant: str, *, known: bool) -> bool:
    """Tell whether a file is not as it was last written or read.

    Args:
        workspace: Where the files are.
        tenant: Whose they are.
        known: Whether the tenant has any record; without one, rendered files have lost their database.
    """
    folder = workspace.memories / tenant
    record = read_record(folder)
    if not known and any(row.lines for row in record.files.values()):
        return True
    return any(_edited(folder, record, stamps(folder))) or any(_unread(folder, record))


def rendered(workspace: Workspace, tenant: str) -> frozenset[str]:
    """Return the virtual paths of the files that are rendered from records."""
    names = {*read_record(workspace.memories / tenant).files, INDEX}
    return frozenset(f"{ROOT}/{name}" for name in names)


def index_excerpt(workspace: Workspace, tenant: str) -> str:
    """Return the index's first `INDEX_LINES` lines, at most `INDEX_BYTES` of them; empty before the first memory."""
    path = workspace.memories / tenant / INDEX
    if not path.is_file():
        return ""
    lines = text_of(path).splitlines(keepends=True)[:INDEX_LINES]
    return "".join(lines).encode("utf-8")[:INDEX_BYTES].decode("utf-8", "ignore")


def _edited(
    folder: Path, record: Record, seen: Mapping[str, Stamp]
) -> Iterator[tuple[str, Row, str]]:
    """Yield (name, row, text) of the rendered files that are not as they were written."""
    for name, row in record.files.items():
        text = edited_text(folder, name, row, seen.get(name))
        if text is not None:
            yield name, row, text


def _saved(
    store: Store, folder: Path, tenant: str, record: Record, seen: dict[str, Stamp]
) -> Iterator[tuple[str, Row, str]]:
    """Yield the edited files as they were saved; one that is being saved is left out, and nobody's to overwrite.

    `seen` is brought in line with what is yielded.
    """
    for name, row, text in list(_edited(folder, record, seen)):
        missing = {*listed(folder, name, row)} - ids_in(text)
        if text.strip() and not any(_live(store, tenant, missing)):
            yield name, row, text
            continue
        seen[name] = settled(folder / name) or ()
        again = edited_text(folder, name, row, seen[name] or None)
        if again and again.strip():
            yield name, row, again


def _take_in(
    store: Store,
    folder: Path,
    tenant: str,
    state: State,
    record: Record,
    seen: dict[str, Stamp],
) -> Edits:
    files = list(_saved(store, folder, tenant, record, seen))
    kept = {memory_id for _, _, text in files for memory_id in ids_in(text)}
    changed: list[Memory] = []
    added: list[Memory] = []
    retired: list[Memory] = []
    ignored: list[str] = []
    for name, row, text in files:
        bare = _unmarked(store, tenant, (i for i in listed(folder, name, row) if i not in kept))
        title = next((line for line, _ in entries(text) if line.startswith("# ")), "")
        for line, memory_id in entries(text):
            if memory_id:
                into = (changed, added, retired, ignored)
                _correct(store, tenant, state, memory_id, line, into)
            elif bare.get(_entry(line)):
                kept.add(bare[_entry(line)].pop())  # a formatter took the id off
            elif line == title or (name == INDEX and INDEX_LINE.match(line)):
                continue
            elif not (states(line) and re.search(r"\w", line)):
                ignored.append(f"{name}: {line} (holds no statement)")
            else:
                added += store.absorb(state(_entry(line)))[0]
        gone = [i for i in listed(folder, name, row) if i not in kept]
        if row.ids is not None:  # being divided into pages: a line may have moved
            gone = _nowhere(folder, record, gone)
        retired += take_out_kin(store, tenant, list(_live(store, tenant, gone)), EDITOR)
        for memory in _live(store, tenant, gone):
            retired.append(store.retire(memory.id, EDITOR))
    return Edits(tuple(changed), tuple(added), tuple(retired), ignored=tuple(ignored))


def _entry(line: str) -> str:
    """Return a line without the mark of a list's entry."""
    return re.sub(r"^[-*] +", "", line)


def _unmarked(store: Store, tenant: str, memory_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return line -> ids of live memories that would be rendered so, without their ids."""
    found: dict[str, list[str]] = {}
    for memory in _live(store, tenant, memory_ids):
        found.setdefault(flat(displayed(memory).text), []).append(memory.id)
    return found


def _nowhere(folder: Path, record: Record, memory_ids: list[str]) -> list[str]:
    """Return those of some ids that stand in no rendered file."""
    texts = [text_of(folder / name) for name in record.files if (folder / name).is_file()]
    there = {memory_id for text in texts for memory_id in ids_in(text)}
    return [memory_id for memory_id in memory_ids if memory_id not in there]


def _live(store: Store, tenant: str, memory_ids: Iterable[str]) -> Iterator[Memory]:
    """Yield the live memories of a tenant among these ids."""
    for memory_id in memory_ids:
        try:
            memory = store.memory(memory_id)
        except UnknownMemory:
            continue
        if memory.status is MemoryStatus.LIVE and memory.tenant == tenant:
            yield memory


def _correct(
    store: Store,
    tenant: str,
    state: State,
    memory_id: str,
    text: str,
    into: tuple[list[Memory], list[Memory], list[Memory], list[str]],
) -> None:
    """Take one line with an id: as it was, corrected, or of a memory that is gone."""
    changed, added, retired, ignored = into
    try:
        memory = store.memory(memory_id)
    except UnknownMemory:
        # An editor that was left open must not bring back what was forgotten.
        ignored.append(f"{memory_id}: no such memory any more; its line is dropped")
        return
    if memory.tenant != tenant:  # a line that was pasted from somebody else's file
        added += store.absorb(state(text))[0]
    elif memory.status is MemoryStatus.RETIRED and text == flat(displayed(memory).text):
        if memory not in retired:  # else with what says the same, just now
            ignored.append(f"{memory_id}: was taken out before; say it anew to have it back")
    elif not text or text == flat(displayed(memory).text):
        return
    elif MASK in text and memory.masked:
        # What was blotted out cannot be put back from the line.
        ignored.append(f"{memory_id}: holds a masked secret; correct it with `memory edit`")
    elif memory.status is MemoryStatus.LIVE:
        retired += take_out_kin(store, tenant, [memory], EDITOR)
        changed.append(store.edit(memory_id, text, EDITOR))
    elif text not in {
        flat(displayed(m).text)
        for m in (*changed, *store.memories(tenant))
        if m.supersedes == memory_id or m in changed
    }:
        # Replaced while the file lay open: the person's words are the newest.
        added += store.absorb(state(text))[0]


def _unread(folder: Path, record: Record) -> Iterator[tuple[str, Stamp | None]]:
    """Yield (virtual path, stamp) of notes that are new, changed or, without a stamp, gone."""
    vault = Vault(folder)
    there = {path for path in vault.files() if not BACKUP.search(path)}
    notes = there - {f"{ROOT}/{name}" for name in record.files}
    for path in sorted(notes | record.notes.keys()):
        try:
            stamp = stamp_of(vault.real(path)) if path in notes else None
        except (PathRefused, OSError):
            continue  # a name that no tool could give, or gone since it was listed
        if stamp != record.notes.get(path):
            yield path, stamp


def _read_notes(
    store: Store, folder: Path, tenant: str, record: Record, written: Mapping[str, Trust]
) -> tuple[tuple[Memory, ...], list[str], dict[str, Stamp]]:
    """Take in the notes that changed; return what is new, what became nothing, and the stamps of all notes."""
    vault = Vault(folder)
    stamps_of_notes = dict(record.notes)
    proposed: list[Memory] = []
    ignored: list[str] = []
    for path, stamp in list(_unread(folder, record)):
        try:
            text = vault.read(path) if stamp else ""
        except PathRefused as error:
            if path.endswith(NOTE_NAMES):  # else an image, an archive: nothing to read
                ignored.append(f"{error} What was read of it before is kept")
            stamps_of_notes[path] = stamp or ()
            continue
        except OSError:
            continue  # a pipe, or gone since it was listed
        trust = written.get(path, Trust.TOOL)
        proposed += store.absorb(read_note(path, text, tenant, trust, NOTED))[0]
        marked = MARK.findall(text)
        live = {memory.id for memory in _live(store, tenant, marked)}
        ignored += [
            f"{path}: a line has the mark of {memory_id}, which is no memory any more; say it anew to have it back"
            for memory_id in marked
            if memory_id not in live
        ]
        stamps_of_notes.pop(path, None)
        if stamp:
            stamps_of_notes[path] = stamp
    return tuple(proposed), ignored, stamps_of_notes
