"""mem0's shapes: what comes in as messages and counts, and records under the names that mem0 gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nightschool.codec import to_plain
from nightschool.errors import ConfigError, SourceMalformed, UnknownMemory
from nightschool.trust import caution, displayed
from nightschool.types import Memory as Record
from nightschool.types import MemoryStatus
from nightschool.wire import School

NAMED = ("id", "tenant", "text", "masked", "at")
"""Fields of a record that a result gives under mem0's names."""


def messages_of(
    given: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Return messages as a list, whichever of mem0's three forms they have.

    Raises:
        SourceMalformed: There are none, or one is no mapping.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    found = [given] if isinstance(given, Mapping) else list(given)
    wrong = [message for message in found if not isinstance(message, Mapping)]
    if wrong or not found:
        raise SourceMalformed(
            f"messages holds {type(wrong[0]).__name__ if wrong else 'nothing'}; expected a text, or "
            'messages such as {"role": "user", "content": "..."}.'
        )
    return found


def spoken(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out what only calls tools: an assistant's message without a content."""
    return [m for m in messages if m.get("role") != "assistant" or m.get("content") is not None]


def user_text(message: Mapping[str, Any]) -> str:
    """Return the text of a user's message. Raises SourceMalformed where it is not one."""
    role, content = message.get("role"), message.get("content")
    if role != "user" or not isinstance(content, str):
        raise SourceMalformed(
            f"A message has role {role!r} and content {type(content).__name__}; with infer=False, each is "
            "kept word for word, and only a user's text may be. Leave the others out."
        )
    return content


def count_of(top_k: int | None, limit: int | None) -> int | None:
    """Return how many are wanted, by either name; None: nothing was said. Raises ConfigError."""
    given = [number for number in (top_k, limit) if number is not None]
    if len(given) > 1:
        raise ConfigError(f"top_k is {top_k} and limit is {limit}; they are one. Give top_k.")
    if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in given):
        raise ConfigError(f"top_k is {given[0]!r}; expected a whole number from 1.")
    return given[0] if given else None


def live_record(school: School, memory_id: str) -> Record:
    """Return a memory that holds. Raises UnknownMemory."""
    record = school.memory(memory_id)
    if record.status is not MemoryStatus.LIVE:
        raise UnknownMemory(
            f"{memory_id} is {record.status.value}: it does not hold any more. See its history."
        )
    return record


def result_of(record: Record) -> dict[str, Any]:
    """Give a record mem0's names; what has none there is its metadata."""
    shown = displayed(record)
    rest = {name: value for name, value in to_plain(shown).items() if name not in NAMED}
    return {
        "id": record.id,
        "memory": shown.text,
        "hash": None,
        "metadata": {**rest, "caution": caution(record).strip()},
        "score": None,
        "created_at": record.at,
        "updated_at": record.at,
        "user_id": record.tenant,
    }


def history_of(school: School, memory_id: str) -> list[dict[str, Any]]:
    """Return what was said of the same thing over time, as mem0's rows, oldest first. Raises UnknownMemory."""
    records = school.store.lineage(school.memory(memory_id).id)
    texts = {record.id: displayed(record).text for record in records}
    rows = []
    for record in reversed(records):
        for number, event in enumerate(school.store.history(record.id)):
            new = event["action"] == "added"
            named = ("UPDATE" if record.supersedes else "ADD") if new else event["action"].upper()
            rows.append(
                {
                    "id": f"{record.id}/{number}",
                    "memory_id": record.id,
                    "old_memory": texts.get(record.supersedes or "") if new else texts[record.id],
                    "new_memory": texts[record.id],
                    "event": named,
                    "created_at": record.at,
                    "updated_at": event["at"],
                    "is_deleted": event["action"] == "retired",
                    "actor_id": event["actor"],
                    "role": None,
                }
            )
    return sorted(rows, key=lambda row: str(row["updated_at"]))
