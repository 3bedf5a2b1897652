"""Commands that take a version out, and an adapter in: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
from nightschool.types import Quant


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command(cls=Command)(export)
    app.command("import", cls=Command)(import_adapter)


def export(
    version: Annotated[str, typer.Argument(help="live, previous, candidate, or a version id.")],
    to: Annotated[
        Literal["peft", "safetensors", "gguf", "ollama"], typer.Option(help="For which program.")
    ],
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    quant: Annotated[
        Quant, typer.Option(help="How GGUF files store matrices (gguf and ollama).")
    ] = "f16",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Write a version as plain files, with a card: lineage, exam, licence of the base, how to load it.

    A later deletion does not reach the copy.

    Example: nightschool export live --to gguf --out ../mymodel
    """
    from nightschool.export import export as write

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = write(school, version, to, out, quant=quant, bar=bars(json))
        lines = [f"{found.version.id} is in {out}: {', '.join(found.files)}"]
        if found.measured:
            m = found.measured
            lines.append(
                f"llama.cpp's log-probabilities differ from torch's by {m.mean_nats:.4f} nats on average "
                f"({m.tokens} tokens)."
            )
        plain = {
            "version": found.version.id,
            "folder": str(found.folder),
            "files": found.files,
            "measured": found.measured,
        }
        show(plain, json, "\n".join(lines))


def import_adapter(
    folder: Annotated[Path, typer.Argument(help="A LoRA adapter, as peft saves it.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Take a LoRA adapter in as a candidate, and examine it; `promote` serves it.

    It must have been trained on the base in force. Exit code 3: the gate refused it.

    Example: nightschool import ../adapter
    """
    from nightschool.export import import_adapter as take_in

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = take_in(school, folder, bar=bars(json))
        lines = [f"{found.version.id}, on {found.version.base}; nobody is served by it yet."]
        lines += [
            f"  {'ok     ' if c.passed else 'refused'} {c.name}: {c.reason}"
            for c in found.decision.checks
        ]
        against = "" if found.decision.promote else " --override"
        lines.append(f"To serve it: nightschool promote {found.version.id}{against}")
        plain = {
            "version": found.version.id,
            "passed": found.decision.promote,
            "checks": [[c.name, c.passed, c.reason] for c in found.decision.checks],
        }
        show(plain, json, "\n".join(lines))
        if not found.decision.promote:
            raise typer.Exit(REFUSED)
