"""Documents: Markdown, text, reStructuredText, HTML, PDF and DOCX, cut into passages and statements."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from nightschool.errors import SourceUnreadable
from nightschool.sources.clauses import Context, statements
from nightschool.types import Episode, Finding, Reading, SourceKind, Span, digest, new_id, now

PLAIN = {".md", ".markdown", ".txt", ".rst"}
CONVERTED = {".html", ".htm", ".pdf", ".docx"}
PASSAGE_CHARACTERS = 900
LONGEST_BLOCK = 4 * PASSAGE_CHARACTERS
"""Characters of a paragraph that stays in one piece."""
OPEN_ENDED = re.compile(r"^(?:This|That|These|There) |\s[^\w\s]+$")
"""A statement that points to what stands before it, or ends in a mark where a word should be."""
LARGEST_UNPACKED = 200_000_000
"""Bytes of an archive's members; a .docx is one."""


def convert(path: Path) -> str:
    """Turn an HTML, PDF or DOCX file into Markdown (by markitdown).

    Raises:
        SourceUnreadable: The file is damaged or not of its kind.
        SourceUnreadable: It is small, and would unpack to more than `LARGEST_UNPACKED`.
    """
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter, HtmlConverter, PdfConverter

    # Each format's own reader: the general one takes a damaged file for plain text.
    kind = path.suffix.lower()
    if kind == ".docx":
        _check_unpacked(path)
    converters: dict[str, Any] = {".pdf": PdfConverter, ".docx": DocxConverter}
    reader = converters.get(kind, HtmlConverter)()
    try:
        with path.open("rb") as stream:
            text: str = reader.convert(stream, StreamInfo(extension=kind)).text_content
    except Exception as error:  # each format's reader has its own tree of errors
        raise SourceUnreadable(
            f"{path} cannot be read as {path.suffix[1:].upper()}: {error}. Check that it opens elsewhere."
        ) from error
    return text


def _check_unpacked(path: Path) -> None:
    """See how large an archive is unpacked. What it says counts: the reader unpacks no more than that."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return  # the reader says what is wrong with it
    if size > LARGEST_UNPACKED:
        raise SourceUnreadable(
            f"{path} unpacks to {size / 1e6:,.0f} MB; at most {LARGEST_UNPACKED / 1e6:.0f} MB are read. Split it, "
            "or take the large pictures out."
        )


def read_document(text: str, tenant: str, source: str, title: str) -> Reading:
    """Cut a document into passages of a few sentences, and find the statements in them."""
    episode = Episode(
        new_id("ep"), tenant, SourceKind.DOCUMENT, source, title, text,
        digest(SourceKind.DOCUMENT.value, source, text), now(),
    )  # fmt: skip
    findings: list[Finding] = []
    seen: set[str] = set()
    for heading, start, body in _passages(text):
        number = sum(1 for f in findings if f.form == "passage" and f.facets["heading"] == heading)
        name = heading or title
        findings.append(
            Finding(
                " ".join(body.split()),
                "passage",
                {"title": title, "heading": name},
                Span(start, start + len(body)),
                "document",
                f"passage|{source}|{name}|{number}",
            )
        )
        context = Context("the author", thing=name, group="the team")
        for statement in statements(_prose(body), context):
            key = f"document|{source}|{statement.text.lower()}"
            if key not in seen and not OPEN_ENDED.search(statement.text):
                seen.add(key)
                span = Span(start, start + len(body))
                findings.append(
                    Finding(statement.text, "said", {"title": title}, span, "document", key)
                )
    return Reading(episode, tuple(findings))


def _passages(text: str) -> list[tuple[str, int, str]]:
    """Return (heading, offset, text) of each passage, paragraphs joined up to the size of one."""
    passages: list[tuple[str, int, str]] = []
    heading, fresh = "", True
    for match in re.finditer(r"[^\n]+(?:\n(?!\s*\n|#)[^\n]+)*", text):
        block = match.group()
        title = re.match(r"#{1,6}\s+(.+)", block) or re.match(r"(.+)\n[=\-~^]{3,}\s*$", block)
        if title:
            heading, fresh = title.group(1).strip(), True
            continue
        for start, end in _pieces(block):
            start, end = match.start() + start, match.start() + end
            last = passages[-1] if passages else None
            if last and not fresh and end - last[1] <= PASSAGE_CHARACTERS:
                passages[-1] = (heading, last[1], text[last[1] : end])
            else:
                passages.append((heading, start, text[start:end]))
            fresh = False
    return passages


def _pieces(block: str) -> list[tuple[int, int]]:
    """Cut a paragraph beyond `LONGEST_BLOCK` (a log, a table, a text in one line) at the ends of lines, sentences or words."""
    if len(block) <= LONGEST_BLOCK:
        return [(0, len(block))]
    pieces, at = [], 0
    while len(block) - at > PASSAGE_CHARACTERS:
        part = block[at : at + PASSAGE_CHARACTERS]
        ends = (part.rfind("\n"), part.rfind(". ") + 1, part.rfind(" "))
        size = next((end for end in ends if end > 0), PASSAGE_CHARACTERS)
        pieces.append((at, at + size))
        at += size + (block[at + size : at + size + 1].isspace())
    return [*pieces, (at, len(block))] if at < len(block) else pieces


def _prose(body: str) -> str:
    """Strip list bullets and emphasis marks, which mislead the parser."""
    plain = re.sub(r"(?m)^\s*(?:[-*+]|\d+\.)\s+", "", body)
    return re.sub(r"[*_`]{1,3}(\S(?:.*?\S)?)[*_`]{1,3}", r"\1", plain)
