"""Wordings that stand in text files: questions by section, and words that mean the same.

`code_wordings.txt` holds the questions that engineers ask about code; `synonyms.txt` and
`code_synonyms.txt` hold groups of words. All three are read once.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from nightschool.study.lexicon import inflect


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """Read a file of `[section]` headings with a template on each line below them."""
    found: dict[str, list[str]] = {}
    for line in _lines(name):
        heading = re.fullmatch(r"\[(\w+)\]", line)
        if heading:
            found[heading[1]] = lines = []
        else:
            lines.append(line)
    return {key: tuple(lines) for key, lines in found.items()}


@cache
def synonyms(name: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Read groups of synonyms: (kind, word or phrase) -> the others of its groups.

    The kind is `v`, `n` or `a`. Verbs are there in their base form and for he, she or it, nouns in
    the singular and the plural.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for line in _lines(name):
        kind, rest = line.split(" ", 1)
        first, *others = [word.strip() for word in rest.split("|")]
        forms = {first: others}
        if kind == "v":  # a phrase with "be" has no form behind "does"
            forms = {first: [one for one in others if not one.startswith("be ")]}
            forms[inflect_phrase(first)] = [inflect_phrase(one) for one in others]
        if kind == "n":
            forms[f"{first}s"] = [f"{one}s" for one in others if " " not in one]
        for form, swaps in forms.items():
            found[kind, form] = (*found.get((kind, form), ()), *swaps)
    return found


@cache
def whole(word: str, before: str, after: str) -> re.Pattern[str]:
    """Return what finds a word where it stands alone; thousands of them are looked for again and again.

    Args:
        word: The word or phrase.
        before: Characters beside letters and digits that it must not follow, as in a set of `re`.
        after: And that must not follow it.
    """
    return re.compile(rf"(?<![\w{before}]){re.escape(word)}(?![\w{after}])")


def inflect_phrase(phrase: str) -> str:
    """Put a verb phrase in the third person: "go on" -> "goes on"."""
    verb, _, rest = phrase.partition(" ")
    return f"{'is' if verb == 'be' else inflect(verb, 'does')} {rest}".strip()


def _lines(name: str) -> list[str]:
    text = (files("nightschool.study") / name).read_text("utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
