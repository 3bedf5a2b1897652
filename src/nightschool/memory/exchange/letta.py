"""A memory folder as Letta's agents keep one (MemFS): Markdown files, each a block with a description.

A block's label is its path without `.md`, its value the text below the front matter. Blocks under `system/`
stand in every prompt, so only an index goes there; the facts are in `reference/`, read when they are needed.

Source:
    docs.letta.com, concepts/memfs. The repository's commit hook requires `description` in the front
    matter and refuses unknown keys: provenance therefore stands in comments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nightschool.errors import SourceMalformed
from nightschool.memory.exchange.entries import Entry, by_source, slug
from nightschool.memory.exchange.pages import fact_line, pointer_line, read_page, write_page
from nightschool.types import Memory

SYSTEM = "system"
SKILLS = "skills"
"""Procedures with files of their own; not memories."""
INDEX = f"{SYSTEM}/nightschool.md"
FACTS = "reference/nightschool"


def write(memories: Sequence[Memory]) -> dict[str, str]:
    """Write memories as an index block and a block for each source: path in the folder -> text."""
    files = {}
    index = []
    for source, group in by_source(memories).items():
        path, count = f"{FACTS}/{slug(source)}.md", f"{len(group)} facts"
        front = {"description": f"{count} from {source}"}
        files[path] = write_page(front, source, map(fact_line, group))
        index.append(pointer_line(source, f"../{path}", count))
    front = {"description": f"Which facts are in {FACTS}/; read the file that fits the question."}
    return {INDEX: write_page(front, "Memory", index), **files}


def read(root: Path, files: Mapping[Path, str]) -> list[Entry]:
    """Read what the blocks of such a folder state; `skills/` is passed over.

    Raises:
        SourceMalformed: A block has no description.
        SourceMalformed: A block's front matter or a line's provenance cannot be read.
    """
    found = []
    for path, text in files.items():
        if path.relative_to(root).parts[0] == SKILLS:
            continue
        front, entries = read_page(str(path), text)
        description = front.get("description")
        if not (isinstance(description, str) and description.strip()):
            raise SourceMalformed(
                f"{path}, line 1: the block has no description. Begin the file with front matter: a line "
                "---, a line `description: what is in it`, a line ---."
            )
        found += entries
    return found
