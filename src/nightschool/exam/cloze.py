"""Exam questions by rule, for memories that no user asked about.

Deliberately another mechanism than study material's questions: statements and passages become
blanks to fill in, code becomes questions as a caller or a reader of the source would ask them, and
tools become requests (`exam/tool_calls.py`). Every answer but a call stands word for word in the memory's text.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass

from nightschool.exam.tool_calls import tool_questions
from nightschool.language import BLANK, holds, parse, without_name
from nightschool.negation import set_against
from nightschool.types import Memory

_CODE_LIKE = re.compile(
    r"(?<![\w-])(?:[A-Za-z]+[-_.]?\d(?:[\w.-]*\w)?|[a-z]+(?:_[a-z0-9]+)+|\w+(?:/\w[\w.-]*)+"
    r"|[\w.]+@[\w.]+\w|--[a-z][\w-]+|[a-z]+[A-Z]\w+|[a-z]+(?:\.[a-z_]+)+)(?![\w-])"
)
_MONTH_NAMES = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTH_NAMES})(?:,? \d{{4}})?"
    rf"|(?:{_MONTH_NAMES}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}}-\d{{2}}-\d{{2}}"
    rf"|(?:{_MONTH_NAMES}) \d{{4}})\b"
)
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,:]\d+)*(?![\w-])")
_ENTITIES = frozenset(
    [
        "PERSON",
        "NORP",
        "FAC",
        "ORG",
        "GPE",
        "LOC",
        "PRODUCT",
        "EVENT",
        "WORK_OF_ART",
        "LANGUAGE",
        "DATE",
        "TIME",
        "PERCENT",
        "MONEY",
        "QUANTITY",
        "CARDINAL",
        "ORDINAL",
    ]
)
_LONGEST_CONTEXT = 320
"""Characters of a sentence that a blank may stand in."""
_LONGEST_DEFAULT = 30
"""Characters of a default that can be asked for: longer ones are expressions, not values."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A question by rule and its answer, before it becomes an item."""

    question: str
    answer: str
    schema: str = ""
    """The JSON Schema of the arguments, where the answer is a tool call."""
    other: str = ""
    """Another right answer; empty where there is none."""

    @property
    def answers(self) -> tuple[str, ...]:
        """All right answers."""
        return (self.answer, self.other) if self.other else (self.answer,)


def drafts(memory: Memory, limit: int) -> list[Draft]:
    """Write at most `limit` questions about a memory; none where no rule finds a sure answer.

    A tool gets at least `tool_calls.CALLS` of them.
    """
    if memory.form == "tool":
        return [Draft(*one) for one in tool_questions(memory, limit)]
    found = _code(memory) if memory.form.startswith("code.") else _blanks(memory.text)
    kept: list[Draft] = []
    for draft in found:
        answered = holds(memory.text, draft.answer) or draft.answer in memory.text
        told = holds(draft.question, draft.answer)
        worded = re.search(r"\w", draft.answer) or memory.form.startswith("code.")
        if answered and worded and not told and draft.question not in {k.question for k in kept}:
            kept.append(draft)
    return kept[:limit]


# -- statements and passages --------------------------------------------------------------


def _blanks(text: str) -> list[Draft]:
    """Blank out one span a sentence; the surest kinds of span over the whole text first."""
    ranked: list[tuple[int, int, Draft]] = []
    for place, sentence in enumerate(_sentences(text)):
        taken: set[str] = set()
        for rank, span in _spans(sentence):
            if span in taken or sentence.count(span) != 1 or len(sentence) > _LONGEST_CONTEXT:
                continue
            taken.add(span)
            gap = sentence.replace(span, BLANK)
            if len(re.findall(r"\w+", gap.replace(BLANK, ""))) < 3:
                continue
            ranked.append((rank, place, Draft(f"Fill in the blank: {gap}", span)))
    return [draft for _, _, draft in sorted(ranked, key=lambda row: row[:2])]


def _sentences(text: str) -> list[str]:
    """Split into sentences; headings and other pieces without a verb are left out."""
    return [
        re.sub(r"^[#>*\-\s]+", "", sentence.text.strip())
        for sentence in parse(text).sents
        if any(token.pos_ in {"VERB", "AUX"} for token in sentence)
    ]


def _spans(sentence: str) -> list[tuple[int, str]]:
    """Find spans that can be blanked, as (rank, text): lower ranks make surer answers.

    Spans near the end are preferred within a rank: what comes before them says what is asked.
    """
    doc = parse(sentence)
    denied = [sentence[start:end] for start, end in set_against(sentence)]
    subjects = {
        token.i
        for chunk in doc.noun_chunks
        if chunk.root.dep_ in {"nsubj", "nsubjpass"}
        for token in chunk
    }
    rows: list[tuple[int, int, str]] = []
    for rank, pattern in ((0, _CODE_LIKE), (1, _DATE), (2, _NUMBER)):
        rows += [(rank, -m.start(), m.group().rstrip(".")) for m in pattern.finditer(sentence)]
    for entity in doc.ents:
        if entity.label_ in _ENTITIES and not any(token.i in subjects for token in entity):
            words = _trim(entity.text)
            rows.append((3, -entity.start_char, words))
    chunks = [c for c in doc.noun_chunks if c.root.pos_ != "PRON" and c.root.i not in subjects]
    if chunks:
        rows.append((4, 0, _trim(chunks[-1].text)))
    acomps = [t for t in doc if t.dep_ in {"acomp", "attr", "oprd"} and t.pos_ in {"ADJ", "NOUN"}]
    if acomps:
        rows.append((5, 0, acomps[-1].text))
    covered: list[str] = []
    result = []
    for rank, _, span in sorted(rows, key=lambda row: (row[0], row[1])):
        # A number inside a date or a name that is already blanked is no new question.
        # A value that is named only to be denied ("not heron-2") is no answer.
        told = not any(span in stretch for stretch in denied)
        if span and told and not any(span in other for other in covered):
            covered.append(span)
            result.append((rank, span))
    return result


def _trim(text: str) -> str:
    plain = re.sub(r"^(?:the|a|an|my|our|his|her|their|its|your)\s+", "", text.strip(), flags=re.I)
    return re.sub(r"['’]s$", "", plain).strip(" .,;:\"'")


# -- code ---------------------------------------------------------------------------------


def _code(memory: Memory) -> list[Draft]:
    facets = memory.facets
    name = facets.get("name") or memory.key.split(":")[-1]
    short = re.split(r"[.:]", name)[-1].removesuffix("()")
    if not short:
        return []
    module = facets.get("module", "")
    full = name if module and name.startswith(module) else f"{module}.{name}".strip(".")
    if facets.get("language"):
        full = name
    parent = full.removesuffix(short)
    local = full.removeprefix(module).lstrip(".:")
    purpose = facets.get("purpose", "")
    found = [
        Draft(
            f"I call `{full}` without giving `{parameter}`. Which value does it take?",
            value,
        )
        for parameter, value in defaults_of(facets, memory.text, short).items()
        if len(value) <= _LONGEST_DEFAULT
    ]
    if purpose:
        line = purpose.strip().splitlines()[0].strip().rstrip(".")
        if line and not holds(line, short):
            lead = f"`{parent}{BLANK}`"
            kind = {"code.class": "class", "code.module": "module"}.get(memory.form, "function")
            kind = facets.get("kind", kind)
            found.append(Draft(f'{lead} "{line}": which {kind} name fits?', short))
    for call, _ in json.loads(facets.get("usage") or "[]"):
        blank = without_name(call, short)
        if blank:
            ask = f"A test of {facets['package']} says `{blank}`. Whose name is missing?"
            found.append(Draft(ask, short))
            break
    if module and memory.form != "code.module":
        ask = f"Which module would I open to read the source of `{local}`?"
        found.append(Draft(ask, module, other=facets.get("file", "")))
    returns = facets.get("returns")
    if returns:
        found.append(Draft(f"Of what type is the value that I get back from `{full}`?", returns))
    return found


def defaults_of(facets: dict[str, str], text: str, name: str) -> dict[str, str]:
    """Find the parameters with defaults of a callable: parameter -> default, as written.

    From the `parameters` facet (a JSON list of `name`, `default`, `kind`), else from the
    `signature` facet, else from the signature in the text.
    """
    try:
        listed = json.loads(facets.get("parameters") or "[]")
    except json.JSONDecodeError:
        listed = []
    found = {
        str(row["name"]): str(row["default"])
        for row in listed
        if row.get("default") is not None and not str(row.get("kind", "")).startswith("variadic")
    }
    if found:
        return found
    match = re.search(rf"\b{re.escape(name)}\s*(\(.*\))", text, re.DOTALL)
    inline = _balanced(match.group(1)) if match else ""
    return _signature_defaults(facets.get("signature", "")) or _signature_defaults(inline)


def _signature_defaults(signature: str) -> dict[str, str]:
    start = signature.find("(")
    inner = _balanced(signature[start:]) if start >= 0 else f"({signature})"
    try:
        tree = ast.parse(f"def f{inner}: ...")
    except SyntaxError:
        return {}
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return {}
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = []
    pairs += zip(reversed(positional), reversed(arguments.defaults), strict=False)
    pairs = [*reversed(pairs), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return {arg.arg: ast.unparse(value) for arg, value in pairs if value is not None}


def _balanced(text: str) -> str:
    """Return the text up to the bracket that closes its first one; empty when none does."""
    depth = 0
    for place, mark in enumerate(text):
        depth += (mark in "([{") - (mark in ")]}")
        if depth == 0:
            return text[: place + 1]
    return ""
