"""Figures of the service for Prometheus: what its tenants asked for, how long it took, and how things stand.

Each app has its own; nothing is global. Figures are kept by tenant, and a caller is shown its own only. Labels are
names of routes, codes and states; no text, id or address ever is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOBODY = ""
"""The tenant of requests that were refused before anybody knew whose they are; everybody is shown them."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
STREAMED = b"text/event-stream"


class Metrics:
    """The counters of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "nightschool_requests", "Requests, by route and status code.",
            ("tenant", "method", "route", "code"), registry=self.registry,
        )  # fmt: skip
        self._tokens = Counter(
            "nightschool_tokens", "Tokens that went in as prompts and came out as answers.",
            ("tenant", "kind"), registry=self.registry,
        )  # fmt: skip
        self._first = Histogram(
            "nightschool_first_token_seconds", "From a request to the first piece of a streamed answer.",
            ("tenant", "route"), buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._whole = Histogram(
            "nightschool_request_seconds", "From a request to the end of its answer.",
            ("tenant", "route"), buckets=SECONDS, registry=self.registry,
        )  # fmt: skip

    def tokens(self, tenant: str, prompt: int, completion: int) -> None:
        """Count an answer's tokens."""
        self._tokens.labels(tenant, "prompt").inc(prompt)
        self._tokens.labels(tenant, "completion").inc(completion)

    def first_token(self, tenant: str, route: str, seconds: float) -> None:
        """Note how long somebody waited for the first piece of an answer."""
        self._first.labels(tenant, route).observe(seconds)

    def request(self, tenant: str, method: str, route: str, code: int, seconds: float) -> None:
        """Count a request that is answered."""
        self._requests.labels(tenant, method, route, str(code)).inc()
        self._whole.labels(tenant, route).observe(seconds)

    def text(self, tenant: str, standing: Iterable[Metric]) -> bytes:
        """Return a tenant's figures, and how things stand with it, in Prometheus's text format."""
        return generate_latest(_Own(self.registry, tenant, standing))  # type: ignore[arg-type]


class _Own:
    """A tenant's part of a registry, as far as `generate_latest` asks for it."""

    def __init__(
        self, registry: CollectorRegistry, tenant: str, standing: Iterable[Metric]
    ) -> None:
        self._registry, self._tenant, self._standing = registry, tenant, standing

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            own = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            for sample in metric.samples:
                if sample.labels.get("tenant") in (self._tenant, NOBODY):
                    labels = {
                        name: value for name, value in sample.labels.items() if name != "tenant"
                    }
                    if sample.labels["tenant"] == NOBODY and self._tenant != NOBODY:
                        labels["caller"] = "unknown"
                    own.samples.append(sample._replace(labels=labels))
            yield own
        yield from self._standing


class Measured:
    """Counts and times every request around an app, streamed ones to the last piece."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        code, streamed, waiting = 500, False, True

        async def measured(message: Message) -> None:
            nonlocal code, streamed, waiting
            if message["type"] == "http.response.start":
                code = message["status"]
                kind = dict(message.get("headers", ())).get(b"content-type", b"")
                streamed = kind.startswith(STREAMED)
            elif waiting and message.get("body"):
                waiting = False
                if streamed:
                    tenant, route = _who(scope)
                    self.metrics.first_token(tenant, route, time.perf_counter() - begun)
            await send(message)

        try:
            await self.app(scope, receive, measured)
        finally:
            tenant, route = _who(scope)
            seconds = time.perf_counter() - begun
            self.metrics.request(tenant, _method(scope), route, code, seconds)


METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _who(scope: Scope) -> tuple[str, str]:
    """Return the tenant and the route's path, by now known to the scope; a path of nobody's is not a label."""
    caller: Any = scope.get("state", {}).get("caller")
    route = scope.get("route")
    return caller.tenant if caller else NOBODY, getattr(route, "path", "none")
