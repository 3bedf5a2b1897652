"""Study material about tools: worked calls with drawn values, and questions on what a tool is and takes.

The wordings stand in `tool_wordings.txt`. A call is learnt from many requests, because what is to be
learnt is to copy: each has values of its own, which the request says and the call repeats. A request is
the definition's own order ("book a table"), in synonyms and cut short, with each value put in as people
do ("for 4 guests", "on 2026-03-01"), or as a list.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from nightschool.calls import STUDY, Argument, Call, Schema, arguments_of, draw_call, role_of, said
from nightschool.language import parse
from nightschool.study.code_words import bare_noun, catchwords, clause_of, lower, reworded, spoken
from nightschool.study.wordings import sections
from nightschool.types import Memory, digest

Asked = tuple[str, str, str]
"""(family, question, answer)"""
WORDINGS = "tool_wordings.txt"
CALLS = 3
"""Worked calls for each expression of the dial: a fact is one thing to know, a tool has endless uses."""
LISTED = 0.25
"""How often the values stand as a list beside the order."""
REPLACED = 0.6
"""How often a value takes the place of the words for it: "a restaurant" becomes "Luigi's"."""
LONGEST_NOUN = 4
"""Words of a description's noun by which an argument is called."""
FETCHING = {"return", "retrieve", "fetch", "get", "give", "find", "look", "show", "provide"}
FETCHED = ("get", "find", "find out", "look up", "tell me", "show me", "check", "give me")
"""How people ask for what a definition says that the tool returns."""
ORIGINS = {"from", "origin", "source", "start", "sender", "departure"}
TARGETS = {"to", "destination", "target", "end", "recipient", "arrival"}


def tool_examples(memory: Memory, expressions: int) -> list[Asked]:
    """Write worked calls of one tool, and questions about it.

    Args:
        memory: A memory of the form `tool`.
        expressions: The dial of `StudyConfig.expressions`; each thing to know about the tool gets up to a
            sixth of it in wordings, and `CALLS` times as many calls are worked.
    """
    tool = _Tool(memory)
    each = max(1, expressions // 6)
    return [*_about(tool, each), *_about_arguments(tool, each), *_calls(tool, CALLS * expressions)]


class _Tool:
    """A tool as its author sees it."""

    def __init__(self, memory: Memory) -> None:
        self.name = memory.facets["name"]
        self.purpose = memory.facets["purpose"]
        self.schema: Schema = json.loads(memory.facets["schema"])
        self.arguments = arguments_of(self.schema)
        self.orders = _orders(self.name, self.purpose)

    def chosen(self, section: str, count: int, *what: str) -> list[str]:
        """Choose wordings of a section, the same ones each time."""
        templates = sections(WORDINGS)[section]
        rng = random.Random(digest(self.name, section, *what))
        return rng.sample(templates, min(max(1, count), len(templates)))

    def worded(
        self, family: str, section: str, answer: str, count: int, argument: str = ""
    ) -> Iterator[Asked]:
        """Ask for one answer in `count` wordings of a section."""
        for turn, template in enumerate(self.chosen(section, count, argument)):
            mark = ("`{}`", "{}")[turn % 2]
            question = template.format(
                name=mark.format(self.name), argument=mark.format(argument), noun=spoken(argument)
            )
            yield family, question, answer


def _orders(name: str, purpose: str) -> list[str]:
    """Say what a tool does as an order: whole, cut short, and in synonyms; its name where nothing tells."""
    clause = _imperative(clause_of(purpose)) if purpose else ""
    if not clause:
        return [spoken(name) or name]
    rng = random.Random(digest(name, "orders"))
    short = re.split(r" (?:at|for|in|from|to|on|with|of|by|between|and return|and get) ", clause)[0]
    orders = [clause, short] if len(short.split()) > 1 else [clause]
    verb, _, rest = clause.partition(" ")
    if verb in FETCHING and rest:
        rest = re.sub(r"^(?:up|back|out) ", "", rest)
        others = [f"{one} {rest}" for one in FETCHED]
    else:
        others = [other for one in orders for other in reworded(one, True, rng)]
    named = [spoken(name)] if _is_order(spoken(name)) else []
    return list(dict.fromkeys([*orders, *others, *named]))


def _imperative(clause: str) -> str:
    """Turn "Books a table" into "book a table"; empty for what is no order either way."""
    first = next(iter(parse(f"It {clause}")[1:2]), None)
    if _is_order(clause):
        return clause
    if first is not None and first.tag_ == "VBZ":
        return f"{first.lemma_} {clause.partition(' ')[2]}".strip()
    return ""


def _is_order(clause: str) -> bool:
    return bool(clause) and list(parse(f"They told me to {clause}"))[4].tag_ == "VB"


def _about(tool: _Tool, each: int) -> Iterator[Asked]:
    """Ask which tool does it, what it is for, and which arguments it has."""
    rng = random.Random(digest(tool.name, "which"))
    for turn, template in enumerate(tool.chosen("which", 3 * each)):
        order = tool.orders[turn % len(tool.orders)]
        yield "reversed", template.format(verbs=order), f"`{tool.name}`."
    for template in tool.chosen("which_words", each):
        words = " ".join(catchwords(rng.choice(tool.orders), rng))
        yield "reversed", template.format(words=words), f"`{tool.name}`."
    if tool.purpose:
        yield from tool.worded("qa", "purpose", tool.purpose, each)
    for section, rows in (
        ("arguments", tool.arguments),
        ("required", [one for one in tool.arguments if one.required]),
    ):
        names = ", ".join(one.name for one in rows)
        yield from tool.worded("qa", section, f"{names}." if names else "None.", each)


def _about_arguments(tool: _Tool, each: int) -> Iterator[Asked]:
    for one in tool.arguments:
        must = f"Yes, {one.name} is required." if one.required else f"No, {one.name} is optional."
        rows = [("must", must), ("type", f"{one.type}." if one.type else ""), ("meaning", one.doc)]
        if one.choices:
            rows.append(("choices", ", ".join(map(str, one.choices)) + "."))
        if "default" in one.schema:
            rows.append(("default", f"{said(one.schema['default'])}."))
        for section, answer in rows:
            if answer:
                yield from tool.worded("qa", section, answer, each // 2, one.name)
        noun = bare_noun(one.doc) if one.doc else ""
        if noun and len(noun.split()) <= LONGEST_NOUN:
            for template in tool.chosen("argument_for", each // 2, one.name):
                asked = template.format(name=f"`{tool.name}`", noun=noun)
                yield "reversed", asked, f"`{one.name}`."


# -- calls --------------------------------------------------------------------------------


def _calls(tool: _Tool, count: int) -> Iterator[Asked]:
    """Work calls: a request in words with values of its own, and the call that it means."""
    for turn in range(count):
        rng = random.Random(digest(tool.name, "call", str(turn)))
        call = draw_call(tool.name, tool.schema, rng, STUDY)
        if call is None:
            return
        yield "call", _request(tool, call, tool.orders[turn % len(tool.orders)], rng), call.text


def _request(tool: _Tool, call: Call, order: str, rng: random.Random) -> str:
    given = [one for one in tool.arguments if one.name in call.arguments]
    rng.shuffle(given)
    if given and rng.random() < LISTED:
        pieces = [_piece("list_item", one, call.arguments[one.name], rng) for one in given]
        words = rng.choice(("; ", ", ", ", ", "\n")).join(pieces)
        template = rng.choice(sections(WORDINGS)["request_list"])
        return template.format(
            order=order, Order=_capital(order), list=words, List=_capital(words),
            name=tool.name, spoken=spoken(tool.name),
        )  # fmt: skip
    left = []
    for one in given:
        value = said(call.arguments[one.name])
        put = _put_in(order, one, value) if rng.random() < REPLACED else order
        if put == order:
            left.append(one)
        order = put
    pieces = [_said(one, call.arguments[one.name], rng) for one in left]
    words = re.sub(r" ,", ",", " ".join([order, *pieces]))
    if len(pieces) > 2 and rng.random() < 0.4:
        words = f"{order} {', '.join(piece.lstrip(', ') for piece in pieces)}"
    template = rng.choice(sections(WORDINGS)["request"])
    return template.format(request=words, Request=_capital(words))


def _put_in(order: str, one: Argument, value: str) -> str:
    """Put a value where the order has the words for it: "the weather in a city" -> "the weather in Oslo"."""
    if role_of(one.name, one.schema) == "text" and one.type != "string":
        return order
    noun = re.escape(spoken(one.name).split(" ")[-1])
    return re.sub(
        rf"\b(?:an?|the|some|your) (?:given |specific |certain |named )?{noun}\b(?! (?:of|for|in) )",
        lambda _: value,
        order,
        count=1,
    )


def _said(one: Argument, value: Any, rng: random.Random) -> str:
    """Say an argument within a request, in a way that fits what it holds, or by its name."""
    fitting = _section(one, value)
    # "for 2026-03-01" tells what it is; two texts without their names could be either.
    section = fitting if fitting and rng.random() < 0.6 else "say"
    if isinstance(value, bool):
        section = "say_yes" if value else "say_no"
    return _piece(section, one, value, rng)


def _section(one: Argument, value: Any) -> str:
    words = spoken(one.name).split()
    if one.choices:
        return "say_choice"
    if isinstance(value, list):
        return "say_list"
    if isinstance(value, int | float):
        return "say_count" if words and words[-1].endswith("s") else ""
    if not isinstance(value, str):
        return ""
    role = role_of(one.name, one.schema)
    if ORIGINS & set(words) and role in ("place", "person"):
        return "say_from"
    if TARGETS & set(words) and role in ("place", "person"):
        return "say_to"
    return "" if role == "uuid" else f"say_{role}"


def _piece(section: str, one: Argument, value: Any, rng: random.Random) -> str:
    noun = bare_noun(one.doc) if one.doc and rng.random() < 0.3 else ""
    if not noun or len(noun.split()) > LONGEST_NOUN or not noun.isascii():
        noun = spoken(one.name) or one.name
    template = rng.choice(sections(WORDINGS)[section])
    return template.format(noun=lower(noun), value=said(value), argument=one.name)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
