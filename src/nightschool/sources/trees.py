"""Source files of other languages than Python, read by tree-sitter: functions, types, signatures, doc comments.

Read is what others can call: what is exported, capitalised, `pub` or public, or has no `static` in C.
Not read: macros, fields of types, functions inside of functions, and what a preprocessor would make.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightschool.sources.code import in_words
from nightschool.sources.comments import Comment, read_comment
from nightschool.sources.grammars import (
    BY_SUFFIX,
    Grammar,
    Parameter,
    innermost,
    parameters,
    parser,
    text,
)
from nightschool.types import Finding, digest

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST_SIGNATURE = 300
LONGEST_CALL = 100
DEEPEST = 24
"""How deep definitions are looked for."""
TELLING = 12
"""Words and marks of a body that make it known again under another name."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One function or type that a file defines for others."""

    short: str
    owner: str
    """The type whose method it is; empty for none."""
    kind: str
    """`function`, or what the language calls the type."""
    signature: str
    parameters: tuple[Parameter, ...]
    returns: str
    comment: Comment
    body: str
    """Digest of what it does, without its own name."""
    telling: bool
    """Whether there is enough of it to be known again by."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of something, as it is written."""

    short: str
    """The last name of what is called."""
    code: str


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says."""

    language: str
    package: str
    """The package that the file declares itself to belong to; empty where its language has no such line."""
    definitions: tuple[Definition, ...]
    calls: tuple[Call, ...]


def grammar_of(path: str) -> Grammar | None:
    """Return the language that a file's name tells; None for one that is not read here."""
    return BY_SUFFIX.get("." + path.rpartition(".")[2].lower()) if "." in path else None


def read_source(code: str, grammar: Grammar) -> Source | None:
    """Read one file; None where its language's grammar is not installed. Broken syntax is read around."""
    found = parser(grammar)
    if found is None:
        return None
    root = found.parse(code.encode()).root_node
    exported = any(node.type == "export_statement" for node in root.named_children)
    seen: dict[tuple[str, str], Definition] = {}
    for one in _definitions(root, grammar, "", not exported, 0):
        seen.setdefault((one.owner, one.short), one)  # of overloads the first
    return Source(grammar.name, _package(root), tuple(seen.values()), tuple(_calls(root, grammar)))


def finding(one: Definition, source: Source, path: str, repository: str) -> Finding:
    """Make a finding of a definition, with the facets of `sources.code.read_package`, and `language` and `kind`."""
    grammar = grammar_of(path)
    assert grammar is not None
    module = _module(source, path, repository)
    mark = grammar.separator
    local = mark.join(filter(None, (one.owner, one.short)))
    name = local if source.language == "C" else f"{module}{mark}{local}"
    documented = one.comment.parameters
    facets = {
        "name": name,
        "short": one.short,
        "module": module,
        "package": repository,
        "owner": one.owner,
        "signature": one.signature if one.kind == "function" else "",
        "parameters": json.dumps(
            [
                {
                    "name": p.name,
                    "default": p.default,
                    "annotation": p.annotation or one.comment.types.get(p.name),
                    "kind": p.kind,
                    "doc": documented.get(p.name, ""),
                    "of": "",
                }
                for p in one.parameters
            ]
        ),
        "returns": one.returns or one.comment.types.get("", ""),
        "result": one.comment.prose.result,
        "raises": ", ".join(one.comment.raised),
        "purpose": one.comment.prose.purpose,
        "details": json.dumps(one.comment.prose.details),
        "file": path,
        "language": source.language,
        "kind": one.kind,
    }
    pairs = [(p.name, documented[p.name]) for p in one.parameters if documented.get(p.name)]
    declared = f", declared as `{one.signature}`" if one.signature else ""
    opening = f"The {source.language} {one.kind} `{name}` is in {path}{declared}."
    if facets["returns"] and facets["returns"] not in opening:
        opening += f" Its result is of type `{facets['returns']}`."
    form = "code.function" if one.kind == "function" else "code.class"
    key = f"code:{repository}:{path}:{local}"
    return Finding(in_words(opening, one.comment.prose, pairs), form, facets, None, "code", key)


def _module(source: Source, path: str, repository: str) -> str:
    """Name what others import to use a file."""
    folder, _, name = path.rpartition("/")
    if source.language == "Java":
        return source.package or folder
    if source.language == "Go":
        return folder or repository
    if source.language == "C":
        return path
    if source.language == "Rust":
        before, _, inside = f"/{path}".rpartition("/src/")
        crate = before.rpartition("/")[2] or repository
        parts = inside.removesuffix(".rs").split("/")
        return "::".join(
            [crate.replace("-", "_"), *(p for p in parts if p not in ("lib", "main", "mod"))]
        )
    return f"{folder}/{name}".lstrip("/").rpartition(".")[0]


def _package(root: Node) -> str:
    for node in root.named_children:
        if node.type in ("package_clause", "package_declaration"):
            return text(node.named_children[0]) if node.named_children else ""
    return ""


def _definitions(
    node: Node, grammar: Grammar, owner: str, open_: bool, depth: int
) -> Iterator[Definition]:
    """Find definitions in a node; `open_` says that all there is for others, exported or not."""
    for child in node.named_children if depth < DEEPEST else ():
        if child.type in grammar.functions:
            one = _function(child, grammar, owner, open_)
            if one is not None:
                yield one
                continue
        if child.type in grammar.classes:
            one = _class(child, grammar, owner, open_)
            if one is not None:
                yield one
                body = child.child_by_field_name("body") or child.child_by_field_name("type")
                for part in [body] if body is not None else []:
                    yield from _definitions(part, grammar, one.short, True, depth + 1)
        elif child.type == "impl_item":
            if child.child_by_field_name("trait") is None:
                of = re.split(r"[<\s]", text(child.child_by_field_name("type")))[0]
                yield from _definitions(child, grammar, of, open_, depth + 1)
        elif child.type in grammar.within:
            shown = open_ or child.type == "export_statement"
            yield from _definitions(child, grammar, owner, shown, depth + 1)


def _function(node: Node, grammar: Grammar, owner: str, open_: bool) -> Definition | None:
    field = node.child_by_field_name
    name, call = field("name"), node
    if node.type == "variable_declarator":
        value = field("value")
        if value is None or value.type not in ("arrow_function", "function_expression", "function"):
            return None
        call = value
    elif node.type in ("function_definition", "declaration"):  # C
        declarator = field("declarator")
        while declarator is not None and declarator.type == "pointer_declarator":
            declarator = declarator.child_by_field_name("declarator")
        if declarator is None or declarator.type != "function_declarator":
            return None
        name, call = innermost(declarator), declarator
    elif node.type == "method_declaration" and field("receiver") is not None:  # Go
        owner = re.sub(r"^.*?(\w+)\s*(?:\[[^\]]*\])?\s*\)$", r"\1", text(field("receiver")))
    short = text(name)
    if not re.fullmatch(r"[\w$]+", short) or short == "constructor":
        return None
    if not _public(node, short, owner, open_, grammar.name):
        return None
    given = parameters(call.child_by_field_name("parameters"))
    return _definition(node, short, owner, "function", given, _returns(node, call))


def _returns(node: Node, call: Node) -> str:
    for part, name in ((call, "return_type"), (call, "result"), (node, "type")):
        found = part.child_by_field_name(name)
        if found is not None and part.type != "variable_declarator":
            told = text(found).removeprefix(":").strip()
            if node.type in ("function_definition", "declaration"):
                stars = re.match(r"[*\s]*", text(node.child_by_field_name("declarator")))
                told += f" {stars[0].strip()}" if stars and stars[0].strip() else ""
            return "" if told == "void" else told
    return ""


def _class(node: Node, grammar: Grammar, owner: str, open_: bool) -> Definition | None:
    name = node.child_by_field_name("name") or node.child_by_field_name("declarator")
    short = text(name)
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return None  # C names a type here, and defines none
    if not re.fullmatch(r"\w+", short) or not _public(node, short, owner, open_, grammar.name):
        return None
    kind = grammar.classes[node.type]
    inner = node.child_by_field_name("type")
    if node.type == "type_spec" and inner is not None:  # Go
        kind = {"struct_type": "struct", "interface_type": "interface"}.get(inner.type, kind)
    body = node.child_by_field_name("body")
    made: list[Parameter] = []
    for part in body.named_children if body is not None else ():
        if (
            part.type == "constructor_declaration"
            or text(part.child_by_field_name("name")) == "constructor"
        ):
            made = parameters(part.child_by_field_name("parameters"))
            break
    return _definition(node, short, owner, kind, made, "")


def _definition(
    node: Node, short: str, owner: str, kind: str, given: Sequence[Parameter], returns: str
) -> Definition:
    outer = node
    while outer.parent is not None and outer.parent.type in (
        "export_statement", "lexical_declaration", "variable_declaration", "type_declaration",
    ):  # fmt: skip
        outer = outer.parent
    own = rf"(?<![\w$]){re.escape(short)}(?![\w$])"
    whole = re.sub(own, "@", text(node), count=1)
    whole = re.sub(
        own + (r"(?=\s*\()" if kind == "function" else ""), "@", whole
    )  # it names itself
    words = re.findall(r"\w+|[^\w\s]", whole)
    return Definition(
        short, owner, kind, _signature(node) if kind == "function" else "", tuple(given), returns,
        read_comment(_comment(outer)), digest(kind, *words)[:16], len(words) >= TELLING,
    )  # fmt: skip


def _signature(node: Node) -> str:
    """Return a callable's declaration, up to its body."""
    value = node.child_by_field_name("value")
    body = (value if value is not None else node).child_by_field_name("body")
    raw = node.text or b""
    head = raw[: body.start_byte - node.start_byte] if body is not None else raw
    shown = re.sub(r"(?:\s*(?:=>|[{;=]))+$", "", " ".join(head.decode("utf-8", "replace").split()))
    return shown if len(shown) <= LONGEST_SIGNATURE else ""


def _comment(node: Node) -> str:
    """Return the comments right above a definition, attributes and decorators passed over."""
    found: list[str] = []
    line, before = node.start_point[0], node.prev_named_sibling
    while before is not None:
        end = before.end_point[0] - (before.end_point[1] == 0)
        if end < line - 1 or end < before.start_point[0]:
            break
        if "comment" in before.type:
            raw = (before.text or b"").decode("utf-8", "replace")
            if raw.startswith("//!") or (found and raw.startswith("/*")):
                break
            alone = before.prev_named_sibling
            if (
                alone is not None
                and alone.end_point[0] == before.start_point[0]
                and "comment" not in alone.type
            ):
                break  # it ends the line of something else
            found.insert(0, raw.rstrip())
            if raw.startswith("/*"):
                break
        elif before.type not in ("attribute_item", "decorator"):
            break
        line, before = before.start_point[0], before.prev_named_sibling
    return "\n".join(found)


def _public(node: Node, short: str, owner: str, open_: bool, language: str) -> bool:
    """Tell whether others can use a definition."""
    outer = node.parent.parent if node.parent is not None else None
    if language == "Go":
        return short[0].isupper() and owner[:1] == owner[:1].upper()
    if language == "Rust":
        promised = outer is not None and outer.type == "trait_item"
        return promised or any(c.type == "visibility_modifier" for c in node.children)
    if language == "Java":
        promised = node.parent is not None and node.parent.type == "interface_body"
        modifiers = [text(c) for c in node.children if c.type == "modifiers"]
        return promised or any("public" in one.split() for one in modifiers)
    if language == "C":
        marks = [text(c) for c in node.children if c.type == "storage_class_specifier"]
        reserved = short.startswith("_") or text(node).startswith("namespace")  # the latter is C++
        return "static" not in marks and not reserved
    access = [text(c) for c in node.children if c.type == "accessibility_modifier"]
    return open_ and access in ([], ["public"]) and not short.startswith("_")


def _calls(root: Node, grammar: Grammar) -> Iterator[Call]:
    """Find calls that fit into a line, in the order of the source."""
    left = [root]
    while left:
        node = left.pop()
        left += reversed(node.named_children)
        if node.type not in grammar.calls or node.has_error:
            continue
        field = node.child_by_field_name
        called = field("function") or field("name") or field("constructor") or field("type")
        short = re.split(r"[^\w$]+", re.sub(r"<.*>$", "", text(called)))[-1]
        code = (node.text or b"").decode("utf-8", "replace")
        if short and "\n" not in code and len(code) <= LONGEST_CALL:
            yield Call(short, code)
