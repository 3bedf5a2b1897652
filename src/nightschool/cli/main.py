"""The command line: `nightschool COMMAND`. A command parses, wires, calls one flow, shows one result."""

from __future__ import annotations

import typer

from nightschool.cli import (
    backups,
    benches,
    closure,
    exchange,
    export,
    forgetting,
    keys,
    memories,
    models,
    night,
    practise,
    rebase,
    school,
    serve,
    versions,
)

app = typer.Typer(
    name="nightschool",
    help="Language models that keep learning after they are deployed.\n\n"
    "By day: learn, remember, ask, chat. By night: consolidate. In the morning: report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for room in (
    school,
    memories,
    forgetting,
    backups,
    night,
    rebase,
    versions,
    closure,
    export,
    serve,
    benches,
):
    room.register(app)
exchange.register(memories.app)
app.add_typer(models.app, name="models", help="Base models: fetch and list.")
app.add_typer(
    practise.app, name="practise", help="Practise a skill; look at environments, check your own."
)
app.add_typer(keys.app, name="keys", help="API keys of the service: make, list, revoke.")
