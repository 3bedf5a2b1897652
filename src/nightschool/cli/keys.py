"""Commands about API keys: create, list, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    TenantOption,
    WorkspaceOption,
    errors_as_messages,
    show,
)

if TYPE_CHECKING:
    from pathlib import Path

    from nightschool.registry.keys import ApiKey
    from nightschool.workspace import Workspace

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command(cls=Command)
def create(
    name: Annotated[str, typer.Argument(help="What you call it.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="chat, memory or admin; admin includes the others (repeatable)."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long it is good.")] = None,
    rate: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    body: Annotated[int | None, typer.Option(help="Largest body of a request, in bytes.")] = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Conversations under it become no episodes.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Make an API key; its token is shown this once and stored nowhere.

    From the first key on, every request needs one. Make one with the scope admin for yourself.

    Example: nightschool keys create laptop --scope chat --scope memory
    """
    from dataclasses import asdict

    from nightschool.registry.audit import Audit
    from nightschool.registry.keys import Keys

    with errors_as_messages():
        home, owner = _home(workspace, tenant)
        key, token = Keys(home).create(
            owner,
            name,
            tuple(scope or ("chat",)),  # type: ignore[arg-type]
            days=days,
            requests_per_minute=rate,
            body_bytes=body,
            store=not no_store,
        )
        Audit(home).note(owner, "-", "nightschool keys create", [key.id])
        show({**asdict(key), "token": token}, json, f"{token}\n{_line(key)}")


@app.command("list", cls=Command)
def listing(
    workspace: WorkspaceOption = HERE, tenant: TenantOption = None, json: JsonOption = False
) -> None:
    """List API keys: whose, for what, since when and until when.

    Example: nightschool keys list
    """
    from nightschool.registry.keys import Keys

    with errors_as_messages():
        home, _ = _home(workspace, tenant)
        found = Keys(home).listing(tenant)
        show(
            found,
            json,
            "\n".join(map(_line, found))
            or ("No key was ever made." if tenant is None else f"{tenant} has no key."),
        )


@app.command(cls=Command)
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, key-....")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke an API key: a running service refuses it from the next request on.

    Example: nightschool keys revoke key-3f9c2a71be04d5e6
    """
    from nightschool.registry.audit import Audit
    from nightschool.registry.keys import Keys

    with errors_as_messages():
        home, _ = _home(workspace, tenant)
        key = Keys(home).revoke(key_id, tenant)
        Audit(home).note(key.tenant, "-", "nightschool keys revoke", [key.id])
        show(key, json, _line(key))


def _home(workspace: Path, tenant: str | None) -> tuple[Workspace, str]:
    """Return the workspace, its tables up to date, and whose keys are meant."""
    from nightschool.wire import open_school

    school = open_school(workspace, (), tenant)
    school.close()
    return school.workspace, school.settings.tenant


def _line(key: ApiKey) -> str:
    until = f"revoked {key.revoked}" if key.revoked else f"until {key.expires or 'revoked'}"
    return f"{key.id}  {key.tenant}  {','.join(key.scopes)}  {until}  {key.name}".rstrip()
