"""A user's own exam questions, and the memories that they examine.

A file has one JSON object a line: `{"question": ..., "answer": text or list of texts}`, and
optionally `about` (the text of the fact), `memory` (its id), `group`, `stale` (values that used to
be right), `day` (the night after which it is asked) and `id`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightschool.errors import ExamError
from nightschool.language import fingerprint, holds, normalise, overlap
from nightschool.types import Fingerprint, Memory

_COMMON = frozenset(
    """
    is are was were be been of in on at to for from by with and or not it its this that what
    which who whom whose where when why how do does did has have had i you he she we they my
    your his her our their me him them as if then than will would can could should there
    """.split()
)
_KEYS = {"question", "answer", "about", "memory", "group", "stale", "day", "id"}
ABOUT_OVERLAP = 0.5
"""Word overlap from which an `about` text means a memory that holds an answer."""
ABOUT_ALONE = 0.8
"""Word overlap from which it does so without the answer standing in the memory."""
FORGOTTEN = "forgotten"
"""Group of questions whose answer should no longer be given: they examine no memory."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question that a user wrote."""

    question: str
    answers: tuple[str, ...]
    about: str = ""
    memory: str = ""
    group: str = ""
    stale: tuple[str, ...] = ()
    """Values that used to be right."""
    day: int | None = None
    """The night (from 1) after which it is asked; None means any."""
    id: str = ""


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

    By its id where given; else by its `about`: the dotted name of a thing in code, or a text that
    overlaps; else the memory whose
    text contains an answer and shares most words with the question. Questions of the group
    `forgotten` stay unmatched.
    """
    by_id = {memory.id: memory for memory in memories}
    prints = [(memory, fingerprint(memory.text)) for memory in memories]
    pairs, unmatched = [], []
    for question in questions:
        memory = None
        if question.memory:
            memory = by_id.get(question.memory)
        elif question.group != FORGOTTEN:
            memory = _nearest_about(question, prints) or _nearest_holding(question, memories)
        if memory is None:
            unmatched.append(question)
        else:
            pairs.append((question, memory))
    return Match(tuple(pairs), tuple(unmatched))


def _nearest_about(
    question: Question, prints: Sequence[tuple[Memory, Fingerprint]]
) -> Memory | None:
    if not question.about:
        return None
    named = [memory for memory, _ in prints if memory.facets.get("name") == question.about]
    if named:
        return named[0]
    about = fingerprint(question.about)
    best, most = None, 0.0
    for memory, print_ in prints:
        inside = holds(memory.text, question.about)
        score = 1.0 if inside else overlap(about, print_)
        answered = any(holds(memory.text, answer) for answer in question.answers)
        if score >= (ABOUT_OVERLAP if answered else ABOUT_ALONE) and score + answered > most:
            best, most = memory, score + answered
    return best


def _nearest_holding(question: Question, memories: Sequence[Memory]) -> Memory | None:
    asked = _content(f"{question.question} {question.about}")
    best, most = None, 0.0
    for memory in memories:
        if not any(holds(memory.text, answer) for answer in question.answers):
            continue
        words = _content(memory.text)
        # Shared words first; among equals the shorter text says it more directly.
        score = len(asked & words) + 1 / (1 + len(words))
        if asked & words and score > most:
            best, most = memory, score
    return best


def _content(text: str) -> set[str]:
    return set(normalise(text).split()) - _COMMON


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
    texts = tuple(a.strip() for a in answers if isinstance(a, str) and a.strip())
    if not texts or len(texts) != len(answers):
        raise ExamError(f'{where}: "answer" is {answer!r}; expected a text or a list of texts.')
    extra = {key: row.get(key) or "" for key in ("about", "memory", "group", "id")}
    if not all(isinstance(value, str) for value in extra.values()):
        raise ExamError(f"{where}: about, memory, group and id are texts. Correct that line.")
    stale, day = row.get("stale") or [], row.get("day")
    stale = stale if isinstance(stale, list) else [stale]
    if not all(isinstance(value, str) for value in stale):
        raise ExamError(f"{where}: stale is {stale!r}; expected a text or a list of texts.")
    if day is not None and (isinstance(day, bool) or not isinstance(day, int) or day < 1):
        raise ExamError(f"{where}: day is {day!r}; expected a whole number from 1.")
    return Question(
        text.strip(),
        texts,
        extra["about"],
        extra["memory"],
        extra["group"],
        tuple(stale),
        day,
        extra["id"],
    )
