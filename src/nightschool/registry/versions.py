"""Versions and the aliases that point to them: what is served, what was, and why."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from nightschool.codec import from_json, to_json
from nightschool.errors import TaintedVersion, UnknownVersion, WorkspaceCorrupt
from nightschool.registry.nights import IMPORTED, PRACTICE
from nightschool.registry.schema import MIGRATIONS, ROOM
from nightschool.types import Decision, Version, now
from nightschool.workspace import Workspace, migrate, transaction

DELETION = "forget"  # who rolls back where a deletion does
BASE = "base"
ALIASES = ("live", "previous", "candidate")


class Registry:
    """The versions of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        """Open the workspace's database and bring its tables up to date."""
        self.workspace = workspace
        self.connection = workspace.connect()
        migrate(self.connection, ROOM, MIGRATIONS)

    def add(self, version: Version) -> None:
        """Register a trained version as the candidate; the same version again changes nothing."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO versions (id, tenant, night, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO NOTHING",
                (version.id, version.tenant, version.night, to_json(version)),
            )
            self._point(version.tenant, "candidate", version.id)

    def withdraw(self, version_id: str) -> None:
        """Take a version that was never served off the register; one that is not on it is passed over."""
        with transaction(self.connection):
            for table, column in (
                ("versions", "id"),
                ("decisions", "version_id"),
                ("aliases", "version_id"),
                ("reports", "version_id"),
            ):
                self.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (version_id,))

    def version(self, version_id: str) -> Version:
        """Return one version.

        Raises:
            UnknownVersion: No version has this id.
        """
        row = self.connection.execute(
            "SELECT body FROM versions WHERE id = ?", (version_id,)
        ).fetchone()
        if row is None:
            raise UnknownVersion(
                f"No version is called {version_id}. See `nightschool versions`; "
                f"`base`, {', '.join(f'`{name}`' for name in ALIASES)} name one too."
            )
        return from_json(Version, row["body"])

    def versions(self, tenant: str) -> list[Version]:
        """List a tenant's versions, oldest first."""
        rows = self.connection.execute(
            "SELECT body FROM versions WHERE tenant = ? ORDER BY number", (tenant,)
        )
        return [from_json(Version, row["body"]) for row in rows]

    def trained_on(self, tenant: str, memory_id: str) -> list[str]:
        """Return the ids of a tenant's versions that were trained on a memory, oldest first, without tainted ones."""
        rows = self.connection.execute(
            "SELECT id FROM versions WHERE tenant = ? AND instr(body, ?) "
            "AND json_array_length(body, '$.tainted_by') = 0 ORDER BY number",
            (tenant, f'"{memory_id}"'),
        )
        return [row["id"] for row in rows]

    def alias(self, tenant: str, name: str) -> str:
        """Return the version id that an alias points to; `base` where it was never set."""
        row = self.connection.execute(
            "SELECT version_id FROM aliases WHERE tenant = ? AND name = ?", (tenant, name)
        ).fetchone()
        return row["version_id"] if row else BASE

    def resolve(self, tenant: str, name: str) -> Version | None:
        """Return the version that a name means; None for the base model.

        Raises:
            UnknownVersion: The name is neither an alias, nor `base`, nor a version of this tenant.
        """
        version_id = self.alias(tenant, name) if name in ALIASES else name
        if version_id == BASE:
            return None
        version = self.version(version_id)
        if version.tenant != tenant:
            raise UnknownVersion(f"No version of tenant {tenant} is called {name}.")
        return version

    def base(self, tenant: str) -> str | None:
        """Return the model that `base` means, on which the next version is built; None: the settings say.

        It is that of the version that a gate or an owner served last. A deletion that takes versions back
        does not change it: what is built anew afterwards stays on the base that was chosen.
        """
        row = self.connection.execute(
            "SELECT version_id FROM aliases WHERE tenant = ? AND name = ?", (tenant, BASE)
        ).fetchone()
        if row:
            return str(row["version_id"])
        live = self.resolve(tenant, "live")  # of a program that had no such row
        return live.base if live else None

    def weights(self, version: Version) -> Path:
        """Return the folder of a version's weights.

        Raises:
            TaintedVersion: It was trained on something that has been forgotten; they are deleted.
            WorkspaceCorrupt: The folder is gone.
        """
        self.refuse_tainted(version)
        folder = self.workspace.versions / version.id
        if not (folder / "train.json").exists():
            raise WorkspaceCorrupt(
                f"The weights of {version.id} are missing ({folder}). "
                "Restore the folder, or run `nightschool rollback`."
            )
        return folder

    def promote(self, tenant: str, version_id: str, decision: Decision, actor: str) -> None:
        """Serve a version from now on; the one served until now becomes `previous`.

        Raises:
            UnknownVersion: The tenant has no such version.
            TaintedVersion: It was trained on something that has been forgotten.
            WorkspaceCorrupt: Its weights are missing.
            ValueError: The gate refused it and nobody has overridden that.
        """
        version = self.resolve(tenant, version_id)
        if version is None:
            raise UnknownVersion("The base model is not promoted; use `nightschool rollback`.")
        self.weights(version)
        if not decision.promote and decision.overridden_by is None:
            raise ValueError(f"The gate refused {version_id}; an owner must override it by name.")
        with transaction(self.connection):
            live = self.alias(tenant, "live")
            if live == version.id:
                return
            self._point(tenant, "previous", live)
            self._point(tenant, "live", version.id)
            self._point(tenant, BASE, version.base)
            self._log(tenant, version.id, actor, taken_back=False)

    def rollback(
        self, tenant: str, actor: str = "owner", *, keep_base: bool = False
    ) -> Version | None:
        """Serve the version before the live one; None means the base model.

        Tainted versions are passed over, and so is what was taken back before.

        Args:
            tenant: Whose.
            actor: Who wants it.
            keep_base: `base` goes on to mean what it meant; else it becomes what that version stands on,
                and where there is no version, what the settings say.
        """
        live, base = self.alias(tenant, "live"), self.base(tenant)
        target = self.fallback(tenant)
        found = None if target == BASE else self.version(target)
        if not keep_base:
            base = found.base if found else None
        with transaction(self.connection):
            self._point(tenant, "previous", live)
            self._point(tenant, "live", target)
            self._point(tenant, BASE, base)
            self._log(tenant, target, actor, taken_back=True)
        return found

    def fallback(self, tenant: str, without: Collection[str] = ()) -> str:
        """Return the version that a rollback would serve, or `base`.

        Args:
            tenant: Whose.
            without: Versions that are passed over like tainted ones.
        """
        live = self.alias(tenant, "live")
        for name in reversed(self._replayed(tenant)[0][:-1]):
            if not (name == live or name in without or self.version(name).tainted_by):
                return name
        return BASE

    def lost_to_deletion(self, tenant: str) -> set[str]:
        """Return the versions that were in force until a deletion took them; what was rolled back before is none."""
        return self._replayed(tenant)[1]

    def _replayed(self, tenant: str) -> tuple[list[str], set[str]]:
        """Go through the log of promotions: what is in force, and what was until a deletion."""
        line, lost = list[str](), set[str]()
        for row in self.connection.execute(
            "SELECT version_id, taken_back, actor FROM promotions WHERE tenant = ? ORDER BY number", (tenant,)
        ):  # fmt: skip
            name, taken_back = str(row["version_id"]), row["taken_back"]
            if taken_back is None:  # an earlier program logged rollbacks like promotions
                taken_back = name == BASE or name in line
            if not taken_back:
                line.append(name)
                continue
            before = set(line)
            del line[-1:]
            while line and line[-1] != name:
                line.pop()
            if row["actor"] == DELETION:
                lost |= before.difference(line)
        return line, lost

    def taint(self, memory_ids: Iterable[str], tombstones: Iterable[str]) -> list[Version]:
        """Mark every version trained on these memories, and all that were trained from it.

        Returns:
            The versions that are marked, oldest first.
        """
        forgotten, marks = set(memory_ids), tuple(tombstones)
        with transaction(self.connection):
            rows = self.connection.execute("SELECT body FROM versions ORDER BY number").fetchall()
            marked: dict[str, Version] = {}
            for version in (from_json(Version, row["body"]) for row in rows):
                if forgotten & set(version.memory_ids) or version.parent in marked:
                    marked[version.id] = replace(
                        version, tainted_by=tuple(dict.fromkeys([*version.tainted_by, *marks]))
                    )
            for version in marked.values():
                self.connection.execute(
                    "UPDATE versions SET body = ? WHERE id = ?", (to_json(version), version.id)
                )
        return list(marked.values())

    def erase_weights(self, version_ids: Iterable[str]) -> None:
        """Delete versions' weights, checkpoints and half-written folders; their records stay.

        What is gone already is passed over, so that a killed deletion can be run again.
        """
        erase_folders(self.workspace, version_ids)

    def unusable(self, version_ids: Iterable[str]) -> list[str]:
        """Return those of some versions that have been forgotten: they are marked, or not on the register any more."""
        asked = list(version_ids)
        marks = ", ".join("?" * len(asked))
        rows = self.connection.execute(
            f"SELECT id FROM versions WHERE id IN ({marks}) "
            "AND json_array_length(body, '$.tainted_by') = 0",
            asked,
        )
        good = {row["id"] for row in rows}
        return [name for name in asked if name not in good]

    def remove_tenant(self, tenant: str) -> None:
        """Erase the records of all versions of a tenant; its aliases mean the base from then on."""
        with transaction(self.connection):
            self.connection.execute(
                "DELETE FROM decisions WHERE version_id IN (SELECT id FROM versions WHERE tenant = ?)",
                (tenant,),
            )
            for table in ("aliases", "promotions", "versions", "talks"):
                self.connection.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def record_decision(self, night: str, version_id: str, decision: Decision) -> None:
        """Log what the gate (or an owner over it) decided; the newest word on a version counts."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO decisions (night, version_id, at, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (night, version_id) DO UPDATE SET body = excluded.body",
                (night, version_id, now(), to_json(decision)),
            )

    def decision(self, version_id: str) -> Decision | None:
        """Return the decision on a version; None when the gate has not spoken."""
        row = self.connection.execute(
            "SELECT body FROM decisions WHERE version_id = ? ORDER BY number DESC", (version_id,)
        ).fetchone()
        return from_json(Decision, row["body"]) if row else None

    def attempts(self, tenant: str, base: str, besides: str = "") -> int:
        """Return how many candidates of nights on a base the gate has refused since it last passed one.

        Args:
            tenant: Whose.
            base: The base model.
            besides: A version that is left out: the gate is about to speak of it, whatever it said before.
        """
        count = 0
        for version in reversed(self.versions(tenant)):
            decision = self.decision(version.id)
            of_night = version.night != IMPORTED and not version.night.startswith(PRACTICE)
            if decision is None or version.base != base or not of_night or version.id == besides:
                continue
            if decision.promote or decision.overridden_by:
                break
            count += 1
        return count

    def served(self, tenant: str) -> set[str]:
        """Return the ids of all versions that were ever live."""
        rows = self.connection.execute(
            "SELECT version_id FROM promotions WHERE tenant = ?", (tenant,)
        )
        return {row["version_id"] for row in rows}

    def _point(self, tenant: str, name: str, version_id: str | None) -> None:
        if version_id is None:
            self.connection.execute(
                "DELETE FROM aliases WHERE tenant = ? AND name = ?", (tenant, name)
            )
            return
        self.connection.execute(
            "INSERT INTO aliases VALUES (?, ?, ?) "
            "ON CONFLICT (tenant, name) DO UPDATE SET version_id = excluded.version_id",
            (tenant, name, version_id),
        )

    def _log(self, tenant: str, version_id: str, actor: str, *, taken_back: bool) -> None:
        """Log what is served from now on, and whether that is so because the version over it was taken back."""
        self.connection.execute(
            "INSERT INTO promotions (tenant, version_id, actor, at, taken_back) VALUES (?, ?, ?, ?, ?)",
            (tenant, version_id, actor, now(), taken_back),
        )

    def refuse_tainted(self, version: Version) -> None:
        """See that a version may answer. Raises TaintedVersion."""
        if version.tainted_by:
            raise TaintedVersion(
                f"{version.id} knows what has been forgotten since ({len(version.tainted_by)} "
                "memories), so its weights are not used any more and are deleted. Run `nightschool "
                "consolidate` for a clean version; `nightschool versions` lists those that remain."
            )


def erase_folders(workspace: Workspace, version_ids: Iterable[str]) -> None:
    """Delete the folders of versions, complete or not; what is gone already is passed over.

    A folder is moved away first: a server that is just writing a file into it then has no place to put it.
    """
    for version_id in version_ids:
        folder = workspace.versions / version_id
        if folder.exists():
            folder.rename(folder.with_name(f".{version_id}.erased-{secrets.token_hex(4)}"))
        for pattern in (f"{version_id}.*", f".{version_id}.*"):
            for folder in workspace.versions.glob(pattern):
                shutil.rmtree(folder)
