"""Who calls, and what they may do: from the API key of a request to the tenant that it opens.

Routers ask for `Depends(needs("memory"))` and get the caller; `the_house` gives them the schools. A workspace in
which no key was ever made, served to this machine only, is its owner's: everybody is the settings' tenant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from nightschool.errors import KeyRefused, ScopeMissing
from nightschool.hosting import House
from nightschool.registry import keys
from nightschool.registry.audit import NOBODY
from nightschool.registry.keys import SCOPES, ApiKey
from nightschool.types import Trust

OPEN_WITHOUT_KEY = ("/v1", "/metrics")
"""Below these paths nothing is told to anybody without a key; the dashboard's own files hold nothing."""

BEARER = HTTPBearer(
    scheme_name="key", auto_error=False, description="`Authorization: Bearer ns-...`"
)
"""How a key is sent, as the OpenAPI schema tells it; `Access` is who reads it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    tenant: str
    key_id: str
    """`-` where no key was needed."""
    scopes: tuple[keys.Scope, ...]
    key: ApiKey | None = None
    """None where no key was needed."""

    def may(self, scope: keys.Scope) -> bool:
        """Tell whether a scope is among its own; admin has all."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: keys.Scope) -> None:
        """See that it may do something. Raises ScopeMissing."""
        if not self.may(scope):
            raise ScopeMissing(
                f"The API key {self.key_id} has the scopes {', '.join(self.scopes)}; this needs {scope}."
            )

    @property
    def trust(self) -> Trust:
        """The tier of what it says: an admin is the owner, everybody else a user."""
        return Trust.OWNER if self.may("admin") else Trust.USER


class Access:
    """ASGI middleware: finds the caller before anything of a body is read."""

    def __init__(self, app: ASGIApp, house: House, loopback: bool) -> None:
        self._app = app
        self._house = house
        self._loopback = loopback
        self._keyed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            caller = self._caller(Headers(scope=scope).get("authorization"))
            if caller is None and scope["path"].startswith(OPEN_WITHOUT_KEY):
                raise KeyRefused(
                    "This needs an API key: send `Authorization: Bearer ns-...`. "
                    "`nightschool keys create` makes one."
                )
            scope["state"]["caller"] = caller
        await self._app(scope, receive, send)

    def _caller(self, authorization: str | None) -> Caller | None:
        # A key that was ever made is never unmade, so that this turns one way only.
        self._keyed = self._keyed or self._house.keys.any()
        if self._loopback and not self._keyed:
            return Caller(self._house.tenant, NOBODY, SCOPES)
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise KeyRefused("The Authorization header is not `Bearer ns-...`.")
        key = self._house.keys.check(token.strip())
        return Caller(key.tenant, key.id, key.scopes, key)


def needs(scope: keys.Scope) -> Callable[[Request], Awaitable[Caller]]:
    """Return the dependency of a route: it gives the caller, once that is known to have a scope.

    It raises KeyRefused without a caller, and ScopeMissing where the caller may not.
    """

    async def allowed(request: Request, _: object = Security(BEARER, scopes=[scope])) -> Caller:
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise KeyRefused("This needs an API key: send `Authorization: Bearer ns-...`.")
        caller.require(scope)
        return caller

    return allowed


async def the_house(request: Request) -> House:
    """Give a route the house; the dependency of every route that needs a school."""
    house: House = request.app.state.house
    return house
