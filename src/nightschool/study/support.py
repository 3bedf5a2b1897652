"""Check that what a model wrote about a source stands in the source."""

from __future__ import annotations

import re

from nightschool.language import normalise, parse
from nightschool.types import Example, Memory

SHARE = 0.7
"""Of the content words of a text, at least so many must stand in the source."""
NUMBERS = {
    word: str(value)
    for value, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split(),
        start=2,
    )
}
"""Number words that are compared as digits; "one" is as often a pronoun."""


def source_of(memory: Memory) -> str:
    """Return what an author reads of a memory: its text, under its heading where it has one."""
    heading = memory.facets.get("heading", "")
    return f"{heading}\n{memory.text}" if heading else memory.text


def supported(example: Example, source: str) -> bool:
    """Tell whether the target's numbers and names, and most of its content words, are in the source.

    Those of the question must be there, too, save where the family asks for a false one.
    """
    known = _known(source)
    asked = "" if example.family == "negative" else " ".join(m.content for m in example.prompt)
    if not (_firm(example.target) | _firm(asked)) <= known:
        return False
    content = [w for w in _words(example.target) if len(w) > 3]
    return not content or sum(_stem(w) in known for w in content) >= SHARE * len(content)


def _known(source: str) -> set[str]:
    """Collect the stems of a source's words; "10-year" and "1914–18" also count as their parts."""
    parted = re.sub(r"(?<=\d)[-–—](?=[A-Za-z]|\d)|[–—]", " ", source)
    return {_stem(word) for text in (source, parted) for word in _words(text)}


def _firm(text: str) -> set[str]:
    """Collect the stems of the words that cannot be put otherwise: numbers and names.

    A capital at the beginning of a sentence is a name's only where the parser says so.
    """
    names = {token.text for token in parse(text) if token.pos_ == "PROPN"} if text else set()
    found: set[str] = set()
    plain = _digits(text)
    for match in re.finditer(r"[\w.:/'’-]*\w", plain):
        word = match[0]
        opens = re.search(r"(?:^|[.!?:\n]['\"”)]*)\s*$", plain[: match.start()])
        named = word[0].isupper() and (not opens or word in names)
        if named or re.search(r"\d", word) or word.lower() in NUMBERS:
            found |= {_stem(w) for w in _words(word)}
    return found


def _words(text: str) -> list[str]:
    return [NUMBERS.get(word, word) for word in normalise(_digits(text)).split()]


def _digits(text: str) -> str:
    """Write 5,000 as 5000, in a source as in what was made of it."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def _stem(word: str) -> str:
    return re.sub(r"(?:['’]s|ies|es|s|ed|ing)$", "", word)
