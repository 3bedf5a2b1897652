"""Doc comments of other languages than Python: JSDoc, Javadoc, Doxygen, rustdoc and Go's plain ones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nightschool.language import normalise
from nightschool.sources.code import FEWEST_WORDS, MOST_DETAILS, Prose, first_sentence, sentences

TAG = re.compile(r"(?m)^[@\\](?P<tag>[a-zA-Z]+)(?:\[[^\]]*\])?[ \t]*")
TYPE = re.compile(r"^\{(?P<type>[^}]*)\}\s*")
NAMED = ("param", "arg", "argument", "tparam", "property", "prop")
RETURNED = ("return", "returns", "result", "retval")
RAISED = ("throws", "throw", "exception")
TOLD = ("brief", "summary", "description", "remarks", "details")


@dataclass(frozen=True, slots=True)
class Comment:
    """What a doc comment says."""

    prose: Prose
    parameters: dict[str, str] = field(default_factory=dict)
    """Name -> first sentence about it."""
    types: dict[str, str] = field(default_factory=dict)
    """Name -> type, where the comment gives it; under `""` that of the result."""
    raised: tuple[str, ...] = ()


def read_comment(raw: str) -> Comment:
    """Read a doc comment as it stands in the source, marks and all; an empty one says nothing."""
    text = _unmarked(raw)
    marks = list(TAG.finditer(text))
    body = text[: marks[0].start()] if marks else text
    parameters: dict[str, str] = {}
    types: dict[str, str] = {}
    raised: list[str] = []
    result = ""
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        tag = mark["tag"].lower()
        said = text[mark.end() : end].strip()
        kind = TYPE.match(said)
        bare = said[kind.end() :] if kind else said
        if tag in NAMED:
            found = re.match(r"\[?([\w$.]+)(?:=[^\]]*)?\]?\s*(?:[-:–]\s*)?", bare)
            if found and "." not in found[1]:
                parameters[found[1]] = first_sentence(_plain(bare[found.end() :]))
                types |= {found[1]: kind["type"]} if kind else {}
        elif tag in RETURNED:
            result = first_sentence(_plain(bare.lstrip("-–: ")))
            types |= {"": kind["type"]} if kind else {}
        elif tag in RAISED:
            name = kind["type"] if kind else (bare.split() or [""])[0]
            raised += [name.rpartition(".")[2]] if re.fullmatch(r"[\w.]+", name) else []
        elif tag in TOLD:
            body += "\n\n" + said
    return Comment(_prose(body, result), parameters, types, tuple(dict.fromkeys(raised)))


def _prose(body: str, result: str) -> Prose:
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        if re.match(r"\s*(?:#|```|~~~|@)", paragraph):
            break  # rustdoc's sections, and examples
        paragraphs.append(_plain(paragraph))
    said = [one for paragraph in paragraphs for one in sentences(paragraph)]
    purpose = first_sentence(paragraphs[0]) if paragraphs else ""
    rest = said[1:] if said and normalise(said[0]) == normalise(purpose) else said
    kept = [one for one in rest if len(one.split()) >= FEWEST_WORDS][:MOST_DETAILS]
    return Prose(purpose, kept, result if " " in result else "")


def _unmarked(raw: str) -> str:
    """Take the marks of a comment away, and leave its lines."""
    text = re.sub(r"^\s*/\*[*!]*<?|\*+/\s*$", "", raw.strip())
    lines = [re.sub(r"^\s*(?:///?[!/]?<?|\*+(?!/))[ \t]?", "", line) for line in text.splitlines()]
    return "\n".join(line.rstrip() for line in lines).strip()


def _plain(text: str) -> str:
    """Take away the markup of Javadoc, and rustdoc's links."""
    text = re.sub(r"\{@\w+\s+([^}]*)\}", r"`\1`", text)
    text = re.sub(r"</?(?:code|b|i|em|strong|tt)>", "", text)
    text = re.sub(r"</?(?:p|br|pre|ul|li)\s*/?>", " ", text)
    text = re.sub(r"\[(`[^`]+`)\](?:\([^)]*\))?", r"\1", text)
    return " ".join(re.sub(r"[@\\](?:p|c|ref|a)\s+(\S+)", r"`\1`", text).split())
