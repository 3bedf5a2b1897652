"""Commands on versions: versions, show, exam, promote, rollback."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from nightschool.cli.output import (
    HERE,
    REFUSED,
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


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (versions, show_version, exam, promote, rollback):
        name = "show" if command is show_version else None
        app.command(name, cls=Command)(command)


def versions(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List versions, with the one that is served.

    Example: nightschool versions
    """
    from dataclasses import asdict

    from nightschool.scope import stray_versions

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        live = school.registry.alias(school.settings.tenant, "live")
        found = school.registry.versions(school.settings.tenant)
        lines = [f"{'*' if live == 'base' else ' '} base             {school.base}"]
        for v in found:
            decision = school.registry.decision(v.id)
            word = (
                "not examined" if decision is None else "passed" if decision.promote else "refused"
            )
            mark = "*" if v.id == live else " "
            beside = ", tainted: weights deleted" if v.tainted_by else ""
            beside += f", on {v.base}" if v.base != school.base else ""
            lines.append(f"{mark} {v.id:<16} {v.night}  {v.created}  {v.kind}  {word}{beside}")
        unknown = stray_versions(school)
        lines += [
            f"? {name:<16} newer than the database, which was restored; not served"
            for name in unknown
        ]
        listed = {"live": live, "versions": [asdict(v) for v in found], "unknown": unknown}
        show(listed, json, "\n".join(lines))


def show_version(
    version: Annotated[str, typer.Argument(help="A version id or alias.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show a version's lineage and the gate's reasons.

    Example: nightschool show live
    """
    from dataclasses import asdict

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = school.registry.resolve(school.settings.tenant, version)
        if found is None:
            show({"id": "base"}, json, f"base: {school.base}, untouched.")
            return
        decision = school.registry.decision(found.id)
        lines = [
            f"{found.id} ({found.night}, {found.kind}, from {found.parent}, {found.created}), "
            f"on {found.base}"
        ]
        lines.append(
            f"{len(found.memory_ids)} memories, {len(found.example_ids)} examples, seed {found.seed}"
        )
        if found.tainted_by:
            lines.append(f"weights deleted; forgotten since: {', '.join(found.tainted_by)}")
        for check in decision.checks if decision else ():
            lines.append(
                f"  {'ok     ' if check.passed else 'refused'} {check.name}: {check.reason}"
            )
        show(
            {**asdict(found), "decision": asdict(decision) if decision else None},
            json,
            "\n".join(lines),
        )


def exam(
    version: Annotated[str, typer.Argument(help="live, previous, base, or a version id.")] = "live",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Examine a version on every bank, closed-book; nothing is promoted by it.

    Example: nightschool exam base
    """
    from dataclasses import asdict

    from nightschool.examine import hold_exam

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        result = hold_exam(school, version, bars(json))
        right = sum(r.score.verdict == "correct" for r in result.results)
        scored = sum(r.score.verdict != "unscored" for r in result.results)
        lost = len(result.results) - scored
        unscored = f" {lost} could not be graded and count for nothing." if lost else ""
        show(asdict(result), json, f"{result.version_id}: {right} of {scored} right.{unscored}")


def promote(
    version: Annotated[str, typer.Argument(help="A version id.")],
    override: Annotated[bool, typer.Option("--override", help="Against the gate's word.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Serve a version that the gate passed, or, as its owner, one that it refused.

    Example: nightschool promote ver-3f9c2a71be --override
    """
    from nightschool.promotion import promote as serve
    from nightschool.promotion import refusal

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        promoted, decision = serve(school, version, getpass.getuser(), override=override)
        if not promoted:
            failed = refusal(decision)
            show(
                {"promoted": False, "reasons": failed},
                json,
                f"The gate refused {version}: {failed}",
            )
            raise typer.Exit(REFUSED)
        live = school.registry.alias(school.settings.tenant, "live")
        show({"live": live}, json, f"Live: {live}")


def rollback(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the version before the live one again.

    Example: nightschool rollback
    """
    from nightschool.promotion import roll_back

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        before = school.registry.alias(school.settings.tenant, "live")
        found = roll_back(school, getpass.getuser())
        name = found.id if found else "base"
        unmoved = ", as before: there is no other to serve" if name == before else ""
        show({"live": name}, json, f"Live: {name}{unmoved}")
