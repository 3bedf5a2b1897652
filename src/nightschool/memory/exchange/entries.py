"""What stands in a file of another memory system: a text, and where an export says that it came from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nightschool.errors import SourceMalformed
from nightschool.language import plain
from nightschool.types import Memory, Trust, digest

ORIGIN = "origin"
"""Facet of an imported memory: the source that its export named. Nobody has checked it."""
ORIGIN_ID = "origin_id"
ORIGIN_TRUST = "origin_trust"
SLUG_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Origin:
    """What an export says of a memory's provenance; a claim, until the owner vouches for it."""

    id: str
    source: str
    speaker: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement found in a file."""

    text: str
    origin: Origin | None = None
    """None where the file does not say."""


def origin_of(memory: Memory) -> Origin:
    """Return what an export says of a memory; the first source stays named when it was imported itself."""
    source = memory.facets.get(ORIGIN) or memory.source
    return Origin(memory.id, source, memory.speaker, memory.trust)


def origin_from(body: Any, where: str) -> Origin:
    """Read an origin back from its JSON.

    Args:
        body: What stands in the file.
        where: The file and line, for the message.

    Raises:
        SourceMalformed: A field is missing or no text, or the tier is unknown.
    """
    names = ("id", "source", "speaker", "trust")
    fields = {name: body.get(name) for name in names} if isinstance(body, dict) else {}
    if not fields or not all(isinstance(value, str) for value in fields.values()):
        raise SourceMalformed(
            f"{where}: the provenance is {str(body)[:80]!r}; expected an object with the texts "
            f"{', '.join(names)}. Correct it, or take it out."
        )
    try:
        trust = Trust(str(fields["trust"]))
    except ValueError as error:
        tiers = ", ".join(tier.value for tier in Trust)
        raise SourceMalformed(
            f"{where}: trust is {fields['trust']!r}; expected one of {tiers}."
        ) from error
    told = {name: plain(str(fields[name])) for name in names[:3]}
    return Origin(**told, trust=trust)


def by_source(memories: Iterable[Memory]) -> dict[str, list[Memory]]:
    """Group memories by the source that they came from first."""
    groups: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        groups[origin_of(memory).source].append(memory)
    return dict(groups)


def slug(source: str) -> str:
    """Return a file name's stem for a source: its readable end, and what tells it from others."""
    word = re.sub(r"[^a-z0-9]+", "-", source.lower().split("/")[-1])[:SLUG_LENGTH].strip("-")
    return f"{word or 'source'}-{digest(source)[:8]}"
