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
FENCE = r"^[ \t]*(?P<mark>`{3,}|~{3,})[^`\n]*(?:\n.*?(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)|\Z)"
HEADING = (
    r"^#{1,6}[ \t]+(?P<atx>[^\n]+)"
    r"|^(?P<over>[=~^]{3,})[ \t]*\n(?P<between>[^\n]+)\n(?P=over)[ \t]*$"
    r"|^(?![-*+|>=~^]|\d+[.)] )(?P<above>[^\n]+)\n[=\-~^]{3,}[ \t]*$"
)
PARAGRAPH = r"[^\n]+(?:\n(?![ \t]*\n|#{1,6}[ \t]|[ \t]*(?:```|~~~))[^\n]+)*"
BLOCK = re.compile(rf"{FENCE}|{HEADING}|{PARAGRAPH}", re.MULTILINE | re.DOTALL)
"""A fence comes first: a `# comment` in it is no heading."""
UNDER_IT = r"[^\n]*(?:\n(?:[ \t]+[^\n]*|(?=\n)))*"
HIDDEN = re.compile(
    rf"(?:{FENCE}|(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`))|(?P<comment><!--(?:(?!<!--).)*?-->|^\.\. (?![\w:-]+::|[_|\[]){UNDER_IT})",
    re.MULTILINE | re.DOTALL,
)
ADMONITION = r"(?:note|warning|tip|important|caution|attention|danger|error|hint)::"
MARKED_UP = re.compile(rf"^\.\. (?!{ADMONITION}){UNDER_IT}", re.MULTILINE)
"""A comment or a directive of reStructuredText with all that is indented under it."""
TABLE = r"^[ \t]*\|[^\n]*$"
LISTED = re.compile(rf"\s*(?:[-*+]|\d+[.)])\s|\.\. {ADMONITION}")
"""What the indented paragraphs below belong to."""
IN_CODE = str.maketrans("*_", "\ue000\ue001")
OUT_OF_CODE = str.maketrans("\ue000\ue001", "*_")
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
    shown = HIDDEN.sub(lambda m: _blank(m) if m["comment"] else m[0], text)
    prose = _without_code(shown)
    for heading, start, body in _passages(shown):
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
        for statement in statements(_prose(prose[start : start + len(body)]), context):
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
    for match in BLOCK.finditer(text):
        title = match["atx"] or match["between"] or match["above"]
        if title:
            heading, fresh = title.strip(), True
            continue
        block = match.group()
        if not block.strip():
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


def _without_code(text: str) -> str:
    """Put code, tables, comments and directives to blanks: what stands there claims nothing."""
    plain = MARKED_UP.sub(_blank, re.sub(rf"(?ms){FENCE}|{TABLE}", _blank, text))
    found, at, last = "", 0, ""
    for match in re.finditer(PARAGRAPH, plain):
        block = match.group()
        inside = LISTED.match(last) is not None
        literal = last.rstrip().endswith("::") and block[0].isspace()
        indented = all(line.startswith(("    ", "\t")) for line in block.splitlines())
        if block.strip() and last and not inside and (literal or indented):
            found, at = found + plain[at : match.start()] + _blank(match), match.end()
        elif not block[0].isspace():
            last = block
    return found + plain[at:]


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _prose(body: str) -> str:
    """Strip list bullets and emphasis marks, which mislead the parser; a name in code keeps its stars and underscores."""
    plain = re.sub(r"(?m)^\s*(?:[-*+]|\d+\.)\s+(?:\[[ xX]\]\s+)?", "", body)
    plain = re.sub(rf"(?m)^\.\. {ADMONITION}[ \t]*", "", plain)
    plain = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", lambda m: m[2].translate(IN_CODE), plain)
    plain = re.sub(r"~~(?=\S)[^~\n]+~~ ?", "", plain)
    for mark in ("\\*", "_"):
        emphasis = (
            rf"(?<![\w{mark}])({mark}{{1,3}})(?=[^\s{mark}])(.+?)(?<=[^\s{mark}])\1(?![\w{mark}])"
        )
        plain = re.sub(emphasis, _bare, plain)
    return plain.translate(OUT_OF_CODE)


def _bare(found: re.Match[str]) -> str:
    """Take the marks off, but not off a name such as __init__."""
    return found[0] if re.fullmatch(r"__[a-z]\w*__", found[0]) else found[2]
