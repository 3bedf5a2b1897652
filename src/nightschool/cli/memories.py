"""Commands on memories: memory list, show, edit, why, pending, approve, reject, tool, and forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli.output import (
    HERE,
    Command,
    JsonOption,
    SetOption,
    TenantOption,
    WorkspaceOption,
    errors_as_messages,
    opened,
    show,
)

if TYPE_CHECKING:
    from nightschool.types import Memory

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Ids = Annotated[list[str], typer.Argument(metavar="memory...", help="Ids of memories.")]


def register(parent: typer.Typer) -> None:
    """Add the group, and `forget` as a command of its own."""
    parent.add_typer(app, name="memory", help="What is remembered: look, correct, approve.")
    parent.command(cls=Command)(forget)


def _line(memory: Memory) -> str:
    from nightschool.language import plain
    from nightschool.trust import trainable

    mark = "" if trainable(memory) else f"  [waits, {memory.trust.value}]"
    return f"{memory.id}  {memory.status.value:<10} {plain(memory.text)}{mark}"


def _shown(memories: list[Memory], json: bool, otherwise: str) -> None:
    from dataclasses import asdict

    lines = [_line(memory) for memory in memories]
    show([asdict(memory) for memory in memories], json, "\n".join(lines) or otherwise)


@app.command("list", cls=Command)
def list_memories(
    about: Annotated[str | None, typer.Option(help="Only those found for these words.")] = None,
    retired: Annotated[
        bool, typer.Option("--all", help="Superseded and retired ones too.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List memories with their ids.

    Example: nightschool memory list --about "staging host"
    """
    from nightschool.curate import search

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = (
            search(school, about, 50)
            if about
            else school.store.memories(school.settings.tenant, include_retired=retired)
        )
        _shown(found, json, "No memories yet.")


@app.command("show", cls=Command)
def show_memory(
    memory: Annotated[str, typer.Argument(help="The memory's id.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show where a memory came from, who stands behind it, and what happened to it.

    Example: nightschool memory show mem-3f9c2a71be
    """
    from dataclasses import asdict

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = school.memory(memory)
        history = school.store.history(memory)
        spoke = f", said by {found.speaker}" if found.speaker else ""
        approved = ", approved" if found.approved else ""
        lines = [
            _line(found),
            f"from {found.source} ({found.source_kind.value}{spoke}), {found.at}",
            f"trust: {found.trust.value}{approved}; first studied: {found.learnt_in or 'not yet'}; "
            f"known by: {found.graduated or 'no version'}",
            *(f"  {h['at']}  {h['actor']}  {h['action']}: {h['text']}" for h in history),
        ]
        show({**asdict(found), "history": history}, json, "\n".join(lines))


@app.command(cls=Command)
def edit(
    memory: Annotated[str, typer.Argument(help="The memory's id.")],
    text: Annotated[str, typer.Argument(help="What it should say.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Correct a memory; the old text stays in its history.

    Example: nightschool memory edit mem-3f9c2a71be "The staging host is merlin-2."
    """
    from nightschool.curate import correct

    with errors_as_messages():
        new = correct(opened(workspace, settings, tenant), memory, text)
        show(new, json, f"{new.id}  {new.text}")


@app.command(cls=Command)
def why(
    question: Annotated[str, typer.Argument(help="What would be asked.")],
    version: Annotated[str, typer.Option(help="live, previous, base, or a version id.")] = "live",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show what would be recalled for a question, what would not, and why.

    Example: nightschool memory why "What is the staging host?"
    """
    from dataclasses import asdict

    from nightschool.curate import why as explain

    with errors_as_messages():
        rows = explain(opened(workspace, settings, tenant), question, version)
        lines = [
            f"{'+' if r.used else '-'} {r.score:6.2f}  {r.memory.id}  {r.memory.text}  ({r.reason})"
            for r in rows
        ]
        show([asdict(r) for r in rows], json, "\n".join(lines) or "Nothing fits that question.")


@app.command(cls=Command)
def pending(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List what waits for approval: it may be recalled, marked as such, and is never trained.

    Example: nightschool memory pending
    """
    from nightschool.trust import trainable

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        live = school.store.memories(school.settings.tenant)
        _shown([m for m in live if not trainable(m)], json, "Nothing waits for approval.")


@app.command(cls=Command)
def approve(
    memory: Ids,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Vouch for memories that others stated; the next night studies them.

    Example: nightschool memory approve mem-3f9c2a71be mem-77aa01c2d3
    """
    from nightschool.curate import review

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        _shown(review(school, memory, approve=True), json, "")


@app.command(cls=Command)
def reject(
    memory: Ids,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Take memories out, also from the notes that hold them; their sources do not bring them back.

    Their history stays; `nightschool forget` erases that, too.

    Example: nightschool memory reject mem-3f9c2a71be
    """
    from nightschool.curate import review

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        _shown(review(school, memory, approve=False), json, "")


@app.command(cls=Command)
def tool(
    trust: Annotated[
        str, typer.Option(help="Lowest tier before the model: user, tool or web.")
    ] = "user",
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
) -> None:
    """Execute a model's memory tool calls: a JSON call a line on stdin, a JSON result a line on stdout.

    The commands are those of the tool type memory_20250818: view, create, str_replace, insert, delete,
    rename. What a model writes waits for approval before it is trained.

    Example: nightschool memory tool --trust web < calls.jsonl
    """
    import json
    import sys
    from dataclasses import asdict

    from nightschool.curate import use_memory_tool
    from nightschool.errors import ConfigError
    from nightschool.trust import incoming

    with errors_as_messages():
        tier = incoming(trust)
        school = opened(workspace, settings, tenant)
        conversation = school.memory_tool()
        for number, line in enumerate(sys.stdin, start=1):
            try:
                call = json.loads(line)
            except json.JSONDecodeError as error:
                raise ConfigError(f"Line {number} is not JSON: {error.msg}.") from error
            if not isinstance(call, dict):
                raise ConfigError(f"Line {number} is no JSON object: {line.strip()[:60]}")
            result = use_memory_tool(school, conversation, call, tier)
            print(json.dumps(asdict(result)), flush=True)


@app.command(cls=Command)
def forget(
    memory: Ids,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Erase memories with everything derived from them; versions that know them are not served.

    Example: nightschool forget mem-3f9c2a71be --yes
    """
    from nightschool.forget import forget as forget_memories

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        if not yes:
            typer.confirm(f"Erase {len(memory)} memories for good?", abort=True, err=True)
        receipt = forget_memories(school, memory)
        show(
            receipt,
            json,
            f"Forgotten: {len(receipt.tombstones)} records, {receipt.examples} study examples, "
            f"{receipt.exam_items} exam items. Versions not served any more: "
            f"{', '.join(receipt.tainted) or 'none'}. Live: {receipt.live_after}. "
            "The next night trains without it.",
        )
