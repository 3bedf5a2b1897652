"""Commands of the day: init, learn, remember, ask, chat, config."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.output import (
    HERE,
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

if TYPE_CHECKING:
    from nightschool.types import Memory, Reading

CONFIG = """# Settings of this workspace; `nightschool config` lists all of them with their defaults.
# effort = "medium"
# [model]
# base = "smollm2-135m"
"""
EPISODE = re.compile(r"ep-[0-9a-f]{10,32}")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (init, learn, remember, ask, chat, config):
        app.command(cls=Command)(command)


def init(
    folder: Annotated[Path, typer.Argument(help="Where the workspace goes.")] = HERE,
    json: JsonOption = False,
) -> None:
    """Make a workspace.

    Example: nightschool init myschool
    """
    from nightschool.workspace import Workspace

    with errors_as_messages():
        workspace = Workspace.create(folder, CONFIG)
        show({"workspace": str(workspace.root)}, json, f"A workspace is ready in {folder}.")


def learn(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, installed packages (pkg:NAME), or git repositories (git+file:///PATH@BRANCH)."
        ),
    ],
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Read all files of a repository, not only those that changed."
        ),
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Read documents, Python packages, definitions of tools and conversations into memory.

    A .json file is an OpenAPI 3 document, or a list of tools in OpenAI's or MCP's format.

    An episode's id (ep-...) reads a kept conversation again that could not be read before.

    A repository is read at its newest commit, without a checkout, and next time as far as it has changed. Nothing
    of it is run. git+https://HOST/PATH fetches that one commit; nothing else uses the network.

    Example: nightschool learn ../docs git+file:///home/me/project@main openapi.json chats.jsonl
    """
    from nightschool.codebase import Codebase, in_words, learn_repository
    from nightschool.day import joined, read_again, reader
    from nightschool.day import learn as learn_readings
    from nightschool.sources import read
    from nightschool.sources.addresses import is_address, parse_address
    from nightschool.sources.extractors import RULES
    from nightschool.types import SourceKind

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        readings: list[Reading] = []
        skipped: list[tuple[str, str]] = []
        codebases: list[Codebase] = []
        for source in sources:
            if is_address(source):
                if parse_address(source).remote:
                    print(f"Fetching the newest commit of {source}.", file=sys.stderr)
                with bars(json)(f"reading {source.rpartition('/')[2]}") as progress:
                    codebases.append(learn_repository(school, source, progress, again=again))
                continue
            if EPISODE.fullmatch(source) and not Path(source).exists():
                readings.append(read_again(school, source))
                continue
            with bars(json)(f"reading {Path(source).name}") as progress:
                found = read(
                    source,
                    school.settings.tenant,
                    progress,
                    reader(school),
                    school.workspace.name_of,
                )
            readings += found.readings
            skipped += found.skipped
        learnt = joined(
            [*(one.learnt for one in codebases), learn_readings(school, readings, skipped)]
        )
        if school.settings.recall.dense:
            with bars(json)("embedding") as progress:
                school.store.embed(school.settings.tenant, progress)
        for path, reason in learnt.skipped:
            print(f"Skipped {path}: {reason}", file=sys.stderr)
        if learnt.unread_by:
            print(
                f"Hidden orders were looked for by rules and wording alone, since {learnt.unread_by} is not here: "
                f"`nightschool models pull {learnt.unread_by}` finds more of them.",
                file=sys.stderr,
            )
        heard = any(r.episode.kind is SourceKind.CONVERSATION for r in readings)
        if heard and school.settings.write.extractor == "live" and reader(school) is RULES:
            print(
                "Conversations were read by the rules, since no version is served that has practised taking notes: "
                "see `nightschool practise memory`.",
                file=sys.stderr,
            )
        if codebases:
            print(in_words(codebases), file=sys.stderr)
        left = ", ".join(f"{count} {why}" for why, count in sorted(learnt.dropped.items()))
        retired = sum(m.status == "retired" for m in learnt.superseded)
        show(
            learnt,
            json,
            f"{len(learnt.added)} memories added, {len(learnt.superseded) - retired} superseded"
            + (f", {retired} retired." if retired else ".")
            + (f" Left out: {left}." if left else ""),
        )


def remember(
    statement: Annotated[str, typer.Argument(help="One fact in one sentence.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Remember one statement.

    Example: nightschool remember "The staging host is kestrel-7."
    """
    from nightschool.day import remember as remember_statement
    from nightschool.trust import displayed

    with errors_as_messages():
        learnt = remember_statement(opened(workspace, settings, tenant), statement)
        lines = [f"{m.id}  {displayed(m).text}{_never(m)}" for m in learnt.added]
        lines += [f"{m.id}  superseded: {displayed(m).text}" for m in learnt.superseded]
        show(learnt, json, "\n".join(lines) or "That is known already.")


def _never(memory: Memory) -> str:
    """Say why a new memory will not be trained as it is."""
    from nightschool.trust import mark

    return f"  [not trained: {mark(memory)}]" if mark(memory) else ""


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    closed_book: Annotated[
        bool, typer.Option("--closed-book", help="From the weights alone.")
    ] = False,
    version: Annotated[str, typer.Option(help="live, previous, base, or a version id.")] = "live",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the model, with what it remembers.

    Example: nightschool ask "What is the staging host?" --closed-book
    """
    from nightschool.day import ask as ask_school
    from nightschool.trust import displayed

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        answer = ask_school(school, question, version=version, closed_book=closed_book)
        sources = "".join(f"\n  [{m.id}] {displayed(m).text}" for m in answer.recalled)
        show(answer, json, answer.text)
        if sources and not json:
            print(f"recalled:{sources}", file=sys.stderr)


def chat(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
) -> None:
    """Talk with the model; the conversation becomes an episode (end with Ctrl-D or an empty line).

    Each turn is kept at once, so that a kill loses none. What was recalled for an answer is not kept as said.

    Example: nightschool chat
    """
    from nightschool.day import ask as ask_school
    from nightschool.day import end_chat
    from nightschool.errors import ExtractorFailed
    from nightschool.types import Message, now

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        turns: list[tuple[str, str]] = []
        recalled: dict[str, Memory] = {}
        title = f"chat {now()}"
        while line := (input("> ") if sys.stdin.isatty() else sys.stdin.readline()).strip():
            before = [Message(role, text) for role, text in turns[-6:]]
            answer = ask_school(school, line, before=before)
            recalled |= {memory.id: memory for memory in answer.recalled}
            news = [("user", line), ("assistant", answer.text)]
            print(answer.text)
            try:
                end_chat(school, news, title, recalled=tuple(recalled.values()), before=turns[-6:])
            except ExtractorFailed as error:
                print(error, file=sys.stderr)
            turns += news


def config(
    workspace: WorkspaceOption = HERE, settings: SetOption = None, json: JsonOption = False
) -> None:
    """Show all settings in force.

    Example: nightschool config --set train.epochs=4
    """
    with errors_as_messages():
        found = opened(workspace, settings).settings.model_dump(mode="json")
        lines = []
        for name, value in found.items():
            rows = value.items() if isinstance(value, dict) else [("", value)]
            lines += [f"{name}{'.' + key if key else ''} = {inner!r}" for key, inner in rows]
        show(found, json, "\n".join(lines))
