"""The command that runs a benchmark of the source tree: bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli.output import Command, errors_as_messages


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command(
        cls=Command, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
    )(bench)


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which; without it, all are listed.")] = "",
    model: Annotated[
        str, typer.Option(help="Base model to measure; without it, the default.")
    ] = "",
) -> None:
    """Run a benchmark on your machine, and on your model.

    What stands behind the name goes to the script; `nightschool bench NAME -- --help` lists its options. The result
    is written to NAME.json here unless --json says where.

    Example: nightschool bench flips --model smollm2-135m --seeds 2
    """
    with errors_as_messages():
        found = _scripts()
        if not name:
            width = max(map(len, found))
            for known, script in found.items():
                typer.echo(f"{known:<{width}}  {_first_line(script)}")
            return
        raise typer.Exit(_run(found, name, model, context.args))


def _run(found: dict[str, Path], name: str, model: str, args: list[str]) -> int:
    import os
    import subprocess
    import sys

    from nightschool.config import ENV_PREFIX
    from nightschool.errors import ConfigError

    if name not in found:
        raise ConfigError(f"No benchmark is called {name}. Known are {', '.join(found)}.")
    if "--json" not in args and "--help" not in args:
        args = [*args, "--json", f"{name}.json"]
    named = {f"{ENV_PREFIX}MODEL__BASE": model} if model else {}
    return subprocess.run([sys.executable, found[name], *args], env=os.environ | named).returncode


def _scripts() -> dict[str, Path]:
    """Return the benchmarks by name: the scripts that write a result file."""
    import nightschool
    from nightschool.errors import ConfigError

    folder = Path(nightschool.__file__).parents[2] / "bench"
    found = {
        path.stem: path
        for path in sorted(folder.glob("*.py"))
        if '"--json"' in path.read_text("utf-8")
    }
    if not found:
        raise ConfigError(
            f"The benchmarks belong to the source tree, and {folder} is not one. Clone the repository, and "
            "install it with `pip install -e .`."
        )
    return found


def _first_line(script: Path) -> str:
    return script.read_text("utf-8").split('"""')[1].split("\n")[0].strip()
