"""Render the memories as Markdown for people: an index, and one file for each source.

The files are written from the records after each change. Reading edits back from them is not
covered: edit with `nightschool edit`.
"""

from __future__ import annotations

import re
from collections import defaultdict

from nightschool.protocols import Store
from nightschool.types import Memory, digest
from nightschool.workspace import Workspace, write_atomic


def write_files(store: Store, workspace: Workspace, tenant: str) -> None:
    """Bring `memories/<tenant>/` in line with the tenant's live memories.

    Raises:
        WorkspaceError: A file cannot be written.
    """
    folder = workspace.memories / tenant
    by_source: dict[str, list[Memory]] = defaultdict(list)
    for memory in store.memories(tenant):
        by_source[memory.source].append(memory)
    names = {source: _file_name(source) for source in by_source}
    for source, memories in by_source.items():
        lines = [f"# {source}", "", *(f"- {_line(memory)}" for memory in memories)]
        write_atomic(folder / names[source], "\n".join(lines) + "\n")
    index = ["# Memories", ""]
    index += [
        f"- [{source}]({names[source]}): {len(memories)}" for source, memories in by_source.items()
    ]
    write_atomic(folder / "MEMORY.md", "\n".join(index) + "\n")
    for stale in set(folder.glob("*.md")) - {folder / n for n in [*names.values(), "MEMORY.md"]}:
        stale.unlink()


def _line(memory: Memory) -> str:
    text = " ".join(memory.text.split())
    return f"{text} <!-- {memory.id} -->"


def _file_name(source: str) -> str:
    word = re.sub(r"[^\w.-]+", "-", source.split("/")[-1]).strip("-.")[:60] or "source"
    return f"{word}-{digest(source)[:8]}.md"
