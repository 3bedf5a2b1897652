"""Graded distances between an answer and the accepted ones; every rate is in [0, 1].

The verdict (right or wrong) is the verifiers' business; these are the figures reported beside
it. They share one canonical form of words, numbers and dates (`canonical`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from nightschool.language import normalise

NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_ISO_DATE = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_MONTH_FIRST = re.compile(rf"\b{_MONTH}\s+{_DAY}\b(?:,?\s+(\d{{4}})\b)?")
_DAY_FIRST = re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(\d{{4}})\b)?(?!\w)")
_NAME = re.compile(r"[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)*(?:\(\))?")
_QUALIFIED = re.compile(r"(?<![\w./@-])[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)+(?![\w/@-])")
"""A dotted name or a path; the name at its end is the same thing, said without its place."""


def canonical(text: str) -> str:
    """Bring text to the form in which answers are compared.

    On top of `language.normalise`: `5,000` is `5000`, number words up to twenty are digits,
    full dates read `4 may 1991` in whatever order they were written, a leading minus and a
    leading decimal point count, and a possessive `'s` does not.
    """
    low = text.lower().replace("’", "'").replace("—", " ").replace("`", " ")
    low = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", low)
    low = _ISO_DATE.sub(_iso_words, low)
    low = _MONTH_FIRST.sub(lambda m: _date_words(m[2], m[1], m[3]), low)
    low = _DAY_FIRST.sub(lambda m: _date_words(m[1], m[2], m[3]), low)
    low = re.sub(r"[=;|]|(?<=\w)/(?=\s)", " ", low)
    low = re.sub(r"(?<!\S)([\"'(\[$€£]*)-(?=\.?\d)", r"\1−", low)
    low = re.sub(r"(?<![\w.])\.(?=\d)", "0.", low)
    low = re.sub(r"(?<=\w)\+\+", "plusplus", low)
    low = re.sub(r"(?<=\w)#", "sharp", low)
    low = re.sub(r"'s\b", "", low)
    low = re.sub(r"(?<=[a-z)]),(?=\S)", ", ", low)
    return " ".join(NUMBER_WORDS.get(word, word) for word in normalise(low).split())


def contains(answer: str, accepted: str) -> bool:
    """Tell whether the accepted text stands in the answer as whole words, in canonical form.

    An accepted name also stands at the end of a qualified one: `retry` in `stamina.retry`. An
    accepted text with no words of its own (`*`, the letter `a`) must stand there verbatim.
    """
    inner = canonical(accepted)
    if not inner:
        raw = re.escape(accepted.strip())
        return bool(raw) and re.search(rf"(?<!\w){raw}(?!\w)", answer) is not None
    return f" {inner} " in f" {canonical(unqualified(answer, accepted))} "


def unqualified(answer: str, accepted: str) -> str:
    """Cut the qualified names and paths in an answer that end in the accepted name down to it.

    `a.B.run` becomes `B.run` where that is accepted, and `run` where that is; `a/_b.py` becomes
    `_b`, the module that it holds; all else stays.
    """
    if not _NAME.fullmatch(accepted.strip("` ")):
        return answer
    inner = canonical(accepted)

    def cut(match: re.Match[str]) -> str:
        tails = [match[0][mark.end() :] for mark in re.finditer(r"[./]", match[0])]
        stems = [tail.removesuffix(".py") for tail in tails]
        return next((name for name in (*tails, *stems) if canonical(name) == inner), match[0])

    return _QUALIFIED.sub(cut, answer)


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """Return 1 when the answer equals an accepted one in canonical form, else 0."""
    form = canonical(answer)
    return float(any(form == canonical(right) and bool(form) for right in accepted))


def token_f1(answer: str, accepted: Sequence[str]) -> float:
    """Return the best word-overlap F1 between the answer and an accepted one.

    Source:
        SQuAD 1.1 evaluation script.
    """
    return max((_f1(canonical(answer).split(), canonical(a).split()) for a in accepted), default=0)


def containment(answer: str, accepted: Sequence[str]) -> float:
    """Return 1 when an accepted answer stands in the given one as whole words, else 0."""
    return float(any(contains(answer, right) for right in accepted))


def _f1(given: list[str], right: list[str]) -> float:
    shared = sum((Counter(given) & Counter(right)).values())
    return 2 * shared / (len(given) + len(right)) if shared else 0.0


def _iso_words(match: re.Match[str]) -> str:
    month = int(match[2])
    if not 1 <= month <= 12:
        return match[0]
    return f"{int(match[3])} {MONTHS[month - 1]} {match[1]}"


def _date_words(day: str, month: str, year: str | None) -> str:
    full = next(name for name in MONTHS if name.startswith(month[:3]))
    return f"{int(day)} {full}" + (f" {year}" if year else "")
