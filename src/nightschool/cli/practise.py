"""The commands of practice: practise ENV, practise --list, practise show, practise check, practise give-up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from nightschool.cli.output import (
    HERE,
    REFUSED,
    Command,
    JsonOption,
    TenantOption,
    WorkspaceOption,
    bars,
    errors_as_messages,
    opened,
    show,
)

if TYPE_CHECKING:
    from nightschool.practise import Practised

SECONDS = {"s": 1, "m": 60, "h": 3600}
OF_THE_GROUP = ("--list", "--help")


class _Runs(TyperGroup):
    """A group whose first word may be an environment: `practise ENV` means `practise run ENV`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before anything that is neither a command nor an option of the group itself."""
        own = not args or args[0] in (*self.commands, *OF_THE_GROUP) or "--list" in args
        return super().parse_args(ctx, args if own else ["run", *args])


app = typer.Typer(cls=_Runs, no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[
    str, typer.Argument(metavar="ENV", help="A name of the listing, or a file that ends in .py.")
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(metavar="ENV...", help="Names of the listing, or files that end in .py."),
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
    """Practise a skill, look at what can be practised, and check environments of your own.

    Example: nightschool practise gym:chain_sum --budget 30m
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


@app.command("run", cls=Command)
def run(
    names: NamesArgument,
    budget: Annotated[
        str, typer.Option(help="Time for the rounds, such as 90s, 30m or 2h; exams come on top.")
    ] = "30m",
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=1_000_000_000, help="Of tasks and attempts; each run has its own."),
    ] = None,
    chooser: Annotated[
        str | None,
        typer.Option(help="Of several ENVs, what comes next: progress, uniform or easiest."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of the environment, such as level=2, or of the workspace, such as practice.group=16.",
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Practise a skill, examine the new version, and promote or refuse it (exit code 3); `run` may be left out.

    A run that was interrupted is taken up where it was.

    With several environments, practice goes where it changes something; settings are those of all.

    Example: nightschool practise gym:chain_sum --set max_terms=3 --budget 30m
    """
    from dataclasses import asdict

    from nightschool.environments import parsed
    from nightschool.practice.curriculum import AND
    from nightschool.practise import practise

    with errors_as_messages():
        seconds = seconds_of(budget)
        given = settings or []
        own = [one for one in given if "." not in one.partition("=")[0]]
        ours = [one for one in given if one not in own]
        ours += [f"practice.chooser={chooser}"] if chooser else []
        school = opened(workspace, ours, tenant)
        done = practise(
            school,
            AND.join(names),
            settings=parsed(own),
            budget_seconds=seconds,
            seed=seed,
            bar=bars(json),
        )
        checks = [[c.name, c.passed, c.reason] for c in done.decision.checks]
        show({**asdict(done.summary), "checks": checks}, json, in_words(done))
        if not done.decision.promote:
            raise typer.Exit(REFUSED)


def seconds_of(budget: str) -> float:
    """Read a time such as 90s, 30m or 2h.

    Raises:
        ConfigError: It is none.
    """
    from nightschool.errors import ConfigError

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", budget.strip())
    if not found or not float(found[1]):
        raise ConfigError(
            f"--budget {budget}: expected a time above 0 with its unit. Write it as 90s, 30m or 2h."
        )
    return float(found[1]) * SECONDS[found[2]]


def in_words(done: Practised) -> str:
    """Say what a practice run came to, and what to do next."""
    s = done.summary

    def share(value: float | None) -> str:
        return "not scored" if value is None else f"{value:.0%}"

    p = "" if s.p is None else f", p = {s.p:.2g}"
    lines = [
        f"{s.run}: {s.environment}, {s.rounds} rounds in {s.seconds / 60:.1f} minutes.",
        f"Held-out tasks solved: {share(s.before)} -> {share(s.after)} of {s.tasks} "
        f"({s.gained} gained, {s.lost} lost{p}).",
    ]
    lines += s.choices
    lines += [f"  {'ok     ' if c.passed else 'refused'} {c.name}: {c.reason}" for c in done.decision.checks]  # fmt: skip
    if s.promoted:
        lines.append(f"Promoted: {s.version} is served now. `nightschool rollback` takes it back.")
    else:
        lines.append(
            f"Refused: what is served has not changed. A longer --budget practises more, `nightschool promote "
            f"{s.version} --override` serves it all the same."
        )
    return "\n".join(lines)


@app.command("give-up", cls=Command)
def give_up(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Drop an interrupted practice run, with its checkpoints.

    Example: nightschool practise give-up
    """
    from nightschool.practise import give_up as drop

    with errors_as_messages():
        dropped = drop(opened(workspace, None, tenant))
        told = f"Dropped {dropped}." if dropped else "No practice run was interrupted."
        show({"dropped": dropped}, json, told)


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
