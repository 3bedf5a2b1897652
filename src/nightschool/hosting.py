"""The house that the service keeps: a school for each tenant, lent to one thread at a time, and running engines.

A request takes a lease: it is answered by the version and the engine that it began with, whatever is promoted
meanwhile. A new version's engine runs before the first request goes to it. What is forgotten answers nobody any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from nightschool.config import Settings, load_settings
from nightschool.engines import embedding_engine_for, engine_for
from nightschool.errors import NightschoolError, UnknownVersion
from nightschool.fleet import EngineMaker, Fleet, Lease
from nightschool.forget import unfinished
from nightschool.recording import Recorder
from nightschool.registry.audit import Audit
from nightschool.registry.keys import Keys
from nightschool.registry.versions import BASE
from nightschool.types import Version
from nightschool.upkeep import catch_up
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace

SERVED = ("live", "previous")
"""Aliases that requests follow once the version's engine runs."""
IDLE_SCHOOLS = 4
"""Opened schools that wait for a tenant's next request."""
CLOSED_BOOK, MEMORY = "closed-book", "memory"

logger = logging.getLogger("nightschool.hosting")


class Wanted(NamedTuple):
    """What a model's name asks for."""

    name: str
    """An alias, `base` or a version id."""
    closed_book: bool
    tool_loop: bool


def wanted(model: str) -> Wanted:
    """Read a model's name, such as `live`, `base:closed-book` or `ver-3f9c2a71be04d5e6:memory`.

    Raises:
        UnknownVersion: What follows the colon is unknown.
    """
    name, colon, way = model.partition(":")
    if colon and way not in (CLOSED_BOOK, MEMORY):
        raise UnknownVersion(
            f"The model {model[:80]!r} is unknown: after the colon goes {CLOSED_BOOK} or {MEMORY}."
        )
    return Wanted(name, way == CLOSED_BOOK, way == MEMORY)


class House:
    """All that one server process holds open for its tenants; may be used by many threads."""

    def __init__(
        self,
        workspace: Path | Workspace,
        engines: EngineMaker = engine_for,
        overrides: tuple[str, ...] = (),
        embedders: EngineMaker | None = None,
    ) -> None:
        """Open a workspace; no engine is started yet.

        Args:
            workspace: Its folder, or one inside.
            engines: Starts engines.
            embedders: Starts engines that embed; None takes those of the settings, or `engines` where others are given.
            overrides: `section.name=value` settings.

        Raises:
            WorkspaceMissing: There is none.
            WorkspaceCorrupt: Its database cannot be read.
            ConfigError: A setting is wrong.
        """
        self.workspace = (
            workspace if isinstance(workspace, Workspace) else Workspace.find(workspace)
        )
        self.settings: Settings = load_settings(self.workspace.config_path, overrides)
        self.tenant = self.settings.tenant
        """Whom a caller without a key is, where no key is needed."""
        self.overrides = overrides
        self._lending = threading.Lock()
        self._idle: dict[str, list[School]] = {}
        """Tenant -> opened schools that nobody has now."""
        self._behind: dict[str, str] = {}
        """Tenant -> why its memory could not be brought in order, so that the log has it once."""
        self._moving = threading.RLock()
        self._aliases: dict[str, dict[str, str]] = {}
        """Tenant -> alias -> the version that requests get for it."""
        self._known: dict[str, Version] = {}
        """Versions that were asked for: what is in one never changes, and its record may be long."""
        self._refused: dict[str, dict[str, str]] = {}
        """Tenant -> aliases whose engine could not be started, so that it is not tried every second."""
        self._closed = False
        with self.school(self.tenant):  # brings the tables up to date, after a backup of them
            pass
        self.keys = Keys(self.workspace)
        self.audit = Audit(self.workspace)
        if embedders is None:
            embedders = embedding_engine_for if engines is engine_for else engines
        self.fleet = Fleet(engines, embedders, self.settings.serve.engines, self._pinned)
        self.recorder = Recorder(self)

    # -- schools --------------------------------------------------------------------------

    @contextmanager
    def school(self, tenant: str) -> Iterator[School]:
        """Lend a tenant's opened school to this thread, until the block ends.

        A deletion that was killed is finished first, as soon as nobody holds the workspace.

        Raises:
            WorkspaceCorrupt: The database cannot be read.
        """
        with self._lending:
            known = tenant in self._idle
            idle = self._idle.setdefault(tenant, [])
            school = idle.pop() if idle else None
        if school is None:
            school = open_school(self.workspace.root, self.overrides, tenant)
        try:
            if not known or unfinished(school):
                self._catch_up(school)
            yield school
        except NightschoolError:
            self._take_back(tenant, school)
            raise
        except BaseException:
            school.close()  # in whatever state its connections are
            raise
        self._take_back(tenant, school)

    def _catch_up(self, school: School) -> None:
        """Bring a tenant's memory in order, as the command line does; what fails is told, and tried again."""
        tenant = school.settings.tenant
        try:
            catch_up(school)
        except (
            Exception
        ) as error:  # what can be served is served; ours name the file, or the holder
            why = str(error) if isinstance(error, NightschoolError) else type(error).__name__
            if self._behind.get(tenant) != why:
                logger.warning("Memory of %s is not in order yet: %s", tenant, why)
            self._behind[tenant] = why
        else:
            self._behind.pop(tenant, None)

    def _take_back(self, tenant: str, school: School) -> None:
        with self._lending:
            idle = self._idle.setdefault(tenant, [])
            if len(idle) < IDLE_SCHOOLS and not self._closed:
                idle.append(school)
                return
        school.close()

    # -- leases ---------------------------------------------------------------------------

    def lease(self, tenant: str, model: str) -> Lease:
        """Take a lease on what a model's name means now; its engine is started where it does not run.

        Raises:
            UnknownVersion: The tenant has no such version, or the name's end is unknown.
            TaintedVersion: It knows something that has been forgotten.
            NightschoolError: Its engine cannot be started; see `fleet.Fleet.lease`.
        """
        with self.school(tenant) as school:
            return self.lease_with(school, model)

    def lease_embeddings(self, tenant: str, model: str) -> Lease:
        """Take a lease on the base model under a version, to embed by: what is embedded outlives nights.

        Raises: see `lease`.
        """
        with self.school(tenant) as school:
            version = self._version(school, wanted(model).name)
            own = school.on(version.base) if version else school
            return self.fleet.lease(own, None, embeds=True)

    def renew(self, old: Lease) -> Lease:
        """Take a lease like one whose engine went away, on the same version or base; see `lease`."""
        if old.embeds is None:
            return self.lease(old.tenant, old.version_id)
        with self.school(old.tenant) as school:
            return self.fleet.lease(school.on(old.embeds), None, embeds=True)

    def lease_with(self, school: School, model: str) -> Lease:
        """Take a lease with a lent school at hand; see `lease`."""
        asked = wanted(model)
        version = self._version(school, asked.name)
        lease = self.fleet.lease(school, version)
        lease.closed_book, lease.tool_loop = asked.closed_book, asked.tool_loop
        return lease

    def aliases(self, tenant: str) -> dict[str, str]:
        """Return which versions requests get for `live` and `previous`."""
        with self.school(tenant) as school:
            return dict(self._followed(school))

    def _version(self, school: School, name: str) -> Version | None:
        """Return the version that a name means to requests; None for the base model."""
        tenant = school.settings.tenant
        version_id = self._followed(school)[name] if name in SERVED else name
        known = self._known.get(version_id)
        if known and known.tenant == tenant:
            return known
        version = school.registry.resolve(tenant, version_id)
        if version:
            school.registry.refuse_tainted(version)
            self._known[version.id] = version
        return version

    def _followed(self, school: School) -> dict[str, str]:
        tenant = school.settings.tenant
        if tenant not in self._aliases:
            self._aliases[tenant] = _registered(school)
        return self._aliases[tenant]

    def _pinned(self) -> set[str]:
        return {version_id for names in [*self._aliases.values()] for version_id in names.values()}

    # -- versions come and go --------------------------------------------------------------

    def refresh(self, tenant: str) -> None:
        """Serve what the registry calls `live` now: its engine runs before the first request gets it.

        Raises:
            NightschoolError: The engine cannot be started; what was served is served on.
        """
        with self.school(tenant) as school:
            self._move(school)

    def _move(self, school: School) -> None:
        tenant = school.settings.tenant
        with self._moving:
            old, new = self._aliases.get(tenant), _registered(school)
            if old == new:
                self._refused.pop(tenant, None)
                return
            try:
                self.fleet.prepare(school, school.registry.resolve(tenant, new["live"]))
            except NightschoolError as error:
                self._refused[tenant] = new
                logger.error("%s cannot be served: %s", new["live"], type(error).__name__)
                if old and not _forgotten(school, [old["live"]]):
                    raise
            else:
                self._refused.pop(tenant, None)
            self._aliases[tenant] = new  # one step: a request sees the old names or the new ones
            left = {*old.values()} - self._pinned() if old else set()
        self.fleet.retire(left)

    def evict(self, version_ids: Collection[str]) -> None:
        """Stop serving versions that know what has been forgotten: running answers are cut, no new one begins."""
        for version_id in version_ids:
            self._known.pop(version_id, None)
        with self.school(self.tenant) as school:
            self.fleet.evict(school, version_ids)
        for tenant, names in [*self._aliases.items()]:
            if {*version_ids} & {*names.values()}:
                with self.school(tenant) as school:
                    self._move(school)

    def look(self) -> None:
        """See what others have done: follow promotions, evict what was forgotten, take in edits, stop dead engines."""
        held = {name for engine in self.fleet.engines() for name in engine}
        with self.school(self.tenant) as school:
            gone = _forgotten(school, {*held, *self._known})
        if gone:
            self.evict(gone)
        for tenant, names in [*self._aliases.items()]:
            with self.school(tenant) as school:
                registered = _registered(school)
                if registered == names:
                    self._refused.pop(tenant, None)
                elif registered != self._refused.get(tenant):
                    self._move(school)
        self.fleet.tidy()
        for tenant in [*self._idle]:  # last: who is writing memory just now is waited for
            with self.school(tenant) as school:
                self._catch_up(school)

    def close(self) -> None:
        """Write what waits, stop the engines and close the database."""
        self._closed = True
        self.recorder.close()
        self.fleet.close()
        with self._lending:
            idle = [school for schools in self._idle.values() for school in schools]
            self._idle.clear()
        for school in idle:
            school.close()
        self.keys.close()
        self.audit.close()


def _registered(school: School) -> dict[str, str]:
    return {name: school.registry.alias(school.settings.tenant, name) for name in SERVED}


def _forgotten(school: School, version_ids: Collection[str]) -> list[str]:
    return school.registry.unusable(name for name in version_ids if name != BASE)
