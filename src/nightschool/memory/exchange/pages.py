"""Markdown pages of memories: front matter, and one fact a list entry with its provenance in a comment.

`- The staging host is kestrel-7. <!-- nightschool {"id": ..., "trust": "owner"} -->`

A list entry is one line, so the comment also carries the exact text where the line cannot (line breaks,
the beginning of a comment). Pages that others wrote are read as notes are: list entries and paragraphs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from nightschool.codec import to_plain
from nightschool.errors import SourceMalformed
from nightschool.language import plain
from nightschool.memory.exchange.entries import Entry, origin_from, origin_of
from nightschool.memory.notes import statements
from nightschool.types import Memory

LINE = re.compile(r"^- (?P<shown>.*?) *<!-- nightschool (?P<body>(?:(?!<!--).)*?) *-->\s*$")
POINTER = re.compile(r"^\s*[-*+] +\[.*\]\([^)]+\.md\)")
"""A line of an index: it leads to a page, and states nothing."""
FENCE = "---"


def write_page(front: Mapping[str, Any], title: str, lines: Iterable[str]) -> str:
    """Write a page with YAML front matter, a heading, and lines."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=float("inf"))
    return "\n".join([f"{FENCE}\n{head}{FENCE}", "", f"# {plain(title)}", "", *lines]) + "\n"


def fact_line(memory: Memory) -> str:
    """Write a memory as one list entry, with its provenance."""
    body = to_plain(origin_of(memory))
    if _shown(memory.text) != memory.text:
        body["text"] = memory.text
    # Inside of a comment nothing may look like its end.
    comment = json.dumps(body, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    comment = comment.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"- {_shown(memory.text)} <!-- nightschool {comment} -->"


def pointer_line(title: str, target: str, hook: str) -> str:
    """Write a line of an index."""
    return f"- [{plain(title).replace('[', '(').replace(']', ')')}]({target}) — {hook}"


def read_page(where: str, text: str) -> tuple[dict[str, Any], list[Entry]]:
    """Read a page; return (front matter, entries). Headings, tables, code and index lines are no entries.

    Args:
        where: The file's path, for messages.
        text: Its content.

    Raises:
        SourceMalformed: The front matter is not closed, or is no YAML mapping.
        SourceMalformed: A line's provenance is not what an export writes.
    """
    front, lines, first = _front(where, text)
    entries = []
    rest = []
    for number, line in enumerate(lines, start=first):
        found = LINE.match(line)
        if found:
            entries.append(_entry(found["shown"], found["body"], f"{where}, line {number}"))
        rest.append("" if found or POINTER.match(line) else line)
    entries += [Entry(said) for said, _ in statements("\n".join(rest))]
    return front, entries


def _entry(shown: str, body: str, where: str) -> Entry:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceMalformed(
            f"{where}: the comment after the text is not JSON ({error}). Correct it, or take it out."
        ) from error
    origin = origin_from(told, where)
    exact = told.get("text")
    # A line that somebody has edited since says what they want; the text in its comment is the old one.
    return Entry(exact if isinstance(exact, str) and _shown(exact) == shown else shown, origin)


def _shown(text: str) -> str:
    return plain(text).replace("<!--", "&lt;!--")


def _front(where: str, text: str) -> tuple[dict[str, Any], list[str], int]:
    """Take a page apart: front matter (empty where there is none), the lines after it, the first's number."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return {}, lines, 1
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), None)
    if end is None:
        raise SourceMalformed(
            f"{where}, line 1: the front matter is never closed. End it with a line {FENCE}."
        )
    try:
        front = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        reason = getattr(error, "problem", None) or str(error)
        raise SourceMalformed(
            f"{where}, line {line}: the front matter is not YAML: {reason}."
        ) from error
    if front is not None and not isinstance(front, dict):
        raise SourceMalformed(
            f"{where}, line 2: the front matter is a {type(front).__name__}; expected `key: value` lines."
        )
    return front or {}, lines[end + 1 :], end + 2
