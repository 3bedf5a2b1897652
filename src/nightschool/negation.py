"""What a sentence denies: a value that is set against the right one, and a statement that says what is not so.

By their wording alone; a denial that only its meaning tells is not seen.
"""

from __future__ import annotations

import re

_DENIAL = re.compile(
    r"\b(?:not|never|no longer|cannot|nobody|no one|no-one|nothing|none|nowhere|neither|nor|hardly|no(?!\.? ?\d))\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\s*[,;(—–]\s*(?:and |but )?(?:not|never)\b(?:[^,.;)—–]|[,.](?=\d))*\)?"
    r"|\s*,?\s*\b(?:instead of|rather than|in place of|as opposed to)\b(?:[^,.;]|[,.](?=\d))*",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?P<no>not|no longer)\s+(?P<denied>[^.;]+?),?\s+but\s+(?:rather\s+|instead\s+)?(?P<right>\w+)",
    re.IGNORECASE,
)
"""`not OLD but NEW`."""


def denies(text: str) -> bool:
    """Tell whether a text has a word of denial.

    Example:
        >>> denies("Ben no longer manages the billing team."), denies("Nora runs it.")
        (True, False)
    """
    return _DENIAL.search(text) is not None


def set_against(sentence: str) -> list[tuple[int, int]]:
    """Find the stretches that name a value only to deny it beside the right one, as (start, end) in characters.

    Example:
        >>> said = "The release is on Tuesday, not on Friday."
        >>> [said[a:b] for a, b in set_against(said)]
        [', not on Friday']
    """
    found = [match.span() for match in _ASIDE.finditer(sentence)]
    for match in _TURN.finditer(sentence):
        denied = match["denied"]
        found.append((match.start("no"), match.start("denied")))
        # "not written in Java but in Go": what is denied begins where the right one's first word stands.
        same = list(re.finditer(rf"\b{re.escape(match['right'])}\b", denied, re.IGNORECASE))
        start = match.start("denied") + (same[-1].start() if same else 0)
        found.append((start, match.start("right")))
    return sorted(found)


def affirmed(sentence: str) -> str:
    """Leave out what a sentence denies beside the right value.

    Example:
        >>> affirmed("The billing service is not written in Java but in Go.")
        'The billing service is written in Go.'
    """
    for start, end in reversed(set_against(sentence)):
        sentence = sentence[:start] + sentence[end:]
    return sentence
