"""Notes: files under `memories/` that a model, or anybody else, wrote; proposals until the owner approves.

A list entry or a paragraph is a statement. Headings, code and rules are not. A note is read as a
source: a line that changed or went replaces or retires what was read from it before, but never what the
owner has approved or corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nightschool.language import normalise
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
    episode = Episode(
        new_id("ep"), tenant, SourceKind.NOTE, path, path, text,
        digest(SourceKind.NOTE.value, path, text), now(),
    )  # fmt: skip
    findings = {
        normalise(said): Finding(
            said, "said", span=span, speaker=speaker, key=f"note|{path}|{normalise(said)}", trust=trust
        )
        for said, span in _statements(text)
    }  # fmt: skip
    return Reading(episode, tuple(findings.values()))


def erase_lines(vault: Vault, memories: Iterable[Memory]) -> int:
    """Take memories' lines out of the notes that hold them; return how many were taken out."""
    wanted: dict[str, set[str]] = {}
    for memory in memories:
        if memory.source_kind is SourceKind.NOTE:
            wanted.setdefault(memory.source, set()).add(normalise(memory.text))
    erased = 0
    for path, texts in wanted.items():
        if not vault.exists(path):
            continue
        text = vault.read(path)
        spans = [span for said, span in _statements(text) if normalise(said) in texts]
        kept = text
        for span in reversed(spans):
            kept = kept[: span.start] + kept[span.end :]
        if spans:
            vault.write(path, kept, expected=digest(text))
        erased += len(spans)
    return erased


def _statements(text: str) -> Iterator[tuple[str, Span]]:
    """Yield (statement, span of its lines, newline included)."""
    block: list[str] = []
    start = at = 0
    fenced = False
    for line in [*re.findall(r"[^\n]*\n|[^\n]+", text), ""]:
        fence = bool(FENCE.match(line))
        ends = not line.strip() or fence or fenced or bool(NO_TEXT.match(line) or ENTRY.match(line))
        if ends and block:
            said = " ".join(ENTRY.sub("", "".join(block)).split())
            if len(said.split()) >= FEWEST_WORDS:
                yield said, Span(start, at)
            block = []
        fenced ^= fence
        if line.strip() and not (fence or fenced or NO_TEXT.match(line)):
            start = start if block else at
            block.append(line)
        at += len(line)
