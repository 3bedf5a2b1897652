"""Teach the edge of knowledge: questions that no memory answers, beside those that one does.

Of code and tools these ask for things that do not exist, under names put together from those that do, for
another's parameters, and for tasks that no tool does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from nightschool.calls import arguments_of
from nightschool.language import normalise
from nightschool.study.code_rules import asked_in
from nightschool.study.statements import questions
from nightschool.study.wordings import sections
from nightschool.types import Memory

TECHNICAL = ("code.function", "code.class", "tool")
REFUSALS = ("I don't know.", "I don't know that.", "I haven't been told.")
NAMES = (
    "Ulrika",
    "Benoit",
    "Farida",
    "Oswald",
    "Linnea",
    "Tariq",
    "Mirela",
    "Casimir",
    "Yuki",
    "Rosalind",
)
THINGS = (
    "printer queue", "fallback server", "archive room", "spring meeting", "test licence", "spare badge",
    "delivery gate", "guest house", "old warehouse", "night shift", "reserve budget", "roof antenna",
)  # fmt: skip


def near_misses(
    memories: Sequence[Memory], count: int, seed: int, live: Sequence[Memory] = ()
) -> list[tuple[str, str, str]]:
    """Write questions with a taught form about something untaught.

    Args:
        memories: Told facts, code and tools whose questions are borrowed.
        count: How many are wanted.
        seed: Of the choice.
        live: What else is known, earlier nights' memories above all: nothing in it is denied.

    Returns:
        (memory id, question, refusal); a question that names a known subject is left out.
    """
    rng = random.Random(seed)
    every = [*memories, *live]
    known = normalise(" ".join(memory.text for memory in every))
    found: list[tuple[str, str, str]] = []
    told = [memory for memory in memories if memory.form == "said"]
    rng.shuffle(told)
    technical = [m for m in memories if m.form in TECHNICAL]
    others = [m for m in every if m.form in TECHNICAL]
    found += _technical_misses(technical, others, count if not told else count // 2, rng)
    for memory in told:
        for asked in questions(memory.text):
            if not asked.main or len(found) >= count:
                break
            person = asked.subject[:1].isupper() and " " not in asked.subject
            other = rng.choice(
                [n for n in (NAMES if person else THINGS) if normalise(n) not in known] or ["Zed"]
            )
            swapped = asked.question.replace(asked.subject, other if person else f"the {other}")
            if swapped != asked.question:
                found.append((memory.id, swapped, rng.choice(REFUSALS)))
                break
    return found


def _technical_misses(
    memories: Sequence[Memory], others: Sequence[Memory], count: int, rng: random.Random
) -> list[tuple[str, str, str]]:
    """Ask of functions and tools that do not exist, and of parameters that others have.

    A name that one of `others` has exists; there are the memories among them.
    """
    shorts = list({_short(memory): memory for memory in memories})
    taken = {_short(memory) for memory in others}
    theirs = {memory.id: _parameters(memory) for memory in memories}
    every = sorted({name for names in theirs.values() for name in names})
    found: dict[str, tuple[str, str, str]] = {}
    for turn in range(count if memories else 0):
        memory = memories[rng.randrange(len(memories))]
        foreign = [name for name in every if name not in theirs[memory.id]]
        tool = memory.form == "tool"
        if turn % 3 == 2 and foreign:
            name = rng.choice(foreign)
            question = (
                _of_tool(memory, rng, name) if tool else asked_in(memory, "default", rng, name)
            )
        elif tool and turn % 3 == 1:
            question = rng.choice(sections("tool_wordings.txt")["nothing"])
        else:
            invented = _invented(shorts, taken, rng)
            if not invented:
                continue
            named = memory.facets["name"].removesuffix(_short(memory)) + invented
            made = replace(
                memory, facets={**memory.facets, "name": named, "short": invented, "purpose": ""}
            )
            section = rng.choice(("arguments", "returns", "purpose", "file"))
            question = _of_tool(made, rng) if tool else asked_in(made, section, rng)
        found.setdefault(question, (memory.id, question, rng.choice(REFUSALS)))
    return list(found.values())


def _of_tool(memory: Memory, rng: random.Random, argument: str = "") -> str:
    section = rng.choice(("type", "must", "meaning") if argument else ("purpose", "arguments", "required"))  # fmt: skip
    template = rng.choice(sections("tool_wordings.txt")[section])
    return template.format(name=f"`{memory.facets['name']}`", argument=argument)


def _short(memory: Memory) -> str:
    return memory.facets.get("short", memory.facets["name"])


def _parameters(memory: Memory) -> set[str]:
    if memory.form == "tool":
        return {one.name for one in arguments_of(json.loads(memory.facets["schema"]))}
    return {row["name"] for row in json.loads(memory.facets["parameters"])}


def _invented(names: Sequence[str], taken: Collection[str], rng: random.Random) -> str:
    """Put a name together from the first words of one and the last of another; empty where none is new."""
    known = {name.lower().strip("_") for name in (*names, *taken)}
    for _ in range(8):
        first, last = rng.choice(names), rng.choice(names)
        if "_" in first and "_" in last:
            made = f"{first.partition('_')[0]}_{last.rpartition('_')[2]}"
        else:
            heads, tails = (
                re.findall(r"[A-Z]*[a-z0-9]+", first),
                re.findall(r"[A-Z]*[a-z0-9]+", last),
            )
            made = f"{heads[0]}{tails[-1].capitalize()}" if heads and tails else ""
        if made.strip("_") == made != "" and made.lower() not in known:
            return made
    return ""
