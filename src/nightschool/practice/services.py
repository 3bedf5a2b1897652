"""Mock services, executed in process: state, answers and errors behind tools that a JSON Schema describes.

Two kinds: records that are added, looked up, changed and removed (what most HTTP APIs do), and any tools that a
user's OpenAPI document or list defines, whose calls are kept and acknowledged with a reference. No answer is
fetched from anywhere.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nightschool.calls import EXAM, STUDY, Call, Schema, draw_call, flaw, said, settled
from nightschool.errors import EnvironmentBroken
from nightschool.types import Split, Tool, digest

SIDES: dict[Split, int] = {"train": STUDY, "held_out": EXAM}
"""Split -> the side of the pools from which its values are drawn; names and words never meet."""
RECORDS = 5
"""Records that a service holds at the start."""
Answer = dict[str, Any]


class Service(Protocol):
    """A mock service."""

    tools: Sequence[Tool]
    state: dict[str, Any]
    """All that calls can change, as JSON; equal states mean that the same was done."""

    def call(self, call: Call) -> Answer:
        """Execute a call and return its answer; `{"error": ...}` where it is refused, and then nothing changed."""
        ...


def refusal(call: Call, tools: Sequence[Tool]) -> Answer | None:
    """Return the error for a call of no tool, or one that breaks the tool's schema; None where it may be executed."""
    schemas = {tool.name: tool.schema for tool in tools}
    if call.name not in schemas:
        return {"error": f"no tool is called {call.name[:80]}; there are {', '.join(schemas)}"}
    broken = flaw(call.arguments, schemas[call.name])
    return {"error": broken[:300]} if broken else None


# -- records ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record."""

    noun: str
    nouns: str
    label: str
    """The field by which people name a record; texts of it differ within a service."""
    fields: Schema
    """Field -> its JSON Schema, the label's first."""

    @property
    def mark(self) -> str:
        """How its ids begin."""
        return self.noun[0].upper()


def _text(told: str, **more: Any) -> Schema:
    return {"type": "string", "description": told, **more}


def _count(told: str, most: int) -> Schema:
    return {"type": "integer", "description": told, "minimum": 1, "maximum": most}


DATE = _text("Day, as YYYY-MM-DD", format="date")
TIME = _text("Hour, as HH:MM")
KINDS = {
    kind.noun: kind
    for kind in (
        Kind("booking", "bookings", "guest", {"guest": _text("Who comes"), "date": DATE, "time": TIME, "seats": _count("How many seats", 12)}),
        Kind("loan", "loans", "member", {"member": _text("Who borrows"), "title": _text("What is borrowed"), "date": DATE}),
        Kind("parcel", "parcels", "recipient", {"recipient": _text("Who receives it"), "city": _text("Where it goes"), "grams": _count("Weight", 5000)}),
        Kind("meeting", "meetings", "topic", {"topic": _text("What it is about"), "owner": _text("Who leads it"), "date": DATE, "minutes": _count("Length", 180)}),
        Kind("shift", "shifts", "employee", {"employee": _text("Who works"), "date": DATE, "hours": _count("How long", 10), "station": _text("Where")}),
    )
}  # fmt: skip


def drawn_records(kind: Kind, rng: random.Random, side: int) -> dict[str, Any]:
    """Draw the records that a service holds at the start: id -> fields; labels differ."""
    found: dict[str, Any] = {}
    labels: set[str] = set()
    schema = {"type": "object", "properties": kind.fields, "required": list(kind.fields)}
    while len(found) < RECORDS:
        drawn = draw_call("", schema, rng, side)
        number = f"{kind.mark}-{rng.randrange(100, 1000)}"
        if drawn and number not in found and drawn.arguments[kind.label].lower() not in labels:
            labels.add(drawn.arguments[kind.label].lower())
            found[number] = drawn.arguments
    return found


class Records:
    """Records of one kind behind five tools; implements `Service`."""

    def __init__(self, kind: Kind, records: Mapping[str, Any]) -> None:
        """Take the records that it begins with; they are copied."""
        self.kind = kind
        self.state: dict[str, Any] = copy.deepcopy(dict(records))
        self.tools: Sequence[Tool] = record_tools(kind)
        self._by_name = {tool.name: tool for tool in self.tools}

    def call(self, call: Call) -> Answer:
        """Execute a call; see `Service.call`."""
        refused = refusal(call, self.tools)
        if refused:
            return refused
        kind, given = self.kind, settled(call.arguments, self._by_name[call.name].schema)
        verb = call.name.partition("_")[0]
        if verb == "add":
            number = self._next()
            self.state[number] = given
            return {"id": number, **given}
        if verb == "find":
            wanted = given[kind.label].lower()
            return {"ids": [n for n, one in self.state.items() if one[kind.label].lower() == wanted]}  # fmt: skip
        number = given.pop("id")
        if number not in self.state:
            return {"error": f"no {kind.noun} has the id {number[:40]}"}
        if verb == "remove":
            del self.state[number]
            return {"removed": number}
        if verb == "change":
            self.state[number] = {**self.state[number], **given}
        return {"id": number, **self.state[number]}

    def _next(self) -> str:
        highest = max((int(number.rpartition("-")[2]) for number in self.state), default=99)
        return f"{self.kind.mark}-{highest + 1}"


def record_tools(kind: Kind) -> list[Tool]:
    """Define the five tools of a kind of record."""
    ident = {"id": _text(f"Id of the {kind.noun}, such as {kind.mark}-123")}
    label = {kind.label: kind.fields[kind.label]}

    def tool(verb: str, purpose: str, fields: Schema, required: list[str], **more: Any) -> Tool:
        name = f"{verb}_{kind.nouns if verb == 'find' else kind.noun}"
        schema = {
            "type": "object", "properties": fields, "required": required, "additionalProperties": False,
        }  # fmt: skip
        return Tool(name, purpose, schema | more)

    return [
        tool("add", f"Add a {kind.noun}.", kind.fields, list(kind.fields)),
        tool("get", f"Get a {kind.noun}.", ident, ["id"]),
        tool("find", f"Find the ids of {kind.nouns} by {kind.label}.", label, [kind.label]),
        tool("change", f"Change fields of a {kind.noun}.", ident | kind.fields, ["id"], minProperties=2),
        tool("remove", f"Remove a {kind.noun}.", ident, ["id"]),
    ]  # fmt: skip


# -- what a user defines ------------------------------------------------------------------


class Declared:
    """Any tools; each valid call is kept, and acknowledged with a reference; implements `Service`."""

    def __init__(self, tools: Sequence[Tool], seed: str) -> None:
        """Take the tools, and what the references are derived from."""
        self.tools: Sequence[Tool] = tuple(tools)
        self.state: dict[str, Any] = {"calls": []}
        self._seed = seed

    def call(self, call: Call) -> Answer:
        """Keep a valid call; see `Service.call`."""
        refused = refusal(call, self.tools)
        if refused:
            return refused
        schema = next(tool.schema for tool in self.tools if tool.name == call.name)
        arguments = json.loads(json.dumps(settled(call.arguments, schema)))
        done = {"name": call.name, "arguments": arguments}
        self.state["calls"].append(done)
        return {"status": "done", "reference": reference(self._seed, done)}


def reference(seed: str, done: Mapping[str, Any]) -> str:
    """Return the reference of a call that was executed: it cannot be told without executing the same call."""
    return f"R{int(digest(seed, str(sorted(done.items())))[:8], 16) % 900_000 + 100_000}"


def form_of(call: Call) -> str:
    """Say a call's arguments as a form that is filled in."""
    return "; ".join(f"{key} = {said(value)}" for key, value in call.arguments.items()) or "none"


def drawable(tools: Sequence[Tool], source: str) -> list[Tool]:
    """Return the tools for which calls can be drawn.

    Raises:
        EnvironmentBroken: There is none.
    """
    found = [tool for tool in tools if draw_call(tool.name, tool.schema, random.Random(0), STUDY)]
    if not found:
        raise EnvironmentBroken(
            f"{source}: no call can be drawn for any of its tools. Give their arguments types, and examples where "
            "they have patterns."
        )
    return found
