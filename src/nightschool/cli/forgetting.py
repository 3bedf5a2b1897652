"""The command `forget`: what is erased, what that costs, and the receipt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.memories import memory_line
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

if TYPE_CHECKING:
    from nightschool.forget import Receipt
    from nightschool.scope import Cost
    from nightschool.wire import School

PROBED = 20
"""At most so many memories are probed: each is some seconds of a model."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(forget)


def forget(
    memory: Annotated[
        list[str] | None, typer.Argument(metavar="[memory]...", help="Ids of memories.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Instead of ids: all that hold these words.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Instead of ids: all from this file or folder.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Instead of ids: all stored before this date.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Instead of ids: all of the tenant, nights and versions too."),
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask the models for it before and after (loads them).")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Erase memories with everything derived from them; weights that know them are deleted.

    Example: nightschool forget --source ../docs/old.md --before 2026-03-31 --probe
    """
    from nightschool.errors import ConfigError
    from nightschool.forget import forget as forget_memories
    from nightschool.forget import forget_all
    from nightschool.scope import cost

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        by_words = (query, source, before) != (None, None, None)
        if bool(memory) + by_words + everything > 1:
            raise ConfigError(
                "Give ids, or --query, --source and --before, or --all; only one of these."
            )
        chosen: list[str] | None = None
        if not everything:
            chosen = memory or _meant(school, query, source, before)
            if not chosen:
                alike = _like(school, source) if source else ""
                show(
                    {"tombstones": []},
                    json,
                    f"No memory is meant by that; nothing was erased.{alike}",
                )
                return
        if not yes:
            _ask(cost(school, chosen), school.settings.tenant if everything else None)
        probes = PROBED if probe else 0
        receipt = (
            forget_all(school, probes=probes)
            if chosen is None
            else forget_memories(school, chosen, probes=probes)
        )
        show(receipt, json, _said(receipt))


def _meant(school: School, query: str | None, source: str | None, before: str | None) -> list[str]:
    """Find what is meant; a path is the same source from wherever it is named, else the name as it is given."""
    from nightschool.scope import choose

    places = [None] if source is None else [school.workspace.name_of(Path(source)), source]
    for place in places:
        found = choose(school, query=query, source=place, before=before)
        if found:
            return [one.id for one in found]
    return []


def _like(school: School, source: str) -> str:
    """Say which sources are called as a path that none has."""
    memories = school.store.memories(school.settings.tenant, include_retired=True)
    known = {one.source.split("#")[0] for one in memories}
    alike = sorted(one for one in known if Path(one).name == Path(source).name)
    return f" Sources of that name: {', '.join(alike[:5])}." if alike else ""


def _ask(told: Cost, whole: str | None) -> None:
    """Tell what it costs, and stop the command unless that is wanted."""
    lines = [memory_line(found) for found in told.memories[:20]]
    lines += [f"and {len(told.memories) - 20} more"] if len(told.memories) > 20 else []
    print("\n".join(lines), file=sys.stderr)
    what = f"Erase all of tenant {whole}: " if whole else "Erase "
    again = f"The next night writes material of {told.next_night} memories"
    if told.minutes is not None:
        again += f"; the last night took {told.minutes:.0f} minutes"
    typer.confirm(
        f"{what}{len(told.memories)} records for good? Versions deleted: "
        f"{', '.join(told.tainted) or 'none'}. Live: {told.live_after}. {again}.",
        abort=True,
        err=True,
    )


def _said(receipt: Receipt) -> str:
    lines = [
        f"Forgotten: {len(receipt.tombstones)} records, {receipt.examples} study examples, "
        f"{receipt.exam_items} exam items. Versions deleted: "
        f"{', '.join(receipt.tainted) or 'none'}. Live: {receipt.live_after}. "
        "The next night trains without it."
    ]
    if receipt.backups:
        lines[0] += f" Backups erased: {receipt.backups}; a new one was made."
    if receipt.left:
        lines[0] += (
            f" These notes could not be looked through: {', '.join(receipt.left)}. Take the text out of them yourself."
        )
    if receipt.probes is None:
        return f"{lines[0]} Probes were not run (--probe)."
    asked = sum(p.asked for p in receipt.probes)
    lines.append(
        f"Probes of {len(receipt.probes)} memories: {sum(p.right_before for p in receipt.probes)} of "
        f"{asked} questions answered before, {sum(p.right_after for p in receipt.probes)} after."
    )
    lines += [
        f"  {p.tombstone}: rank among {p.texts} texts {p.rank_before} before, {p.rank_after} after, "
        f"{p.rank_base} by the base"
        for p in receipt.probes
        if p.texts
    ]
    return "\n".join(lines)
