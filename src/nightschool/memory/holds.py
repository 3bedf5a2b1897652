"""What must not reach the weights whoever says it: secrets, passing states, orders inside of sources.

Recall may still use it. Rules and a detector can err: the owner lifts a hold by approving the memory,
but never that on a secret.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

from nightschool.memory.directives import cut_from_directive, directive
from nightschool.memory.talk import ORDERS
from nightschool.types import Hold, SourceKind

MASK = "[secret]"
NOISY = ("IPPublicDetector", "Base64HighEntropyString", "HexHighEntropyString")
"""Detectors that take addresses and commit hashes for secrets: those are facts that people teach."""
WHOLE = "Private Key"
"""A detector's finding that hides everything: what follows its first line is the secret."""
SPOKEN = re.compile(
    r"\b(?:pass(?:word|phrase|code)|api[ _-]?key|(?:secret|access|private)[ _-](?:key|token))\b"
    r"[^.:=]{0,40}?(?:\bis\b|[:=])\s*[\"'`]?(?P<value>(?=\S*[\d!@#$%^&*])\S{4,})",
    re.IGNORECASE,
)
"""How people say a secret in a sentence; the detector's own keywords want an assignment."""
PASSING = re.compile(
    r"\b(?:right now|at the moment|currently|today|tonight|tomorrow|as of now|for now|so far this)\b"
    r"|\bcosts?\b[^.]{0,30}[$€£]\s?\d|\bcosts?\b[^.]{0,20}\d+ (?:dollars|euros|pounds)\b"
    r"|\bis (?:temporarily )?(?:down|offline|back up) (?:again|since)\b",
    re.IGNORECASE,
)
SUSPECT = re.compile(r"pass|secret|token|key|pwd|cred|auth|BEGIN|://|\S{16,}", re.IGNORECASE)
"""Without any of these no detector finds anything: keywords, addresses, long words. It spares most texts the search."""
BROUGHT_IN = (SourceKind.DOCUMENT, SourceKind.CODE, SourceKind.TOOLS, SourceKind.NOTE)
TECHNICAL = (SourceKind.CODE, SourceKind.TOOLS)
"""Where "the current weather" says what something does, and nothing of this moment."""

_SCANNING = Lock()


def holds(text: str, kind: SourceKind, passage: str = "") -> tuple[Hold, ...]:
    """Tell why a statement may not be trained.

    Args:
        text: The memory's text.
        kind: What it was read from. An order that the owner states is a wish; one that stands in a
            document is a planted instruction until the owner says otherwise.
        passage: The part of a document in which it stands, as written; empty where it has none. A clause
            cut out of an order does not look like one: it waits with the whole.
    """
    found = []
    if masked(text):
        found.append(Hold.SECRET)
    if PASSING.search(text) and kind not in TECHNICAL:
        found.append(Hold.VOLATILE)
    if kind in BROUGHT_IN and _ordered(text, kind, passage):
        found.append(Hold.DIRECTIVE)
    return tuple(found)


def _ordered(text: str, kind: SourceKind, passage: str) -> bool:
    """Tell an order by its words, and in a document by its structure; docstrings are all in the imperative."""
    if ORDERS.search(text):
        return True
    return kind is SourceKind.DOCUMENT and (directive(text) or cut_from_directive(text, passage))


@lru_cache(maxsize=256)
def masked(text: str) -> str:
    """Return the text with its secrets blotted out; empty where none is found.

    Source:
        The detectors of detect-secrets, without its entropy heuristics and without asking any server
        whether a key is valid; beside them, passwords and keys as people say them.
    """
    if not SUSPECT.search(text):
        return ""
    values = {match["value"].rstrip(".,;:\"'`)") for match in SPOKEN.finditer(text)}
    # The detectors' settings are one for the process.
    with _SCANNING, transient_settings({"plugins_used": _plugins(), "filters_used": []}):
        for line in text.splitlines():
            for secret in scan_line(line):
                if secret.type == WHOLE:
                    return MASK
                values.add(secret.secret_value or "")
    shown = text
    for value in sorted(filter(None, values), key=len, reverse=True):
        # A detector may name only a token's prefix: the whole word is the secret.
        shown = re.sub(rf"[^\s\"'`]*{re.escape(value)}[^\s\"'`.,;]*", MASK, shown)
    return shown if values - {""} else ""


def _plugins() -> list[dict[str, str]]:
    kinds: dict[str, type] = get_mapping_from_secret_type_to_class()
    names = [kind.__name__ for kind in kinds.values()]
    return [{"name": name} for name in names if name not in NOISY]
