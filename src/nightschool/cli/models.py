"""Commands on base models: models pull, models list."""

from __future__ import annotations

from typing import Annotated

import typer

from nightschool.cli.output import Command, JsonOption, bars, errors_as_messages, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command(cls=Command)
def pull(
    name: Annotated[str, typer.Argument(help="A known name, or a Hugging Face id.")],
    json: JsonOption = False,
) -> None:
    """Fetch a base model once into the user's cache; what its licence demands is said before.

    Example: nightschool models pull smollm2-135m
    """
    import sys

    from nightschool.bases import model_listing, pull_model

    with errors_as_messages():
        known = {row["name"]: row for row in model_listing()}.get(name, {})
        if known.get("licence"):
            said = known.get("notice") or f"Its licence: {known['licence']}."
            print(f"{name}: {said}", file=sys.stderr)
        with bars(json)(f"pulling {name}") as progress:
            folder = pull_model(name, progress)
        show({"name": name, "folder": str(folder)}, json, f"{name} is in {folder}.")


@app.command("list", cls=Command)
def list_models(json: JsonOption = False) -> None:
    """List known and pulled base models.

    Example: nightschool models list
    """
    from nightschool.bases import model_listing

    with errors_as_messages():
        rows = model_listing()
        lines = [
            f"{r['name']:<28} {r['licence'] or '-':<12} {r['folder'] or 'not pulled'}" for r in rows
        ]
        lines += [f"\n{r['name']}: {r['notice']}" for r in rows if r.get("notice")]
        show(rows, json, "\n".join(lines))
