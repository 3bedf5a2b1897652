"""Commands on memories: memory list, search, show, history, edit, why, conflicts, pending, approve, reject, tool."""

from __future__ import annotations

import sys
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
MOST_ABOUT = 50
"""So many memories at most does a listing by words show."""
Ids = Annotated[list[str], typer.Argument(metavar="memory...", help="Ids of memories.")]


def register(parent: typer.Typer) -> None:
    """Add the group."""
    parent.add_typer(app, name="memory", help="What is remembered: look, correct, approve.")


def memory_line(memory: Memory) -> str:
    """Return a memory as one line of a listing: id, status, text, and why it is not trained."""
    from nightschool.language import plain
    from nightschool.trust import displayed, mark, waits

    why = (
        f"  [{'waits' if waits(memory) else 'never trained'}: {mark(memory)}]"
        if mark(memory)
        else ""
    )
    return f"{memory.id}  {memory.status.value:<10} {plain(displayed(memory).text)}{why}"


def _shown(memories: list[Memory], json: bool, otherwise: str) -> None:
    show(memories, json, "\n".join(map(memory_line, memories)) or otherwise)


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
    from nightschool.curate import search as find
    from nightschool.errors import ConfigError

    with errors_as_messages():
        if about and retired:
            raise ConfigError("--about looks among what is live. Leave out --all, or --about.")
        school = opened(workspace, settings, tenant)
        found = (
            find(school, about, MOST_ABOUT)
            if about
            else school.store.memories(school.settings.tenant, include_retired=retired)
        )
        if about and len(found) == MOST_ABOUT:
            print(f"These are the best {MOST_ABOUT}; there may be more.", file=sys.stderr)
        _shown(found, json, "Nothing is remembered about that." if about else "No memories yet.")


@app.command(cls=Command)
def search(
    query: Annotated[str, typer.Argument(help="Words, or a question.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 10,
    said: Annotated[
        bool, typer.Option("--said", help="What people said in conversations, in their words.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Find what is remembered about something, best first.

    Example: nightschool memory search "which host is staging?" --limit 3
    """
    from nightschool.curate import search as find
    from nightschool.curate import search_passages

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        if said:
            passages = search_passages(school, query, limit)
            lines = [
                f"{p.id}  {p.at[:10]}  {p.speaker}: {' '.join(p.text.split())}" for p in passages
            ]
            show(passages, json, "\n".join(lines) or "Nobody said anything about that.")
        else:
            _shown(find(school, query, limit), json, "Nothing is remembered about that.")


@app.command(cls=Command)
def history(
    memory: Annotated[str, typer.Argument(help="The memory's id.")],
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show what was said of the same thing over time, newest first, and by whom.

    Example: nightschool memory history mem-3f9c2a71be
    """
    from dataclasses import asdict

    from nightschool.curate import course_of
    from nightschool.trust import displayed

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        rows = []
        lines = []
        for found in course_of(school, memory):
            # The text of one id never changes: its events differ in who did what, and when.
            events = [
                {name: event[name] for name in ("at", "actor", "action")}
                for event in school.store.history(found.id)
            ]
            rows.append({**asdict(displayed(found)), "history": events})
            lines += [
                memory_line(found),
                *(f"  {e['at']}  {e['actor']}  {e['action']}" for e in events),
            ]
        show(rows, json, "\n".join(lines))


@app.command("show", cls=Command)
def show_memory(
    memory: Annotated[str, typer.Argument(help="The memory's id.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show a secret in it.")] = False,
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show where a memory came from, who stands behind it, and what happened to it.

    Example: nightschool memory show mem-3f9c2a71be
    """
    from dataclasses import asdict, replace

    from nightschool.trust import displayed, mark

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        found = school.memory(memory)
        found = replace(found, masked="") if reveal else displayed(found)
        events = [{**e, "text": found.text} for e in school.store.history(memory)]
        spoke = f", said by {found.speaker}" if found.speaker else ""
        approved = ", approved" if found.approved else ""
        lines = [
            memory_line(found),
            f"{found.kind.value} from {found.source} ({found.source_kind.value}{spoke}), {found.at}",
            f"holds since {found.valid_from or 'unknown'} until {found.valid_to or 'now'}; used {found.uses} times; surprise: "
            + (
                f"{found.surprise:.2f} nats a token"
                if found.surprise is not None
                else "not measured"
            ),
            f"trust: {found.trust.value}{approved}; not trained for: {mark(found) or 'nothing'}; first studied: {found.learnt_in or 'not yet'}; "
            f"known by: {', '.join(found.graduated) or 'no version'}",
            *(f"  {e['at']}  {e['actor']}  {e['action']}: {e['text']}" for e in events),
        ]
        show({**asdict(found), "history": events}, json, "\n".join(lines))


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
    from nightschool.trust import displayed

    with errors_as_messages():
        new = displayed(correct(opened(workspace, settings, tenant), memory, text))
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
    from nightschool.curate import why as explain

    with errors_as_messages():
        rows = explain(opened(workspace, settings, tenant), question, version)
        lines = [
            f"{'+' if r.used else '-'} {r.score:4.2f}  {r.memory.id}  {r.memory.text}  ({r.reason})"
            for r in rows
        ]
        show(rows, json, "\n".join(lines) or "Nothing fits that question.")


@app.command(cls=Command)
def conflicts(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List what stands against something else.

    The one that you approve closes those in its words; of those in other words, reject the wrong one.

    Example: nightschool memory conflicts
    """
    from nightschool.curate import conflicts as find

    with errors_as_messages():
        groups = find(opened(workspace, settings, tenant))
        lines = ["\n".join(map(memory_line, group)) for group in groups]
        show(groups, json, "\n\n".join(lines) or "Nothing stands against anything else.")


@app.command(cls=Command)
def pending(
    workspace: WorkspaceOption = HERE,
    tenant: TenantOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """List what waits for approval: it may be recalled, marked as such, and is never trained.

    The most surprising to the live version come first. It waits for who said it, or for what it is: volatile (so just now) or directive (an order in a source).

    Example: nightschool memory pending
    """
    from nightschool.trust import waits

    with errors_as_messages():
        school = opened(workspace, settings, tenant)
        live = school.store.memories(school.settings.tenant)
        waiting = sorted(filter(waits, live), key=lambda m: -(m.surprise or 0.0))
        _shown(waiting, json, "Nothing waits for approval.")


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
    rename. What a model writes waits for approval before it is trained. A line that is no call is answered with an error,
    and the next one is read.

    Example: nightschool memory tool --trust web < calls.jsonl
    """
    import json
    from dataclasses import asdict

    from nightschool.curate import use_memory_tool
    from nightschool.memory.tool import ToolResult
    from nightschool.trust import incoming

    with errors_as_messages():
        tier = incoming(trust)
        school = opened(workspace, settings, tenant)
        conversation = school.memory_tool()
        for number, line in enumerate(sys.stdin, start=1):
            if not line.strip():
                continue
            try:
                call = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                call, why = None, f"is not JSON ({error})"
            else:
                why = "is no JSON object"
            if isinstance(call, dict):
                result = use_memory_tool(school, conversation, call, tier)
            else:  # a model's slip, for the model to mend
                expected = '{"command": "view", "path": "/memories"}'
                result = ToolResult(
                    f"Line {number} {why}; expected a call such as {expected}.", True
                )
            print(json.dumps(asdict(result)), flush=True)
