"""How much at a time: requests a minute for each key, bytes and seconds for a body, answers in the making."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightschool.config import ServeConfig
from nightschool.errors import BadRequest, RateExceeded, ServiceBusy, TooLarge
from nightschool.serve.access import Caller
from nightschool.serve.guard import ANSWERS

MOST_BUCKETS = 10_000
NOBODYS_BYTES = 1024
"""Of a body that comes without a key, where one is needed: nothing that is open to everybody takes one."""


class Rates:
    """Requests a minute: each key may save up a minute's worth, and spends one a request."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str, a_minute: int, now: float) -> None:
        """Spend one request of a key.

        Args:
            key_id: Whose.
            a_minute: How many it may send in a minute.
            now: Seconds of a clock that never goes back.

        Raises:
            RateExceeded: None is left.
        """
        left, since = self._left.get(key_id, (float(a_minute), now))
        left = min(float(a_minute), left + (now - since) * a_minute / 60)
        if left < 1:
            raise RateExceeded(
                f"More than {a_minute} requests a minute. Wait {60 / a_minute:.1f} s for the next one."
            )
        if key_id not in self._left and len(self._left) >= MOST_BUCKETS:
            self._left.pop(next(iter(self._left)))
        self._left[key_id] = (left - 1, now)


class Limits:
    """ASGI middleware between `Access` and the routes; a body is whole before its route sees it."""

    def __init__(self, app: ASGIApp, settings: ServeConfig) -> None:
        self._app = app
        self._settings = settings
        self._rates = Rates()
        self._answering: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settings, caller = self._settings, scope["state"].get("caller")
        key = caller.key if caller else None
        if caller:
            rate = key and key.requests_per_minute
            self._rates.take(
                f"{caller.tenant} {caller.key_id}",
                rate or settings.requests_per_minute,
                time.monotonic(),
            )
        most = ((key and key.body_bytes) or settings.body_bytes) if caller else NOBODYS_BYTES
        body = await read_body(Headers(scope=scope), receive, most, settings.body_seconds)
        receive = _again(body, receive)
        if scope["path"] not in ANSWERS or caller is None:
            await self._app(scope, receive, send)
            return
        self._enter(caller)
        try:
            await self._app(scope, receive, send)
        finally:
            self._answering[caller.tenant] -= 1

    def _enter(self, caller: Caller) -> None:
        settings = self._settings
        if self._answering.total() >= settings.in_flight:
            raise ServiceBusy(f"{settings.in_flight} answers are in the making. Ask again soon.")
        if self._answering[caller.tenant] >= settings.in_flight_tenant:
            raise ServiceBusy(
                f"{settings.in_flight_tenant} answers for {caller.tenant} are in the making. Ask again soon."
            )
        self._answering[caller.tenant] += 1


async def read_body(headers: Headers, receive: Receive, most: int, seconds: float) -> bytes:
    """Read a request's body to its end.

    Args:
        headers: Of the request.
        receive: Of the request.
        most: Largest size in bytes.
        seconds: How long it may take to arrive.

    Raises:
        TooLarge: It is larger, or says so.
        BadRequest: It takes too long, breaks off, or its length is no number.
    """
    told = headers.get("content-length", "0")
    if not told.isascii() or not told.isdigit():
        raise BadRequest(f"Content-Length is {told[:20]!r}; expected a number of bytes.")
    too_large = TooLarge(f"The body is larger than {most:,} bytes, which is what may be sent.")
    if len(told) > 18 or int(told) > most:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest("The body broke off.")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise too_large
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise BadRequest(f"The body took longer than {seconds:.0f} s to arrive.") from error


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, and then what comes."""
    first = True

    async def once_more() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return once_more
