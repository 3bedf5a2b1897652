"""Who finds what was said, and who keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Protocol

from nightschool.types import Episode, Memory, Page, Passage, Reading, Turn, View


class Extractor(Protocol):
    """Finds what people stated in a conversation."""

    def extract(self, episode: Episode, before: Sequence[Turn] = ()) -> Reading:
        """Return the statements of an episode, each with its span, speaker and key.

        Only what a `user` turn states itself is found: no question, no supposition, no quotation.
        `before` holds earlier turns of the same talk; words may point to them, nothing is found there.
        What an extractor had to leave out, it counts in the reading.

        Raises ExtractorFailed where it cannot read at all; then nothing was found, and it can be asked
        again.
        """
        ...


class Store(Protocol):
    """The short-term memory of a workspace: episodes, memories, their history and index."""

    def absorb(self, reading: Reading) -> tuple[list[Memory], list[Memory]]:
        """Store a reading; return (added, superseded) memories. The same reading again changes nothing."""
        ...

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        """List memories, oldest first; live ones only unless asked otherwise."""
        ...

    def pages(self, tenant: str) -> list[Page]:
        """List the pages that a tenant's memories are divided into, a source's in their order.

        Every memory belongs to one page of its source for good, and a correction stays where the corrected
        one was. No page has more than `memory.rules.PAGE` live memories. Counting a use or what a night
        has shown moves no revision. A source that is forgotten as a whole has no pages any more.
        """
        ...

    def page(self, tenant: str, source: str, number: int) -> list[Memory]:
        """List the live memories of one page, oldest first; empty where there is no such page."""
        ...

    def browse(
        self,
        tenant: str,
        view: View = "live",
        *,
        source: str | None = None,
        words: Sequence[str] = (),
        after: str | None = None,
        limit: int,
    ) -> list[Memory]:
        """List memories, newest first, a part at a time; what it costs does not grow with what there is.

        `words` must all stand in the text as it may be shown, which has to be read for that. `after` is the last memory of the part before. It keeps its place whatever becomes of it, but for its
        being forgotten: then it raises UnknownMemory.
        """
        ...

    def counts(self, tenant: str) -> dict[View, int]:
        """Count a tenant's memories by view; those that wait count as live, too."""
        ...

    def told(self, tenant: str, since: int, limit: int) -> list[tuple[int, Memory]]:
        """List live memories of what people and notes say, oldest first, each with its number.

        Only those of a number above `since`; numbers grow, and are never given again.
        """
        ...

    def memory(self, memory_id: str) -> Memory:
        """Return one memory. Raises UnknownMemory."""
        ...

    def episode(self, episode_id: str) -> Episode:
        """Return one episode. Raises UnknownMemory."""
        ...

    def edit(self, memory_id: str, text: str, actor: str) -> Memory:
        """Replace a memory's text: the old one is superseded by the returned new one."""
        ...

    def approve(self, memory_id: str, actor: str) -> Memory:
        """Let the owner vouch for a live memory that somebody else stated."""
        ...

    def retire(self, memory_id: str, actor: str) -> Memory:
        """Take a live memory out; it stays in the history, and its source does not bring it back."""
        ...

    def studied(self, memory_ids: Iterable[str], night: str) -> None:
        """Keep that a night studied memories."""
        ...

    def examined(self, tenant: str, version_id: str, held: Set[str], night: str) -> None:
        """Keep which of a tenant's live memories a version has shown, closed-book, to hold."""
        ...

    def used(self, memory_ids: Iterable[str]) -> None:
        """Count that memories stood in the prompt of an answer."""
        ...

    def surprised(self, nats: Mapping[str, float]) -> None:
        """Keep how surprising memories were: id -> nats a token under the version that lived them."""
        ...

    def remove(self, memory_ids: Iterable[str]) -> list[str]:
        """Forget: erase the text everywhere in the store; return a tombstone id for each."""
        ...

    def recall(self, tenant: str, query: str, limit: int) -> list[tuple[Memory, float]]:
        """Return the live memories nearest to the query, best first, with a score from 0 to about 1."""
        ...

    def passages(self, tenant: str, query: str, limit: int) -> list[tuple[Passage, float]]:
        """Return what people said in conversations, nearest first; nothing that was taken out."""
        ...

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first: at, actor, action, text."""
        ...
