"""The morning report for the terminal, with rich tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nightschool.report import words
from nightschool.report.morning import Contrast, Guard, Morning, Part, PracticeRun, Rate, Riddles

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

GREEN, RED, QUIET = "green", "red", "bright_black"
MOST_PARTS = 24


def print_table(morning: Morning, console: Console) -> None:
    """Print the report: the sentence first, then the figures, then the gate."""
    from rich.text import Text

    console.print()
    console.print(Text(words.headline(morning), style="bold"))
    if morning.practice:
        console.print(_practice(morning.practice))
    if morning.tonight is None:
        return
    console.print(Text(words.subline(morning), style=QUIET))
    console.print(_contrasts("What it knows, closed-book", morning.groups, words.GROUPS))
    if morning.parts:
        console.print(_parts(morning.parts))
    console.print(_contrasts("Three ways to answer", morning.modes, words.MODES))
    console.print(_contrasts("What it must not lose", morning.guards, words.GUARDS))
    if morning.riddles:
        console.print(_riddles(morning.riddles))
    console.print(_cell(words.riddles(morning), RED if _widened(morning) else QUIET))
    console.print(_matrix(morning))
    console.print(_cell(words.continual(morning), QUIET))
    console.print(_cell(words.caution(morning), QUIET))
    console.print(_gate(morning))
    console.print(_nights(morning))
    if morning.receipts:
        console.print(_receipts(morning))
    console.print(_cost(morning))


def _table(title: str, *columns: str, left: int = 1) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right")
    return table


def _cell(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=QUIET if text == words.NOT_RUN else style)


def _rate(rate: Rate | None, style: str = "") -> Text:
    return _cell(words.percent(rate.value if rate else None), style)


def _contrasts(
    title: str, contrasts: Sequence[Contrast] | Sequence[Guard], names: dict[str, str]
) -> Table:
    table = _table(title, "", "base", "tonight", "95%", "n")
    for contrast in contrasts:
        either = contrast.version or contrast.base
        table.add_row(
            _cell(words.label(names, contrast.name)),
            _rate(contrast.base),
            _rate(contrast.version, "bold"),
            _cell(words.interval(contrast.version)),
            _cell(str(either.n) if either else ""),
        )
    return table


def _parts(parts: Sequence[Part]) -> Table:
    """List modules and tools, those with the most facts where there are too many for a screen."""
    shown = sorted(parts, key=lambda part: (-part.asked, -part.facts))[:MOST_PARTS]
    more = f" ({len(parts) - len(shown)} more in the page and in --json)" if len(parts) > len(shown) else ""  # fmt: skip
    table = _table(
        f"By module and tool, closed-book{more}", "", "base", "tonight", "asked", "facts"
    )
    for part in sorted(shown, key=lambda part: (part.kind, part.name)):
        table.add_row(
            _cell(part.name),
            _rate(part.base),
            _rate(part.version, "bold"),
            _cell(str(part.asked)),
            _cell(str(part.facts)),
        )
    return table


def _widened(morning: Morning) -> bool:
    return morning.riddles is not None and morning.riddles.widened


def _riddles(riddles: Riddles) -> Table:
    table = _table("Riddles", "", "before", "tonight", "95%", "n", "alike before", "alike tonight")
    for row in riddles.rows:
        pairs = row.alike or row.alike_before
        table.add_row(
            _cell(words.label(words.RIDDLES, row.name)),
            _rate(row.before),
            _rate(row.after, "bold"),
            _cell(words.interval(row.after)),
            _cell(str(row.after.n) if row.after else ""),
            _rate(row.alike_before) if pairs else _cell(""),
            _rate(row.alike) if pairs else _cell(""),
        )
    return table


def _matrix(morning: Morning) -> Table:
    columns = (f"facts of night {k + 1}" for k in range(len(morning.nights)))
    table = _table("Night after night", "", *columns)
    for k, row in enumerate(morning.matrix):
        cells = (
            _cell("·", QUIET) if value is None and j > k else _cell(words.percent(value))
            for j, value in enumerate(row)
        )
        table.add_row(_cell(f"after night {k + 1}"), *cells)
    return table


def _gate(morning: Morning) -> Table:
    table = _table("The gate", "", "check", "why", "points", "at worst", "allowed", "n", left=3)
    if morning.decision is None:
        table.add_row(_cell(""), _cell(words.NOT_RUN))
        return table
    for check in morning.decision.checks:
        tested = check.difference is not None
        table.add_row(
            _cell("✓", GREEN) if check.passed else _cell("✗", RED),
            _cell(words.label(words.CHECKS, check.name)),
            _cell(check.reason),
            _cell(words.points(check.difference) if tested else "no test"),
            _cell(words.points(check.low) if check.low is not None else ""),
            _cell(words.points(-check.margin) if tested and check.margin is not None else ""),
            _cell(str(check.n) if check.n else ""),
        )
    return table


def _nights(morning: Morning) -> Table:
    table = _table(
        "Every night so far",
        *("night", "outcome", "taught", "examples", "tokens", "minutes", "peak GB"),
        left=2,
    )
    for k, night in enumerate(morning.nights):
        table.add_row(
            _cell(f"{k + 1}  {night.version_id or night.id}"),
            _cell(words.verdict(night.promoted, overridden=night.overridden)),
            _cell(words.number(night.taught)),
            _cell(words.number(night.examples)),
            _cell(words.number(night.tokens)),
            _cell(words.number(night.minutes, 1)),
            _cell(words.number(night.peak_gb, 1)),
        )
    return table


def _practice(runs: Sequence[PracticeRun]) -> Table:
    table = _table(
        "Practice", "run", "skill", "before", "after", "tasks", "p", "minutes", "outcome", left=2
    )
    for run in runs:
        table.add_row(
            _cell(run.id),
            _cell(run.environment),
            _cell(words.percent(run.before)),
            _cell(words.percent(run.after), "bold"),
            _cell(str(run.tasks)),
            _cell("" if run.p is None else f"{run.p:.2g}"),
            _cell(words.number(run.minutes, 1)),
            _cell(words.verdict(run.promoted)),
        )
    return table


def _receipts(morning: Morning) -> Table:
    table = _table("Forgotten on request", "asked", "before", "after", "gone", left=4)
    gone = {None: words.NOT_RUN, True: "yes", False: "no"}
    for receipt in morning.receipts:
        table.add_row(
            _cell(receipt.question),
            _cell(words.NOT_RUN if receipt.before is None else receipt.before),
            _cell(words.NOT_RUN if receipt.after is None else receipt.after),
            _cell(gone[receipt.gone], RED if receipt.gone is False else ""),
        )
    return table


def _cost(morning: Morning) -> Text:
    if morning.dropped is None:
        dropped = words.NOT_RUN
    else:
        dropped = ", ".join(
            f"{count} {words.DROPPED.get(reason, (reason, reason))[1]}"
            for reason, count in morning.dropped.items()
        )
    uncovered = words.NOT_RUN if morning.uncovered is None else str(len(morning.uncovered))
    saved = words.number(morning.returns.tokens_saved, unit="prompt tokens")
    even = morning.returns.break_even
    drift = words.number(morning.kl_nats, 3, "nats a token")
    read = [words.number(x, 1) for x in (morning.perplexity_base, morning.perplexity)]
    lines = [
        f"Drift from the base on general prompts: {drift}. Perplexity on plain text: {read[0]} -> {read[1]}.",
        f"Dropped from the studies: {dropped or 'nothing'}. Uncovered memories: {uncovered}.",
        f"Saved per question: {saved}. Pays for itself after: {words.number(even, unit='questions')}.",
    ]
    return _cell("\n".join(lines), QUIET)
