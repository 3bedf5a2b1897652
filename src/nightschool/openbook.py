"""Questions asked with their source in front: how exams and study material weed out bad ones."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.prompts import open_book_prompt
from nightschool.protocols import Progress, Writer


def open_answers(
    reader: Writer,
    asked: Sequence[tuple[str, str]],
    max_tokens: int,
    progress: Progress | None = None,
) -> list[str]:
    """Have a model answer questions with their source in the prompt, greedily.

    Args:
        reader: Who answers.
        asked: (question, source) each.
        max_tokens: Longest answer.
        progress: Reports on the answers.
    """
    prompts = [open_book_prompt(question, source) for question, source in asked]
    return reader.generate(prompts, max_tokens=max_tokens, progress=progress)
