"""The commands `backup` and `restore`: copies of the database, and the way of one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    SetOption,
    WorkspaceOption,
    errors_as_messages,
    opened,
    show,
)

if TYPE_CHECKING:
    from nightschool.restore import Plan, Restored


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (backup, restore):
        app.command(cls=Command)(command)


def backup(
    workspace: WorkspaceOption = HERE, settings: SetOption = None, json: JsonOption = False
) -> None:
    """Make a verified copy of the database, of all tenants, in backups/.

    Every night makes one before and after; the newest three stay. `forget` erases them all, and makes a new one.

    Example: nightschool backup
    """
    with errors_as_messages():
        school = opened(workspace, settings)
        made = school.back_up()
        show(
            made,
            json,
            f"{school.workspace.backups / made.name}: {made.memories} memories, {made.episodes} episodes, "
            f"{made.size_bytes:,} bytes.",
        )


def restore(
    name: Annotated[
        str | None,
        typer.Argument(help="A file in backups/; the newest sound one if none is named."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be restored and lost.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    json: JsonOption = False,
) -> None:
    """Put a backup in place of a damaged or lost database.

    The database that was there is kept in backups/ and can be restored by its name. What only the files in
    memories/ still say waits for approval. Stop `nightschool mcp` and others that use the workspace first.

    Example: nightschool restore --dry-run
    """
    from nightschool.restore import plan
    from nightschool.restore import restore as put_back
    from nightschool.workspace import Workspace

    with errors_as_messages():
        found = Workspace.find(workspace)
        if dry_run:
            planned = plan(found, name)
            show(planned, json, "\n".join(_planned(planned, "Would restore")))
            return
        done = put_back(found, name)
        show(done, json, "\n".join(_done(done)))


def _planned(plan: Plan, verb: str) -> list[str]:
    found = plan.backup
    lines = [f"Passed over: {why}" for why in plan.passed_over]
    lines.append(
        f"{verb} {found.name}, made {found.made}: {found.memories} memories, {found.episodes} episodes."
    )
    if plan.lost_memories is None or plan.lost_episodes is None:
        lines.append(
            "Not in it: what is newer. The database cannot be read, so nobody can count it."
        )
    else:
        lines.append(
            f"Not in it: {plan.lost_memories} memories and {plan.lost_episodes} episodes of the database."
        )
    return lines


def _done(done: Restored) -> list[str]:
    lines = _planned(done.plan, "Restored")
    if done.kept:
        lines.append(f"The replaced database is kept as backups/{done.kept}.")
    if done.recovered:
        lines.append(
            f"Lines in memories/ that the backup does not know: {done.recovered}. They are in notes "
            "(recovered-...) and wait for approval: see `nightschool memory pending`."
        )
    if done.revived:
        more = f" and {len(done.revived) - 20} more" if len(done.revived) > 20 else ""
        lines.append(
            "Live again, though taken out or replaced since: "
            f"{', '.join(done.revived[:20])}{more}. Look at them with `nightschool memory show`, and take them out "
            "with `nightschool memory reject`."
        )
    if done.discarded:
        lines.append(f"Discarded, for they build on what is lost: {', '.join(done.discarded)}.")
    if done.unknown_versions:
        lines.append(
            f"Not known to the backup, and not served: {', '.join(done.unknown_versions)}. The next night "
            "trains what is known; the next `forget` erases them."
        )
    return lines
