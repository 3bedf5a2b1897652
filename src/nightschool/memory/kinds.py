"""Tell facts, preferences, procedures and events apart by their words; a hint for people and listings."""

from __future__ import annotations

import re

from nightschool.types import Kind

PREFERENCE = re.compile(
    r"\b(?:prefers?|likes?|loves?|hates?|dislikes?|enjoys?|favou?rites?|would rather|can't stand|is fond of)\b",
    re.IGNORECASE,
)
PROCEDURE = re.compile(
    r"^\W*(?:to|in order to|before|after|when|if)\b[^,]{3,80},\s*(?:first |then |always |please )?"
    r"(?:run|use|call|open|press|click|type|send|ask|set|start|stop|restart|check|install|copy|edit|go|make|follow)\b"
    r"|\bstep \d|\bhow to\b|\bfirst\b.{3,80}\bthen\b",
    re.IGNORECASE,
)
EVENT = re.compile(
    r"\b(?:yesterday|last (?:night|week|month|year|\w+day)|(?:an? |\w+ )?(?:hours?|days?|weeks?|months?|years?) ago)\b"
    r"|\b(?:happened|took place|went to|visited|met|attended|celebrated|arrived|joined|left|moved|released|launched"
    r"|broke down|was born|died|married|won|lost)\b",
    re.IGNORECASE,
)


def kind_of(text: str) -> Kind:
    """Return what sort of thing a statement holds; whatever fits no pattern is a fact."""
    for kind, pattern in (
        (Kind.PREFERENCE, PREFERENCE),
        (Kind.PROCEDURE, PROCEDURE),
        (Kind.EVENT, EVENT),
    ):
        if pattern.search(text):
            return kind
    return Kind.FACT
