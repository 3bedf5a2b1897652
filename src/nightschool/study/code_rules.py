"""Study material about code: signature, parameters, defaults, place and purpose, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest

from nightschool.types import Memory

Asked = tuple[str, str, str]
"""(family, question, answer)"""


def code_examples(memory: Memory) -> list[Asked]:
    """Write questions about one function, class or module, the kinds of fact taking turns."""
    kinds = [
        list(kind)
        for kind in (_signature(memory), _place(memory), _parameters(memory), _purpose(memory))
    ]
    return [one for turn in zip_longest(*kinds) for one in turn if one is not None]


def _signature(memory: Memory) -> Iterator[Asked]:
    f, name = memory.facets, f"`{memory.facets['short']}`"
    if not f["signature"]:
        return
    shown = f"`{f['signature']}`"
    yield "qa", f"What is the signature of {name} in {f['package']}?", shown
    yield "qa", f"How do I call {name} from {f['module']}?", shown
    yield "qa", f"Show me the parameters of {f['name']}.", shown
    if f["returns"]:
        yield "qa", f"What does {name} in {f['package']} return?", f"`{f['returns']}`."
        yield "qa", f"Which type comes back from {f['name']}?", f"`{f['returns']}`."


def _place(memory: Memory) -> Iterator[Asked]:
    f, name = memory.facets, f"`{memory.facets['short']}`"
    if memory.form == "code.module":
        yield "qa", f"Which file holds the module {f['name']}?", f"{f['file']}."
        yield "reversed", f"What is in the file {f['file']}?", f"The module {f['name']}."
        return
    yield "qa", f"Which module of {f['package']} defines {name}?", f"{f['module']}."
    yield "qa", f"Where does {name} live in {f['package']}?", f"In {f['module']} ({f['file']})."
    yield "qa", f"In which file is {name} of {f['package']} written?", f"{f['file']}."
    target = f["owner"] or f["short"]
    yield (
        "qa",
        f"How do I import {target} from {f['package']}?",
        f"from {f['module']} import {target}",
    )
    if f["owner"]:
        yield "qa", f"Which class of {f['package']} has the method {name}?", f"{f['owner']}."


def _parameters(memory: Memory) -> Iterator[Asked]:
    f, name = memory.facets, f"`{memory.facets['short']}`"
    parameters = json.loads(f["parameters"])
    if memory.form == "code.module":
        return
    names = ", ".join(p["name"] for p in parameters)
    yield (
        "qa",
        f"Which arguments does {name} of {f['package']} take?",
        f"{names}." if names else "None.",
    )
    for p in parameters:
        if p["default"] is not None:
            yield "qa", f"What is the default of {p['name']} in {name}?", f"{p['default']}"
            yield (
                "qa",
                f"Which value does {f['name']} use for {p['name']} if I leave it out?",
                f"{p['default']}",
            )
        elif "variadic" not in p["kind"]:
            yield "qa", f"Must I pass {p['name']} to {name}?", f"Yes, {p['name']} is required."


def _purpose(memory: Memory) -> Iterator[Asked]:
    f, name = memory.facets, f"`{memory.facets['short']}`"
    if not f["purpose"]:
        return
    purpose = f["purpose"]
    kind = memory.form.removeprefix("code.")
    yield "qa", f"What is {name} in {f['package']} for?", purpose
    yield "reversed", f"Which {kind} of {f['package']} does this: {purpose}", f"{name}."
    yield "qa", f"What does {f['name']} do?", purpose
    yield (
        "reversed",
        f"I need something in {f['package']} for this: {purpose} What is it called?",
        f"{name}.",
    )
