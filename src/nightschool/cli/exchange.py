"""Commands that exchange memories with other systems: memory export, memory import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli.memories import memory_line
from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    SetOption,
    TenantOption,
    WorkspaceOption,
    bars,
    errors_as_messages,
    opened,
    show,
)

FORMAT_HELP = "claude (Claude Code's memory folder), letta (MemFS folder) or mcp (the MCP memory server's file)"


def register(group: typer.Typer) -> None:
    """Add this file's commands to the group `memory`."""
    group.command("export", cls=Command)(export_memories)
    group.command("import", cls=Command)(import_memories)


def export_memories(
    path: Annotated[Path, typer.Argument(help="A new folder; for mcp, a new file.")],
    kind: Annotated[str, typer.Option("--format", help=f"{FORMAT_HELP}.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Write secrets, too.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Write the live memories in another memory system's format.

    An earlier export at the same place is replaced in one step, anything else there is left alone. What is
    forgotten later stays in the copy: export again.

    Example: nightschool memory export --format claude ../memory-for-claude
    """
    with errors_as_messages():
        from nightschool.exchange import export_memories as export

        done = export(opened(workspace, settings, tenant), path, kind, reveal=reveal)
        masked = f" Masked: {done.masked}." if done.masked else ""
        show(done, json, f"Exported {done.memories} memories to {done.path}.{masked}")


def import_memories(
    path: Annotated[Path, typer.Argument(help="The folder or file.")],
    kind: Annotated[
        str | None, typer.Option("--format", help=f"{FORMAT_HELP}; told by the files where it can.")
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Vouch for all of it; orders and secrets still wait.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Take in another memory system's memories; they wait for approval, as what a tool says does.

    A file that is not as its format says stops the import, and nothing is stored.

    Example: nightschool memory import ~/.claude/projects/-home-ada-shop/memory
    """
    with errors_as_messages():
        from nightschool.exchange import import_memories as take_in

        school = opened(workspace, settings, tenant)
        done = take_in(school, path, kind, approve=approve)
        if school.settings.recall.dense:
            with bars(json)("embedding") as progress:
                school.store.embed(school.settings.tenant, progress)
        lines = [memory_line(memory) for memory in done.added]
        lines += [f"Not taken in, its secret is masked: {text}" for text in done.skipped]
        lines.append(
            f"Imported {len(done.added)} memories from {done.path} ({done.format}); unchanged: {done.unchanged}."
        )
        show(done, json, "\n".join(lines))
