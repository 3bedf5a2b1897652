"""Commands of the night and the morning: consolidate, report, demo."""

from __future__ import annotations

import sys
from pathlib import Path
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
from nightschool.types import Effort, NightKind

if TYPE_CHECKING:
    from nightschool.prepare import Plan
    from nightschool.wire import School


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (consolidate, report, demo):
        app.command(cls=Command)(command)


def consolidate(
    effort: Annotated[Effort | None, typer.Option(help="How much to train.")] = None,
    kind: Annotated[
        NightKind | None,
        typer.Option(help="Anew from the base, on from the served version, or what is cheaper."),
    ] = None,
    questions: Annotated[Path | None, typer.Option(help="Your exam questions (JSONL).")] = None,
    material: Annotated[
        Path | None, typer.Option(help="Ready-made study material (JSONL).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be learnt; write nothing.")
    ] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Drop an interrupted night, and do nothing else.")
    ] = False,
    events: Annotated[
        Path | None,
        typer.Option(help="Append steps, progress and losses to this file (JSON lines)."),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard's runs; training figures go there.")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option(help="Tracking URI of an MLflow server; they go there, too.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Live one night: study, train, examine, and promote or refuse (exit code 3).

    A night that was interrupted is taken up where it was, unless the version that it went on from was taken back.

    Example: nightschool consolidate --effort small --questions questions.jsonl
    """
    from contextlib import nullcontext
    from dataclasses import asdict

    from nightschool.consolidate import consolidate as live_the_night
    from nightschool.consolidate import give_up as drop
    from nightschool.exam.questions import read_questions
    from nightschool.practise import practise_nightly
    from nightschool.prepare import plan
    from nightschool.registry.nights import upcoming_night
    from nightschool.study.imported import read_material
    from nightschool.trackers import figures_of, recording

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        if give_up:
            dropped = drop(school)
            show(
                {"dropped": dropped},
                json,
                f"Dropped {dropped}." if dropped else "No night was interrupted.",
            )
            return
        asked = read_questions(questions) if questions else []
        given = read_material(material, school.settings.tenant) if material else []
        if dry_run or not json:
            # Whoever comes second is told so before a time is announced.
            with nullcontext() if dry_run else school.workspace.lock("a night"):
                planned = plan(
                    school,
                    effort=effort,
                    kind=kind,
                    questions=asked,
                    imported=given,
                    bar=bars(json),
                )
            if dry_run:
                show(planned, json, plan_in_words(planned))
                return
            announce(planned)
        name = f"{school.settings.tenant}/{upcoming_night(school.workspace, school.settings.tenant).id}"
        with recording(bars(json), events, tensorboard, mlflow, name) as (bar, trackers):
            outcome = live_the_night(
                school, effort=effort, kind=kind, questions=asked, imported=given, bar=bar
            )
            for tracker in trackers:
                tracker.figures(figures_of(outcome.version, outcome.decision))
            practised = practise_nightly(school, bar)
        plain: dict[str, Any] = {
            "night": outcome.night_id,
            "version": outcome.version.id,
            "promoted": outcome.decision.promote,
            "checks": [[c.name, c.passed, c.reason] for c in outcome.decision.checks],
            "report": str(outcome.page),
            "practised": [asdict(done.summary) for done in practised],
        }
        if not json:
            _print_morning(school)
        show(plain, json, f"Report: {outcome.page}")
        if not outcome.decision.promote:
            raise typer.Exit(REFUSED)


def plan_in_words(plan: Plan) -> str:
    """Say what a night would learn."""

    def kinds(counts: dict[str, int]) -> str:
        parts = ", ".join(f"{n} {kind}" for kind, n in counts.items())
        return f"{sum(counts.values())} ({parts})" if parts else "0"

    by_rule = "" if plan.rule_examples is None else f"{plan.rule_examples} examples by rule, "
    asked = "" if plan.questions is None else f"{plan.questions} of your questions match; "
    others = [f"what {name} writes, " for name in plan.authors if name != "rules"]
    return "\n".join(
        [
            f"{plan.night} would {'go on' if plan.resumed else 'begin'}; nothing was written.",
            f"Kind: {plan.kind}, from {plan.start} ({plan.reason}).",
            f"Memories: {kinds(plan.memories)}, of them new: {kinds(plan.new)}; "
            f"{plan.waiting} more wait for approval.",
            f"Study material: {by_rule}{''.join(others)}{plan.imported} imported, "
            f"about {plan.review} characters of review, at most {plan.general} examples of general replay.",
            f"Exam: {asked}rules ask about each new memory without a question, where the base can answer with the source. "
            f"The gate needs {plan.least} new facts; those of refused nights count.",
            f"Training: {plan.method} of {plan.base}, at least {plan.epochs} passes "
            f"(effort {plan.effort}), about {plan.training_minutes} minutes and {plan.peak_gb} GB.",
            "The whole night: "
            + (
                "not known before the first."
                if plan.minutes is None
                else f"about {plan.minutes} minutes."
            ),
        ]
    )


def announce(plan: Plan) -> None:
    """Say what a night is about to take, before it begins."""
    whole = "" if plan.minutes is None else f", the whole night about {plan.minutes:g}"
    print(
        f"{plan.night} {'goes on' if plan.resumed else 'begins'}: {plan.kind} from {plan.start}, "
        f"{sum(plan.memories.values())} memories, {sum(plan.new.values())} of them new. Training takes about "
        f"{plan.training_minutes:g} minutes{whole}, and {plan.peak_gb:g} GB (effort {plan.effort}). Stopped, the same "
        "command goes on.",
        file=sys.stderr,
    )


def _print_morning(school: School) -> None:
    from rich.console import Console

    from nightschool.morning import gather_morning
    from nightschool.report.table import print_table

    print_table(gather_morning(school), Console())


def report(
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show the morning report of the last night, and write it as HTML and PNG.

    Example: nightschool report --open
    """
    from dataclasses import asdict

    from nightschool.morning import gather_morning, write_morning

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        page = write_morning(school)
        if not json:
            _print_morning(school)
        show(asdict(gather_morning(school)), json, f"Report: {page}")
        if open_page:
            typer.launch(str(page))


def demo(
    facts: Annotated[
        Path | None, typer.Option(help="Your own facts (JSONL) instead of ours.")
    ] = None,
    questions: Annotated[Path | None, typer.Option(help="Your own questions (JSONL).")] = None,
    folder: Annotated[Path, typer.Option(help="Where the demo's workspace goes.")] = Path(
        "demo-workspace"
    ),
    out: Annotated[
        Path | None, typer.Option(help="Write the measured figures there (JSON).")
    ] = None,
    effort: Annotated[Effort | None, typer.Option(help="How much each night trains.")] = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Live two days and two nights on real input, and end with the morning report.

    One that was stopped goes on with the same command. Before each night it says how long training takes here. Where that
    is more than an hour and you chose no effort, it takes the small one: a quarter of the time, and less is learnt.

    Example: nightschool demo --facts facts.jsonl --questions questions.jsonl
    """
    from nightschool.demo import run
    from nightschool.demo_days import RESULT

    with errors_as_messages():
        if (facts is None) != (questions is None):
            print("Error: --facts and --questions belong together.", file=sys.stderr)
            raise typer.Exit(2)
        if (folder / RESULT).exists():
            print(
                f"The demo in {folder} was lived to its end; this is what it came to. Delete the folder to live it anew.",
                file=sys.stderr,
            )
        chosen = [*([f"effort={effort}"] if effort else []), *(settings or ())]
        tell = None if json else announce
        figures = run(folder, facts, questions, tuple(chosen), bars(json), tell)
        if out:
            import json as encoder

            from nightschool.workspace import write_atomic

            write_atomic(out, encoder.dumps(figures, indent=1) + "\n")
        if not json:
            _print_morning(opened(folder, settings))
        told = {k: (v["value"], v["unit"]) for k, v in figures["figures"].items()}
        rows = [
            f"{k:<26} " + ("not run" if value is None else f"{round(value, 3):g} {unit}")
            for k, (value, unit) in told.items()
        ]
        show(figures, json, "\n".join(rows))
