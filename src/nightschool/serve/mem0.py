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

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nightschool.codec import to_plain
from nightschool.curate import correct
from nightschool.day import learn
from nightschool.errors import (
    ConfigError,
    NotEntitled,
    WorkspaceLocked,
)
from nightschool.forget import Receipt, forget
from nightschool.language import normalise
from nightschool.memory.rules import SAID, said_again
from nightschool.scope import cost
from nightschool.serve.mem0_shapes import (
    count_of,
    history_of,
    live_record,
    messages_of,
    result_of,
    spoken,
    user_text,
)
from nightschool.sources import conversation, said
from nightschool.trust import displayed, entitled, incoming
from nightschool.types import Memory as Record
from nightschool.types import Reading, Trust
from nightschool.upkeep import catch_up
from nightschool.wire import School, open_school

TOP_K = 20
"""How many a search returns unless it is told."""
SPEAKER = "the user"


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
        open_school(self._path, tenant=user_id).close()

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
        with self._school(user_id) as school:
            tenant = school.settings.tenant
            heard = messages_of(messages)
            if infer:
                reading = conversation(spoken(heard), tenant, "conversation")
                # Each call is said anew: who goes back to an earlier value says the same words again.
                readings = [replace(reading, episode=said_again(reading.episode))]
            else:
                readings = [
                    said(user_text(m), tenant, str(m.get("name") or SPEAKER)) for m in heard
                ]
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
        count = count_of(top_k, limit) or TOP_K
        with self._school(user_id, filters) as school:
            found = school.store.recall(school.settings.tenant, query, count)
            return {"results": [{**result_of(record), "score": score} for record, score in found]}

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
        count = count_of(top_k, limit)
        with self._school(user_id, filters) as school:
            return {
                "results": [
                    result_of(m) for m in school.store.memories(school.settings.tenant)[:count]
                ]
            }

    def get(self, memory_id: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Return one live memory of a user.

        Raises:
            UnknownMemory: The user has no such memory, or it does not hold any more.
            ConfigError: No user was named.
        """
        with self._school(user_id) as school:
            return result_of(live_record(school, memory_id))

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
        with self._school(user_id) as school:
            old = live_record(school, memory_id)
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
            return {
                "message": "Memory updated successfully!",
                "id": added[0].id if added else old.id,
            }

    def delete(self, memory_id: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Erase a memory for good, with what it superseded and all that was derived from it.

        Returns:
            `message`, and `receipt`: what was erased.

        Raises:
            UnknownMemory: The user has no such memory.
            NotEntitled: It, or an earlier value, was stated or approved by somebody more trusted.
            WorkspaceLocked: Another process holds the workspace.
        """
        with self._school(user_id) as school:
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
        with self._school(user_id) as school:
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
        with self._school(user_id) as school:
            return history_of(school, memory_id)

    @contextmanager
    def _school(
        self, user_id: str | None, filters: Mapping[str, Any] | None = None
    ) -> Iterator[School]:
        """Open the memory of the user that a call means, in order and for one call."""
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
        with closing(open_school(self._path, tenant=named.pop())) as school:
            with suppress(WorkspaceLocked):  # a night is going on: the edits wait for its end
                catch_up(school)
            yield school

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
