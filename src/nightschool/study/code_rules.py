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

from nightschool.language import parse
from nightschool.study.wordings import sections, synonyms
from nightschool.types import Memory, digest

Asked = tuple[str, str, str]
"""(family, question, answer)"""
WORDINGS = "code_wordings.txt"
LONGEST_SIGNATURE = 160
"""Characters of a signature that is recited whole; a longer one is asked for piece by piece."""
FEWEST_WORDS = 4
"""A docstring's first clause of so many words says enough to name the thing by it."""
NAMING = 3
"""Asking for the name of what does something gets so many times the wordings: it is what people ask
most, and it is asked in words that the docstring does not have."""

PLAIN = 0.4
"""How often a name is written as people type it, without backticks; half as often it is spoken."""
REFERENCE = range(FEWEST_WORDS, 12)
"""Words of a purpose by which a thing can be called instead of by its name."""


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
    for unit in (_place, _purpose, _types, _raises, _parameters):
        examples += unit(memory, each)
    return examples


def _place(memory: Memory, each: int) -> Iterator[Asked]:
    f, kind = memory.facets, memory.form.removeprefix("code.")
    if f["owner"]:  # its class tells where it lives
        yield from _worded(memory, "qa", "owner", f"{f['owner']}.", each)
    else:
        yield from _worded(memory, "qa", "file", f"{f['file']}.", each)
    if kind == "module":
        return
    if not f["owner"]:
        line = f"from {f['module']} import {f['short']}"
        yield from _worded(memory, "qa", "import", line, each // 2)
    yield from _worded(memory, "qa", "kind", f"A {kind}.", each // 3)


def _purpose(memory: Memory, each: int) -> Iterator[Asked]:
    purpose = memory.facets["purpose"]
    if not purpose:
        return
    yield from _worded(memory, "qa", "purpose", purpose, each)
    imperative = is_imperative(purpose)
    clause = _clause(purpose)
    name = f"`{memory.facets['short']}`."
    rng = random.Random(digest(memory.id, "clause"))
    short = re.split(r" which | that | so that ", clause)[0]
    clauses = [clause, short] if len(short.split()) > FEWEST_WORDS else [clause]
    said = [*clauses, *(other for one in clauses for other in _reworded(one, imperative, rng))]
    said = list(dict.fromkeys(said))
    section = "name_imperative" if imperative else "name_clause"
    wanted = NAMING * each
    for turn, template in enumerate(_chosen(memory, section, wanted * 2 // 3)):
        words = said[turn % len(said)]
        yield "reversed", _filled(memory, template, clause=words, verbs=words), name
    for turn, template in enumerate(_chosen(memory, "name_words", wanted // 3)):
        words = " ".join(_catchwords(said[turn % len(said)], rng))
        yield "reversed", _filled(memory, template, words=words), name


def _types(memory: Memory, each: int) -> Iterator[Asked]:
    f = memory.facets
    shown = f"`{f['signature']}`"
    if f["signature"] and len(shown) <= LONGEST_SIGNATURE:
        yield from _worded(memory, "qa", "signature", shown, each // 2)
    if f["returns"]:
        yield from _worded(memory, "qa", "returns", f"`{f['returns']}`.", each)


def _raises(memory: Memory, each: int) -> Iterator[Asked]:
    raised = memory.facets.get("raises", "")
    if raised:
        yield from _worded(memory, "qa", "raises", f"{raised}.", each)


def _parameters(memory: Memory, each: int) -> Iterator[Asked]:
    if memory.form not in ("code.function", "code.class"):
        return
    parameters = json.loads(memory.facets["parameters"])
    names = ", ".join(p["name"] for p in parameters)
    yield from _worded(memory, "qa", "arguments", f"{names}." if names else "None.", each // 2)
    for p in parameters:
        name = f"`{p['name']}`"
        if p["default"] is not None:
            yield from _worded(memory, "qa", "default", p["default"], each, parameter=name)
        elif "variadic" not in p["kind"]:
            answer = f"Yes, {p['name']} is required."
            yield from _worded(memory, "qa", "required", answer, each // 3, parameter=name)
        if p["doc"]:
            yield from _worded(memory, "qa", "meaning", p["doc"], each // 2, parameter=name)
            noun = _bare_noun(p["doc"])
            if noun:
                rng = random.Random(digest(memory.id, noun))
                nouns = [noun, *_reworded(noun, False, rng)]
                for turn, template in enumerate(_chosen(memory, "parameter", each, noun)):
                    words = nouns[turn % len(nouns)]
                    yield "reversed", _filled(memory, template, noun=words), f"{name}."


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
    rng = random.Random(digest(memory.id, template, *more.values()))
    if "parameter" in more and rng.random() < PLAIN:
        more["parameter"] = more["parameter"].strip("`")
    return template.format(
        full=_called(memory, rng), bare=_called_short(memory, rng), package=f["package"],
        module=f["module"], kind=memory.form.removeprefix("code."), owner=f["owner"],
        purpose=f["purpose"], **more,
    )  # fmt: skip


def _called(memory: Memory, rng: random.Random) -> str:
    """Call a thing by its full name, by its name in spoken words, or by what it is for."""
    f, kind = memory.facets, memory.form.removeprefix("code.")
    words, purpose = spoken(f["short"]), _clause(f["purpose"])
    turn = rng.random()
    if turn < PLAIN / 2 and len(words.split()) > 1:
        return f"the {words} {kind} of {f['package']}"
    if turn > 1 - PLAIN / 2 and is_imperative(purpose) and len(purpose.split()) in REFERENCE:
        return f"the {f['package']} {kind} to {purpose}"
    return f["name"] if rng.random() < PLAIN else f"`{f['name']}`"


def _called_short(memory: Memory, rng: random.Random) -> str:
    short = memory.facets["short"]
    words = spoken(short)
    if rng.random() < PLAIN / 2 and len(words.split()) > 1:
        return words
    return short if rng.random() < PLAIN else f"`{short}`"


def spoken(name: str) -> str:
    """Say an identifier as words: `PluginManager` -> "plugin manager"."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return " ".join(w if len(w) > 1 and w.isupper() else w.lower() for w in words)


def _clause(purpose: str) -> str:
    """Cut a docstring's sentence at its first mark, where enough is left to name the thing by it."""
    clause = _lower(purpose.rstrip("."))
    short = re.split(r"[,;(]", clause)[0].strip()
    return short if len(short.split()) >= FEWEST_WORDS else clause


def _reworded(clause: str, imperative: bool, rng: random.Random) -> list[str]:
    """Say a docstring's sentence in other words: its verb, and then every other word that has a synonym."""
    groups = synonyms("code_synonyms.txt")
    found = []
    for _ in range(8):
        said, opened = clause, False  # the verb it opens with is exchanged once
        for (kind, word), others in sorted(groups.items(), key=lambda one: -len(one[0][1])):
            place = re.search(rf"(?<![\w`.-]){re.escape(word)}(?![\w`-])", said)
            opens = place is not None and not place.start()
            if not place or (kind == "v" and not (opens and imperative)) or (opens and kind != "v"):
                continue
            if opens and opened:
                continue
            opened = opened or opens
            if opens or rng.random() < 0.6:
                said = said[: place.start()] + rng.choice(others) + said[place.end() :]
        said = re.sub(r"\b(an?)(?= (\w))", _article, said)
        found.append(said)
    return [one for one in dict.fromkeys(found) if one != clause]


def _article(match: re.Match[str]) -> str:
    return "an" if match[2].lower() in "aeio" else "a"


def _catchwords(clause: str, rng: random.Random) -> list[str]:
    """Keep a few of the words that carry the meaning, in order."""
    kept = [t.text for t in parse(clause) if t.pos_ in ("NOUN", "PROPN", "VERB", "ADJ", "NUM")]
    some = sorted(rng.sample(range(len(kept)), min(len(kept), rng.randint(2, 5))))
    return [kept[k] for k in some] or [clause]


def _lower(text: str) -> str:
    second = text[1:2]
    return text if second.isupper() else text[:1].lower() + text[1:]


def _bare_noun(doc: str) -> str:
    """Take the noun phrase that a parameter's description begins with; empty where it is none."""
    words = re.split(r"[,;(]| which | that ", _lower(doc.rstrip(".")))[0].strip()
    if words.split(" ")[0] in ("if", "whether", "when", "is", "same", "see"):
        return ""
    return words.split(" ", 1)[-1] if words.split(" ")[0] in ("a", "an", "the") else words


def is_imperative(purpose: str) -> bool:
    """Tell whether a docstring says what the thing does ("Return the name"), and not what it is."""
    words = purpose.split()
    if not words or not words[0].isalpha():
        return False
    ordered = list(parse(f"They told me to {_lower(purpose)}"))[4]
    alone = next(iter(parse(words[0].capitalize() + purpose[len(words[0]) :])))
    noun = alone.tag_ != "VB" and {"for", "of", "that", "which"} & set(
        words[1 : 3 if alone.tag_ == "NN" else 2]
    )
    return ordered.tag_ == "VB" and not noun
