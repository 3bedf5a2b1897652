"""API keys: who may call the service, and for what. Only a salted hash of a key is stored.

A key's secret has 256 random bits, so that a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from nightschool.codec import from_json, to_json
from nightschool.errors import ConfigError, KeyRefused, UnknownKey
from nightschool.registry.schema import MIGRATIONS, ROOM
from nightschool.types import new_id, now
from nightschool.workspace import Workspace, migrate, transaction

Scope = Literal["chat", "memory", "admin"]
SCOPES: tuple[Scope, ...] = ("chat", "memory", "admin")
"""Talk to the models; see and change memories; everything else, and the others' rights too."""
PREFIX = "ns"
TOKEN = re.compile(rf"{PREFIX}-([0-9a-f]{{16}})-([\w-]{{43}})", re.ASCII)
TENANT = re.compile(r"\w[\w.@-]{0,63}")
"""As `Settings.tenant`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; nothing in it lets anybody in."""

    id: str
    tenant: str
    name: str
    scopes: tuple[Scope, ...]
    created: str
    expires: str | None = None
    """ISO 8601 in UTC; None: never."""
    revoked: str | None = None
    """When it was revoked; None while it is good."""
    requests_per_minute: int | None = None
    """None takes `serve.requests_per_minute`."""
    body_bytes: int | None = None
    """None takes `serve.body_bytes`."""
    store: bool = True
    """Whether conversations under it become episodes."""

    def usable(self, at: str) -> bool:
        """Tell whether it lets somebody in at a moment, given in ISO 8601."""
        return self.revoked is None and (self.expires is None or at < self.expires)


class Keys:
    """The API keys of one workspace; may be used by several threads."""

    def __init__(self, workspace: Workspace) -> None:
        """Open the workspace's database and bring its tables up to date."""
        self._connection = workspace.connect()
        self._turn = threading.Lock()
        migrate(self._connection, ROOM, MIGRATIONS)

    def create(
        self,
        tenant: str,
        name: str,
        scopes: tuple[Scope, ...],
        *,
        days: float | None = None,
        requests_per_minute: int | None = None,
        body_bytes: int | None = None,
        store: bool = True,
    ) -> tuple[ApiKey, str]:
        """Make a key; return it with the token, which nobody can look up later.

        Args:
            tenant: Whose memory and versions it opens.
            name: What people call it.
            scopes: What it may do.
            days: How long it is good; None: until it is revoked.
            requests_per_minute: None takes the settings' number.
            body_bytes: Largest body of a request; None takes the settings' number.
            store: Whether conversations under it become episodes.

        Raises:
            ConfigError: The tenant's name or a scope is not one, or a number is out of range.
        """
        _check(tenant, scopes, days, requests_per_minute, body_bytes)
        expires = None
        if days is not None:
            expires = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
        key = ApiKey(
            new_id("key"), tenant, name[:80], tuple(dict.fromkeys(scopes)), now(), expires,
            None, requests_per_minute, body_bytes, store,
        )  # fmt: skip
        secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
        with self._turn, transaction(self._connection):
            self._connection.execute(
                "INSERT INTO keys (id, tenant, salt, hash, body) VALUES (?, ?, ?, ?, ?)",
                (key.id, tenant, salt, _hash(salt, secret), to_json(key)),
            )
        return key, f"{PREFIX}-{key.id.removeprefix('key-')}-{secret}"

    def check(self, token: str) -> ApiKey:
        """Return the key that a token belongs to.

        Raises:
            KeyRefused: It is none of ours, or expired, or revoked.
        """
        parts = TOKEN.fullmatch(token)
        row = None
        if parts:
            with self._turn:
                row = self._connection.execute(
                    "SELECT salt, hash, body FROM keys WHERE id = ?", (f"key-{parts[1]}",)
                ).fetchone()
        if (
            parts is None
            or row is None
            or not hmac.compare_digest(_hash(row["salt"], parts[2]), row["hash"])
        ):
            raise KeyRefused(
                "This API key is not valid here. Ask for one; `nightschool keys create` makes it."
            )
        key = from_json(ApiKey, row["body"])
        if not key.usable(now()):
            raise KeyRefused(
                f"The API key {key.id} is {'revoked' if key.revoked else 'expired'}. Ask for a new one."
            )
        return key

    def holds(self, key_id: str) -> bool:
        """Tell whether a key that was let in is still good: neither expired nor revoked."""
        with self._turn:
            row = self._connection.execute(
                "SELECT body FROM keys WHERE id = ?", (key_id,)
            ).fetchone()
        return row is not None and from_json(ApiKey, row["body"]).usable(now())

    def any(self) -> bool:
        """Tell whether a key was ever made; a revoked one counts, so that revoking the last opens nothing."""
        with self._turn:
            return self._connection.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None

    def listing(self, tenant: str | None = None) -> list[ApiKey]:
        """List keys, oldest first; of one tenant when asked."""
        with self._turn:
            rows = self._connection.execute(
                "SELECT body FROM keys WHERE ? IS NULL OR tenant = ? ORDER BY number",
                (tenant, tenant),
            ).fetchall()
        return [from_json(ApiKey, row["body"]) for row in rows]

    def revoke(self, key_id: str, tenant: str | None = None) -> ApiKey:
        """Let a key in no more, from the next request on; a second time changes nothing.

        Args:
            key_id: Which.
            tenant: Whose it must be; None: anybody's.

        Raises:
            UnknownKey: There is no such key.
        """
        with self._turn, transaction(self._connection):
            row = self._connection.execute(
                "SELECT body FROM keys WHERE id = ? AND (? IS NULL OR tenant = ?)",
                (key_id, tenant, tenant),
            ).fetchone()
            if row is None:
                raise UnknownKey(f"No key is called {key_id}. See `nightschool keys list`.")
            key = from_json(ApiKey, row["body"])
            if key.revoked is None:
                key = replace(key, revoked=now())
                self._connection.execute(
                    "UPDATE keys SET body = ? WHERE id = ?", (to_json(key), key_id)
                )
        return key

    def close(self) -> None:
        """Close the database."""
        with self._turn:
            self._connection.close()


def _hash(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode("ascii")).digest()


def _check(
    tenant: str,
    scopes: tuple[Scope, ...],
    days: float | None,
    requests_per_minute: int | None,
    body_bytes: int | None,
) -> None:
    if not TENANT.fullmatch(tenant):
        raise ConfigError(f"{tenant!r} names no tenant: letters, digits and . @ - _, at most 64.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ConfigError(f"The scopes are {', '.join(scopes)!r}; expected {', '.join(SCOPES)}.")
    for name, value, most in (
        ("days", days, 36_500),
        ("requests a minute", requests_per_minute, 1_000_000),
        ("bytes a body", body_bytes, 1 << 30),
    ):
        if value is not None and not 0 < value <= most:
            raise ConfigError(f"{name} is {value}; expected more than 0 and at most {most:,}.")
