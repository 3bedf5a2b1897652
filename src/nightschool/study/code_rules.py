"""Study material about code: signature, parameters, defaults, place and purpose, in both directions.

The wordings stand in `code_wordings.txt`. What a thing is *for* is asked in the words of its
docstring, in synonyms (`code_synonyms.txt`), and in catchwords. A thing itself is called by its
name, in spoken words ("the plugin manager class"), or by what it is for. The answer to "which?" is
the short name alone: the place before it is asked for on its own, and would only drown it.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

from nightschool.language import without_name
from nightschool.study.code_words import (
    FEWEST_WORDS,
    PLAIN,
    bare_noun,
    called,
    called_shortly,
    catchwords,
    clause_of,
    effect_of,
    is_imperative,
    kind_of,
    lower,
    reworded,
)
from nightschool.study.wordings import sections
from nightschool.types import Memory, digest

Asked = tuple[str, str, str]
"""(family, question, answer)"""
WORDINGS = "code_wordings.txt"
LONGEST_SIGNATURE = 160
"""Characters of a signature that is recited whole; a longer one is asked for piece by piece."""
ELSEWHERE = re.compile(r"\b(?:prefer|use|see|instead)\b", re.IGNORECASE)
"""A sentence of a docstring that sends its reader to something else."""
NAMING = 3
"""Asking for the name of what does something gets so many times the wordings: it is what people ask
most, and it is asked in words that the docstring does not have."""


def code_examples(memory: Memory, expressions: int) -> list[Asked]:
    """Write questions about one function, class, property or module.

    A callable holds many facts: its place, its purpose, its type, each parameter. Each is one
    *unit* that gets up to a sixth of `expressions` wordings.

    Args:
        memory: A memory whose form begins with `code.`.
        expressions: The dial of `StudyConfig.expressions`.
    """
    each = max(1, expressions // 6)
    examples: list[Asked] = []
    for unit in (_place, _purpose, _details, _types, _raises, _parameters, _usage):
        examples += unit(memory, each)
    return examples


def asked_in(memory: Memory, section: str, rng: random.Random, parameter: str = "") -> str:
    """Ask about a thing in one wording of a section, whether it exists or not.

    Args:
        memory: What is asked about.
        section: Of `code_wordings.txt`; one that needs no more than a name and a parameter.
        rng: Chooses the wording.
        parameter: Of which the wording speaks; empty for none.
    """
    template = rng.choice(sections(WORDINGS)[section])
    return _filled(memory, template, parameter=f"`{parameter}`")


def _place(memory: Memory, each: int) -> Iterator[Asked]:
    f, kind = memory.facets, kind_of(memory)
    if f["owner"]:  # its class tells where it lives
        yield from _worded(memory, "qa", "owner", f"{f['owner']}.", each)
    else:
        yield from _worded(memory, "qa", "file", f"{f['file']}.", 2 * each)
    if kind == "module":
        return
    if not f["owner"] and "language" not in f:  # Python
        line = f"from {f['module']} import {f['short']}"
        yield from _worded(memory, "qa", "import", line, each // 2)
    article = "An" if kind[0] in "aeiou" else "A"
    yield from _worded(memory, "qa", "kind", f"{article} {kind}.", each // 3)


def _purpose(memory: Memory, each: int) -> Iterator[Asked]:
    purpose = memory.facets["purpose"]
    if not purpose:
        return
    yield from _worded(memory, "qa", "purpose", purpose, each)
    imperative = is_imperative(purpose)
    clause = clause_of(purpose)
    name = f"`{memory.facets['short']}`."
    rng = random.Random(digest(memory.facets["name"], "clause"))
    short = re.split(r" which | that | so that ", clause)[0]
    clauses = [clause, short] if len(short.split()) > FEWEST_WORDS else [clause]
    said = [*clauses, *(other for one in clauses for other in reworded(one, imperative, rng))]
    said = list(dict.fromkeys(said))
    section = "name_imperative" if imperative else "name_clause"
    wanted = NAMING * each
    for turn, template in enumerate(_chosen(memory, section, wanted * 2 // 3)):
        words = said[turn % len(said)]
        yield "reversed", _filled(memory, template, clause=words, verbs=words), name
    for turn, template in enumerate(_chosen(memory, "name_words", wanted // 3)):
        words = " ".join(catchwords(said[turn % len(said)], rng))
        yield "reversed", _filled(memory, template, words=words), name


def _details(memory: Memory, each: int) -> Iterator[Asked]:
    """Ask for the thing by what else its docstring says of it."""
    rng = random.Random(digest(memory.facets["name"], "details"))
    name = f"`{memory.facets['short']}`."
    for detail in json.loads(memory.facets.get("details", "[]")):
        if ELSEWHERE.search(detail):
            continue
        clause = lower(detail.rstrip("."))
        for section, count in (("name_clause", each // 2), ("name_words", each // 2)):
            for template in _chosen(memory, section, max(1, count), detail):
                words = " ".join(catchwords(clause, rng))
                asked = _filled(memory, template, clause=clause, words=words)
                if memory.facets["short"] not in asked:
                    yield "reversed", asked, name


def _types(memory: Memory, each: int) -> Iterator[Asked]:
    f = memory.facets
    shown = f"`{f['signature']}`"
    if f["signature"] and len(shown) <= LONGEST_SIGNATURE:
        yield from _worded(memory, "qa", "signature", shown, each // 2)
    told = f.get("result", "")
    if f["returns"]:
        yield from _worded(memory, "qa", "returns", f"`{f['returns']}`.", each)
    if told:
        yield from _worded(memory, "qa", "result", told, each)


def _raises(memory: Memory, each: int) -> Iterator[Asked]:
    raised = memory.facets.get("raises", "")
    if raised:
        yield from _worded(memory, "qa", "raises", f"{raised}.", each)


def _parameters(memory: Memory, each: int) -> Iterator[Asked]:
    if memory.form not in ("code.function", "code.class"):
        return
    parameters = json.loads(memory.facets["parameters"])
    names = ", ".join(p["name"] for p in parameters if not p.get("of"))
    yield from _worded(memory, "qa", "arguments", f"{names}." if names else "None.", each // 2)
    for p in parameters:
        name = f"`{p['name']}`"
        if p["default"] is not None:
            yield from _worded(memory, "qa", "default", p["default"], each, parameter=name)
        elif not re.search("variadic|optional", p["kind"]):
            answer = f"Yes, {p['name']} is required."
            yield from _worded(memory, "qa", "required", answer, each // 3, parameter=name)
        if p["doc"]:
            yield from _worded(memory, "qa", "meaning", p["doc"], each // 2, parameter=name)
            noun, clause = bare_noun(p["doc"]), effect_of(p["doc"])
            rng = random.Random(digest(memory.facets["name"], noun or clause))
            if clause:
                said = [clause, *reworded(clause, False, rng)]
                for turn, template in enumerate(_chosen(memory, "parameter_clause", each, clause)):
                    words = said[turn % len(said)]
                    yield "reversed", _filled(memory, template, clause=words), f"{name}."
            for template in _chosen(memory, "parameter_words", max(1, each // 2), p["doc"]):
                words = " ".join(catchwords(clause or noun or p["doc"], rng))
                yield "reversed", _filled(memory, template, words=words), f"{name}."
            if noun:
                nouns = [noun, *reworded(noun, False, rng)]
                for turn, template in enumerate(_chosen(memory, "parameter", each, noun)):
                    words = nouns[turn % len(nouns)]
                    yield "reversed", _filled(memory, template, noun=words), f"{name}."


def _usage(memory: Memory, each: int) -> Iterator[Asked]:
    """Show how tests and examples call the thing, and ask for its name where its arguments tell it."""
    calls = json.loads(memory.facets.get("usage", "[]"))
    for turn, (call, _) in enumerate(calls):
        if not turn:
            yield from _worded(memory, "qa", "usage", f"`{call}`", each)
        blank = without_name(call, memory.facets["short"])
        if blank:
            name = f"`{memory.facets['short']}`."
            for template in _chosen(memory, "usage_name", max(1, each // 2), call):
                yield "reversed", _filled(memory, template, call=blank), name


def _worded(
    memory: Memory, family: str, section: str, answer: str, count: int, **more: str
) -> Iterator[Asked]:
    """Ask for one answer in up to `count` (at least one) wordings of a section."""
    for template in _chosen(memory, section, max(1, count), *more.values()):
        question = _filled(memory, template, **more)
        if answer.strip("`.") not in question:
            yield family, question, answer


def _chosen(memory: Memory, section: str, count: int, *what: str) -> list[str]:
    templates = sections(WORDINGS)[section]
    rng = random.Random(digest(memory.facets["name"], section, *what))
    return rng.sample(templates, min(count, len(templates)))


def _filled(memory: Memory, template: str, **more: str) -> str:
    f = memory.facets
    rng = random.Random(digest(f["name"], template, *more.values()))
    if "parameter" in more and rng.random() < PLAIN:
        more["parameter"] = more["parameter"].strip("`")
    return template.format(
        full=called(memory, rng), bare=called_shortly(memory, rng), package=f["package"],
        module=f["module"], kind=kind_of(memory), owner=f["owner"],
        purpose=f["purpose"], **more,
    )  # fmt: skip
