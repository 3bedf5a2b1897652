"""One connection of a client's: HTTP as uvicorn speaks it, and no longer than it is patient.

Not covered: how many connections one address has, which a proxy in front can bound.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 15.0
"""A request's headers may take so long to arrive, counted from the connection or from their first byte."""


class Connection(H11Protocol):
    """Closes a connection whose headers do not come; bodies have a limit of their own (`limits.read_body`)."""

    headers_s = HEADERS_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; a byte now and then buys no time."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.conn.their_state is not h11.IDLE:  # the headers are whole
            self._wait_no_more()
        elif self._late is None:
            self._late = self.loop.call_later(self.headers_s, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
