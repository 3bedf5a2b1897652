"""A bounded store of notes, and the edits that an action may make to it: plain lines, or calls of the memory tool.

The tool's names and arguments are those that chats use (`command`, `path`, `insert_text`, ...). A call of it costs about thirty
tokens beside the note itself, so that plain lines are what small models practise; both do the same to the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import ceil

from nightschool.calls import Call, parse_call
from nightschool.prompts import CHARACTERS_PER_TOKEN, DROP, NOTE, NOTHING, inert

PATH = "/memories/notes.md"
"""The one file that there is."""
TOOL = "memory"
MOST_EDITS = 12
"""Lines of an action that are looked at; the rest is refused."""


def tokens_of(lines: Iterable[str]) -> int:
    """Estimate the tokens of notes, one a line."""
    return ceil(sum(len(line) + 1 for line in lines) / CHARACTERS_PER_TOKEN)


class Notebook:
    """Notes up to a number of tokens. What does not fit is refused, and what was there stays."""

    def __init__(self, room: int, lines: Iterable[str] = ()) -> None:
        """Take the room, in tokens, and the notes that stand there already."""
        self.room = room
        self.lines = list(lines)
        self.edits = self.valid = self.refused = 0
        """Edits so far, those among them that were executed, and those that did not fit."""

    @property
    def tokens(self) -> int:
        """How much of the room is taken."""
        return tokens_of(self.lines)

    @property
    def text(self) -> str:
        """The notes, a line for each."""
        return "\n".join(f"- {line}" for line in self.lines) or "(none)"

    def apply(self, action: str) -> list[str]:
        """Execute the edits of an action in their order; return what was said to those that did nothing."""
        edits = [line.strip() for line in action.splitlines() if line.strip()]
        if len(edits) == 1 and edits[0].lower().rstrip(".") == NOTHING:
            return []
        found = [self._edit(line) for line in edits[:MOST_EDITS]] or ["Nothing was written."]
        self.edits += max(len(edits), 1)
        self.valid += sum(not told for told in found)
        if len(edits) > MOST_EDITS:
            found.append(f"More than {MOST_EDITS} lines were written.")
        return [told for told in found if told]

    def _edit(self, line: str) -> str:
        """Execute one edit; return why it did nothing, or nothing where it did."""
        plain = line.removeprefix("- ")
        if plain.lower().startswith(NOTE):
            return self._add(plain[len(NOTE) :], len(self.lines))
        if plain.lower().startswith(DROP):
            return self._replace(plain[len(DROP) :].strip(), "", whole=True)
        call = parse_call(line) if line.startswith("{") and line.endswith("}") else None
        if call is None or call.name != TOOL:
            return f"This is no edit: {inert(line[:40])}"
        return self._call(call)

    def _call(self, call: Call) -> str:
        given = call.arguments
        texts = {name: value for name, value in given.items() if isinstance(value, str)}
        command, path = texts.get("command"), texts.get("path")
        if path != PATH:
            return f"The path {inert(str(path)[:40])} does not exist."
        if command == "insert" and "insert_text" in texts:
            place = given.get("insert_line")
            if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= len(self.lines):  # fmt: skip
                return f"Invalid `insert_line`; it should be within [0, {len(self.lines)}]."
            return self._add(texts["insert_text"], place)
        if command == "str_replace" and {"old_str", "new_str"} <= set(texts):
            return self._replace(texts["old_str"], texts["new_str"], whole=False)
        return "Use the command insert or str_replace, with its fields."

    def _add(self, text: str, place: int) -> str:
        line = _flat(text)
        if not line:
            return "The note is empty."
        return self._put([*self.lines[:place], line, *self.lines[place:]])

    def _replace(self, old: str, new: str, *, whole: bool) -> str:
        """Put a text in the place of another that stands in one line; without a rest, the line goes."""
        holding = [place for place, line in enumerate(self.lines) if old and old.lower() in line.lower()]  # fmt: skip
        if not holding:
            return f"No note holds {inert(old[:40])!r}."
        at = holding[0]
        line = self.lines[at]
        start = line.lower().find(old.lower())
        rest = "" if whole else _flat(line[:start] + new + line[start + len(old) :])
        return self._put([*self.lines[:at], *([rest] if rest else []), *self.lines[at + 1 :]])

    def _put(self, lines: list[str]) -> str:
        if tokens_of(lines) > max(self.room, self.tokens):
            self.refused += 1
            return f"A note did not fit: the notes have room for {self.room} tokens."
        self.lines = lines
        return ""


def note(text: str, as_call: bool, place: int) -> str:
    """Write the edit that adds a note.

    Args:
        text: The note.
        as_call: As a call of the memory tool.
        place: How many notes stand before it.
    """
    if not as_call:
        return f"{NOTE} {text}"
    return _call("insert", insert_line=place, insert_text=text)


def drop(text: str, as_call: bool) -> str:
    """Write the edit that takes a note out."""
    return _call("str_replace", old_str=text, new_str="") if as_call else f"{DROP} {text}"


def _call(command: str, **given: object) -> str:
    return json.dumps({"name": TOOL, "arguments": {"command": command, "path": PATH, **given}})


def _flat(text: str) -> str:
    """Bring a note on one line, without marks of chat templates."""
    return inert(" ".join(text.split()))
