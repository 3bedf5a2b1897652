"""A memory directory as Claude Code keeps one: `MEMORY.md`, an index of topic files beside it.

Source:
    The folder `~/.claude/projects/<project>/memory/`: the first 200 lines or 25 KB of `MEMORY.md` are loaded
    into every session, topic files are read on demand. Topic files open with front matter (`name`,
    `description`, `metadata.type`); the layout of those is observed, not documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nightschool.memory.exchange.entries import Entry, by_source, slug
from nightschool.memory.exchange.pages import fact_line, pointer_line, read_page, write_page
from nightschool.types import Memory

INDEX = "MEMORY.md"


def write(memories: Sequence[Memory]) -> dict[str, str]:
    """Write memories as an index and a topic file for each source: file name -> text."""
    files = {}
    index = ["# Memory", ""]
    for source, group in by_source(memories).items():
        name, hook = slug(source), f"{len(group)} facts from {source}"
        front = {"name": name, "description": hook, "metadata": {"type": "project"}}
        files[f"{name}.md"] = write_page(front, source, map(fact_line, group))
        index.append(pointer_line(source, f"{name}.md", f"{len(group)} facts"))
    return {INDEX: "\n".join(index) + "\n", **files}


def read(root: Path, files: Mapping[Path, str]) -> list[Entry]:
    """Read what the files of such a directory state; the index may hold facts itself.

    Raises:
        SourceMalformed: A file's front matter or a line's provenance cannot be read.
    """
    return [entry for path, text in files.items() for entry in read_page(str(path), text)[1]]
