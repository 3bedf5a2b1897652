"""Notes: files under `memories/` that a model, or anybody else, wrote; proposals until the owner approves.

A list entry or a paragraph is a statement. Headings, code and rules are not. A note is read as a
source: a line that changed or went replaces or retires what was read from it before, but never what the
owner has approved or corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nightschool.language import hint, normalise, plain, tells, wording
from nightschool.memory.rendered import MARK as RENDERED
from nightschool.memory.rendered import read_record
from nightschool.memory.vault import FILE_BYTES, ROOT, Vault
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
from nightschool.workspace import write_atomic

LARGEST = 100_000_000
"""Bytes of a file that is looked through for what is forgotten."""
ENTRY = re.compile(r"^[\s\ufeff]*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
FENCE = re.compile(r"^\s*(?:```|~~~)")
MARK = re.compile(r"\s*<!--.*?-->", re.DOTALL)
NO_TEXT = re.compile(r"^[\s\ufeff]*(?:#{1,6}\s|[-=*_|\s]+$|\|)")


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


def erase_lines(vault: Vault, memories: Iterable[Memory]) -> tuple[str, ...]:
    """Take memories' texts out of all notes and copies, wherever they stand in these; return those that cannot be cleaned.

    What another statement of a note says with the same words in it is that statement's, and stays. Files that are
    no text, or too large for a note, have the words blotted out with blanks.
    """
    gone = _Gone(memory.text for memory in memories)
    ours = read_record(vault.folder).files
    left = []
    for path in sorted(vault.files()):
        name = path.removeprefix(f"{ROOT}/")
        place = vault.folder / name
        try:
            with vault.changing():
                if place.is_file() and place.stat().st_size > LARGEST:
                    raise OSError
                raw = place.read_bytes() if place.is_file() else b""
                kept = gone.taken_from(raw, copies=name not in ours)
                if kept != raw:
                    write_atomic(place, kept)
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
    return tuple(left)


class _Gone:
    """Texts that are to stand in no file."""

    def __init__(self, texts: Iterable[str]) -> None:
        every = tuple(dict.fromkeys(texts))
        self._lines = {normalise(text) for text in every}
        self._copied = [(hint(text), text) for text in every if tells(text)]

    def taken_from(self, raw: bytes, *, copies: bool) -> bytes:
        """Return a file's content without them; without `copies`, only whole entries and paragraphs go."""
        try:
            if len(raw) > FILE_BYTES:
                raise ValueError
            text = raw.decode("utf-8")
        except ValueError:
            return self._blotted(raw)
        spans: list[Span] = []
        kept: list[Span] = []
        for said, span in statements(text):
            (spans if normalise(said) in self._lines else kept).append(span)
        if copies:
            found = (
                Span(m.start(), m.end()) for p in self._patterns(text) for m in p.finditer(text)
            )
            others = [
                s for s in found if not any(s.start < k.end and k.start < s.end for k in kept)
            ]
            spans += [_with_marks(text, span) for span in others]
        return _without(text, spans).encode("utf-8") if spans else raw

    def _patterns(self, text: str) -> Iterator[re.Pattern[str]]:
        """Yield what may be found in a text; most may not, and cost no more than a look for one word."""
        lower = text.lower()
        for word, said in self._copied:
            pattern = wording(said) if word in lower else None
            if pattern is not None:
                yield pattern

    def _blotted(self, raw: bytes) -> bytes:
        """Put blanks for the words in whatever encoding; the rest stays byte for byte."""
        wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(raw[:2])
        ways = (
            [(wide, "surrogatepass")]
            if wide
            else [("utf-8", "surrogateescape"), ("latin-1", "strict")]
        )
        odd = raw[-1:] if wide and len(raw) % 2 else b""
        for encoding, errors in ways:
            text = raw.removesuffix(odd).decode(encoding, errors)
            for pattern in self._patterns(text):
                text = pattern.sub(lambda found: " " * len(found[0]), text)
            raw = text.encode(encoding, errors) + odd
        return raw


def _with_marks(text: str, span: Span) -> Span:
    """Return a copy with its line, where nothing else stands in it."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end) + 1 or len(text)
    alone = not re.search(r"\w", text[start : span.start] + text[span.end : end])
    return Span(start, end) if alone else span


def _without(text: str, spans: Iterable[Span]) -> str:
    kept, at = "", 0
    for span in sorted(spans, key=lambda one: one.start):
        kept += text[at : max(at, span.start)]
        at = max(at, span.end)
    return kept + text[at:]


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
            if tells(said):
                yield said, Span(start, at)
            block = []
        fenced ^= fence
        if line.strip() and not (fence or fenced or NO_TEXT.match(line)):
            start = start if block else at
            block.append(line)
        at += len(line)
