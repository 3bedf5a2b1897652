"""The outermost door: who may knock, what the log and the audit keep, and no error that leaves as a trace.

A page of another origin cannot make a browser change anything here, and a name that was bound to this machine
by somebody's DNS does not open a service that listens to this machine only.
"""

from __future__ import annotations

import logging
import re
import time
from traceback import extract_tb
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightschool.errors import BadRequest, CallerRefused, NightschoolError
from nightschool.hosting import House
from nightschool.registry.audit import NOBODY
from nightschool.serve.problems import reply

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::\d{1,5})?", re.ASCII)
"""A Host header, and nothing that only looks like one: no user, no path."""
READS = frozenset({"GET", "HEAD", "OPTIONS"})
ANSWERS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/compare"})
"""Routes that ask a model; they change nothing that the audit log keeps."""
SINGLE = (b"host", b"authorization", b"content-length", b"transfer-encoding", b"origin")
"""Headers that say one thing, or two readers could take different ones."""
REFUSALS_A_MINUTE = 60
"""So many refused requests are written down; a flood of them cannot fill the disk."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Cache-Control": "no-cache",
}

logger = logging.getLogger("nightschool.serve")


class Guard:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, house: House, loopback: bool) -> None:
        """Guard an app.

        Args:
            app: What is inside.
            house: Whose audit log is written.
            loopback: Whether it is bound to this machine only, and so is known under its names alone.
        """
        self._app = app
        self._house = house
        self._loopback = loopback
        self._minute = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        status, begun = 0, time.monotonic()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        scope.setdefault("state", {})
        try:
            check_headers(scope, loopback=self._loopback)
            await self._app(scope, receive, sent)
        except NightschoolError as error:
            await reply(error)(scope, receive, sent)
        except Exception as error:  # the server's edge: logged by name and place, never by its text
            logger.error("%s in %s", type(error).__name__, _place(error))
            if status:
                raise ConnectionAbortedError from None  # half an answer is out: break it off
            await reply(error)(scope, receive, sent)
        finally:
            await self._write_down(scope, status, time.monotonic() - begun)

    async def _write_down(self, scope: Scope, status: int, seconds: float) -> None:
        caller = scope["state"].get("caller")
        key_id, tenant = (caller.key_id, caller.tenant) if caller else (NOBODY, self._house.tenant)
        route = getattr(scope.get("route"), "path", None)
        # A path without a route may be anything that somebody typed.
        name = f"{scope['method'] if scope['method'].isalpha() else '?'} {route or '(no route)'}"
        logger.info("%s %d %.0f ms %s %s", name, status, seconds * 1000, tenant, key_id)
        refused = status in (401, 403)
        changes = scope["method"] not in READS and route and route not in ANSWERS
        if not (changes or (refused and self._may_write())):
            return
        ids = [str(value) for value in scope.get("path_params", {}).values()]
        ids += scope["state"].get("objects", ())
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(
                    self._house.audit.note, tenant, key_id, name, ids, status
                )
        except (
            Exception
        ) as error:  # the answer is out; a full disk is told by the next change itself
            logger.error("The audit log cannot be written: %s", type(error).__name__)

    def _may_write(self) -> bool:
        minute, count = self._minute
        now = int(time.monotonic() // 60)
        self._minute = (now, count + 1 if now == minute else 1)
        return self._minute[1] <= REFUSALS_A_MINUTE


def check_headers(scope: Scope, *, loopback: bool) -> None:
    """See that a request says one thing, under a name that is ours, and from no page of somebody else's.

    Raises:
        BadRequest: A header that counts stands there twice, or the body's length is told in two ways.
        CallerRefused: The host's name or the page's origin is not the service's.
    """
    names = [name for name, _ in scope["headers"]]
    for name in SINGLE:
        if names.count(name) > 1:
            raise BadRequest(f"The header {name.decode()} stands there twice. Send it once.")
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadRequest("Content-Length and Transfer-Encoding exclude each other. Send one.")
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if loopback and _hostname(host) not in LOOPBACK:
        raise CallerRefused(
            f"The service listens to this machine, as {', '.join(sorted(LOOPBACK))}, not as {host[:80]!r}."
        )
    origin = headers.get("origin")
    if (origin is not None and _netloc(origin) != host) or (
        scope["method"] not in READS
        and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    ):
        raise CallerRefused(
            "The request comes from a page of another origin; browsers may use the service's own dashboard only."
        )


def _hostname(host: str) -> str:
    found = HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half a bracket: no page's origin
        return None


def _place(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
