"""Answers of a model that tell what is to be forgotten: it stood in the prompt, or in the weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nightschool.types import Episode, Memory, Span

SHORTEST = 3
"""Letters of a word that says something; a number does at any length."""
_COMMON = frozenset(
    "the and are was were for has have had with that this you your his her its our their not who what which when "
    "where why how does did from into about there then than can could will would should may might all any".split()
)


def own_words(memories: Iterable[Memory], others: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return, for each memory's id, the words that it has and none of some other texts.

    Args:
        memories: What is forgotten.
        others: Texts of what stays.
    """
    words = {memory.id: _words(memory.text) for memory in memories}
    kept = {word for text in others for word in _words(text)}
    return {name: frozenset(found - kept) for name, found in words.items()}


def telling(
    episode: Episode, memories: Sequence[Memory], own: dict[str, frozenset[str]]
) -> list[Span]:
    """Return the spans of a conversation's answers that tell some of what memories say.

    An answer tells it when it has a word that only the memory has and that was not in the question, and the
    question asks about the memory: they share a word, or it stood in the prompt. Where the question states it
    itself, an answer in its words tells it.

    Args:
        episode: A conversation.
        memories: What is forgotten.
        own: `own_words` of them.
    """
    spans = []
    question: set[str] = set()
    for turn in episode.turns:
        if turn.role != "assistant":
            question = _words(turn.text)
            continue
        answer = _words(turn.text)
        for memory in memories:
            mine = own[memory.id]
            states = bool(mine) and mine <= question
            new = mine & answer if states else (mine & answer) - question
            asked = memory.id in turn.recalled or question & _words(memory.text)
            if new and asked:
                spans.append(turn.span)
                break
    return spans


def _words(text: str) -> set[str]:
    found = re.findall(r"\w+(?:[-.]\w+)*", text.lower())
    telling = (word for word in found if len(word) >= SHORTEST or any(map(str.isdigit, word)))
    return {*telling} - _COMMON
