"""Commands on memories: memories, edit, forget."""

from __future__ import annotations

from typing import Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    SetOption,
    TenantOption,
    WorkspaceOption,
    errors_as_messages,
    opened,
    show,
)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (memories, edit, forget):
        app.command(cls=Command)(command)


def memories(
    about: Annotated[str | None, typer.Option(help="Only those found for these words.")] = None,
    retired: Annotated[bool, typer.Option("--all", help="Superseded ones too.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List memories with their ids.

    Example: nightschool memories --about "staging host"
    """
    from dataclasses import asdict

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = (
            [m for m, _ in school.store.recall(school.settings.tenant, about, 50)]
            if about
            else school.store.memories(school.settings.tenant, include_retired=retired)
        )
        lines = [f"{m.id}  {m.status.value:<10} {m.text}" for m in found]
        show([asdict(m) for m in found], json, "\n".join(lines) or "No memories yet.")


def edit(
    memory: Annotated[str, typer.Argument(help="The memory's id.")],
    text: Annotated[str, typer.Argument(help="What it should say.")],
    workspace: WorkspaceOption = HERE,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Correct a memory; the old text stays in its history.

    Example: nightschool edit mem-3f9c2a71be "The staging host is merlin-2."
    """
    with errors_as_messages():
        school = opened(workspace, settings)
        with school.workspace.lock("an edit"):
            new = school.store.edit(memory, text, "owner")
            school.sync_files()
        show(new, json, f"{new.id}  {new.text}")


def forget(
    memory: Annotated[list[str], typer.Argument(help="Ids of memories.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Erase memories with everything derived from them; versions that know them are not served.

    Example: nightschool forget mem-3f9c2a71be --yes
    """
    from nightschool.forget import forget as forget_memories

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        if not yes:
            typer.confirm(f"Erase {len(memory)} memories for good?", abort=True, err=True)
        receipt = forget_memories(school, memory)
        show(
            receipt,
            json,
            f"Forgotten: {len(receipt.tombstones)} records, {receipt.examples} study examples, "
            f"{receipt.exam_items} exam items. Versions not served any more: "
            f"{', '.join(receipt.tainted) or 'none'}. Live: {receipt.live_after}. "
            "The next night trains without it.",
        )
