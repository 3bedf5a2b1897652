"""The day: a question is answered from memory and weights; a conversation becomes an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightschool.prompts import recall_prompt, within_budget
from nightschool.sources import conversation, said
from nightschool.types import Memory, Message, Reading, Trust
from nightschool.wire import School

ANSWER_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and on what it could lean."""

    text: str
    version_id: str
    recalled: tuple[Memory, ...]
    """Memories that stood in the prompt; empty when closed-book."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a source changed in memory."""

    added: tuple[Memory, ...]
    superseded: tuple[Memory, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def ask(
    school: School,
    question: str,
    *,
    version: str = "live",
    closed_book: bool = False,
    before: Sequence[Message] = (),
) -> Answer:
    """Answer a question.

    Memories that the asked version is shown to hold are not recalled: they cost nothing any more.

    Args:
        school: The wired workspace.
        question: What is asked.
        version: A version id, an alias, or `base`.
        closed_book: Answer from the weights alone.
        before: Earlier messages of the conversation.

    Raises:
        UnknownVersion: There is no such version.
        ModelMissing: The base model has not been pulled.
    """
    found = school.registry.resolve(school.settings.tenant, version)
    version_id = found.id if found else "base"
    budget = school.settings.recall.budget_tokens
    fitting = [] if closed_book else school.recall(question)
    recalled = within_budget([m for m in fitting if version_id not in m.graduated], budget)
    last = recall_prompt(question, recalled, budget)
    text = school.sampler(version_id).generate([(*before, *last)], max_tokens=ANSWER_TOKENS)[0]
    return Answer(text, version_id, tuple(recalled))


def learn(
    school: School, readings: Sequence[Reading], skipped: Sequence[tuple[str, str]] = ()
) -> Learnt:
    """Store what was read, and bring the readable memory files in line.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    added: list[Memory] = []
    superseded: list[Memory] = []
    with school.workspace.lock("learning"):
        for reading in readings:
            new, old = school.store.absorb(reading)
            added += new
            superseded += old
        school.sync_files()
    return Learnt(tuple(added), tuple(superseded), tuple(skipped))


def remember(
    school: School, statement: str, speaker: str = "owner", trust: Trust = Trust.OWNER
) -> Learnt:
    """Store one statement.

    Args:
        school: The wired workspace.
        statement: One fact in one sentence.
        speaker: Who says so.
        trust: The speaker's tier; what is not the owner's waits for approval before it is trained.

    Raises:
        SourceMalformed: It is empty.
        WorkspaceLocked: Another process holds the workspace.
    """
    reading = said(statement, school.settings.tenant, speaker)
    findings = tuple(replace(finding, trust=trust) for finding in reading.findings)
    return learn(school, [replace(reading, findings=findings)])


def end_chat(school: School, turns: Sequence[tuple[str, str]], title: str) -> Learnt:
    """Make a conversation of (role, text) turns an episode, and keep what was stated in it."""
    messages = [{"role": role, "content": text} for role, text in turns]
    return learn(school, [conversation(messages, school.settings.tenant, title)])
