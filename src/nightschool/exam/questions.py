"""A user's own exam questions, and the memories that they examine.

A file has one JSON object a line: `{"question": ..., "answer": text or list of texts}`, and
optionally `about` (the text of the fact), `memory` (its id) and `group`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightschool.errors import ExamError
from nightschool.language import fingerprint, normalise, overlap
from nightschool.types import Memory

_KEYS = {"question", "answer", "about", "memory", "group"}
ABOUT_OVERLAP = 0.5
"""Word overlap from which an `about` text is taken to mean a memory."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question that a user wrote."""

    question: str
    answers: tuple[str, ...]
    about: str = ""
    memory: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """Questions with the memory that each examines, and those for which none was found."""

    pairs: tuple[tuple[Question, Memory], ...]
    unmatched: tuple[Question, ...]


def read_questions(path: Path) -> list[Question]:
    """Read a questions file; blank lines are skipped.

    Raises:
        ExamError: The file cannot be read as UTF-8 text.
        ExamError: A line is not JSON, or not a question (the message names the line).
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ExamError(
            f"{path} cannot be read: {error}. Give a UTF-8 file with a question on each line."
        ) from error
    return [_question(path, k, line) for k, line in enumerate(lines, start=1) if line.strip()]


def match_questions(questions: Sequence[Question], memories: Sequence[Memory]) -> Match:
    """Find the memory that each question examines.

    By its id where given; else by the overlap with its `about` text; else the memory whose
    text contains an answer and shares most words with the question.
    """
    by_id = {memory.id: memory for memory in memories}
    pairs, unmatched = [], []
    for question in questions:
        if question.memory:
            memory = by_id.get(question.memory)
        elif question.about:
            memory = _nearest_about(question, memories)
        else:
            memory = _nearest_holding(question, memories)
        if memory is None:
            unmatched.append(question)
        else:
            pairs.append((question, memory))
    return Match(tuple(pairs), tuple(unmatched))


def holds(text: str, value: str) -> bool:
    """Tell whether a value stands in a text as whole words, in normal form."""
    inner = normalise(value)
    return bool(inner) and f" {inner} " in f" {normalise(text)} "


def _nearest_about(question: Question, memories: Sequence[Memory]) -> Memory | None:
    about = fingerprint(question.about)
    scored = [(overlap(about, fingerprint(memory.text)), memory) for memory in memories]
    inside = [memory for memory in memories if holds(memory.text, question.about)]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if best[0] >= ABOUT_OVERLAP:
        return best[1]
    return min(inside, key=lambda memory: len(memory.text), default=None)


def _nearest_holding(question: Question, memories: Sequence[Memory]) -> Memory | None:
    asked = set(normalise(question.question).split())
    best, most = None, 0.0
    for memory in memories:
        if not any(holds(memory.text, answer) for answer in question.answers):
            continue
        words = set(normalise(memory.text).split())
        # Shared words first; among equals the shorter text says it more directly.
        score = len(asked & words) + 1 / (1 + len(words))
        if asked & words and score > most:
            best, most = memory, score
    return best


def _question(path: Path, number: int, line: str) -> Question:
    where = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ExamError(f"{where} is not JSON: {error.msg}. Correct that line.") from error
    if not isinstance(row, dict):
        raise ExamError(f"{where} is {type(row).__name__}; expected an object with a question.")
    unknown = sorted(set(row) - _KEYS)
    if unknown:
        raise ExamError(f"{where} has unknown keys {unknown}; known are {sorted(_KEYS)}.")
    text, answer = row.get("question"), row.get("answer")
    answers = answer if isinstance(answer, list) else [answer]
    if not isinstance(text, str) or not text.strip():
        raise ExamError(f'{where} has no "question" text. Add one.')
    if not answers or not all(isinstance(a, str) and a.strip() for a in answers):
        raise ExamError(f'{where}: "answer" is {answer!r}; expected a text or a list of texts.')
    extra = {key: row.get(key) or "" for key in ("about", "memory", "group")}
    if not all(isinstance(value, str) for value in extra.values()):
        raise ExamError(f"{where}: about, memory and group are texts. Correct that line.")
    return Question(
        text.strip(),
        tuple(a.strip() for a in answers),
        extra["about"],
        extra["memory"],
        extra["group"],
    )
