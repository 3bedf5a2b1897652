"""One answer from its lease to its last byte: memory goes into the prompt, the engine is asked, and what was
said is handed to the recorder when the client has it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio.to_thread
import httpx
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from nightschool.day import Aid, aid_for
from nightschool.errors import NightschoolError
from nightschool.fleet import Lease
from nightschool.hosting import House
from nightschool.recording import COMPLETION, Exchange, episode_of
from nightschool.serve.access import Caller
from nightschool.serve.logprobs import with_old_logprobs
from nightschool.serve.problems import problem
from nightschool.serve.relay import EngineLost, Relay, while_connected
from nightschool.serve.requests import Message
from nightschool.types import Memory

T = TypeVar("T")
THREADS = 16
"""Threads that prepare answers; the other routes have the framework's."""
STORE_HEADER = "x-nightschool-store"
KEPT = ("choices", "usage", "system_fingerprint", "timings")
"""What of an engine's answer goes to the client; the rest is about the engine's machine."""
_threads: list[anyio.CapacityLimiter] = []


class Prepared(NamedTuple):
    """What is known before the engine is asked."""

    lease: Lease
    messages: list[dict[str, Any]]
    recalled: tuple[Memory, ...]


@dataclass
class Answering:
    """One answer in the making; whoever ends it calls `close`, however it ended."""

    house: House
    caller: Caller
    lease: Lease
    kind: str
    """`chat.completion` or `text_completion`."""
    said: tuple[tuple[str, str], ...] = ()
    """(role, text) of the conversation before it."""
    recalled: tuple[Memory, ...] = ()
    stored: bool = False
    declined: bool = False
    """Whether it would be stored, but for the request or its key."""
    id: str = field(default_factory=lambda: COMPLETION + secrets.token_hex(8))
    created: int = field(default_factory=lambda: int(time.time()))
    text: list[str] = field(default_factory=list)
    """The first choice, as far as it has been told."""
    answered: bool = False
    """Whether any of it came: then the client was told where its conversation is kept."""
    ended: bool = False
    """Whether all of it came: half an answer is kept nowhere."""
    offsets: Counter[int] = field(default_factory=Counter)
    """Characters of a text completion's tokens so far, by choice."""
    count: Callable[[int, int], None] | None = None
    """Told the tokens when the answer is over."""
    tokens: tuple[int, int] = (0, 0)
    """Of the prompt and of the answer, as far as the engine has told."""
    response: httpx.Response | None = None

    def head(self, kind: str) -> dict[str, Any]:
        """Return how every object of this answer begins."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.lease.version_id,
        }

    def note(self) -> dict[str, Any]:
        """Return the field `nightschool`: who answered, on what it leant, and where it is kept."""
        return {
            "version": self.lease.version_id,
            "recalled": [memory.id for memory in self.recalled],
            "episode": episode_of(self.id) if self.stored else None,
        }

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Turn the engine's whole answer into the client's."""
        for choice in answer.get("choices") or ():
            if choice.get("index", 0) == 0:
                self.text.append((choice.get("message") or {}).get("content") or "")
        self.answered = self.ended = True
        self.tokens = tokens_of(answer) or self.tokens
        kept = self._kept(answer)
        return {**self.head(self.kind), **kept, "nightschool": self.note()}

    def part(self, event: dict[str, Any], first: bool) -> dict[str, Any]:
        """Turn one event of the engine's stream into the client's."""
        for choice in event.get("choices") or ():
            if choice.get("index", 0) == 0:
                self.text.append((choice.get("delta") or {}).get("content") or "")
        self.answered = True
        self.tokens = tokens_of(event) or self.tokens
        kept = self._kept(event)
        kind = f"{self.kind}.chunk" if self.kind == "chat.completion" else self.kind
        return {**self.head(kind), **kept, **({"nightschool": self.note()} if first else {})}

    def _kept(self, told: dict[str, Any]) -> dict[str, Any]:
        kept = {name: told[name] for name in KEPT if name in told}
        if self.kind == "text_completion" and "choices" in kept:
            kept["choices"] = [with_old_logprobs(one, self.offsets) for one in kept["choices"]]
        return kept

    async def close(self) -> None:
        """Give the lease back and hand over what was said; a second time does nothing."""
        with anyio.CancelScope(shield=True):
            if self.response is not None:
                await self.response.aclose()
            over = self.lease.end()
            if over:
                await in_thread(over.close)
        if self.count:
            self.count(*self.tokens)
            self.count = None
        if not (self.stored or self.declined or self.recalled):
            return
        if self.answered and not self.lease.cut and self.kind == "chat.completion":
            self.answered = False
            text = "".join(self.text) if self.ended else ""  # what the user told stays
            last = (("assistant", text),) if text.strip() else ()
            self.house.recorder.put(
                Exchange(
                    self.caller.tenant, self.id, self.lease.version_id, (*self.said, *last),
                    self.recalled, self.caller.trust, self.stored, self.declined,
                )
            )  # fmt: skip


def tokens_of(told: dict[str, Any]) -> tuple[int, int] | None:
    """Return the (prompt, answer) tokens that an engine counts; a stream without usage may have them in timings."""
    for part, names in (
        ("usage", ("prompt_tokens", "completion_tokens")),
        ("timings", ("prompt_n", "predicted_n")),
    ):
        found = told.get(part)
        if isinstance(found, dict):
            prompt, answer = (found.get(name) for name in names)
            if isinstance(prompt, int) and isinstance(answer, int):
                return prompt, answer
    return None


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work beside the event loop."""
    if not _threads:
        _threads.append(anyio.CapacityLimiter(THREADS))
    return await anyio.to_thread.run_sync(work, limiter=_threads[0])


def prepare(house: House, tenant: str, model: str, messages: Sequence[Message]) -> Prepared:
    """Take the lease, and recall memory into the last user message unless the weights are to answer alone.

    Raises: see `hosting.House.lease`.
    """
    with house.school(tenant) as school:
        lease = house.lease_with(school, model)
        try:
            plain = [message.plain() for message in messages]
            asked = [place for place, m in enumerate(messages) if m.role == "user"]
            aid = Aid("")
            if asked and not lease.closed_book:
                aid = aid_for(school, messages[asked[-1]].text(), lease.version_id)
                plain[asked[-1]] = _with_notes(plain[asked[-1]], aid)
            if aid.index:
                plain.insert(0, {"role": "system", "content": aid.index})
        except BaseException:
            lease.close()
            raise
    return Prepared(lease, plain, aid.recalled)


def _with_notes(message: dict[str, Any], aid: Aid) -> dict[str, Any]:
    if not aid.recalled:
        return message
    if not isinstance(message["content"], list):
        return {**message, "content": aid.question}
    others = [part for part in message["content"] if part.get("type") != "text"]
    return {**message, "content": [{"type": "text", "text": aid.question}, *others]}


def may_store(house: House, tenant: str) -> bool:
    """Tell whether the settings let a tenant's conversations become episodes at all."""
    return house.settings.serve.store and tenant not in house.settings.serve.private


def declines(caller: Caller, store: bool | None, header: str | None) -> bool:
    """Tell whether the key or the request keeps a conversation from becoming an episode."""
    said = (header or "").strip().lower() in ("no", "false", "0", "off")
    return said or store is False or (caller.key is not None and not caller.key.store)


async def open_stream(
    relay: Relay, request: Request, answering: Answering, route: str, body: dict[str, Any]
) -> None:
    """Ask the engine for a stream; an engine that is found dead is replaced once. Raises what `Relay.open` does."""
    try:
        answering.response = await while_connected(
            request, relay.open(answering.lease, route, body)
        )
    except EngineLost:
        await renew(answering)
        answering.response = await while_connected(
            request, relay.open(answering.lease, route, body)
        )


async def ask(
    relay: Relay, request: Request, answering: Answering, route: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Ask the engine for a whole answer, like `open_stream`. Raises what `Relay.post` does."""
    try:
        return await while_connected(request, relay.post(answering.lease, route, body))
    except EngineLost:
        await renew(answering)
        return await while_connected(request, relay.post(answering.lease, route, body))


async def renew(answering: Answering) -> None:
    """Take another lease on the same version, after its engine went away. Raises what `House.lease` does."""
    old = answering.lease

    def again() -> Lease:
        old.close()
        return answering.house.renew(old)

    answering.lease = await in_thread(again)


class Streamed(StreamingResponse):
    """A stream of events to the client; the answer is closed however the stream ends, begun or not."""

    def __init__(self, relay: Relay, answering: Answering) -> None:
        self._answering = answering
        self._patience_s = answering.house.settings.serve.body_seconds
        super().__init__(
            _told(relay, answering),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def taken(message: AsgiMessage) -> None:
            async with asyncio.timeout(
                self._patience_s
            ):  # a reader that stops reading frees its lease
                await send(message)

        try:
            await super().__call__(scope, receive, taken)
        finally:
            await self._answering.close()


async def _told(relay: Relay, answering: Answering) -> AsyncIterator[bytes]:
    first, failed = True, False
    try:
        assert answering.response is not None
        async for events in relay.events(answering.lease, answering.response):
            lines = []
            for event in events:
                if "error" in event:
                    failed = True
                    lines.append(
                        b'data: {"error": {"message": "The engine failed.", "type": "server_error"}}\n\n'
                    )
                    continue
                lines.append(line(answering.part(event, first)))
                first = False
            yield b"".join(lines)
        answering.ended = not failed
        # Before the client knows the end: its feedback finds the conversation.
        await answering.close()
        yield b"data: [DONE]\n\n"
    except NightschoolError as error:
        yield line(problem(error)[1])  # the status is out: the client's library raises this


def line(event: dict[str, Any]) -> bytes:
    """Write one event of a stream."""
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
