"""Graded distances between an answer and the accepted ones; every rate is in [0, 1].

The verdict (right or wrong) is the verifiers' business; these are the figures reported beside
it. They share one canonical form of words, numbers and dates (`canonical`).
"""

from __future__ import annotations

import re
import unicodedata
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
TENS = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SIGNS = str.maketrans("’—`‑\u00a0\u202f。、！？「」", "'  -" + " " * 8)
_CLOCK = re.compile(r"(?<![\w:.-])(\d{1,2})(?::(\d\d))? ?(am|pm)\b")
_MONEY = {"$": "dollars", "€": "euros", "£": "pounds"}
_UNITS = "km|cm|mm|m|kg|g|kb|mb|gb|tb|ms|s|h|min|seconds?|minutes?|hours?|days?"
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

    On top of `language.normalise`: `5,000` and `5 000` are `5000`, number words are digits,
    full dates read `4 may 1991` in whatever order they were written and times of day `14:30`, `5km` is `5 km`,
    `€5` is `5 euros`, `v1.2` is `1.2`, a leading minus and a leading decimal point count, and a
    possessive `'s` does not.
    """
    low = unicodedata.normalize("NFC", text).casefold().translate(_SIGNS)
    low = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", low)
    low = re.sub(
        r"(?<![\d.,:-])\d{1,3}(?: \d{3})+(?![\d.,:-])", lambda m: m[0].replace(" ", ""), low
    )
    low = _numbers(low)
    low = _CLOCK.sub(_clock_words, re.sub(r"\b([ap])\.m\b\.?", r"\1m", low))
    low = re.sub(r"\b0(?=\d:\d\d\b)", "", low)
    low = re.sub(r"([$€£]) ?(-?\d[\d.]*)", lambda m: f"{m[2]} {_MONEY[m[1]]}", low)
    low = re.sub(r"(?<=\d) ?([$€£])", lambda m: f" {_MONEY[m[1]]}", low)
    low = re.sub(r"(?<=\d )(dollar|euro|pound)\b", r"\1s", low)
    low = re.sub(rf"(?<![a-z\d_.-])(\d[\d.]*)({_UNITS})\b", r"\1 \2", low)
    low = re.sub(r"\bv(?=\d+\.\d)", "", low)
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
    return normalise(low)


def _numbers(low: str) -> str:
    """Write number words that belong together as one number: "two hundred and five" is 205."""
    low = re.sub(
        rf"\b({'|'.join(TENS)})[ -]({'|'.join(list(NUMBER_WORDS)[1:10])})\b",
        lambda m: str(TENS[m[1]] + int(NUMBER_WORDS[m[2]])),
        low,
    )
    words = {**NUMBER_WORDS, **{word: str(value) for word, value in TENS.items()}}
    low = re.sub(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])", lambda m: words[m[0]], low)
    return _times(_times(low, "hundred", 100), "thousand", 1000)


def _times(low: str, word: str, size: int) -> str:
    """Write "3 hundred and 5" as 305."""

    def whole(match: re.Match[str]) -> str:
        return str(int(match[1]) * size + int(match[2] or 0))

    rest = rf"(?: (?:and )?(\d{{1,{len(str(size)) - 1}}}))?"
    return re.sub(rf"\b(\d+) {word}{rest}\b", whole, low)


def _clock_words(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), match[2] or "00", match[3]
    if not 1 <= hour <= 12:
        return match[0]
    return f"{hour % 12 + (12 if half == 'pm' else 0)}:{minute}"


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
