"""The engines that run, and who is being answered by them.

A version trained in full has an engine of its own; a base and the adapters on it share one. An engine is never
changed while it runs: another one is started that holds the new version too, takes the next requests, and the
old one stops with its last lease. Those of a forgotten version stop at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nightschool.errors import EngineFailed, LeaseCut, NightschoolError, ServiceBusy, TaintedVersion
from nightschool.protocols import Engine
from nightschool.registry.versions import BASE
from nightschool.types import Version
from nightschool.wire import School

EngineMaker = Callable[[School, Sequence[Version]], Engine]
"""Starts an engine for a base and versions on it; see `engines.engine_for`."""
IDLE_S = 600.0
"""An engine that no alias points to stops when nobody has asked for it for so long."""
AGAIN_S = 10.0
"""An engine that could not be started is not tried again before."""
TRIES = 3
EMBEDS = "embeddings"
"""Begins the key of an engine that embeds; it stops when it is not asked for long."""

logger = logging.getLogger("nightschool.fleet")


class _Place(NamedTuple):
    """Where a version is answered: under which key, and on which base."""

    key: str
    base: str


@dataclass(eq=False)
class _Running:
    """One engine and who uses it."""

    place: _Place
    engine: Engine
    versions: dict[str, Version]
    tenants: set[str] = field(default_factory=set)
    """All that it ever answered."""
    leases: set[Lease] = field(default_factory=set)
    used: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class Lease:
    """The right to be answered by one version, to the end of one request."""

    tenant: str
    version_id: str
    """`base` for the untouched base model."""
    engine: Engine
    fields: dict[str, Any]
    """What chooses the weights in a request's body, and keeps tenants' caches apart."""
    _end: Callable[[Lease], Engine | None]
    cut: bool = False
    """Whether the version has been forgotten since: nothing more of its answer may be told."""
    closed_book: bool = False
    """Whether the weights answer alone."""
    tool_loop: bool = False
    """Whether the model has the memory tool."""
    embeds: str | None = None
    """The base that texts are embedded by; None: it is for an answer."""

    def check(self) -> None:
        """See that the answer may still be told. Raises LeaseCut."""
        if self.cut:
            raise LeaseCut(
                f"{self.version_id} was forgotten while it answered. Ask again: another version is served now."
            )

    def end(self) -> Engine | None:
        """Give it back without waiting; return the engine where it was the last lease and that is to be closed."""
        return self._end(self)

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        engine = self.end()
        if engine:
            engine.close()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Fleet:
    """The running engines of one process; may be used by many threads."""

    def __init__(
        self,
        make: EngineMaker,
        embedders: EngineMaker,
        limit: int,
        pinned: Callable[[], Collection[str]],
    ) -> None:
        """Start with none.

        Args:
            make: Starts an engine.
            embedders: Starts one that embeds by a base.
            limit: More engines than this stop when they are idle; twice as many never run.
            pinned: Tells which versions aliases point to: their engines stop last.
        """
        self._make = make
        self._embedders = embedders
        self._limit = limit
        self._pinned = pinned
        self._turn = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._running: dict[str, _Running] = {}
        """Key -> the engine that takes new requests."""
        self._all: set[_Running] = set()
        """Those, and the ones that wait for their last lease."""
        self._forgotten: set[str] = set()
        self._failed: dict[str, tuple[float, NightschoolError]] = {}

    # -- leases ---------------------------------------------------------------------------

    def lease(self, school: School, version: Version | None, *, embeds: bool = False) -> Lease:
        """Take a lease on a version (None: the base model); its engine is started where it does not run.

        Args:
            school: The tenant's, lent to this thread.
            version: Who is to answer.
            embeds: Whether texts are to be embedded, which the base does.

        Raises:
            TaintedVersion: It has been forgotten.
            ServiceBusy: All engines are in use.
            EngineFailed: The engine ends as soon as it is started.
            NightschoolError: The engine cannot be started.
        """
        place = (
            _Place(f"{EMBEDS} {school.base}", school.base) if embeds else _place(school, version)
        )
        for _ in range(TRIES):
            with self._turn:
                if version and version.id in self._forgotten:
                    raise TaintedVersion(f"{version.id} has been forgotten. Ask `live`.")
                running = self._serving(place.key, version)
                if running:
                    lease = self._lease(running, school.settings.tenant, version)
                    lease.embeds = place.base if embeds else None
                    return lease
            self._start(school, version, place)
        raise EngineFailed(f"The engine of {place.key} ends as soon as it is started. See the log.")

    def prepare(self, school: School, version: Version | None) -> None:
        """Start the engine of a version where it does not run. Raises what `lease` does."""
        self.lease(school, version).close()

    def leases(self) -> int:
        """Count the leases that are not given back."""
        with self._turn:
            return sum(len(running.leases) for running in self._all)

    def engines(self) -> list[tuple[str, ...]]:
        """Return what each running engine holds beside its base."""
        with self._turn:
            return sorted(tuple(sorted(running.versions)) for running in self._all)

    def _serving(self, key: str, version: Version | None) -> _Running | None:
        running = self._running.get(key)
        held = running is not None and (version is None or version.id in running.versions)
        return running if running is not None and held and running.engine.alive() else None

    def _lease(self, running: _Running, tenant: str, version: Version | None) -> Lease:
        version_id = version.id if version else BASE
        fields = running.engine.model_for(version_id)
        running.tenants.add(tenant)
        if len(running.tenants) > 1:
            fields = {**fields, **running.engine.apart(tenant)}
        lease = Lease(tenant, version_id, running.engine, fields, self._end)
        running.leases.add(lease)
        return lease

    def _end(self, lease: Lease) -> Engine | None:
        done = None
        with self._turn:
            for running in self._all:
                if lease in running.leases:
                    running.leases.discard(lease)
                    running.used = time.monotonic()
                    done = self._over(running)
                    break
        return done.engine if done else None

    def _over(self, running: _Running) -> _Running | None:
        """Take an engine off the list that takes no new requests and has no lease; it is to be closed."""
        if running.leases or self._running.get(running.place.key) is running:
            return None
        self._all.discard(running)
        return running

    # -- starting and stopping ------------------------------------------------------------

    def _start(
        self,
        school: School,
        version: Version | None,
        place: _Place,
        instead_of: _Running | None = None,
    ) -> None:
        """Start an engine and have it take the new requests, unless another thread has done it."""
        with self._turn:
            turn = self._starting.setdefault(place.key, threading.Lock())
        with turn:
            with self._turn:
                old = self._running.get(place.key)
                if old is not instead_of and self._serving(place.key, version):
                    return
                until, error = self._failed.get(place.key, (0.0, None))
                if error and time.monotonic() < until:
                    raise error
                versions = self._kept(old)
                if version:
                    versions[version.id] = version
                spare = self._room()
            for one in spare:
                one.engine.close()
            try:
                make = self._embedders if place.key.startswith(f"{EMBEDS} ") else self._make
                engine = make(school.on(place.base), list(versions.values()))
            except NightschoolError as failure:
                self._failed[place.key] = (time.monotonic() + AGAIN_S, failure)
                raise
            with self._turn:
                self._failed.pop(place.key, None)
                new = _Running(place, engine, versions)
                self._running[place.key] = new
                self._all.add(new)
                done = self._over(old) if old in self._all else None
            if done:
                done.engine.close()
            logger.info("An engine runs for %s.", place.key)

    def _kept(self, old: _Running | None) -> dict[str, Version]:
        """Return what the engine after this one has to hold, too."""
        pinned = self._pinned()
        return {
            name: version
            for name, version in (old.versions.items() if old else ())
            if name in pinned and name not in self._forgotten
        }

    def _room(self) -> list[_Running]:
        """Choose engines to stop before one more runs. Raises ServiceBusy."""
        pinned = self._pinned()
        idle = [r for r in self._running.values() if not r.leases]
        idle.sort(key=lambda r: (bool({*r.versions} & {*pinned}), r.used))
        spare = idle[: max(0, len(self._all) + 1 - self._limit)]
        if len(self._all) - len(spare) >= 2 * self._limit:
            raise ServiceBusy(
                f"{len(self._all)} engines run, and all are in use. Ask again in a moment, or raise serve.engines."
            )
        for running in spare:
            del self._running[running.place.key]
            self._all.discard(running)
        return spare

    def retire(self, version_ids: Collection[str]) -> None:
        """Stop the engines of versions, each with its last lease; an adapter stays until its engine is renewed."""
        with self._turn:
            gone = [r for name in version_ids if (r := self._running.get(name))]
            for running in gone:
                del self._running[running.place.key]
            done = [r for r in gone if self._over(r)]
        for running in done:
            running.engine.close()

    def evict(self, school: School, version_ids: Collection[str]) -> None:
        """Let forgotten versions answer nobody any more: their leases are cut, their engines stop at once.

        Adapters leave the memory when an engine without them has taken the place of theirs.

        Args:
            school: Any tenant's, lent to this thread.
            version_ids: What has been forgotten.
        """
        gone = {*version_ids}
        with self._turn:
            self._forgotten |= gone
            hit = [r for r in self._all if gone & {*r.versions}]
            for running in hit:
                for lease in running.leases:
                    lease.cut = lease.cut or lease.version_id in gone
                for name in gone & {*running.versions}:
                    del running.versions[name]
            stop = [r for r in hit if r.place.key in gone]
            for running in stop:
                self._running.pop(running.place.key, None)
                self._all.discard(running)
            renew = [r for r in hit if self._running.get(r.place.key) is r]
        for running in stop:
            running.engine.close()
        for running in renew:
            try:
                self._start(school, None, running.place, instead_of=running)
            except NightschoolError as error:
                logger.error("%s is not renewed: %s", running.place.key, type(error).__name__)

    def tidy(self) -> None:
        """Stop engines that ended by themselves, and those that nobody has asked for in a while."""
        pinned, now = self._pinned(), time.monotonic()
        with self._turn:
            over = []
            for running in [*self._running.values()]:
                unused = not running.leases and now - running.used > IDLE_S
                needed = running.place.key.startswith(f"{BASE} ") or running.place.key in pinned
                if not running.engine.alive() or (unused and not needed):
                    del self._running[running.place.key]
                    self._all.discard(running)
                    over.append(running)
        for running in over:
            running.engine.close()

    def close(self) -> None:
        """Stop all engines."""
        with self._turn:
            over, self._all = self._all, set()
            self._running.clear()
        for running in over:
            running.engine.close()


def _place(school: School, version: Version | None) -> _Place:
    """Name the engine that answers for a version: its own, or that of its base."""
    base = version.base if version else school.base
    shared = version is None or version.kind == "lora"
    return _Place(f"{BASE} {base}" if shared or version is None else version.id, base)
