"""Notes: files under `memories/` that a model, or anybody else, wrote; proposals until the owner approves.

A list entry or a paragraph is a statement. Headings, code and rules are not. A note is read as a
source: a line that changed or went replaces or retires what was read from it before, but never what the
owner has approved or corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nightschool.errors import PathRefused
from nightschool.language import normalise, plain
from nightschool.memory.vault import Vault
from nightschool.types import (
    Episode,
    Finding,
    Memory,
    Reading,
    SourceKind,
    Span,
    Trust,
    digest,
    new_id,
    now,
)

FEWEST_WORDS = 3
"""A shorter line ("Done.", "TODO") states nothing on its own."""
ENTRY = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
FENCE = re.compile(r"^\s*(?:```|~~~)")
MARK = re.compile(r"\s*<!--.*?-->", re.DOTALL)
RENDERED = re.compile(r"<!-- *mem-\w+ *-->")
"""The mark of a line that was rendered from a record: a copy of it is no proposal."""
NO_TEXT = re.compile(r"^\s*(?:#{1,6}\s|[-=*_|\s]+$|\|)")


def read_note(path: str, text: str, tenant: str, trust: Trust, speaker: str) -> Reading:
    """Read a note's statements.

    Args:
        path: Its virtual path, such as `/memories/notes.md`.
        text: Its content; empty for a note that was deleted.
        tenant: Whose it is.
        trust: The lowest tier of what its writer had before it.
        speaker: Who wrote it.
    """
    # The file itself is the text; a copy here would grow with every edit, and outlive a deletion.
    episode = Episode(
        new_id("ep"), tenant, SourceKind.NOTE, path, path, "",
        digest(SourceKind.NOTE.value, path, text), now(),
    )  # fmt: skip
    findings = {
        normalise(said): Finding(
            said, "said", speaker=speaker, key=f"note|{path}|{normalise(said)}", trust=trust
        )
        for said, span in statements(text)
        if not RENDERED.search(text[span.start : span.end])
    }  # fmt: skip
    return Reading(episode, tuple(findings.values()))


def erase_lines(vault: Vault, memories: Iterable[Memory]) -> int:
    """Take memories' texts out of all notes and copies that hold them as a line; return how many."""
    texts = {normalise(memory.text) for memory in memories}
    erased = 0
    for path in sorted(vault.files()):
        try:
            text = vault.read(path)
        except (PathRefused, OSError):
            continue
        spans = [span for said, span in statements(text) if normalise(said) in texts]
        kept = text
        for span in reversed(spans):
            kept = kept[: span.start] + kept[span.end :]
        if spans:
            vault.write(path, kept, expected=digest(text))
        erased += len(spans)
    return erased


def states(line: str) -> bool:
    """Tell whether a line of Markdown may state something: it is no heading, rule, table or comment."""
    return not (NO_TEXT.match(line) or FENCE.match(line)) and bool(MARK.sub("", line).strip())


def statements(text: str) -> Iterator[tuple[str, Span]]:
    """Yield a Markdown text's list entries and paragraphs: (statement, span of its lines, newline included)."""
    block: list[str] = []
    start = at = 0
    fenced = False
    for line in [*re.findall(r"[^\n]*\n|[^\n]+", text), ""]:
        fence = bool(FENCE.match(line))
        ends = not line.strip() or fence or fenced or bool(NO_TEXT.match(line) or ENTRY.match(line))
        if ends and block:
            said = plain(MARK.sub("", ENTRY.sub("", "".join(block))))
            if len(said.split()) >= FEWEST_WORDS:
                yield said, Span(start, at)
            block = []
        fenced ^= fence
        if line.strip() and not (fence or fenced or NO_TEXT.match(line)):
            start = start if block else at
            block.append(line)
        at += len(line)
