"""The prompts that put memories or a source in front of a question: one home for their wording."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.trust import caution, displayed
from nightschool.types import Memory, Message

CHARACTERS_PER_TOKEN = 4
"""Rough size of an English token; budgets are estimates."""


def recall_prompt(
    question: str, recalled: Sequence[Memory], budget_tokens: int
) -> tuple[Message, ...]:
    """Ask a question with recalled memories before it, best first, as many as the budget holds."""
    notes = [_note(memory) for memory in within_budget(recalled, budget_tokens)]
    if not notes:
        return (Message("user", question),)
    joined = "\n".join(notes)
    return (
        Message(
            "user",
            f"Use these notes to answer.\n\n{joined}\n\nQuestion: {question}\nAnswer briefly.",
        ),
    )


def within_budget(recalled: Sequence[Memory], budget_tokens: int) -> list[Memory]:
    """Keep the first memories, as many as the budget holds."""
    kept: list[Memory] = []
    room = budget_tokens * CHARACTERS_PER_TOKEN
    for memory in recalled:
        room -= len(_note(memory)) + 1
        if room < 0:
            break
        kept.append(memory)
    return kept


def _note(memory: Memory) -> str:
    """Write a memory as a line of the prompt; what nobody vouches for is marked."""
    return f"- {' '.join(displayed(memory).text.split())}{caution(memory)} [{memory.id}]"


def open_book_prompt(question: str, context: str) -> tuple[Message, ...]:
    """Ask a question with its source in front of it."""
    return (
        Message(
            "user",
            f"Read the text and answer the question briefly.\n\n{context}\n\nQuestion: {question}",
        ),
    )
