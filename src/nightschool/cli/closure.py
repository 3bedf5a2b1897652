"""The command closure: what a version reaches that its base did not, and the other way round."""

from __future__ import annotations

from typing import Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    TenantOption,
    WorkspaceOption,
    bars,
    errors_as_messages,
    opened,
    show,
)


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command("closure", cls=Command)(closure)


def closure(
    version: Annotated[str, typer.Argument(help="live, candidate, or a version id.")],
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            help="A name of `nightschool practise --list`, or a file; unless told, what the version practised.",
        ),
    ] = None,
    tasks: Annotated[int, typer.Option(min=1, help="Held-out tasks.")] = 50,
    samples: Annotated[int, typer.Option(min=1, help="Draws for each task, of each model.")] = 128,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of both models.")] = 1.0,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Longest action, in tokens; unless told, as in practice."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    spent: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens that practice spent; unless told, what its journals say."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the environment, such as level=2 (repeatable)."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Count what a version reaches on held-out tasks that its base does not, and what it lost.

    Both are asked in the way that brings out most, with the same number of draws. Stopped and run again, it goes on where it was.

    Example: nightschool closure live --env gym:chain_sum --set max_terms=3
    """
    from dataclasses import asdict

    from nightschool.closure import close_account
    from nightschool.environments import parsed
    from nightschool.practice.account import told

    with errors_as_messages():
        school = opened(workspace, None, tenant)
        closed = close_account(
            school,
            version,
            env,
            settings=parsed(settings or []),
            tasks=tasks,
            samples=samples,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            spent=spent,
            bar=bars(json),
        )
        files = {
            "ledger": str(closed.ledger),
            "written": str(closed.written),
            "picture": str(closed.picture),
        }
        show(
            {**asdict(closed.account), **files},
            json,
            f"{told(closed.account)}\n\nCurves: {closed.picture}\nLedger: {closed.ledger}",
        )
