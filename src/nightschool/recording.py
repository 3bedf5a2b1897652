"""What becomes of an answer that was served: in the background, its conversation's new turns become an episode.

Nothing of this is on the way of an answer, and no failure here is one of the answer's. A process that is killed
loses what still waits (at most `WAITING`); one that is told to stop writes it first.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from nightschool.day import end_chat
from nightschool.errors import ExtractorFailed, UnknownMemory, WorkspaceLocked
from nightschool.feedback import answered
from nightschool.registry.talks import Talks, prefixes
from nightschool.types import Memory, Trust
from nightschool.wire import School

WAITING = 1000
"""Answers that may wait to be written; further ones are dropped, and counted."""
AGAIN_S = 1.0
"""Pause before memory that another process holds is tried again; each try waits for it already."""
EARLIER = 6
"""Earlier turns that an extractor sees, as in `nightschool chat`."""
TITLE = "conversation over the API"
COMPLETION, EPISODE = "chatcmpl-", "ep-"

logger = logging.getLogger("nightschool.recording")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answered request."""

    tenant: str
    completion_id: str
    version_id: str
    turns: tuple[tuple[str, str], ...]
    """(role, text) of the whole conversation, the answer included; nothing that was recalled."""
    recalled: tuple[Memory, ...] = ()
    trust: Trust = Trust.USER
    stored: bool = True
    """False: only the use of memories is counted."""
    declined: bool = False
    """Whether this request or its key alone kept it from being stored: its turns are not news later either."""


class Schools(Protocol):
    """Who lends schools; `hosting.House` does."""

    def school(self, tenant: str) -> AbstractContextManager[School]:
        """Lend the tenant's school to this thread."""
        ...


def episode_of(completion_id: str) -> str:
    """Return the id of the episode that an answer's conversation becomes: the same, under another prefix."""
    return EPISODE + completion_id.removeprefix(COMPLETION)


class Recorder:
    """Writes exchanges one after another in a thread of its own."""

    def __init__(self, schools: Schools) -> None:
        self._schools = schools
        self._waiting: queue.Queue[Exchange | None] = queue.Queue(WAITING)
        self.dropped = 0
        """Exchanges that found no room."""
        self.failed = 0
        """Exchanges that could not be written."""
        self._unwritten: set[tuple[str, str]] = set()
        """(tenant, completion id) of what waits or is being written."""
        self._written = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def put(self, exchange: Exchange) -> None:
        """Have an exchange written soon; never waits."""
        with self._written:
            self._unwritten.add((exchange.tenant, exchange.completion_id))
        try:
            self._waiting.put_nowait(exchange)
        except queue.Full:
            self._let_go(exchange)
            self.dropped += 1
            logger.warning("%s is not stored: too much waits.", exchange.completion_id)

    def wait(self) -> None:
        """Wait until all that was put is written."""
        self._waiting.join()

    def wait_for(self, tenant: str, completion_id: str, patience_s: float) -> bool:
        """Wait until one answer is written, if it waits; tell whether it does not any more."""
        with self._written:
            return self._written.wait_for(
                lambda: (tenant, completion_id) not in self._unwritten, patience_s
            )

    def _let_go(self, exchange: Exchange) -> None:
        with self._written:
            self._unwritten.discard((exchange.tenant, exchange.completion_id))
            self._written.notify_all()

    def close(self, patience_s: float = 30.0) -> None:
        """Write what waits and stop; what takes longer than the patience is lost."""
        if self._thread.is_alive():
            self._closing.set()
            try:
                self._waiting.put(None, timeout=patience_s)
            except queue.Full:
                return
            self._thread.join(patience_s)

    def _work(self) -> None:
        while (exchange := self._waiting.get()) is not None:
            try:
                self._record(exchange)
            except (
                Exception
            ) as error:  # the thread's edge: an answer was given, whatever happens here
                self.failed += 1
                # The class alone: a message may quote the conversation.
                logger.warning(
                    "%s is not stored: %s.", exchange.completion_id, type(error).__name__
                )
            finally:
                self._let_go(exchange)
                self._waiting.task_done()
        self._waiting.task_done()

    def _record(self, exchange: Exchange) -> None:
        """Write one exchange, however long memory is held by others; once told to stop, try it once more."""
        while True:
            last = self._closing.is_set()
            try:
                with self._schools.school(exchange.tenant) as school:
                    return record(school, exchange)
            except WorkspaceLocked:
                if last:
                    raise
                logger.warning("%s waits: memory is locked.", exchange.completion_id)
                self._closing.wait(AGAIN_S)


def record(school: School, exchange: Exchange) -> None:
    """Make an episode of what is new in an exchange, and count the memories that stood in its prompt.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
        WorkspaceError: The disk is full.
    """
    if exchange.recalled:
        school.store.used([memory.id for memory in exchange.recalled])
    talks = Talks(school.registry.connection)
    # System prompts and the output of tools change between requests that go on with one talk.
    said = [turn for turn in exchange.turns if turn[0] in ("user", "assistant")]
    digests = prefixes(said)
    if exchange.declined:
        # Known as what is not kept: the next request may come without that word, and with all of this.
        talks.keep(exchange.tenant, digests, "")
    if not exchange.stored:
        return
    known = talks.known(exchange.tenant, digests)
    # The last message is said now, even where a talk began with the same words before.
    start = min(known.turns, _last_asked(said))
    repeated = known.turns == len(said) and _stands(school, known.episode_id)
    episode_id = episode_of(exchange.completion_id)
    try:
        learnt = end_chat(
            school,
            said[start:],
            TITLE,
            recalled=exchange.recalled,
            before=said[:start][-EARLIER:],
            trust=exchange.trust,
            episode_id=episode_id,
            repeated=repeated,
        )
        if repeated and not learnt.added:
            episode_id = known.episode_id
    except ExtractorFailed as error:
        logger.warning("%s waits to be read: %s.", episode_id, type(error).__name__)
    talks.keep(exchange.tenant, digests[start:], episode_id)
    answered(school, exchange.completion_id, episode_id, exchange.version_id)


def _stands(school: School, episode_id: str) -> bool:
    """Tell whether a talk's episode is kept still."""
    try:
        return bool(episode_id) and bool(school.store.episode(episode_id))
    except UnknownMemory:
        return False


def _last_asked(said: Sequence[tuple[str, str]]) -> int:
    """Return the place of the last message of the user's; the end where there is none."""
    return max((place for place, (role, _) in enumerate(said) if role == "user"), default=len(said))
