"""The commands of practice: practise --list, practise show, practise check."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nightschool.cli.output import Command, JsonOption, errors_as_messages, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[
    str, typer.Argument(metavar="ENV", help="A name of the listing, or a file that ends in .py.")
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting of the environment, such as level=2 (repeatable)."),
]


@app.callback(invoke_without_command=True)
def practise(
    context: typer.Context,
    list_: Annotated[
        bool, typer.Option("--list", help="List the environments, with their splits.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look at what can be practised.

    Example: nightschool practise --list
    """
    if not list_:
        return
    from nightschool.environments import listing

    with errors_as_messages():
        rows = listing()
        width = max(len(row.name) for row in rows)
        lines = [f"{row.name:<{width}}  {', '.join(row.splits)}  {row.about}" for row in rows]
        show(rows, json, "\n".join(lines))
    if context.invoked_subcommand is None:
        raise typer.Exit


@app.command("show", cls=Command)
def show_tasks(
    name: NameArgument,
    n: Annotated[int, typer.Option("--n", min=1, help="How many tasks.")] = 1,
    split: Annotated[str, typer.Option(help="train or held_out.")] = "train",
    seed: Annotated[int, typer.Option(min=0, help="The first task's seed.")] = 0,
    settings: SettingOption = None,
    solutions: Annotated[
        bool, typer.Option("--solutions", help="Show an answer that earns full marks, too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what an environment asks.

    Example: nightschool practise show gym:chain_sum --set max_terms=3 --n 3
    """
    from nightschool.environments import environment, parsed
    from nightschool.errors import ConfigError
    from nightschool.types import SPLITS

    with errors_as_messages():
        if split not in SPLITS:
            raise ConfigError(
                f"The split is {split!r}; expected {' or '.join(SPLITS)}. Choose one of them."
            )
        chosen: Any = split
        found = environment(name, parsed(settings or []))
        tasks = [found.task(chosen, number) for number in range(seed, seed + n)]
        lines = [f"{found.name}: {found.about}"]
        for task in tasks:
            lines += ["", f"-- {task.id}", *(f"{m.role}: {m.content}" for m in task.prompt)]
            if solutions:
                lines += [f"solution: {action}" for action in task.solution]
        show(tasks, json, "\n".join(lines))


@app.command("check", cls=Command)
def check_environment(
    name: NameArgument,
    settings: SettingOption = None,
    json: JsonOption = False,
) -> None:
    """Check that an environment keeps the rules, and that its verifier judges its own table as it says.

    Example: nightschool practise check ./my_env.py
    """
    from nightschool.cli.output import ERROR
    from nightschool.environments import environment, parsed
    from nightschool.practice.check import problems

    with errors_as_messages():
        found = environment(name, parsed(settings or []))
        wrong = problems(found)
        show(wrong, json, "\n".join(wrong) or f"{found.name} keeps the rules.")
        if wrong:
            raise typer.Exit(ERROR)
