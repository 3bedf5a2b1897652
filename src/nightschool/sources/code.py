"""Python source trees and installed packages, read statically by griffe: nothing is imported or run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import SourceUnreadable
from nightschool.language import normalise
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id, now

MOST_DETAILS = 8
"""Sentences of a docstring beyond its first that are kept."""
FEWEST_WORDS = 4
"""A shorter sentence ("See below.") tells nothing on its own."""


def read_package(
    name: str, tenant: str, search: Path | None = None, source: str | None = None
) -> Reading:
    """Read a package's public functions, classes and modules.

    Each finding's facets are texts: `name` (dotted, as it is imported), `short`, `module` (to
    import from), `package`, `owner`, `signature`, `parameters` (JSON list of name, default,
    annotation, kind, doc), `returns` (a type), `result` (what the docstring says of it), `raises`
    (names of exceptions), `purpose` (the docstring's first sentence), `details` (JSON list of its
    others) and `file` (where the source stands). A class is called with its constructor's
    parameters; those of its instances' calls, which decorators have, follow in `parameters`.

    Args:
        name: The import name.
        tenant: Whose episode this is.
        search: Folder that holds the package; None means an installed package.
        source: What the source is called; None: the package's folder, or `pkg:` and its name.

    Raises:
        SourceUnreadable: There is no such package, or its source has a syntax error.
    """
    called = source or (f"pkg:{name}" if search is None else str(search / name))
    return _reading(name, tenant, search, called)


def read_module(path: Path, tenant: str, source: str) -> Reading:
    """Read the public functions and classes of one Python file, which belongs to no package; see `read_package`.

    Raises:
        SourceUnreadable: It has a syntax error, or nothing in it is public.
    """
    return _reading(path.stem, tenant, path.parent, source)


def _reading(name: str, tenant: str, search: Path | None, source: str) -> Reading:
    findings = tuple(finding for _, finding in public_findings(name, search))
    if not findings:
        raise SourceUnreadable(f"{source} has no public functions, classes or modules.")
    text = "\n\n".join(finding.text for finding in findings)
    episode = Episode(
        new_id("ep"), tenant, SourceKind.CODE, source, name, text,
        digest(SourceKind.CODE.value, source, text), now(),
    )  # fmt: skip
    return Reading(episode, findings)


def public_findings(name: str, search: Path | None = None) -> list[tuple[Path, Finding]]:
    """Find a package's public things, each with the file that it stands in; see `read_package`.

    Raises:
        SourceUnreadable: There is no such package, or its source has a syntax error.
    """
    import griffe

    try:
        with griffe.logger.disable():
            package = griffe.load(
                name, search_paths=[search] if search else None, allow_inspection=False
            )
    except (ImportError, griffe.GriffeError, SyntaxError) as error:
        raise SourceUnreadable(
            f"{name} cannot be read as Python: {error}. Give an installed package, a source folder or a .py file."
        ) from error
    return [(_path(thing), finding) for thing, finding in _findings(package, name)]


def _findings(package: Any, name: str) -> Iterator[tuple[Any, Finding]]:
    """Find a package's public things, each under one name by which it is imported.

    What `__init__` re-exports from a private module belongs to the package's interface. A thing
    that is public in several places goes by its shortest name, then by the one nearest to its source.
    """
    names: dict[str, tuple[str, str, Any]] = {}
    for path, module, thing in _public(package, name):
        known = names.get(thing.path)
        if known is None or _distance(path, thing.path) < _distance(known[0], thing.path):
            names[thing.path] = (path, module, thing)
    for path, module, thing in names.values():
        if thing.is_module:
            yield thing, _finding(thing, path, "code.module", module, name, "")
        elif thing.is_class:
            yield thing, _finding(thing, path, "code.class", module, name, "")
            for inner, part in thing.members.items():
                if inner.startswith("_") or part.is_alias:
                    continue
                form = "code.function" if part.is_function else "code.property"
                if part.is_function or "property" in part.labels:
                    yield part, _finding(part, f"{path}.{inner}", form, module, name, thing.name)
        elif thing.is_function:
            yield thing, _finding(thing, path, "code.function", module, name, "")


def _public(module: Any, package: str) -> Iterator[tuple[str, str, Any]]:
    """List (name, module to import from, thing), the module itself first."""
    yield module.path, module.path, module
    for name, member in module.members.items():
        if name.startswith("_"):
            continue
        thing = _target(member, package)
        if thing is None or not (member.is_public or _lifted(module, member, thing)):
            continue
        if not thing.is_module:
            yield f"{module.path}.{name}", module.path, thing
        elif not member.is_alias:
            yield from _public(thing, package)


def _lifted(module: Any, member: Any, thing: Any) -> bool:
    """Tell what an `__init__` without `__all__` takes out of a private module: there it can be meant for nobody else."""
    private = any(part.startswith("_") for part in thing.path.split(".")[1:-1])
    return bool(member.is_alias and module.is_init_module and module.exports is None and private)


def _distance(path: str, source: str) -> tuple[int, int]:
    """Rank a public name: how long it is, and how little it shares with where the thing is defined."""
    parts, origin = path.split("."), source.split(".")
    shared = next(
        (k for k, (x, y) in enumerate(zip(parts, origin, strict=False)) if x != y), len(parts)
    )
    return len(parts), -shared


def _target(member: Any, package: str) -> Any:
    """Follow a re-export to what it names; None for what lies outside of the package."""
    import griffe

    if not member.is_alias:
        return member
    try:
        target = member.final_target
    except griffe.GriffeError:
        return None
    return target if target.path.split(".")[0] == package else None


def _finding(thing: Any, path: str, form: str, module: str, package: str, owner: str) -> Finding:
    prose = _prose(thing)
    call = thing.members.get("__init__", thing) if form == "code.class" else thing
    parameters = _parameters(call)
    again = thing.members.get("__call__") if form == "code.class" else None
    called = _parameters(again) if again is not None and again.is_function else []
    returns = thing.annotation if form == "code.property" else getattr(thing, "returns", None)
    callable_ = form in ("code.class", "code.function")
    signature = _signature(thing.name, parameters, returns) if callable_ else ""
    file = _file(thing, package)
    documented = _documented(thing) | _documented(call)
    if again is not None:
        documented = _documented(again) | documented
    facets = {
        "name": path,
        "short": thing.name,
        "module": module,
        "package": package,
        "owner": owner,
        "signature": signature,
        "parameters": json.dumps(
            [
                {
                    "name": p.name,
                    "default": None if p.default is None else str(p.default),
                    "annotation": None if p.annotation is None else str(p.annotation),
                    "kind": p.kind.value if p.kind else "",
                    "doc": documented.get(p.name, ""),
                    "of": of,
                }
                for p, of in [*((p, "") for p in parameters), *((p, "__call__") for p in called)]
            ]
        ),
        "returns": str(returns or ""),
        "result": prose.result,
        "raises": ", ".join(_raised(thing.docstring.value if thing.docstring else "")),
        "purpose": prose.purpose,
        "details": json.dumps(prose.details),
        "file": file,
    }
    shown = path.removesuffix(thing.name) + signature if signature else path
    kind = ("async " if "async" in thing.labels else "") + form.removeprefix("code.")
    pairs = [(p.name, documented[p.name]) for p in [*parameters, *called] if documented.get(p.name)]
    text = in_words(f"The {kind} `{shown}` is in {file}.", prose, pairs)
    return Finding(text, form, facets, None, "code", f"code:{path}")


def in_words(opening: str, prose: Prose, documented: Sequence[tuple[str, str]]) -> str:
    """Tell in sentences what is known of a thing in code.

    Args:
        opening: Its name, kind and place.
        prose: What its docstring says.
        documented: (parameter, what is said of it).
    """
    said = [opening, prose.purpose, *prose.details]
    said.append(f"Returns: {prose.result}" if prose.result else "")
    return " ".join(filter(None, [*said, *(f"{name}: {doc}" for name, doc in documented)]))


def _parameters(call: Any) -> list[Any]:
    return [p for p in getattr(call, "parameters", ()) if p.name not in ("self", "cls")]


def _sections(thing: Any) -> list[Any]:
    """Parse a docstring in any of the common styles."""
    import griffe

    if not thing.docstring:
        return []
    with griffe.logger.disable():  # what the docstring leaves out is no news to the user
        return list(thing.docstring.parse(griffe.Parser.auto, default=griffe.Parser.google))


def _documented(thing: Any) -> dict[str, str]:
    """Read what the docstring says of each parameter."""
    return {
        row.name.lstrip("*"): first_sentence(row.description)
        for section in _sections(thing)
        if section.kind.value in ("parameters", "attributes")  # a data class documents its fields
        for row in section.value
    }


@dataclass(frozen=True, slots=True)
class Prose:
    """What a docstring says of a thing."""

    purpose: str
    """The first sentence."""
    details: list[str]
    """The others, at most `MOST_DETAILS`."""
    result: str
    """What is returned, in words; empty where the purpose or nothing tells it."""


def _prose(thing: Any) -> Prose:
    """Read a docstring's sentences; examples, tables and directives are none."""
    said: list[str] = []
    result = ""
    for section in _sections(thing):
        if section.kind.value == "text":
            said += [one for part in section.value.split("\n\n") for one in sentences(part)]
        elif section.kind.value == "admonition":
            said += sentences(section.value.description)
        elif section.kind.value == "returns":
            told = [one for row in section.value for one in sentences(row.description)]
            result, *rest = told or [""]
            result = result if " " in result else ""
            said += rest
    purpose = first_sentence(thing.docstring.value) if thing.docstring else ""
    rest = said[1:] if said and normalise(said[0]) == normalise(purpose) else said
    if not result:
        result = next((one for one in rest if re.match(r"Returns? ", one)), "")
        rest = [one for one in rest if one != result]
        result = re.sub(r"^Returns? (.)", lambda m: m[1].upper(), result)
    return Prose(
        purpose, [one for one in rest if len(one.split()) >= FEWEST_WORDS][:MOST_DETAILS], result
    )


def sentences(paragraph: str) -> list[str]:
    """Cut a paragraph of a docstring into sentences; none where it is no prose."""
    text = re.sub(r"^\s*\.\. (?:note|warning|tip|important|caution)::", "", paragraph).strip()
    text = re.sub(r"^[*-] ", "", text)
    if (
        not text
        or not re.match(r"[\w`*(\"':]", text)
        or re.match(r">>>|\.\. |:\w+[ \w]*:(?!`)", text)
    ):
        return []
    return [
        one for one in re.split(r"(?<=[.!?])\s+(?=[A-Z`\"'(])", _plain(text)) if one[-1] in ".!?"
    ]


POSITIONAL = "positional-only"
NOT_RAISED = re.compile(
    r"(?:\b(?:not|never|no longer|cannot|without|neither|nor|rather than|instead of|avoids?)|n[’']t)\b"
    r"[^.;]{0,60}?\brais(?:e[sd]?|ing)\b[^.;,]*", re.IGNORECASE,
)  # fmt: skip
"""Says what is not raised."""


def _raised(docstring: str) -> list[str]:
    """Name the exceptions that a docstring says are raised, in any style: sentences and sections."""
    said = [NOT_RAISED.sub("", one) for one in re.split(r"(?<=\.)\s|\n\s*\n", docstring)]
    told = " ".join(one for one in said if re.search(r"\braise[sd]?\b", one, re.IGNORECASE))
    return list(dict.fromkeys(re.findall(r"\b[A-Z]\w*(?:Error|Exception)\b", told)))


def _signature(name: str, parameters: list[Any], returns: Any) -> str:
    parts: list[str] = []
    last = ""
    for p in parameters:
        kind = p.kind.value if p.kind else ""
        parts += ["/"] if last == POSITIONAL and kind != POSITIONAL else []
        if kind == "keyword-only" and last not in ("keyword-only", "variadic positional"):
            parts.append("*")
        last = kind
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        annotation = f": {p.annotation}" if p.annotation is not None else ""
        default = f"={p.default}" if p.default is not None and not star else ""
        parts.append(f"{star}{p.name}{annotation}{default}")
    parts += ["/"] if last == POSITIONAL else []
    return f"{name}({', '.join(parts)})" + (f" -> {returns}" if returns is not None else "")


def _file(thing: Any, package: str) -> str:
    parts = _path(thing).parts
    at = len(parts) - 1 - parts[::-1].index(package) if package in parts else len(parts) - 1
    return "/".join(parts[at:])


def _path(thing: Any) -> Path:
    path = thing.filepath
    return Path(path[0] if isinstance(path, list) else path)


def first_sentence(text: str) -> str:
    """Take a docstring's first sentence, without reStructuredText's roles and emphasis."""
    first = _plain(text.strip().split("\n\n")[0])
    if re.match(
        r":\w+[ \w]*:(?!`)|\.\. ", first
    ):  # a field or a directive says nothing of the thing
        return ""
    ends = re.split(
        r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)(?<!\bresp)\. ", first, flags=re.IGNORECASE
    )
    return ends[0].rstrip(".:") + "." if first else ""


def _plain(text: str) -> str:
    """Join lines, and take away reStructuredText's roles and emphasis."""
    text = " ".join(text.split())
    text = re.sub(r":[\w:]+:`[~!]?([^`<]+?)(?: <[^>]*>)?`", r"`\1`", text)
    text = re.sub(r"(?<![\w*])\*{1,2}([\w.-]+)\*{1,2}(?![\w*])", r"\1", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("\\ ", "").replace("\\_", "_")
