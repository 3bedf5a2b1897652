"""The memory tool on the server's side: a `:memory` model may look into its notes and write some before it answers.

A call comes from the engine's structured answer alone; what stands in a text is no call. What a model writes is
a proposal: it waits for approval, as over every other door.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fastapi import Request

from nightschool.curate import tier_of_view, use_memory_tool
from nightschool.errors import NightschoolError
from nightschool.memory.tool import MemoryTool
from nightschool.prompts import inert
from nightschool.serve.answers import Answering, ask, in_thread, tokens_of
from nightschool.serve.relay import Relay
from nightschool.trust import lowest, tier
from nightschool.types import Trust

NAME = "memory"
LONGEST_RESULT = 16_000
"""Characters of a tool's answer that go to the model."""
COUNTED = ("prompt_tokens", "completion_tokens", "total_tokens")
_TEXT = {"type": "string"}
DEFINITION: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": "View and change notes under /memories: files that outlive the conversation. "
        "Commands: view (path, view_range), create (path, file_text), str_replace (path, old_str, new_str), "
        "insert (path, insert_line, insert_text), delete (path), rename (old_path, new_path).",
        "parameters": {
            "type": "object",
            "required": ["command"],
            "properties": {
                "command": {
                    "type": "string",
                    "enum": ["view", "create", "str_replace", "insert", "delete", "rename"],
                },
                "path": _TEXT,
                "view_range": {"type": "array", "items": {"type": "integer"}},
                "file_text": _TEXT,
                "old_str": _TEXT,
                "new_str": _TEXT,
                "insert_line": {"type": "integer"},
                "insert_text": _TEXT,
                "old_path": _TEXT,
                "new_path": _TEXT,
            },
        },
    },
}


async def answer_with_memory(
    relay: Relay, request: Request, answering: Answering, asked: dict[str, Any]
) -> dict[str, Any]:
    """Ask the engine until it answers, or calls a tool of the client's; return that answer.

    The memory tool's calls are executed and never seen by the client, also where it calls one of the client's
    along with them. The usage is that of all rounds. After `serve.tool_rounds` of them the
    model is asked once more, without it.

    Raises: see `answers.ask`.
    """
    house, tenant = answering.house, answering.caller.tenant
    with_output = any(message["role"] == "tool" for message in asked["messages"])
    trust = lowest(Trust.TOOL if with_output else Trust.USER, *map(tier, answering.recalled))
    own = [tool for tool in asked.get("tools") or () if tool["function"]["name"] != NAME]
    messages = list(asked["messages"])

    def begin() -> MemoryTool:
        with house.school(tenant) as school:
            return school.memory_tool()

    tool = await in_thread(begin)
    spent: Counter[str] = Counter()

    def execute(call: dict[str, Any]) -> str:
        nonlocal trust
        given = _arguments(call)
        if given is None:
            return "Error: The arguments are not a JSON object."
        try:
            with house.school(tenant) as school:
                text = use_memory_tool(school, tool, given, trust).text[:LONGEST_RESULT]
                if given.get("command") == "view":  # from now on it writes under what it has read
                    trust = lowest(trust, tier_of_view(school, str(given.get("path")), text))
                return inert(text)
        except NightschoolError as error:
            return f"Error: {error}"

    for left in reversed(range(house.settings.serve.tool_rounds + 1)):
        tools = [*own, DEFINITION] if left else own
        body = {**asked, "messages": messages, "tools": tools}
        if not tools:
            body = {k: v for k, v in body.items() if k not in ("tools", "tool_choice")}
        answer = await ask(relay, request, answering, "chat/completions", body)
        _add_up(answering, spent, answer)
        message = (answer.get("choices") or [{}])[0].get("message") or {}
        calls = message.get("tool_calls") or []
        ours = [call for call in calls if _name(call) == NAME]
        if not ours or not left:
            return answer
        messages = [*messages, {**message, "content": message.get("content") or ""}]
        for call in ours:
            text = await in_thread(lambda call=call: execute(call))  # type: ignore[misc]
            messages.append({"role": "tool", "tool_call_id": call.get("id", ""), "content": text})
        if len(ours) < len(calls):  # the client's calls are the client's to make
            message["tool_calls"] = [call for call in calls if _name(call) != NAME]
            return answer
        if isinstance(asked.get("tool_choice"), dict) or asked.get("tool_choice") == "required":
            asked = {**asked, "tool_choice": "auto"}  # it has called one
    raise AssertionError("the last round returns")


def as_events(
    answering: Answering, answer: dict[str, Any], with_usage: bool
) -> Iterator[dict[str, Any]]:
    """Tell a whole answer as the events of a stream."""
    choice = (answer.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    delta: dict[str, Any] = {"role": "assistant", "content": message.get("content")}
    if message.get("tool_calls"):
        delta["tool_calls"] = [
            {"index": place, **call} for place, call in enumerate(message["tool_calls"])
        ]
    rows = [
        {"index": 0, "delta": delta, "finish_reason": None, "logprobs": choice.get("logprobs")},
        {"index": 0, "delta": {}, "finish_reason": choice.get("finish_reason")},
    ]
    for place, row in enumerate(rows):
        yield answering.part({"choices": [row]}, first=place == 0)
    answering.ended = True
    if with_usage:
        yield answering.part({"choices": [], "usage": answer.get("usage")}, first=False)


def _add_up(answering: Answering, spent: Counter[str], answer: dict[str, Any]) -> None:
    """Add a round's tokens to those of the rounds before, and have its answer tell them all."""
    usage = answer.get("usage")
    if isinstance(usage, dict):
        spent.update({name: usage[name] for name in COUNTED if isinstance(usage.get(name), int)})
        answer["usage"] = {**usage, **spent}
    answering.tokens = tokens_of(answer) or answering.tokens


def _name(call: dict[str, Any]) -> str:
    return str((call.get("function") or {}).get("name"))


def _arguments(call: dict[str, Any]) -> dict[str, Any] | None:
    given = (call.get("function") or {}).get("arguments")
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
