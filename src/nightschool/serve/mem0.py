"""The memory behind the methods of mem0's `Memory`, so that an agent written for mem0 can use this one.

Names and return shapes are those of mem0ai 2.2 (`{"results": [{"id", "memory", "event"}]}`). What differs:

- `user_id` is the tenant, and every call means one: by `user_id`, by mem0's `filters={"user_id": ...}`, or
  given once to the constructor. An id alone opens nothing: another tenant's is unknown, and raises.
- What comes in has the constructor's tier: it is recalled, and trained once the owner approves it. What somebody
  more trusted stated or approved can be neither changed nor deleted from here.
- `add` keeps what people said, never the assistant's words; a conversation that states nothing is not kept.
- A record's text never changes: `update` makes a new record, and returns its id. `get` of the old id raises,
  where mem0 gives None for an id that it lacks; `history` of the new id tells both.
- `delete` erases: also the older values, study material and exam questions; versions that know it are not served.
- `get_all` gives all, unless told how many; scores are not between 0 and 1.
- `metadata` of a result is our record's other fields, and `caution`, which says why a line must not be taken at
  its word. None can be passed in. Secrets are masked.

Not here, and an error when passed: `agent_id`, `run_id`, `timestamp`, `expiration_date`, `memory_type`, `prompt`,
`threshold`, `rerank`, `explain`, filters other than `user_id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nightschool.codec import to_plain
from nightschool.curate import correct, pick_up_edits
from nightschool.day import learn
from nightschool.errors import (
    ConfigError,
    NotEntitled,
    SourceMalformed,
    UnknownMemory,
    WorkspaceLocked,
)
from nightschool.forget import Receipt, forget
from nightschool.language import normalise
from nightschool.memory.rules import SAID, said_again
from nightschool.scope import cost
from nightschool.sources import conversation, said
from nightschool.trust import caution, displayed, entitled, incoming
from nightschool.types import Memory as Record
from nightschool.types import MemoryStatus, Reading, Trust
from nightschool.wire import School, open_school

TOP_K = 20
"""How many a search returns unless it is told."""
SPEAKER = "the user"
NAMED = ("id", "tenant", "text", "masked", "at")
"""Fields of a record that a result gives under mem0's names."""


class Memory:
    """Short-term memory in one workspace, for the users of an application."""

    def __init__(
        self, path: str | Path, *, user_id: str | None = None, trust: str = "user"
    ) -> None:
        """Use the workspace at `path` or above it.

        Args:
            path: A folder that `nightschool init` made.
            user_id: The only user that calls may mean; None where each call names its own.
            trust: The tier of what comes in: `user`, `tool` or `web`. For the owner's own words see `of_owner`.

        Raises:
            WorkspaceMissing: There is no workspace.
            ConfigError: There is no such tier, it is the owner's, or the user's name cannot name a folder.
        """
        self._path = Path(path)
        self._user = user_id
        self._trust = incoming(trust)
        open_school(self._path, tenant=user_id)

    @classmethod
    def of_owner(cls, path: str | Path, *, user_id: str | None = None) -> Memory:
        """Use a workspace as its owner: what comes in is trained without an approval.

        Only for an application where nobody but the owner can reach `add` and `update`.

        Raises:
            WorkspaceMissing: There is no workspace.
            ConfigError: The user's name cannot name a folder.
        """
        memory = cls(path, user_id=user_id)
        memory._trust = Trust.OWNER
        return memory

    def add(
        self,
        messages: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        user_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        infer: bool = True,
    ) -> dict[str, Any]:
        """Keep what people stated in some messages.

        Args:
            messages: OpenAI-style messages; a text is one message of the user.
            user_id: Whose memory it becomes.
            metadata: Must be None: a record has no room for it.
            infer: Read the statements out of the conversation; False keeps each message as one statement,
                word for word, and takes only the user's.

        Returns:
            `results`: each new record, and in `supersedes` the id of the one that it replaced, or None.

        Raises:
            ConfigError: Metadata was given, or no user.
            SourceMalformed: A message has no known role or no text; or, with `infer=False`, is not a user's.
            WorkspaceLocked: Another process holds the workspace.
        """
        if metadata:
            raise ConfigError(
                f"metadata is {dict(metadata)!r}; a record has no room for it. Say it in the messages."
            )
        school = self._school(user_id)
        tenant = school.settings.tenant
        heard = _messages(messages)
        if infer:
            reading = conversation(heard, tenant, "conversation")
            # Each call is said anew: who goes back to an earlier value says the same words again.
            readings = [replace(reading, episode=said_again(reading.episode))]
        else:
            readings = [said(_user_text(m), tenant, str(m.get("name") or SPEAKER)) for m in heard]
        readings = [self._with_trust(reading) for reading in readings if reading.findings]
        added = learn(school, readings).added if readings else ()
        return {
            "results": [
                {
                    "id": record.id,
                    "memory": displayed(record).text,
                    "event": "ADD",
                    "supersedes": record.supersedes,
                }
                for record in added
            ]
        }

    def search(
        self,
        query: str,
        *,
        user_id: str | None = None,
        top_k: int | None = None,
        limit: int | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Find a user's live memories nearest to a query, best first.

        Args:
            query: A question, or words.
            user_id: Whose memories.
            top_k: At most so many; None means `TOP_K`.
            limit: The name that mem0 1 had for `top_k`.
            filters: `{"user_id": ...}` as in mem0 2, instead of `user_id`.

        Raises:
            ConfigError: No user was named, two were, a filter is unknown, or the number is not positive.
        """
        count = _count(top_k, limit) or TOP_K
        school = self._school(user_id, filters)
        found = school.store.recall(school.settings.tenant, query, count)
        return {"results": [{**_result(record), "score": score} for record, score in found]}

    def get_all(
        self,
        *,
        user_id: str | None = None,
        top_k: int | None = None,
        limit: int | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """List a user's live memories, oldest first; arguments as in `search`, None means all.

        Raises:
            ConfigError: No user was named, two were, a filter is unknown, or the number is not positive.
        """
        count = _count(top_k, limit)
        school = self._school(user_id, filters)
        return {
            "results": [_result(m) for m in school.store.memories(school.settings.tenant)[:count]]
        }

    def get(self, memory_id: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Return one live memory of a user.

        Raises:
            UnknownMemory: The user has no such memory, or it does not hold any more.
            ConfigError: No user was named.
        """
        return _result(_live(self._school(user_id), memory_id))

    def update(self, memory_id: str, text: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Correct a live memory; the old text stays in the history.

        Returns:
            `message`, and `id`: that of the record which says it now.

        Raises:
            UnknownMemory: The user has no live memory of this id.
            NotEntitled: Somebody more trusted stated or approved it, or says the new text already.
            NotEntitled: It stands in a file, and only the owner corrects that from here.
            SourceMalformed: The text is empty.
            WorkspaceLocked: Another process holds the workspace.
        """
        school = self._school(user_id)
        old = _live(school, memory_id)
        reading = self._with_trust(said(text, school.settings.tenant, SPEAKER))
        if self._trust is Trust.OWNER:
            return {
                "message": "Memory updated successfully!",
                "id": correct(school, old.id, text).id,
            }
        self._entitle([old])
        if old.source_kind not in SAID:
            raise NotEntitled(f"{old.id} stands in {old.source}. Change it there.")
        # As what was said of the same thing later: it replaces the old one in one step, and in its own tier.
        about = tuple(replace(finding, key=old.key) for finding in reading.findings)
        added = learn(school, [replace(reading, findings=about)]).added
        if not added and normalise(old.text) != normalise(text):
            raise NotEntitled(
                f"Somebody more trusted says that already; {old.id} was not changed. Delete it instead."
            )
        return {"message": "Memory updated successfully!", "id": added[0].id if added else old.id}

    def delete(self, memory_id: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Erase a memory for good, with what it superseded and all that was derived from it.

        Returns:
            `message`, and `receipt`: what was erased.

        Raises:
            UnknownMemory: The user has no such memory.
            NotEntitled: It, or an earlier value, was stated or approved by somebody more trusted.
            WorkspaceLocked: Another process holds the workspace.
        """
        school = self._school(user_id)
        receipt = self._erase(school, [memory_id])
        return {"message": "Memory deleted successfully!", "receipt": to_plain(receipt)}

    def delete_all(self, user_id: str | None = None) -> dict[str, Any]:
        """Erase all memories of a user for good, also those that do not hold any more.

        Returns:
            `message`, and `receipt`: what was erased; None where there was nothing.

        Raises:
            NotEntitled: One was stated or approved by somebody more trusted; then nothing is erased.
            ConfigError: No user was named.
            WorkspaceLocked: Another process holds the workspace.
        """
        school = self._school(user_id)
        records = school.store.memories(school.settings.tenant, include_retired=True)
        receipt = self._erase(school, [record.id for record in records]) if records else None
        return {
            "message": "Memories deleted successfully!",
            "receipt": None if receipt is None else to_plain(receipt),
        }

    def history(self, memory_id: str, *, user_id: str | None = None) -> list[dict[str, Any]]:
        """Tell what was said of the same thing over time, and by whom, oldest first.

        `event` is ADD, UPDATE (a record that replaced another), SUPERSEDED, RETIRED or APPROVED.

        Raises:
            UnknownMemory: The user has no such memory.
            ConfigError: No user was named.
        """
        school = self._school(user_id)
        records = school.store.lineage(school.memory(memory_id).id)
        texts = {record.id: displayed(record).text for record in records}
        rows = []
        for record in reversed(records):
            for number, event in enumerate(school.store.history(record.id)):
                new = event["action"] == "added"
                named = (
                    ("UPDATE" if record.supersedes else "ADD") if new else event["action"].upper()
                )
                rows.append(
                    {
                        "id": f"{record.id}/{number}",
                        "memory_id": record.id,
                        "old_memory": texts.get(record.supersedes or "")
                        if new
                        else texts[record.id],
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

    def _school(self, user_id: str | None, filters: Mapping[str, Any] | None = None) -> School:
        """Open the memory of the user that a call means, with what was edited in its files."""
        given = dict(filters or {})
        filtered = given.pop("user_id", None)
        if given:
            raise ConfigError(f"filters has {', '.join(given)}; expected user_id only.")
        named = {user for user in (self._user, user_id, filtered) if user is not None}
        if len(named) != 1:
            raise ConfigError(
                f"A call means one user; named: {', '.join(map(repr, sorted(map(str, named)))) or 'none'}. "
                "Give user_id to the call, or once to Memory."
            )
        school = open_school(self._path, tenant=named.pop())
        with suppress(WorkspaceLocked):  # a night is going on: the edits wait for its end
            pick_up_edits(school)
        return school

    def _with_trust(self, reading: Reading) -> Reading:
        findings = tuple(replace(finding, trust=self._trust) for finding in reading.findings)
        return replace(reading, findings=findings)

    def _entitle(self, records: Sequence[Record]) -> None:
        kept = [record.id for record in records if not entitled(self._trust, record)]
        if kept:
            raise NotEntitled(
                f"{', '.join(kept)}: stated or approved by somebody more trusted. Nothing was changed; "
                "the owner can, with `nightschool memory edit` or `nightschool forget`."
            )

    def _erase(self, school: School, memory_ids: Sequence[str]) -> Receipt:
        self._entitle(cost(school, memory_ids).memories)
        return forget(school, memory_ids)


def _messages(
    given: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Return messages as a list, whichever of mem0's three forms they have."""
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


def _user_text(message: Mapping[str, Any]) -> str:
    role, content = message.get("role"), message.get("content")
    if role != "user" or not isinstance(content, str):
        raise SourceMalformed(
            f"A message has role {role!r} and content {type(content).__name__}; with infer=False, each is "
            "kept word for word, and only a user's text may be. Leave the others out."
        )
    return content


def _count(top_k: int | None, limit: int | None) -> int | None:
    given = [number for number in (top_k, limit) if number is not None]
    if len(given) > 1:
        raise ConfigError(f"top_k is {top_k} and limit is {limit}; they are one. Give top_k.")
    if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in given):
        raise ConfigError(f"top_k is {given[0]!r}; expected a whole number from 1.")
    return given[0] if given else None


def _live(school: School, memory_id: str) -> Record:
    record = school.memory(memory_id)
    if record.status is not MemoryStatus.LIVE:
        raise UnknownMemory(
            f"{memory_id} is {record.status.value}: it does not hold any more. See its history."
        )
    return record


def _result(record: Record) -> dict[str, Any]:
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
