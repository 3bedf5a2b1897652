"""What becomes of an answer that was served: in the background, its conversation's new turns become an episode.

Nothing of this is on the way of an answer, and no failure here is one of the answer's. A process that is killed
loses what still waits (at most `WAITING`); one that is told to stop writes it first.
"""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from nightschool.day import end_chat
from nightschool.errors import ExtractorFailed, NightschoolError
from nightschool.feedback import answered
from nightschool.registry.talks import Talks, prefixes
from nightschool.types import Memory, Trust
from nightschool.wire import School

WAITING = 1000
"""Answers that may wait to be written; further ones are dropped, and counted."""
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
            try:
                self._waiting.put(None, timeout=patience_s)
            except queue.Full:
                return
            self._thread.join(patience_s)

    def _work(self) -> None:
        while (exchange := self._waiting.get()) is not None:
            try:
                with self._schools.school(exchange.tenant) as school:
                    record(school, exchange)
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


def record(school: School, exchange: Exchange) -> None:
    """Make an episode of what is new in an exchange, and count the memories that stood in its prompt.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
        WorkspaceError: The disk is full.
    """
    if exchange.recalled:
        school.store.used([memory.id for memory in exchange.recalled])
    if not exchange.stored:
        return
    talks = Talks(school.registry.connection)
    # System prompts and the output of tools change between requests that go on with one talk.
    said = [turn for turn in exchange.turns if turn[0] in ("user", "assistant")]
    digests = prefixes(said)
    known = talks.known(exchange.tenant, digests)
    news = said[known.turns :]
    if not news:
        answered(school, exchange.completion_id, known.episode_id, exchange.version_id)
        return
    before = said[: known.turns][-EARLIER:]
    episode_id = episode_of(exchange.completion_id)
    try:
        end_chat(
            school,
            news,
            TITLE,
            recalled=exchange.recalled,
            before=before,
            trust=exchange.trust,
            episode_id=episode_id,
        )
    except ExtractorFailed as error:
        logger.warning("%s waits to be read: %s.", episode_id, type(error).__name__)
    except NightschoolError:
        raise
    talks.keep(exchange.tenant, digests[known.turns :], episode_id)
    answered(school, exchange.completion_id, episode_id, exchange.version_id)
