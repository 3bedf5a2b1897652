"""The memory tool that today's agents speak: six commands on the files under `/memories`.

Input fields and answers are those of the published tool type `memory_20250818`. An answer that
reports a failure is marked as one, and is text that a model can act on.

Source:
    The memory tool's documentation (platform.claude.com, "Memory tool", tool type
    memory_20250818). Where its SDK answers in other words, the documentation is followed: the SDK adds
    "Here is the snippet showing the change (with line numbers):" to an edit, and shortens the answer to a
    wrong `insert_line`. Ours: an insert by line number into, or a delete of, a file that changed since the session saw it
    is refused, and so is a path that the documentation only warns of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightschool.errors import EditConflict, PathRefused
from nightschool.memory.vault import ROOT, Entry, Vault
from nightschool.types import digest

TOOL_TYPE = "memory_20250818"
MOST_LINES = 999_999
AROUND = 4
"""Lines shown before and after an edit."""
FIELDS: dict[str, dict[str, type]] = {
    "view": {"path": str},
    "create": {"path": str, "file_text": str},
    "str_replace": {"path": str, "old_str": str, "new_str": str},
    "insert": {"path": str, "insert_line": int, "insert_text": str},
    "delete": {"path": str},
    "rename": {"old_path": str, "new_path": str},
}
"""Command -> its required fields; `view` may also have `view_range`."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the tool answers."""

    text: str
    is_error: bool = False


@dataclass(slots=True)
class MemoryTool:
    """Executes the commands of one conversation on one tenant's files."""

    vault: Vault
    rendered: Callable[[], frozenset[str]] = frozenset
    """Tells which files are rendered from records: they can be viewed, and change with the records."""
    seen: dict[str, str] = field(default_factory=dict)
    """Path -> digest of the content that this conversation last saw."""

    def call(self, given: Mapping[str, Any]) -> ToolResult:
        """Execute one command; a command that fails changes nothing.

        Args:
            given: The tool call's input: `command`, and the command's fields.
        """
        command = given.get("command")
        if not isinstance(command, str) or command not in FIELDS:
            return _failed(f"Error: Unknown command {command!r}. Use one of: {', '.join(FIELDS)}.")
        for name, kind in FIELDS[command].items():
            value = given.get(name)
            if not isinstance(value, kind) or isinstance(value, bool):
                expected = {str: "text", int: "a whole number"}[kind]
                return _failed(f"Error: `{command}` needs `{name}` ({expected}), not {value!r}.")
        try:
            paths = [given[name] for name in FIELDS[command] if name.endswith("path")]
            if command != "view" and any(map(self._is_rendered, paths)):
                return _failed(
                    "Error: This file shows what the owner has learnt, and is written by itself. Write "
                    "what should be remembered into a file of your own, such as /memories/notes.md, a "
                    "line for each statement; the owner looks through it."
                )
            result: ToolResult = getattr(self, f"_{command}")(given)
        except (PathRefused, EditConflict) as error:
            result = _failed(f"Error: {error}")
        return result

    def _key(self, path: str) -> str:
        return str(self.vault.real(path))

    def _is_rendered(self, path: str) -> bool:
        """Compare places, not names: some disks take `memory.md` for `MEMORY.md`."""
        place = str(self.vault.real(path)).casefold()
        names = (one.removeprefix(ROOT) for one in self.rendered())
        return place in {f"{self.vault.folder}{name}".casefold() for name in names}

    def _view(self, given: Mapping[str, Any]) -> ToolResult:
        path = given["path"]
        if not self.vault.exists(path):
            return _failed(f"The path {path} does not exist. Please provide a valid path.")
        if self.vault.is_folder(path):
            rows = [f"{_human(e)}\t{e.path}" for e in self.vault.entries(path)]
            return ToolResult(
                f"Here're the files and directories up to 2 levels deep in {path}, "
                "excluding hidden items and node_modules:\n" + "\n".join(rows)
            )
        text = self.vault.read(path)
        lines = _lines(text)
        if len(lines) > MOST_LINES:
            return _failed(f"File {path} exceeds maximum line limit of {MOST_LINES:,} lines.")
        asked = given.get("view_range")
        first, last = 1, len(lines)
        if asked is not None:
            if not _is_range(asked, len(lines)):
                return _failed(
                    f"Error: Invalid `view_range` parameter: {asked}. It should be two line numbers "
                    f"within [1, {len(lines)}], the second -1 for the last line."
                )
            first, last = asked[0], asked[1] if asked[1] != -1 else len(lines)
        self.seen[self._key(path)] = digest(text)
        return ToolResult(
            f"Here's the content of {path} with line numbers:\n{_numbered(lines, first, last)}"
        )

    def _create(self, given: Mapping[str, Any]) -> ToolResult:
        path, text = given["path"], given["file_text"]
        exists = _failed(f"Error: File {path} already exists")
        if self.vault.exists(path):
            return exists
        try:
            self.vault.write(path, text, expected="")
        except EditConflict:
            return exists  # somebody else was faster
        self.seen[self._key(path)] = digest(text)
        return ToolResult(f"File created successfully at: {path}")

    def _str_replace(self, given: Mapping[str, Any]) -> ToolResult:
        path, old, new = given["path"], given["old_str"], given["new_str"]
        if not self.vault.exists(path) or self.vault.is_folder(path):
            return _failed(f"Error: The path {path} does not exist. Please provide a valid path.")
        text = self.vault.read(path)
        starts = _starts(text, old)
        if not starts:
            return _failed(
                f"No replacement was performed, old_str `{old}` did not appear verbatim in {path}."
            )
        numbers = [text.count("\n", 0, start) + 1 for start in starts]
        if len(starts) > 1:
            return _failed(
                f"No replacement was performed. Multiple occurrences of old_str `{old}` in lines: "
                f"{', '.join(map(str, numbers))}. Please ensure it is unique"
            )
        edited = text[: starts[0]] + new + text[starts[0] + len(old) :]
        self.vault.write(path, edited, expected=digest(text))
        self.seen[self._key(path)] = digest(edited)
        lines = _lines(edited)
        first = max(1, numbers[0] - AROUND)
        last = min(len(lines), numbers[0] + new.count("\n") + AROUND)
        return ToolResult(
            f"The memory file has been edited.\n{_numbered(lines, first, last)}".rstrip("\n")
        )

    def _insert(self, given: Mapping[str, Any]) -> ToolResult:
        path, number, added = given["path"], given["insert_line"], given["insert_text"]
        if not self.vault.exists(path) or self.vault.is_folder(path):
            return _failed(f"Error: The path {path} does not exist")
        text = self.vault.read(path)
        lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        if not 0 <= number <= len(lines):
            return _failed(
                f"Error: Invalid `insert_line` parameter: {number}. It should be within the range of "
                f"lines of the file: [0, {len(lines)}]"
            )
        if self.seen.get(self._key(path), digest(text)) != digest(
            text
        ):  # the number counts other lines
            raise EditConflict(
                f"{path} has changed since it was viewed. View it again, and repeat the edit."
            )
        if lines and number == len(lines) and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.insert(number, added if added.endswith("\n") else f"{added}\n")
        edited = "".join(lines)
        self.vault.write(path, edited, expected=digest(text))
        self.seen[self._key(path)] = digest(edited)
        return ToolResult(f"The file {path} has been edited.")

    def _delete(self, given: Mapping[str, Any]) -> ToolResult:
        path = given["path"]
        if not self.vault.exists(path):
            return _failed(f"Error: The path {path} does not exist")
        self.vault.delete(path, expected=self.seen.get(self._key(path)))
        self.seen.pop(self._key(path), None)
        return ToolResult(f"Successfully deleted {path}")

    def _rename(self, given: Mapping[str, Any]) -> ToolResult:
        old, new = given["old_path"], given["new_path"]
        try:
            self.vault.rename(old, new)
        except FileNotFoundError:
            return _failed(f"Error: The path {old} does not exist")
        except FileExistsError:
            return _failed(f"Error: The destination {new} already exists")
        if self._key(old) in self.seen:
            self.seen[self._key(new)] = self.seen.pop(self._key(old))
        return ToolResult(f"Successfully renamed {old} to {new}")


def _failed(text: str) -> ToolResult:
    return ToolResult(text, is_error=True)


def _lines(text: str) -> list[str]:
    """Split at newlines only: other separators are part of a line, as in an editor."""
    return text.removesuffix("\n").split("\n") if text else []


def _numbered(lines: list[str], first: int, last: int) -> str:
    return "\n".join(f"{n:>6}\t{lines[n - 1]}" for n in range(first, last + 1))


def _is_range(asked: Any, lines: int) -> bool:
    if not isinstance(asked, (list, tuple)) or len(asked) != 2:
        return False
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in asked):
        return False
    first, last = int(asked[0]), int(asked[1])
    return 1 <= first <= lines and (last == -1 or first <= last <= lines)


def _starts(text: str, part: str) -> list[int]:
    """Find where a text begins in another, overlapping occurrences included; an empty one nowhere."""
    starts, at = [], text.find(part) if part else -1
    while at >= 0:
        starts.append(at)
        at = text.find(part, at + 1)
    return starts


def _human(entry: Entry) -> str:
    size = float(entry.size_bytes)
    for unit in ("", "K", "M"):
        if size < 1024 or unit == "M":
            break
        size /= 1024
    return f"{size:.1f}{unit}" if unit else f"{entry.size_bytes}"
