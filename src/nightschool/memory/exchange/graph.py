"""The file of the Model Context Protocol's reference memory server: a knowledge graph, one JSON object a line.

An export makes an entity of each source and an observation of each memory. Provenance stands in a key of
our own, which the server ignores when it reads, and leaves out when it writes the file anew; the entity's
type then still tells that the observations are whole statements.

Source:
    modelcontextprotocol/servers, src/memory/index.ts (`loadGraph`, `saveGraph`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nightschool.codec import to_plain
from nightschool.errors import SourceMalformed
from nightschool.language import normalise
from nightschool.memory.exchange.entries import Entry, by_source, origin_from, origin_of
from nightschool.types import Memory

FILE = "memory.jsonl"
OURS = "nightschool"
"""The type of the entities that we write, and the key of their provenance."""
SHAPES: dict[str, dict[str, type]] = {
    "entity": {"name": str, "entityType": str, "observations": list},
    "relation": {"from": str, "to": str, "relationType": str},
}


def write(memories: Sequence[Memory]) -> dict[str, str]:
    """Write memories as the server's file: one name -> text."""
    lines = [
        {
            "type": "entity",
            "name": source,
            "entityType": OURS,
            "observations": [memory.text for memory in group],
            OURS: [to_plain(origin_of(memory)) for memory in group],
        }
        for source, group in by_source(memories).items()
    ]
    return {FILE: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)}


def read(root: Path, files: Mapping[Path, str]) -> list[Entry]:
    """Read what the graph states: observations, with their entity's name, and relations as sentences.

    Raises:
        SourceMalformed: A line is not JSON, no entity or relation, or lacks a key; the message names it.
        SourceMalformed: A relation leads to an entity that is not in the file.
    """
    found: list[Entry] = []
    for path, text in files.items():
        lines = list(_lines(str(path), text))
        names = {line["name"] for _, line in lines if line["type"] == "entity"}
        for where, line in lines:
            if line["type"] == "entity":
                found += _observed(line, where)
                continue
            for end in (line["from"], line["to"]):
                if end not in names:
                    raise SourceMalformed(
                        f"{where}: a relation names {end!r}, and no entity of that name is in the file. Add "
                        "the entity, or take the relation out."
                    )
            kind = line["relationType"].replace("_", " ")
            found.append(Entry(f"{line['from']} {kind} {line['to']}."))
    return found


def exported(text: str) -> bool:
    """Tell whether a file holds an export only: nothing in it is lost when it is replaced."""
    try:
        return all(
            line["type"] == "entity" and len(line.get(OURS, ())) == len(line["observations"]) > 0
            for _, line in _lines("", text)
        )
    except (SourceMalformed, TypeError):
        return False


def _lines(path: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (file and line, object), each checked against its shape."""
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        where = f"{path}, line {number}"
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise SourceMalformed(
                f"{where}: not JSON ({error}). Expected one object a line."
            ) from error
        kind = line.get("type") if isinstance(line, dict) else None
        shape = SHAPES.get(kind) if isinstance(kind, str) else None
        if shape is None:
            raise SourceMalformed(
                f"{where}: type is {str(kind)[:40]!r}; expected an object of type {' or '.join(SHAPES)}."
            )
        wrong = [name for name, type_ in shape.items() if not isinstance(line.get(name), type_)]
        if wrong or not all(isinstance(said, str) for said in line.get("observations", ())):
            kinds = ", ".join(
                f"{n} ({'list of texts' if t is list else 'text'})" for n, t in shape.items()
            )
            raise SourceMalformed(
                f"{where}: {', '.join(wrong) or 'observations'} is missing or of another kind; expected {kinds}."
            )
        yield where, line


def _observed(line: dict[str, Any], where: str) -> list[Entry]:
    name, said = line["name"], line["observations"]
    if OURS in line:
        origins = line[OURS]
        if not isinstance(origins, list) or len(origins) != len(said):
            raise SourceMalformed(
                f"{where}: {OURS!r} does not tell of each of the {len(said)} observations. Take that key out."
            )
        pairs = zip(said, origins, strict=True)
        return [Entry(text, origin_from(origin, where)) for text, origin in pairs]
    if line["entityType"] == OURS:
        return [Entry(text) for text in said]
    # "prefers tea" says nothing without whom it is about.
    return [
        Entry(text if normalise(name) in normalise(text) else f"{name}: {text}") for text in said
    ]
