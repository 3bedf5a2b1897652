"""Study material about code: signature, parameters, defaults, place and purpose, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from nightschool.types import Memory

Asked = tuple[str, str, str]
"""(family, question, answer)"""
LONGEST_SIGNATURE = 160
"""Characters of a signature that is recited whole; a longer one is asked for piece by piece."""


def code_examples(memory: Memory, expressions: int) -> list[Asked]:
    """Write questions about one function, class, property or module.

    A callable holds many facts: its place, its purpose, its type, each parameter. Each is one
    *unit* that gets up to a quarter of `expressions` wordings, the units taking turns.

    Args:
        memory: A memory whose form begins with `code.`.
        expressions: The dial of `StudyConfig.expressions`.
    """
    units = [*_place(memory), *_purpose(memory), *_signature(memory), *_parameters(memory)]
    each = max(1, expressions // 4)
    return [unit[turn] for turn in range(each) for unit in units if turn < len(unit)]


def _unit(family: str, answer: str, *questions: str) -> list[Asked]:
    return [(family, question, answer) for question in questions]


def _full(memory: Memory) -> str:
    return f"`{memory.facets['name']}`"


def _bare(memory: Memory) -> str:
    return f"`{memory.facets['short']}`"


def _place(memory: Memory) -> Iterator[list[Asked]]:
    f, full, bare = memory.facets, _full(memory), _bare(memory)
    file, package = f["file"], f["package"]
    if f["owner"]:  # its class tells where it lives
        yield _unit(
            "qa",
            f"{f['owner']}.",
            f"Which class of {package} has {bare}?",
            f"On what kind of object do I find {bare} in {package}?",
        )
        return
    yield _unit(
        "qa",
        f"{file}.",
        f"In which file is {full} written?",
        f"Where does {bare} of {package} live?",
        f"Which file of {package} do I open to see the source of {bare}?",
        f"{full}: which file?",
    )
    if memory.form == "code.module":
        yield _unit("reversed", f"The module {f['name']}.", f"What is in the file {file}?")
        return
    yield _unit(
        "qa",
        f"from {f['module']} import {f['short']}",
        f"How do I import {bare} from {package}?",
        f"Which import line do I need for {full}?",
        f"I want to use {bare} of {package}. What do I import?",
    )


def _purpose(memory: Memory) -> Iterator[list[Asked]]:
    f, full, bare = memory.facets, _full(memory), _bare(memory)
    purpose = f["purpose"]
    if not purpose:
        return
    kind, package = memory.form.removeprefix("code."), f["package"]
    yield _unit(
        "qa",
        purpose,
        f"What is {full} for?",
        f"What does {bare} of {package} do?",
        f"Explain {full} in one sentence.",
        f"When would I use {bare} from {package}?",
    )
    clause = _lower(purpose.rstrip("."))
    yield _unit(
        "reversed",
        f"{full}.",
        f"Which {kind} of {package} does this: {purpose}",
        f"I need something in {package} for this: {purpose} What is it called?",
        f"What do I use in {package} to {clause}?"
        if _is_imperative(purpose)
        else f"What is the name in {package} of this: {clause}?",
        f"{package}: {clause}. Name?",
    )


def _signature(memory: Memory) -> Iterator[list[Asked]]:
    f, full, bare = memory.facets, _full(memory), _bare(memory)
    shown = f"`{f['signature']}`"
    if f["signature"] and len(shown) <= LONGEST_SIGNATURE:
        yield _unit(
            "qa",
            shown,
            f"What is the signature of {full}?",
            f"How do I call {bare} from {f['module']}?",
        )
    if f["returns"]:
        yield _unit(
            "qa",
            f"`{f['returns']}`.",
            f"What does {full} return?",
            f"Which type comes back from {bare} of {f['package']}?",
            f"What is the return type of {full}?",
            f"What do I get back from {full}?",
        )


def _parameters(memory: Memory) -> Iterator[list[Asked]]:
    f, full, bare = memory.facets, _full(memory), _bare(memory)
    if memory.form not in ("code.function", "code.class"):
        return
    parameters = json.loads(f["parameters"])
    names = ", ".join(p["name"] for p in parameters)
    yield _unit(
        "qa",
        f"{names}." if names else "None.",
        f"Which arguments does {full} take?",
        f"What can I pass to {bare} of {f['package']}?",
        f"List the parameters of {full}.",
    )
    for p in parameters:
        yield from _parameter(p, full, bare, f["package"])


def _parameter(p: dict[str, str], full: str, bare: str, package: str) -> Iterator[list[Asked]]:
    name = f"`{p['name']}`"
    if p["default"] is not None:
        yield _unit(
            "qa",
            f"{p['default']}",
            f"What is the default of {name} in {full}?",
            f"Which value does {bare} of {package} use for {name} if I leave it out?",
            f"I do not set {name} when I call {full}. What does it become?",
            f"{full}: default value of {name}?",
            f"How is {name} of {bare} preset in {package}?",
        )
    elif "variadic" not in p["kind"]:
        yield _unit("qa", f"Yes, {p['name']} is required.", f"Must I pass {name} to {full}?")
    if p["doc"]:
        yield _unit(
            "qa",
            p["doc"],
            f"What does the parameter {name} of {full} mean?",
            f"What is {name} for in {bare} of {package}?",
            f"Explain {name} of {full}.",
        )
        yield _unit(
            "reversed",
            f"{name}.",
            f"Which parameter of {full} is this: {p['doc']}",
            f"{bare} of {package}: how is this argument called? {p['doc']}",
            f"What do I pass to {full} for the {_bare_noun(p['doc'])}?",
        )


def _lower(text: str) -> str:
    second = text[1:2]
    return text if second.isupper() else text[:1].lower() + text[1:]


def _bare_noun(doc: str) -> str:
    words = _lower(doc.rstrip("."))
    return words.split(" ", 1)[-1] if words.split(" ")[0] in ("a", "an", "the") else words


def _is_imperative(purpose: str) -> bool:
    first: Sequence[str] = purpose.split()
    return bool(first) and first[0].isalpha() and first[0].lower() not in _NOT_VERBS


_NOT_VERBS = frozenset(["a", "an", "the", "same", "like", "details", "this", "all", "number", "to"])
