"""What people and tests say of an answer: kept with its conversation, as a label and, where corrected, as a memory.

A label may become a reward; a correction is a statement of somebody who talks with the model, and waits for the
owner's approval like every other. Nothing here is training yet.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.day import remember
from nightschool.errors import SourceMalformed
from nightschool.language import parse, plain
from nightschool.sources import heard
from nightschool.sources.extractors import RULES
from nightschool.types import (
    Completion,
    Episode,
    Feedback,
    Score,
    Trust,
    Verdict,
    new_id,
    now,
)
from nightschool.wire import School

QUESTION = 300
"""At most so many characters of a question go into a correction."""


def answered(school: School, completion_id: str, episode_id: str, version_id: str) -> None:
    """Keep which conversation an answer ends, so that feedback on it finds its way.

    Args:
        school: The wired workspace.
        completion_id: As the client was told: `chatcmpl-...`.
        episode_id: The stored conversation.
        version_id: Who answered; `base` for the untouched base model.
    """
    tenant = school.settings.tenant
    school.answers.served(Completion(completion_id, tenant, episode_id, version_id, now()))


def give(
    school: School,
    completion_id: str,
    *,
    liked: bool | None = None,
    passed: bool | None = None,
    correction: str = "",
    actor: str = "",
) -> Feedback:
    """Keep what was said of an answer; a correction becomes a memory of the user's tier, which waits for approval.

    Args:
        school: The wired workspace.
        completion_id: As the client was told.
        liked: Thumbs up or down; None where none was given.
        passed: The verdict of a test; None where none ran.
        correction: What would have been right; empty where nobody said.
        actor: The key that it came with.

    Raises:
        SourceMalformed: Nothing was said.
        UnknownCompletion: The tenant was served no such answer, or it was not stored, or is forgotten.
        WorkspaceLocked: Another process holds the workspace.
    """
    said = plain(correction)
    if liked is None and passed is None and not said:
        raise SourceMalformed(
            "The feedback says nothing. Give a verdict, a correction or whether a test passed."
        )
    completion = school.answers.completion(school.settings.tenant, completion_id)
    added: list[str] = []
    if said:
        asked = _question(school.store.episode(completion.episode_id))
        for statement in _statements(said, asked):
            learnt = remember(school, statement, speaker="user", trust=Trust.USER)
            added += [memory.id for memory in learnt.added]
    feedback = Feedback(
        new_id("fb"), completion.tenant, completion.id, completion.episode_id, now(), actor,
        liked, passed, tuple(added), bool(said),
    )  # fmt: skip
    school.answers.add(feedback)
    return feedback


def label(given: Sequence[Feedback]) -> Score:
    """Turn what was said of one answer, oldest first, into a verdict: the newest counts, a test before people.

    Example:
        >>> up = Feedback("fb-1", "t", "chatcmpl-1", "ep-1", "", "", liked=True)
        >>> label([up]).value
        1.0
    """
    for feedback in reversed(given):
        if feedback.passed is not None:
            return _score(feedback.passed, "test")
    for feedback in reversed(given):
        if feedback.corrected:
            return _score(False, "correction")
        if feedback.liked is not None:
            return _score(feedback.liked, "thumbs")
    return Score(Verdict.UNSCORED)


def labels(school: School) -> dict[str, Score]:
    """Return the verdict on each answer that somebody said something of: completion id -> score."""
    given: dict[str, list[Feedback]] = {}
    for feedback in school.answers.of_tenant(school.settings.tenant):
        given.setdefault(feedback.completion_id, []).append(feedback)
    return {completion_id: label(found) for completion_id, found in given.items()}


def _score(right: bool, reason: str) -> Score:
    return Score(Verdict.CORRECT if right else Verdict.WRONG, float(right), reason)


def _question(episode: Episode) -> str:
    """Return what was asked last; empty where it is forgotten."""
    asked = [turn.text for turn in episode.turns if turn.role == "user"]
    return plain(asked[-1]) if asked else ""


def _statements(correction: str, question: str) -> list[str]:
    """Make a correction statements that can stand alone: its own sentences, or with the question where they cannot."""
    episode = heard([{"role": "user", "content": correction}], "", "correction")
    found = RULES.extract(episode).findings
    if not question or len(found) == len(list(parse(correction).sents)):
        return [finding.text for finding in found] or [correction]
    if len(question) > QUESTION:
        question = question[:QUESTION].rsplit(" ", 1)[0] + " ..."
    return [f'The answer to "{question}" is: {correction}']
