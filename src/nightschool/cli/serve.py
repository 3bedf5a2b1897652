"""Commands that serve: mcp."""

from __future__ import annotations

from typing import Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    SetOption,
    TenantOption,
    WorkspaceOption,
    errors_as_messages,
    opened,
)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command(cls=Command)(mcp)


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="Where to listen with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port, with --http.")] = 8765,
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
            server.run("streamable-http", host=host, port=port)
        else:
            server.run("stdio")
