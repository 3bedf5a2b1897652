"""Generate what the documents quote: the commands' help, the HTTP API, and the figures of the benchmarks.

Run `python docs/make.py` after a change to a command, a route or a result; a test holds them together.
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


def api() -> str:
    """Return the page of the HTTP API, from the OpenAPI schema of the app."""
    import tempfile

    from nightschool.hosting import House
    from nightschool.models.fake_engine import FakeEngine
    from nightschool.serve.app import create_app
    from nightschool.serve.shapes import ALWAYS, MEANINGS
    from nightschool.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        house = House(
            Workspace.create(Path(folder) / "school", ""), lambda school, versions: FakeEngine()
        )
        schema = create_app(house).openapi()
        house.close()
    always = "".join(f"| {code} | {MEANINGS[code]} |\n" for code in ALWAYS)
    parts = [
        "# HTTP API\n\nGenerated from the OpenAPI schema (`/openapi.json` of a running `nightschool serve`) by "
        "`python docs/make.py`.\n\nA request carries `Authorization: Bearer ns-...`; `nightschool keys create` makes "
        "a key. Without any key in the workspace, and bound to this machine, none is needed. A key opens one tenant: "
        "what is another's is unknown. Lists come in parts: `next` of one is `after` of the following.\n\n"
        'Every refusal is `{"error": {"message", "type", "code", "param"}}`. Every route may answer:\n\n'
        f"| status | meaning |\n|---|---|\n{always}"
    ]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts.append(route(method.upper(), path, operation, schema["components"]["schemas"]))
    return "\n".join(parts)


def route(method: str, path: str, operation: dict[str, Any], shapes: dict[str, Any]) -> str:
    """Return the section of one route: its scope, what it takes, what it answers, what it refuses."""
    from nightschool.serve.shapes import ALWAYS, MEANINGS

    lines = [f"## {method} {path}\n", f"{operation.get('description', '')}\n"]
    scopes = [s for one in operation.get("security", ()) for found in one.values() for s in found]
    lines.append(f"Scope: {', '.join(scopes)}.\n" if scopes else "No key is needed.\n")
    parameters = operation.get("parameters", ())
    if parameters:
        lines.append("| parameter | in | type | |\n|---|---|---|---|")
        lines += [
            f"| `{p['name']}` | {p['in']} | {kind(p['schema'], shapes)} | {flat(p.get('description'))} |"
            for p in parameters
        ]
        lines.append("")
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if sent:
        lines += fields("field of the body", sent["schema"], shapes)
    for code, answer in operation["responses"].items():
        told = answer.get("content", {}).get("application/json", {}).get("schema")
        if code.startswith("2") and told:
            lines += fields("field of the answer", told, shapes)
    own = sorted({*map(int, operation["responses"])} - {*ALWAYS, 200, 202, 204})
    lines += [f"- {code}: {flat(MEANINGS.get(code))}" for code in own]
    return "\n".join([*lines, ""])


def fields(title: str, schema: dict[str, Any], shapes: dict[str, Any]) -> list[str]:
    """Return the table of an object's fields; of a list's items where it is a part of a list."""
    shape = whole(schema, shapes)
    items = shape.get("properties", {}).get("data", {}).get("items")
    if items and "$ref" in items:
        shape, title = whole(items, shapes), f"{title}, each of `data`"
    if not shape.get("properties"):
        return []
    needed = shape.get("required", ())
    rows = [
        f"| `{name}`{'' if name in needed or 'answer' in title else ', optional'} | {kind(part, shapes)} | "
        f"{flat(part.get('description'))} |"
        for name, part in shape["properties"].items()
    ]
    return [f"| {title} | type | |\n|---|---|---|", *rows, ""]


def whole(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """Follow a schema to the object that it means."""
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            schema = option
    return shapes[schema["$ref"].split("/")[-1]] if "$ref" in schema else schema


def kind(schema: dict[str, Any], shapes: dict[str, Any]) -> str:
    """Name the type of a value in a few words, with its bounds."""
    if "$ref" in schema:
        shape = whole(schema, shapes)
        return kind(shape, shapes) if "enum" in shape else schema["$ref"].split("/")[-1]
    if "anyOf" in schema:
        return " or ".join(kind(option, shapes) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}), shapes)}"
    bounds = [
        f"{word} {number(schema[name])}"
        for name, word in (
            ("minimum", "from"),
            ("maximum", "to"),
            ("maxLength", "at most"),
            ("maxItems", "at most"),
        )
        if name in schema
    ]
    return " ".join([schema.get("type", "anything"), *bounds])


def number(value: float) -> str:
    """Write a bound; whole numbers without a point."""
    return str(int(value)) if value == int(value) else str(value)


def flat(text: str | None) -> str:
    """Put a description into a cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


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
    speed = (
        f", {machine['precision']} at {machine['gflops']} GFLOP/s" if "gflops" in machine else ""
    )
    # A file grows by rows: it was measured at the commits of these.
    of_rows = [row.get("commit") for row in body["rows"] if isinstance(row, dict)]
    commits = list(dict.fromkeys(of_rows)) if of_rows and all(of_rows) else [body["commit"]]
    source = (
        f"\n`{body['command']}`, commit{'s' * (len(commits) > 1)} {', '.join(commits)}, seeds {body['seeds']}, on {machine['cpu']} "
        f"({machine['cores']} cores, {machine['memory_gb']} GB{speed}).\n"
    )
    return "\n".join(lines) + "\n" + source


def pages() -> dict[Path, str]:
    """Return every generated page with what it should hold."""
    found = {ROOT / "docs" / "cli.md": commands(), ROOT / "docs" / "api.md": api()}
    return found | {page: with_figures(page.read_text("utf-8")) for page in PAGES}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, "utf-8")
