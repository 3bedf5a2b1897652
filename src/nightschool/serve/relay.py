"""To the engine and back over HTTP: one pool of connections, answers whole or event by event, failures by name.

Nothing of the client's request goes along but what a route puts into the body: no header, no address.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import httpx
from starlette.requests import Request

from nightschool.errors import BadRequest, EngineFailed
from nightschool.fleet import Lease

T = TypeVar("T")
MOST_ANSWER = 64 << 20
"""Bytes of a whole answer."""
MOST_EVENT = 4 << 20
"""Bytes of one event of a stream."""
CONNECT_S = 10.0
CONTEXT_CODE = "context_length_exceeded"
GONE = 499
"""Status in the log for a client that did not wait; nobody receives it."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class EngineLost(EngineFailed):
    """The engine went away before it said anything; another one can be asked."""


class EngineRefused(BadRequest):
    """The engine finds fault with the request itself."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Relay:
    """The connections of one server to its engines."""

    def __init__(self, silent_s: float) -> None:
        """Make the pool; nothing is connected yet.

        Args:
            silent_s: How long an engine may say nothing.
        """
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(silent_s, connect=CONNECT_S, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, lease: Lease, route: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the lease's engine and return its whole answer.

        Raises:
            EngineRefused: The request cannot be answered.
            EngineFailed: The engine fails, or goes away.
            LeaseCut: The version has been forgotten meanwhile.
        """
        response = await self.open(lease, route, body)
        try:
            raw = await _whole(response)
        except httpx.HTTPError as error:
            lease.check()
            raise EngineFailed("The engine broke off its answer. Ask again.") from error
        finally:
            await response.aclose()
        lease.check()
        try:
            answer = json.loads(raw)
        except ValueError as error:
            raise EngineFailed("The engine's answer is not JSON.") from error
        if not isinstance(answer, dict):
            raise EngineFailed("The engine does not speak the OpenAI protocol.")
        return answer

    async def open(self, lease: Lease, route: str, body: dict[str, Any]) -> httpx.Response:
        """Ask the lease's engine and return its answer from the beginning; the caller closes it.

        Raises: see `post`; and EngineLost where the engine said nothing at all.
        """
        request = self._client.build_request(
            "POST",
            f"{lease.engine.address}/v1/{route}",
            content=encoded({**body, **lease.fields}),
            headers={"Content-Type": "application/json", **lease.engine.headers},
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TimeoutException as error:
            lease.check()
            raise EngineFailed("The engine does not answer. Ask again later.") from error
        except httpx.HTTPError as error:
            lease.check()
            raise EngineLost("The engine went away. Ask again.") from error
        if response.status_code == 200:
            return response
        try:
            raw = await _whole(response)
        except httpx.HTTPError:
            raw = b""
        finally:
            await response.aclose()
        raise _refusal(response.status_code, raw)

    async def events(self, lease: Lease, response: httpx.Response) -> AsyncIterator[list[Any]]:
        """Yield what came of a stream: each time the events that are complete, as JSON.

        Raises:
            EngineFailed: The engine breaks off before its last event, or does not speak in events.
            LeaseCut: The version has been forgotten meanwhile.
        """
        buffer = b""
        try:
            async for part in response.aiter_bytes():
                lease.check()
                # Joined first: a part may end between the two characters that end a line.
                *whole, buffer = (buffer + part).replace(b"\r\n", b"\n").split(b"\n\n")
                if len(buffer) > MOST_EVENT:
                    raise EngineFailed("An event of the engine's has no end.")
                data = [_data(event) for event in whole]
                told = [json.loads(one) for one in data if one and one != b"[DONE]"]
                if told:
                    yield told
                if b"[DONE]" in data:
                    return
        except httpx.HTTPError as error:
            lease.check()
            raise EngineFailed("The engine broke off its answer. Ask again.") from error
        except ValueError as error:
            raise EngineFailed("The engine's stream is not JSON.") from error
        lease.check()
        raise EngineFailed("The engine broke off its answer. Ask again.")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def encoded(body: dict[str, Any]) -> bytes:
    """Write a request's body. Raises BadRequest for numbers that JSON does not have."""
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request holds a number or nesting that JSON cannot carry.") from error


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Wait for work as long as the client does.

    Raises:
        ClientGone: It has gone; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return await task
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _whole(response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST_ANSWER:
            raise EngineFailed("The engine's answer has no end.")
    return b"".join(parts)


def _data(event: bytes) -> bytes:
    lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)


def _refusal(status: int, raw: bytes) -> Exception:
    """Say what an engine's error means to the client: only what is wrong with the request is passed on."""
    try:
        told = json.loads(raw)
        error = told.get("error", told) if isinstance(told, dict) else {}
        message, kind = str(error.get("message", ""))[:500], str(error.get("type", ""))
    except (ValueError, AttributeError):
        message, kind = "", ""
    if status in (400, 413, 422) and message:
        long = "exceed_context" in kind or "context length" in message
        return EngineRefused(message, CONTEXT_CODE if long else "refused_by_engine")
    if status == 501:
        return EngineRefused("The engine of this model cannot do that.", "not_supported")
    return EngineFailed(f"The engine answered HTTP {status}. Ask again later.")
