"""What every command shares: options, errors as one message, results as text or JSON."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from nightschool.errors import ConfigError, NightschoolError, WorkspaceLocked

if TYPE_CHECKING:
    from nightschool.protocols import Progress
    from nightschool.wire import School

DONE, ERROR, USAGE, REFUSED = 0, 1, 2, 3


class Command(TyperCommand):
    """A command whose usage line shows arguments as they are typed, without typer's braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Name the parts of the usage line: `sources...` for typer's `{sources}...`."""
        return [
            piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)
        ]


WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder, or one inside it.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, such as train.epochs=4 (repeatable).")
]
TenantOption = Annotated[str | None, typer.Option(help="Whose memories and versions are meant.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
HERE = Path()


def opened(workspace: Path, settings: Sequence[str] | None, tenant: str | None = None) -> School:
    """Open the workspace that a command's options name, and take in what was edited in its files."""
    from nightschool.forget import unfinished
    from nightschool.trust import displayed
    from nightschool.upkeep import catch_up
    from nightschool.wire import open_school

    school = open_school(workspace, tuple(settings or ()), tenant)
    try:
        if unfinished(school):
            print("A deletion was interrupted; it is finished now.", file=sys.stderr)
        edits = catch_up(school)
    except WorkspaceLocked as error:
        print(f"Edits in memories/ wait: {error}", file=sys.stderr)
        return school
    for word, memories in (
        ("corrected", edits.changed), ("added", edits.added), ("retired", edits.retired)
    ):  # fmt: skip
        for memory in memories:
            print(
                f"Edited in memories/: {word} {memory.id}  {displayed(memory).text}",
                file=sys.stderr,
            )
    for memory in edits.proposed:
        print(
            f"Noted in memories/, waits for approval: {memory.id}  {displayed(memory).text}",
            file=sys.stderr,
        )
    for line in edits.ignored:
        print(f"Edited in memories/, not taken in: {line}", file=sys.stderr)
    return school


def show(result: Any, as_json: bool, text: str) -> None:
    """Print a command's result on stdout; no memory in it shows its secret."""
    if as_json:
        print(json.dumps(_plain(result), ensure_ascii=False, indent=1, default=str))
    elif text:
        print(text)


def _plain(result: Any) -> Any:
    """Turn records into dicts, memories as they may be shown."""
    from nightschool.trust import displayed
    from nightschool.types import Memory

    if isinstance(result, Memory):
        return asdict(displayed(result))
    if is_dataclass(result) and not isinstance(result, type):
        return {part.name: _plain(getattr(result, part.name)) for part in fields(result)}
    if isinstance(result, dict):
        return {name: _plain(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [_plain(value) for value in result]
    return result


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn what the package raises on purpose into one message and an exit code."""
    try:
        yield
    except NightschoolError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(USAGE if isinstance(error, ConfigError) else ERROR) from error
    except Exception as error:
        said = _of_the_disk(error)
        if said is None:
            raise
        print(f"Error: {said}", file=sys.stderr)
        raise typer.Exit(ERROR) from error


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def _of_the_disk(error: Exception) -> str | None:
    """Say what to do about a disk that takes no more, or a damaged database; None for every other error.

    Told by the number where there is one; SQLite and the weights' writer give only a text.
    """
    from nightschool.damage import REMEDY, damage

    number = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if damage(error):
        return f"The database is damaged ({damage(error)}). {REMEDY}"
    if number in FULL or re.search(r"disk is full|No space left|File too large|disk I/O", text):
        return (
            f"Nothing more can be written: {text}. Free some space and run the same command "
            "again; what was stored before is whole, and a night goes on where it was."
        )
    if number in CLOSED or "readonly database" in text or "unable to open database" in text:
        return f"This may not be written: {text}. Make the folder writable, or use another one."
    return None


def bars(quiet: bool) -> Callable[[str], AbstractContextManager[Progress]]:
    """Return a maker of progress bars (on stderr)."""
    from nightschool.runlog import progress_bar

    return lambda label: progress_bar(label, quiet=quiet)
