"""Memories to and from other memory systems: what is remembered as their files, and their files as proposals.

An import is nobody's approval. What it brings has a tool's tier, or the lower one that its export names,
and waits; when the owner vouches for the whole, it is taken like a learnt document: orders in it still wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nightschool.errors import ConfigError, SourceUnreadable
from nightschool.language import normalise, plain, visible
from nightschool.memory.exchange import claude, disk, graph, letta
from nightschool.memory.exchange.entries import ORIGIN, ORIGIN_ID, ORIGIN_TRUST, Entry
from nightschool.memory.holds import MASK, holds
from nightschool.memory.rules import PEOPLE, overruled
from nightschool.sources.keys import statement_key
from nightschool.trust import ORDER, displayed, lowest, rank
from nightschool.types import (
    Episode,
    Finding,
    Hold,
    Memory,
    MemoryStatus,
    Reading,
    SourceKind,
    Trust,
    digest,
    new_id,
    now,
)
from nightschool.wire import School

IMPORTED = "import"
"""The speaker of an entry whose file names none, or names the owner without the owner's word for it."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one other memory system keeps memories."""

    write: Callable[[Sequence[Memory]], dict[str, str]]
    read: Callable[[Path, Mapping[Path, str]], list[Entry]]
    folder: bool


FORMATS = {
    "claude": Format(claude.write, claude.read, folder=True),
    "letta": Format(letta.write, letta.read, folder=True),
    "mcp": Format(graph.write, graph.read, folder=False),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    format: str
    path: str
    memories: int
    masked: int
    """How many of them stand there without their secret."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed in memory."""

    format: str
    path: str
    added: tuple[Memory, ...]
    superseded: tuple[Memory, ...]
    """What gave way: said of the same thing by nobody more trusted."""
    unchanged: int
    """Entries that are remembered already, or that a person has taken out before."""
    skipped: tuple[str, ...]
    """Entries whose secret was masked when they were exported."""


def export_memories(
    school: School, path: Path, format_name: str, *, reveal: bool = False
) -> Exported:
    """Write the tenant's live memories in another system's format, in one step.

    Args:
        school: The wired workspace.
        path: A folder, for `mcp` a file. What is there is replaced only if it is an unchanged export.
        format_name: One of `FORMATS`.
        reveal: Write secrets, too; otherwise they are masked.

    Raises:
        ConfigError: There is no such format, something else is at the path, or it lies among the memory files.
        WorkspaceError: It cannot be written; what was there is whole.
    """
    chosen = _format(format_name)
    if path.resolve().is_relative_to(school.workspace.memories.resolve()):
        raise ConfigError(
            f"{path} lies in memories/, where files are notes to read. Export to another place."
        )
    live = school.store.memories(school.settings.tenant)
    shown = live if reveal else [displayed(memory) for memory in live]
    files = chosen.write(shown)
    if chosen.folder:
        disk.save_folder(path, files)
    else:
        disk.save_file(path, files[graph.FILE], graph.exported)
    masked = 0 if reveal else sum(bool(memory.masked) for memory in live)
    return Exported(format_name, str(path), len(live), masked)


def import_memories(
    school: School, path: Path, format_name: str | None = None, *, approve: bool = False
) -> Imported:
    """Take in another system's memories as proposals; all of them, or none.

    Args:
        school: The wired workspace.
        path: The folder or file.
        format_name: One of `FORMATS`; None tells it by the files.
        approve: The owner vouches for them. Secrets, passing states and orders are held back as ever.

    Raises:
        ConfigError: There is no such format, or the files do not tell it.
        SourceUnreadable: Something there is missing, not text, too large, a link or oddly named.
        SourceMalformed: A file is not what the format says; the message names file and line.
        WorkspaceLocked: Another process holds the workspace.
    """
    name = format_name or detect(path)
    chosen = _format(name)
    if path.exists() and path.is_dir() != chosen.folder:
        kind = "a folder" if chosen.folder else "a file"
        raise ConfigError(f"{path} cannot be of format {name}, which is {kind}. Name another one.")
    entries: dict[str, Entry] = {}
    skipped = []
    for entry in chosen.read(path, disk.load(path)):
        text = visible(entry.text)
        if MASK in text:
            skipped.append(plain(text))
        elif text.strip():
            entries.setdefault(normalise(text) or text, replace(entry, text=text))
    findings = _findings(list(entries.values()), approve)
    episode_id = new_id("ep")
    # The file itself is the text: a copy here would outlive a deletion. It counts anew each time.
    episode = Episode(
        episode_id, school.settings.tenant, SourceKind.CONVERSATION, plain(str(path)),
        f"import of {plain(str(path))}", "", digest(IMPORTED, episode_id), now(),
    )  # fmt: skip
    with school.workspace.lock_memory("an import"):
        news = tuple(_news(school, episode, findings))
        added, gone = school.store.absorb(Reading(episode, news)) if news else ([], [])
        school.sync_files()
    unchanged = len(findings) - len(added)
    return Imported(name, str(path), tuple(added), tuple(gone), unchanged, tuple(skipped))


def detect(path: Path) -> str:
    """Tell a format by what lies at a path.

    Raises:
        SourceUnreadable: Nothing lies there.
        ConfigError: It might be of none, or of two.
    """
    if path.is_file():
        return "mcp"
    if not path.exists():
        raise SourceUnreadable(f"{path} does not exist. Name a folder or a file of memories.")
    signs = {"claude": (path / claude.INDEX).is_file(), "letta": (path / letta.SYSTEM).is_dir()}
    found = [name for name, there in signs.items() if there]
    if len(found) != 1:
        raise ConfigError(
            f"{path} holds {'both' if found else 'neither'} {claude.INDEX} {'and' if found else 'nor'} "
            f"{letta.SYSTEM}/, so its format cannot be told. Give --format claude or letta."
        )
    return found[0]


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ConfigError(f"--format {name}: expected one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def _findings(entries: Sequence[Entry], approve: bool) -> list[Finding]:
    """Turn entries into findings; what stood side by side in the files does not replace one another."""
    keys = [_key(entry.text) for entry in entries]
    shared = {key for key, count in Counter(keys).items() if count > 1}
    return [
        _finding(entry, _own_key(entry.text) if key in shared else key, approve)
        for entry, key in zip(entries, keys, strict=True)
    ]


def _key(text: str) -> str:
    """Name what an entry is about; a passage of several lines is about itself."""
    return statement_key(text) if text == plain(text) else _own_key(text)


def _own_key(text: str) -> str:
    return f"text|{normalise(text) or text}"


def _finding(entry: Entry, key: str, approve: bool) -> Finding:
    origin = entry.origin
    # An order in a file is a planted one until the owner has read that very line.
    vouched = approve and Hold.DIRECTIVE not in holds(entry.text, SourceKind.NOTE)
    trust = Trust.OWNER if vouched else lowest(Trust.TOOL, origin.trust if origin else Trust.TOOL)
    speaker = origin.speaker if origin else ""
    if not speaker or (speaker in PEOPLE and not vouched):
        speaker = IMPORTED
    facets = (
        {}
        if origin is None
        else {
            ORIGIN: origin.source,
            ORIGIN_ID: origin.id,
            ORIGIN_TRUST: origin.trust.value,
        }
    )
    return Finding(entry.text, "said", facets, speaker=speaker, key=key, trust=trust)


def _news(school: School, episode: Episode, findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what is remembered already, whatever it was read from, and what a person took out or corrected."""
    ranks: dict[str, int] = {}
    closed: dict[str, list[Memory]] = {}
    successors: dict[str, Memory] = {}
    for memory in school.store.memories(school.settings.tenant, include_retired=True):
        text = normalise(memory.text) or memory.text
        if memory.supersedes is not None:
            successors[memory.supersedes] = memory
        if memory.status is MemoryStatus.LIVE:
            ranks[text] = min(rank(memory), ranks.get(text, len(ORDER)))
        else:
            closed.setdefault(text, []).append(memory)
    news = []
    for finding in findings:
        text = normalise(finding.text) or finding.text
        known = ranks.get(text, len(ORDER)) <= ORDER.index(finding.trust)
        if not (known or overruled(episode, finding, closed.get(text, ()), successors.get)):
            news.append(finding)
    return news
