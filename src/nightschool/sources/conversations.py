"""Conversations: JSONL of OpenAI-style messages, and single statements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nightschool.errors import SourceMalformed
from nightschool.language import plain, whole
from nightschool.protocols import Extractor
from nightschool.sources.extractors import RULES
from nightschool.sources.keys import statement_key
from nightschool.types import (
    Episode,
    Finding,
    Reading,
    SourceKind,
    Span,
    Turn,
    digest,
    new_id,
    now,
)

ROLES = frozenset({"user", "assistant", "system", "tool"})
RENAMED = {"developer": "system", "function": "tool"}
"""OpenAI's newer and older names."""


def said(text: str, tenant: str, speaker: str = "owner") -> Reading:
    """Read one statement, as it is: the owner's own words are not rewritten.

    Raises:
        SourceMalformed: The statement is empty.
    """
    flat = plain(text)
    if not flat:
        raise SourceMalformed("The statement is empty. Say what is to be remembered.")
    episode = Episode(
        new_id("ep"), tenant, SourceKind.STATEMENT, "said", flat[:60], flat,
        digest(SourceKind.STATEMENT.value, speaker, flat), now(),
    )  # fmt: skip
    finding = Finding(
        flat, "said", span=Span(0, len(flat)), speaker=speaker, key=statement_key(flat)
    )
    return Reading(episode, (finding,))


def conversation(
    messages: Sequence[Mapping[str, Any]],
    tenant: str,
    title: str,
    *,
    source: str = "chat",
    at: str = "",
    extractor: Extractor = RULES,
) -> Reading:
    """Read one conversation; facts come from what people said, never from the assistant.

    Raises:
        SourceMalformed: A message has no known role or no text.
        ExtractorFailed: The extractor cannot read it.
    """
    return extractor.extract(heard(messages, tenant, title, source=source, at=at))


def heard(
    messages: Sequence[Mapping[str, Any]],
    tenant: str,
    title: str,
    *,
    source: str = "chat",
    at: str = "",
) -> Episode:
    """Make one conversation an episode; a message's `recalled` names the memories in its prompt.

    Raises:
        SourceMalformed: A message has no known role or no text.
        SourceMalformed: A message's `name` is no text, or its `recalled` no list of ids.
    """
    title = whole(title)
    turns: list[Turn] = []
    text = ""
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, Mapping):
            raise SourceMalformed(
                f"Message {number} of {title!r} is of type {type(message).__name__}; expected an object with role and content."
            )
        role, content = RENAMED.get(str(message.get("role")), message.get("role")), _said(message)
        if not isinstance(role, str) or role not in ROLES or content is None:
            raise SourceMalformed(
                f"Message {number} of {title!r} has role {role!r} and content {type(message.get('content')).__name__}; "
                "expected one of user, assistant, system, developer, tool, and a text or a list of parts."
            )
        name, recalled = message.get("name") or role, message.get("recalled") or ()
        if not isinstance(name, str) or not _are_ids(recalled):
            raise SourceMalformed(
                f"Message {number} of {title!r}: expected a text as its name, and a list of memory ids as `recalled`."
            )
        if not content:
            continue  # a call of a tool, an image: nothing was said
        start = len(text)
        text += content + "\n"
        turns.append(
            Turn(
                role,
                whole(name),
                content,
                Span(start, start + len(content)),
                tuple(recalled),
            )
        )
    return Episode(
        new_id("ep"), tenant, SourceKind.CONVERSATION, source, title, text,
        digest(SourceKind.CONVERSATION.value, source, *(f"{t.role}{t.speaker}{t.text}" for t in turns)),
        at or now(), tuple(turns),
    )  # fmt: skip


def _are_ids(recalled: object) -> bool:
    return isinstance(recalled, list | tuple) and all(isinstance(one, str) for one in recalled)


def _said(message: Mapping[str, Any]) -> str | None:
    """Return the text of a message, of its parts of text where it has parts; None where it is none of OpenAI's shapes."""
    content = message.get("content")
    if content is None and message.get("tool_calls"):
        return ""
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        content = "\n".join(str(p["text"]) for p in content if isinstance(p.get("text"), str))
    return whole(content) if isinstance(content, str) else None


def read_jsonl(text: str, tenant: str, source: str, extractor: Extractor = RULES) -> list[Reading]:
    """Read a JSONL file: a conversation a line, or one conversation of a message a line.

    Raises:
        SourceMalformed: A line is not such an object; the message names the line.
        ExtractorFailed: The extractor cannot read a conversation.
    """
    talks: list[tuple[str, str, list[Mapping[str, Any]]]] = []
    loose: list[Mapping[str, Any]] = []
    for number, line in enumerate(
        text.split("\n"), start=1
    ):  # other separators may stand in a text
        if not line.strip():
            continue
        try:
            body = json.loads(line)
        except (ValueError, RecursionError) as error:
            told = getattr(error, "msg", str(error))
            raise SourceMalformed(f"{source}, line {number}: not JSON ({told}).") from error
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            title = whole(str(body.get("title") or f"conversation at line {number}"))
            talks.append((title, whole(str(body.get("at") or "")), body["messages"]))
        elif isinstance(body, dict) and "role" in body:
            loose.append(body)
        else:
            raise SourceMalformed(
                f'{source}, line {number}: expected {{"messages": [...]}} or a message with a role.'
            )
    if loose:
        talks.append((source, "", loose))
    episodes = []
    for title, at, messages in talks:
        try:
            episodes.append(heard(messages, tenant, title, source=f"{source}#{title}", at=at))
        except SourceMalformed as error:
            raise SourceMalformed(f"{source}: {error}") from error
    return [extractor.extract(episode) for episode in episodes]
