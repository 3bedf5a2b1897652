"""The service as one ASGI app: guards outside, routes inside, the dashboard at the root."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from nightschool.errors import NightschoolError, WorkspaceLocked
from nightschool.hosting import House
from nightschool.jobs import Nights
from nightschool.serve import admin, feedback, memories, openai, status, versions
from nightschool.serve import nights as night_routes
from nightschool.serve.access import Access
from nightschool.serve.guard import LOOPBACK, Guard
from nightschool.serve.limits import Limits
from nightschool.serve.problems import handler
from nightschool.serve.relay import Relay
from nightschool.serve.shapes import refusals

DASHBOARD = Path(__file__).parent / "dashboard"
LOOK_S = 1.0
"""How often it is seen what other processes have promoted or forgotten."""
logger = logging.getLogger("nightschool.serve")


def create_app(house: House, *, host: str | None = None, nights: Nights | None = None) -> FastAPI:
    """Build the app.

    Args:
        house: Schools, engines, keys and audit log; whoever opened it closes it.
        host: Where it is bound. On this machine's own address other names in a request's Host header are
            refused, and no key is needed as long as none was ever made. None is bound nowhere, as in a test: no
            name is refused.
        nights: Lives the tenants' nights as long as the app; None: each in a process of its own, as on the command line.

    Returns:
        The app; `app.state.house` is the house.
    """
    app = FastAPI(
        title="Nightschool",
        version=version("nightschool"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_life,
        responses=refusals(),
    )
    app.state.house = house
    app.state.relay = Relay(house.settings.serve.engine_seconds)
    for kind in (NightschoolError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]
    local = host is None or host in LOOPBACK
    app.add_middleware(Limits, settings=house.settings.serve)
    app.add_middleware(Access, house=house, loopback=local)
    app.add_middleware(Guard, house=house, loopback=host is not None and local)
    app.get("/healthz", tags=["status"])(healthz)
    app.include_router(openai.router, responses=refusals(404, 410, 502, 503))
    app.include_router(admin.router, responses=refusals(404))
    for room in (night_routes, memories, versions, feedback, status):
        app.include_router(room.router)
    status.install(app)
    if nights is None:
        nights = Nights(
            house.workspace,
            house.settings.serve,
            overrides=house.overrides,
            engine=None if house.settings.serve.upstream_url else "llama",
            on_promoted=lambda tenant, version_id: house.refresh(tenant),
        )
    app.state.nights = nights
    app.state.night_of = partial(night_routes.newest, nights)
    app.state.alone = nights.paused
    app.mount("/static", StaticFiles(directory=DASHBOARD), name="static")
    app.get("/", include_in_schema=False)(dashboard)
    return app


async def healthz() -> dict[str, str]:
    """Tell that the service answers."""
    return {"status": "ok", "version": version("nightschool")}


async def dashboard() -> FileResponse:
    """Show the dashboard."""
    return FileResponse(DASHBOARD / "index.html", headers={"Cache-Control": "no-cache"})


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    watching = asyncio.create_task(_watch(app.state.house))
    nights: Nights = app.state.nights
    try:
        nights.start()
    except WorkspaceLocked as error:  # it lives what is asked for here, too
        logger.warning("%s", error)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(nights.close)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await app.state.relay.close()


async def _watch(house: House) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await anyio.to_thread.run_sync(house.look)
        except Exception as error:  # the watch goes on: the next look may succeed
            logger.error("Looking after the versions failed: %s", type(error).__name__)
