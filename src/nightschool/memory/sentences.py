"""Sentences of a document: where they begin and end, which one a statement was read from, whether its letters deceive."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from nightschool.language import parse, visible
from nightschool.types import Episode, Finding, SourceKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spacy.tokens import Span as Sentence


def sentences_of(text: str) -> tuple[str, ...]:
    """Cut prose into its sentences, without the marks of Markdown."""
    return tuple(sentence.text for _, sentences in parsed(text) for sentence in sentences)


@lru_cache(maxsize=256)
def parsed(text: str) -> tuple[tuple[str, tuple[Sentence, ...]], ...]:
    """Return the parts of a text, each with its parsed sentences."""
    clean = unicodedata.normalize("NFKC", visible(text))
    return tuple((block, tuple(parse(block).sents)) for block in _blocks(clean))


def passage_of(episode: Episode, finding: Finding) -> str:
    """Return the part of a document that a finding stands in; empty for other sources."""
    if episode.kind is not SourceKind.DOCUMENT or finding.span is None:
        return ""
    return episode.text[finding.span.start : finding.span.end]


def from_sentence(text: str, judged: Sequence[tuple[str, bool]]) -> bool:
    """Tell whether a statement was read from a sentence that is marked, or from the one after it.

    Args:
        text: The statement; its pronouns may be resolved.
        judged: The sentences of its passage in order, each with its mark.
    """
    words = set(text.lower().split())
    shared = [len(words & set(sentence.lower().split())) for sentence, _ in judged]
    best = max(shared, default=0)
    return any(
        found or (at > 0 and judged[at - 1][1])
        for at, (_, found) in enumerate(judged)
        if shared[at] == best
    )


def disguised(text: str) -> bool:
    """Tell whether a word mixes Latin letters with those that look like them: what no rule can read, waits."""
    return any(
        _scripts(word) >= {"LATIN", "CYRILLIC"} for word in text.split() if not word.isascii()
    )


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha()}


def _blocks(text: str) -> list[str]:
    """Cut Markdown into its paragraphs and list entries, without the marks that mislead the parser."""
    text = re.sub(r"\]\([^)\s]*\)|\b\w+://\S+", "]", text)
    parts = re.split(r"\n\s*\n|\n\s*(?=[-*+>|#]|\d+[.)]\s)", text)
    clean = (re.sub(r"[*`|#<>_~]+|^\s*(?:[-+]|\d+[.)])\s+|!?--+", " ", part) for part in parts)
    return [part for part in (" ".join(part.split()) for part in clean) if part]
