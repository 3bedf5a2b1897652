"""The prompts that put memories or a source in front of a question: one home for their wording."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.types import Memory, Message

CHARACTERS_PER_TOKEN = 4
"""Rough size of an English token; budgets are estimates."""


def recall_prompt(
    question: str, recalled: Sequence[Memory], budget_tokens: int
) -> tuple[Message, ...]:
    """Ask a question with recalled memories before it, best first, as many as the budget holds."""
    notes: list[str] = []
    room = budget_tokens * CHARACTERS_PER_TOKEN
    for memory in recalled:
        room -= len(memory.text) + len(memory.id) + 6
        if room < 0:
            break
        notes.append(f"- {memory.text} [{memory.id}]")
    if not notes:
        return (Message("user", question),)
    joined = "\n".join(notes)
    return (
        Message(
            "user",
            f"Use these notes to answer.\n\n{joined}\n\nQuestion: {question}\nAnswer briefly.",
        ),
    )


def open_book_prompt(question: str, context: str) -> tuple[Message, ...]:
    """Ask a question with its source in front of it."""
    return (
        Message(
            "user",
            f"Read the text and answer the question briefly.\n\n{context}\n\nQuestion: {question}",
        ),
    )
