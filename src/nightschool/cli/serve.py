"""Commands that serve: serve, mcp."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    SetOption,
    TenantOption,
    WorkspaceOption,
    bars,
    errors_as_messages,
    opened,
)

if TYPE_CHECKING:
    import socket

    from nightschool.hosting import House

NEW = "school"
"""Folder of the workspace that `serve` makes where there is none."""
GRACE_S = 10
"""Answers that are in the making may take so long after the service was told to stop."""
SWITCH_S = 0.001
"""Threads take turns more often than by default: an answer does not wait behind a conversation that is read."""


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command(cls=Command)(serve)
    app.command(cls=Command)(mcp)


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; serve.host.")] = None,
    port: Annotated[int | None, typer.Option(help="On which port; serve.port.")] = None,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
) -> None:
    """Serve the models over an OpenAI-compatible API, with the dashboard at /.

    Without a workspace, one is made in ./school; a base model that is missing is fetched. Listens to this machine
    only; for any other address make an API key first (nightschool keys create).

    Example: nightschool serve --workspace myschool
    """
    from nightschool.hosting import House

    with errors_as_messages():
        overrides = [*(settings or ())]
        overrides += [f'tenant="{tenant}"'] if tenant else []
        overrides += [f'serve.host="{host}"'] if host else []
        overrides += [f"serve.port={port}"] if port is not None else []
        house = House(_workspace(workspace), overrides=tuple(overrides))
        try:
            _run(house)
        finally:
            house.close()


def _workspace(start: Path) -> Path:
    """Find the workspace, or make one."""
    from nightschool.cli.school import CONFIG
    from nightschool.errors import WorkspaceMissing
    from nightschool.workspace import Workspace

    try:
        return Workspace.find(start).root
    except WorkspaceMissing:
        folder = start / NEW if start == HERE else start
        if not (folder / "nightschool.toml").exists():
            print(f"A workspace is made in {folder}.", file=sys.stderr)
        return Workspace.create(folder, CONFIG).root


def _run(house: House) -> None:
    import logging
    from threading import Thread

    import uvicorn

    from nightschool.errors import ConfigError
    from nightschool.language import warm
    from nightschool.serve.app import create_app
    from nightschool.serve.connections import Connection
    from nightschool.serve.guard import LOOPBACK

    host = house.settings.serve.host
    if host not in LOOPBACK and not house.keys.any():
        raise ConfigError(
            f"serve.host is {host}, and there is no API key: everybody who reaches the port would be the owner. "
            "Make one with `nightschool keys create`, or listen to 127.0.0.1."
        )
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("nightschool").setLevel(logging.INFO)
    sys.setswitchinterval(SWITCH_S)
    with _bound(host, house.settings.serve.port) as listening:
        _first_engine(house)
        Thread(target=warm, daemon=True).start()  # the first status would wait for it
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(house, host=host),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                http=Connection,
                ws="none",
                lifespan="on",
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_S,
                limit_concurrency=1024,
            )
        )
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listening.getsockname()[1]}"
        print(
            f"{house.workspace.root} is served: OpenAI API {url}/v1, dashboard {url}/", flush=True
        )
        # uvicorn ends what is in the making, and then raises the signal again: what waits is written after that.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            server.run([listening])


def _bound(host: str, port: int) -> socket.socket:
    import socket

    from nightschool.errors import ConfigError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)  # who comes before the app is ready waits
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}. Choose another --port or --host."
        ) from error
    return listening


def _first_engine(house: House) -> None:
    """Start the engine of what is live; a base model that is missing is fetched."""
    from nightschool.bases import pull_model
    from nightschool.errors import ModelMissing, NightschoolError
    from nightschool.registry.versions import BASE

    with house.school(house.tenant) as school:
        base = school.base
        try:
            school.base_folder()
        except ModelMissing:
            if not house.settings.serve.upstream_url:
                with bars(quiet=False)(f"fetching {base}") as progress:
                    pull_model(base, progress)
    try:
        house.lease(house.tenant, "live").close()
    except NightschoolError as error:
        live = house.aliases(house.tenant)["live"]
        if live == BASE:
            raise
        print(
            f"{live} cannot be served: {error} Until then `nightschool rollback` serves the version before it, and "
            "others can be asked for by their names.",
            file=sys.stderr,
        )


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="Where to listen with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="On which port, with --http.")] = 8765,
    trust: Annotated[str, typer.Option(help="Tier of what comes in: user, tool or web.")] = "user",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
) -> None:
    """Serve the memory to agents over the Model Context Protocol.

    Tools: memory (notes), search_memory, remember, forget. There is no sign-in: over HTTP, everybody who
    reaches the port reads this tenant's memory.

    Example: nightschool mcp --workspace myschool
    """
    from nightschool.trust import incoming

    with errors_as_messages():
        tier = incoming(trust)
        school = opened(workspace, settings, tenant)
        from nightschool.serve.mcp import memory_server

        server = memory_server(school, tier)
        if http:
            _bound(host, port).close()  # told as a line here, not by the library's exit status
            server.run("streamable-http", host=host, port=port)
        else:
            server.run("stdio")
