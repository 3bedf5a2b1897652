"""The command that teaches another base model: rebase."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

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
from nightschool.types import Effort

if TYPE_CHECKING:
    from nightschool.rebase import Comparison, Rebased, Standing
    from nightschool.wire import School

COLUMN = 26


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command(cls=Command)(rebase)


def rebase(
    model: Annotated[
        str | None,
        typer.Option(help="The other base: a known name, a Hugging Face id or a folder."),
    ] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Serve what was taught, if the gate passes it.")
    ] = False,
    effort: Annotated[Effort | None, typer.Option(help="How much to train.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Teach anew although a taught version stands ready.")
    ] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Drop an interrupted rebase, and do nothing else.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be taught; write nothing.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Teach another base model all that is remembered, and show it beside what is served.

    Nothing is switched without --switch; given later, it only switches. Exit code 3: the gate refused.
    `nightschool rollback` serves the old version on its old base again.

    Example: nightschool rebase --model gemma3-270m
    """
    from nightschool.errors import ConfigError
    from nightschool.rebase import give_up as drop
    from nightschool.rebase import rebase as teach

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        if give_up:
            dropped = drop(school)
            said = f"Dropped {dropped}." if dropped else "No rebase was interrupted."
            show({"dropped": dropped}, json, said)
            return
        if model is None:
            raise ConfigError("--model is missing. Name one that `nightschool models list` shows.")
        if dry_run:
            _tell(school, model, effort, json)
            return
        found = teach(
            school,
            model,
            effort=effort,
            again=again,
            switch=switch,
            actor=getpass.getuser(),
            bar=bars(json),
        )
        plain: dict[str, Any] = {
            "night": found.night_id,
            "version": found.version.id,
            "passed": found.decision.promote,
            "switched": found.switched,
            "checks": [[c.name, c.passed, c.reason] for c in found.decision.checks],
            "comparison": found.comparison,
            "left_out": found.left_out,
        }
        show(plain, json, "\n".join([*side_by_side(found.comparison), "", *_outcome(found)]))
        if not (found.decision.promote or found.switched):
            raise typer.Exit(REFUSED)


def _tell(school: School, model: str, effort: Effort | None, json: bool) -> None:
    """Say what teaching would take."""
    from nightschool.bases import named
    from nightschool.cli.night import plan_in_words
    from nightschool.prepare import plan
    from nightschool.rebase import imported_before
    from nightschool.registry.nights import upcoming_night

    live = school.store.memories(school.settings.tenant)
    night = upcoming_night(school.workspace, school.settings.tenant)
    given, _ = imported_before(school, night, live)
    other = school.on(named(model))
    planned = plan(other, effort=effort, kind="rebuild", imported=given, bar=bars(json))
    show(planned, json, plan_in_words(planned))


def side_by_side(comparison: Comparison) -> list[str]:
    """Write the three models as the lines of a table."""
    from nightschool.report.words import number, percent

    three = (comparison.served, comparison.taught, comparison.untouched)

    def row(label: str, *cells: str) -> str:
        return f"{label:<24}" + "".join(f"{cell:<{COLUMN}}" for cell in cells).rstrip()

    def rated(name: str) -> list[str]:
        rates = [getattr(one, name) for one in three]
        return [percent(r.value) + (f" of {r.n}" if r.n else "") for r in rates]

    def licence(one: Standing) -> str:
        return one.licence or "not known here"

    sizes = [
        f"{number((s.parameters or 0) / 1e6)}M, {number((s.size_bytes or 0) / 1e9, 2)} GB"
        if s.parameters
        else "not on this machine"
        for s in three
    ]
    bases = [one.base if len(one.base) < COLUMN else f"…{one.base[2 - COLUMN :]}" for one in three]
    return [
        row("", "served now", "taught, on the new base", "the new base, untouched"),
        row("version", *(one.version for one in three)),
        row("base model", *bases),
        row("facts, closed-book", *rated("acquired")),
        row("saying “I don’t know”", *rated("abstention")),
        row("general ability", *rated("general")),
        row("bits per byte of text", *(number(one.bits_per_byte, 3) for one in three)),
        row("perplexity per token *", *(number(one.perplexity, 1) for one in three)),
        row("drift from its base", *(number(one.kl_nats, 3) for one in three)),
        row("weights of the base", *sizes),
        row("licence of the base", *map(licence, three)),
        "* another tokenizer cuts text into other tokens: between bases compare the bits per byte.",
    ]


def _outcome(found: Rebased) -> list[str]:
    """Say what the gate found, and what to do next."""
    from nightschool.report.words import CHECKS, label

    lines = [
        f"  {'ok     ' if c.passed else 'refused'} {label(CHECKS, c.name)}: {c.reason}"
        for c in found.decision.checks
    ]
    if found.left_out:
        lines.append(
            f"{found.left_out} imported examples were left out: they name no memory, and something of their "
            "night has been forgotten since. After the switch, give them with `consolidate --material`."
        )
    version, base = found.version.id, found.version.base
    if found.switched:
        lines.append(
            f"Live: {version}, on {base}. `nightschool rollback` serves the old one again."
        )
    elif found.decision.promote:
        lines.append(
            "Passed. Nothing is switched yet: `nightschool rebase "
            f"--model {base} --switch` serves {version}."
        )
    else:
        lines.append(
            f"Refused; nothing is switched. As the owner: `nightschool promote {version} --override`."
        )
    return lines
