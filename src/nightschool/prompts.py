"""The prompts that put memories or a source in front of a question: one home for their wording."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightschool.trust import caution, displayed
from nightschool.types import Memory, Message

NOTES_OPEN, NOTES_CLOSE = "Use these notes to answer.", "Answer briefly."
"""How a prompt with recalled notes begins and ends; a reader of conversations knows a pasted one by them."""
NOTE_ID = r"\[mem-[0-9a-f]+\]"
"""How a recalled note ends, as a pattern."""
CONTROL = re.compile(
    r"<(?=[|｜][^<>\n]{0,60}[|｜]>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response|think)>)"
    r"|<(?=</?SYS>>)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
"""How the marks begin by which chat templates tell who speaks; engines obey them wherever they stand."""
CHARACTERS_PER_TOKEN = 4
"""Rough size of an English token; budgets are estimates."""
NOTE, DROP, NOTHING = "note:", "drop:", "nothing"
"""How a line that adds a note begins, and one that takes one out; and what is written where nothing is to be noted."""
TAKE_NOTES = (
    f'Take notes of what may be asked later, a line for each: "{NOTE} who, what: value". '
    f'Take one back: "{DROP} who, what". If nothing is to be noted: "{NOTHING}".'
)
"""What a model is told that reads a conversation for notes."""


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
            f"{NOTES_OPEN}\n\n{joined}\n\nQuestion: {question}\n{NOTES_CLOSE}",
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
    text = inert(" ".join(displayed(memory).text.split()))
    return f"- {text}{caution(memory)} [{memory.id}]"


def inert(text: str) -> str:
    """Break the marks of chat templates in a stored text: it must not end its message and begin another's."""
    return CONTROL.sub(lambda mark: f"{mark[0]} ", text)


def note_taking_prompt(
    talk: str, notes: str, tokens: int, room: int, order: str = TAKE_NOTES
) -> tuple[Message, ...]:
    """Ask for notes of a conversation; practice and conversations by day share it, so that one serves the other.

    Args:
        talk: A line for each turn, with who speaks.
        notes: What is noted so far, and what went wrong with it.
        tokens: How many tokens of the room are taken.
        room: How many there are.
        order: What the model is told to write.
    """
    shown = f"Notes ({tokens} of {room} tokens):\n{notes}\n\nConversation:\n{talk}"
    return (Message("system", order), Message("user", shown))


def open_book_prompt(question: str, context: str) -> tuple[Message, ...]:
    """Ask a question with its source in front of it."""
    return (
        Message(
            "user",
            f"Read the text and answer the question briefly.\n\n{context}\n\nQuestion: {question}",
        ),
    )
