"""Python source trees and installed packages, read statically by griffe: nothing is imported or run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nightschool.errors import SourceUnreadable
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id, now


def read_package(name: str, tenant: str, search: Path | None = None) -> Reading:
    """Read a package's public functions, classes and modules.

    Each finding's facets are texts: `name` (dotted), `short`, `module`, `package`, `owner`,
    `signature`, `parameters` (JSON list of name, default, annotation, kind), `returns`, `purpose`
    and `file`.

    Args:
        name: The import name.
        tenant: Whose episode this is.
        search: Folder that holds the package; None means an installed package.

    Raises:
        SourceUnreadable: There is no such package, or its source has a syntax error.
    """
    import griffe

    try:
        package = griffe.load(
            name, search_paths=[search] if search else None, allow_inspection=False
        )
    except (ImportError, griffe.GriffeError, SyntaxError) as error:
        raise SourceUnreadable(
            f"The package {name} cannot be read: {error}. Give an installed package or a source folder."
        ) from error
    findings = tuple(_findings(package, name))
    if not findings:
        raise SourceUnreadable(f"The package {name} has no public functions, classes or modules.")
    text = "\n\n".join(finding.text for finding in findings)
    source = f"pkg:{name}" if search is None else str(search / name)
    episode = Episode(
        new_id("ep"), tenant, SourceKind.CODE, source, name, text,
        digest(SourceKind.CODE.value, source, text), now(),
    )  # fmt: skip
    return Reading(episode, findings)


def _findings(module: Any, package: str) -> Iterator[Finding]:
    yield _finding(module, "code.module", module.path, package, "")
    for name, member in module.members.items():
        if name.startswith("_") or member.is_alias:
            continue
        if member.is_module:
            yield from _findings(member, package)
        elif member.is_class:
            yield _finding(member, "code.class", module.path, package, "")
            for inner, method in member.members.items():
                if not inner.startswith("_") and not method.is_alias and method.is_function:
                    yield _finding(method, "code.function", module.path, package, name)
        elif member.is_function:
            yield _finding(member, "code.function", module.path, package, "")


def _finding(thing: Any, form: str, module: str, package: str, owner: str) -> Finding:
    purpose = _first_sentence(thing.docstring.value) if thing.docstring else ""
    call = thing.members.get("__init__", thing) if form == "code.class" else thing
    parameters = [p for p in getattr(call, "parameters", ()) if p.name not in ("self", "cls")]
    signature = (
        _signature(thing.name, parameters, getattr(thing, "returns", None))
        if form != "code.module"
        else ""
    )
    file = _file(thing, package)
    facets = {
        "name": thing.path,
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
                    "doc": "",
                }
                for p in parameters
            ]
        ),
        "returns": str(getattr(thing, "returns", None) or ""),
        "purpose": purpose,
        "file": file,
    }
    shown = f"`{module}.{signature}`" if signature else f"`{thing.path}`"
    kind = form.removeprefix("code.")
    text = f"The {kind} {shown} is in {file}." + (f" {purpose}" if purpose else "")
    return Finding(text, form, facets, None, "code", f"code:{thing.path}")


def _signature(name: str, parameters: list[Any], returns: Any) -> str:
    parts = []
    for p in parameters:
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(
            p.kind.value if p.kind else "", ""
        )
        annotation = f": {p.annotation}" if p.annotation is not None else ""
        default = f"={p.default}" if p.default is not None and not star else ""
        parts.append(f"{star}{p.name}{annotation}{default}")
    return f"{name}({', '.join(parts)})" + (f" -> {returns}" if returns is not None else "")


def _file(thing: Any, package: str) -> str:
    path = thing.filepath
    parts = (path[0] if isinstance(path, list) else path).parts
    at = len(parts) - 1 - parts[::-1].index(package) if package in parts else len(parts) - 1
    return "/".join(parts[at:])


def _first_sentence(text: str) -> str:
    first = " ".join(text.strip().split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".") + "." if first else ""
