"""Ready-made study material from a JSONL file."""

from __future__ import annotations

import json
from pathlib import Path

from nightschool.errors import StudyError
from nightschool.types import Example, Message, digest


def read_material(path: Path, tenant: str) -> list[Example]:
    """Read examples: `{"question": ..., "answer": ...}`, or `{"text": ...}` for plain text, a line.

    `memories` may list the ids of the memories that a line was derived from.

    Raises:
        StudyError: The file cannot be read, or a line is malformed (the message names it).
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} cannot be read: {error}.") from error
    return [_example(path, n, line, tenant) for n, line in enumerate(lines, 1) if line.strip()]


def _example(path: Path, number: int, line: str, tenant: str) -> Example:
    try:
        body = json.loads(line)
        question, target = body.get("question"), body.get("answer") or body["text"]
        memories = tuple(body.get("memories", ()))
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise StudyError(
            f'{path}, line {number}: expected {{"question": ..., "answer": ...}} or {{"text": ...}} '
            f"({error})."
        ) from error
    texts = [target, *memories, *([] if question is None else [question])]
    if not all(isinstance(text, str) for text in texts):
        raise StudyError(
            f"{path}, line {number}: question, answer and text are texts, and memories a list of ids. Write one answer a line."
        )
    prompt = (Message("user", question),) if question else ()
    name = f"ex-{digest(question or '', target)[:12]}"
    return Example(
        name, tenant, memories, "imported", "qa" if question else "passage", prompt, target
    )
