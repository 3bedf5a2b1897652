"""Clients of a service, as a load bench has them: streamed answers, timed from when they were due.

Open loop: requests come when they come, at random times that follow from a seed, whether or not earlier ones
are answered. So a service that stalls is charged for all who waited meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

PATIENCE_S = 180.0
"""A request that says nothing for so long has failed."""


@dataclass
class Told:
    """One request, and what came of it. Times are seconds of `time.monotonic`."""

    prompt: str
    model: str
    due: float
    parts: list[float] = field(default_factory=list)
    """When each part of the text came."""
    ended: float = 0.0
    text: str = ""
    tokens: int = 0
    versions: set[str] = field(default_factory=set)
    """All names that the events of the answer bear; more than one is a mixed answer."""
    failure: str = ""
    """Why it failed; empty where it did not."""

    @property
    def ttft_ms(self) -> float:
        """From when it was due to the first part of its text."""
        return (self.parts[0] - self.due) * 1000

    @property
    def whole_ms(self) -> float:
        """From when it was due to its end."""
        return (self.ended - self.due) * 1000

    @property
    def gaps_ms(self) -> list[float]:
        """Between two parts of its text."""
        return [(b - a) * 1000 for a, b in zip(self.parts, self.parts[1:], strict=False)]


@dataclass(frozen=True)
class Target:
    """Whom a client asks."""

    url: str
    """The API's root, without /v1."""
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What goes into each body beside the question."""


def client() -> httpx.AsyncClient:
    """Return the connections of one load."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    return httpx.AsyncClient(timeout=PATIENCE_S, limits=limits, trust_env=False)


async def ask(
    http: httpx.AsyncClient,
    target: Target,
    model: str,
    prompt: str,
    max_tokens: int,
    due: float | None = None,
) -> Told:
    """Ask one question greedily, and read its answer as it comes; a failure is told, not raised.

    Args:
        http: The connections.
        target: Whom.
        model: Which model.
        prompt: The one message.
        max_tokens: Longest answer.
        due: When it was due; None: now.
    """
    told = Told(prompt, model, time.monotonic() if due is None else due)
    body = {
        "model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens,
        "temperature": 0, "stream": True, "stream_options": {"include_usage": True}, **target.fields,
    }  # fmt: skip
    try:
        async with http.stream(
            "POST", f"{target.url}/v1/chat/completions", json=body, headers=dict(target.headers)
        ) as reply:
            if reply.status_code != 200:
                told.failure = f"HTTP {reply.status_code}: {(await reply.aread())[:200]!r}"
            else:
                await _read(reply.aiter_lines(), told)
    except httpx.HTTPError as error:
        told.failure = f"{type(error).__name__} {error}"
    told.ended = time.monotonic()
    return told


async def _read(lines: AsyncIterator[str], told: Told) -> None:
    async for line in lines:
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            told.parts = told.parts or [time.monotonic()]  # an empty answer is one, too
            return
        event = json.loads(data)
        if "error" in event:
            told.failure = str(event["error"].get("message"))
            return
        told.versions.add(str(event.get("model")))
        for choice in event.get("choices") or ():
            text = choice["delta"].get("content") or ""
            if text:
                told.parts.append(time.monotonic())
                told.text += text
        told.tokens = (event.get("usage") or {}).get("completion_tokens", told.tokens)
    told.failure = "the stream ended without its last event"


async def open_loop(
    asked: Callable[[int, float], Coroutine[Any, Any, Told]],
    rate: float,
    seed: int,
    over: Callable[[], bool],
) -> list[Told]:
    """Ask at random times, `rate` a second on average, until it is over; return all answers.

    Args:
        asked: (number, due) -> a coroutine that asks.
        rate: Requests a second.
        seed: Of the times.
        over: Tells whether to stop; those under way are awaited.
    """
    rng = random.Random(seed)
    due, number = time.monotonic(), 0
    tasks: list[asyncio.Task[Told]] = []
    while not over():
        due += rng.expovariate(rate)
        while (wait := due - time.monotonic()) > 0 and not over():
            await asyncio.sleep(min(wait, 0.2))
        if over():
            break
        tasks.append(asyncio.create_task(asked(number, due)))
        number += 1
    return [*await asyncio.gather(*tasks)]


async def closed_loop(
    asked: Callable[[int], Awaitable[Told]], clients: int, seconds: float
) -> tuple[list[Told], float]:
    """Have so many clients ask one question after another; return the answers and answers a second."""
    begun, numbers = time.monotonic(), iter(range(1_000_000))
    found: list[Told] = []

    async def one() -> None:
        while time.monotonic() - begun < seconds:
            found.append(await asked(next(numbers)))

    await asyncio.gather(*(one() for _ in range(clients)))
    return found, len(found) / (time.monotonic() - begun)


def percentile(values: Sequence[float], which: float) -> float | None:
    """Return a percentile, rounded to a hundredth; None of nothing."""
    return round(float(np.percentile(values, which)), 2) if len(values) else None


def ratio(
    above: Sequence[float], below: Sequence[float], which: float, seed: int = 0
) -> tuple[float, float, float]:
    """Return the ratio of two percentiles with its 95% interval, bootstrapped over the values."""
    rng = np.random.default_rng(seed)
    a, b = np.asarray(above), np.asarray(below)
    drawn = [
        np.percentile(rng.choice(a, a.size), which) / np.percentile(rng.choice(b, b.size), which)
        for _ in range(1000)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(np.percentile(a, which) / np.percentile(b, which)), float(low), float(high)
