"""Generate what the documents quote: the commands' help, and the figures of the benchmarks.

Run `python docs/make.py` after a change to a command or to a result; a test holds them together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md")
BLOCK = re.compile(r"(<!-- figures: ([\w, ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """Return the page of all commands, from their own --help."""
    import typer
    from typer.testing import CliRunner

    from nightschool.cli.main import app

    def names(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from names(command, (*path, name))
            else:
                yield (*path, name)

    runner = CliRunner(env={"COLUMNS": "88", "TERMINAL_WIDTH": "88"})
    parts = ["# Commands\n\nGenerated from `--help` by `python docs/make.py`.\n"]
    for path in names(typer.main.get_command(app)):
        shown = runner.invoke(app, [*path, "--help"], prog_name="nightschool", terminal_width=88)
        name = " ".join(path)
        parts.append(f"## nightschool {name}\n\n```\n{shown.stdout.strip()}\n```\n")
    return "\n".join(parts)


def with_figures(text: str) -> str:
    """Fill every figures block of a page from the result files that it names."""

    def fill(match: re.Match[str]) -> str:
        names = [name.strip() for name in match[2].split(",")]
        return match[1] + "".join(table(name) for name in names) + match[3]

    return BLOCK.sub(fill, text)


def table(name: str) -> str:
    """Return one benchmark's figures as a Markdown table, with the command, machine and commit."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return f"`{name}`: not run.\n"
    body = json.loads(path.read_text("utf-8"))
    lines = ["| figure | value | 95% interval | n |", "|---|---|---|---|"]
    for figure, row in body["figures"].items():
        low, high = row["low"], row["high"]
        interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        value = "not run" if row["value"] is None else f"{row['value']:.3f} {row['unit']}"
        lines.append(f"| `{figure}` | {value} | {interval} | {row['n']} |")
    machine = body["machine"]
    speed = f", {machine['precision']} at {machine['gflops']} GFLOP/s" if "gflops" in machine else ""
    source = (
        f"\n`{body['command']}`, commit {body['commit']}, seeds {body['seeds']}, on {machine['cpu']} "
        f"({machine['cores']} cores, {machine['memory_gb']} GB{speed}).\n"
    )
    return "\n".join(lines) + "\n" + source


def pages() -> dict[Path, str]:
    """Return every generated page with what it should hold."""
    found = {ROOT / "docs" / "cli.md": commands()}
    return found | {page: with_figures(page.read_text("utf-8")) for page in PAGES}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, "utf-8")
