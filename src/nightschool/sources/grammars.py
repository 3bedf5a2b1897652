"""What tree-sitter's grammars call the parts of a program: one row a language, and how each writes parameters.

The grammars are wheels of their own, so that nothing is fetched when a file is read.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language."""

    name: str
    wheel: str
    """The module that holds the grammar; its package is called alike, with hyphens."""
    suffixes: tuple[str, ...]
    functions: tuple[str, ...]
    classes: dict[str, str]
    """Type of node -> what people call it."""
    within: tuple[str, ...]
    """Nodes in which definitions are looked for as if they were not there."""
    calls: tuple[str, ...]
    entry: str = "language"
    separator: str = "."


BLOCKS = ("program", "source_file", "translation_unit", "declaration_list", "class_body", "interface_body",
          "enum_body", "enum_body_declarations", "statement_block")  # fmt: skip
_SCRIPT = {
    "functions": ("function_declaration", "generator_function_declaration", "method_definition",
                  "method_signature", "abstract_method_signature", "variable_declarator"),
    "classes": {"class_declaration": "class", "abstract_class_declaration": "class", "class": "class",
                "interface_declaration": "interface", "enum_declaration": "enum",
                "type_alias_declaration": "type"},
    "within": (*BLOCKS, "export_statement", "lexical_declaration", "variable_declaration",
               "ambient_declaration", "internal_module", "module", "expression_statement"),
    "calls": ("call_expression", "new_expression"),
}  # fmt: skip
GRAMMARS = (
    Grammar("JavaScript", "tree_sitter_javascript", (".js", ".jsx", ".mjs", ".cjs"), **_SCRIPT),  # type: ignore[arg-type]
    Grammar("TypeScript", "tree_sitter_typescript", (".ts", ".mts", ".cts"), entry="language_typescript", **_SCRIPT),  # type: ignore[arg-type]
    Grammar("TSX", "tree_sitter_typescript", (".tsx",), entry="language_tsx", **_SCRIPT),  # type: ignore[arg-type]
    Grammar(
        "Go", "tree_sitter_go", (".go",), ("function_declaration", "method_declaration", "method_elem"),
        {"type_spec": "type"}, (*BLOCKS, "type_declaration", "interface_type"), ("call_expression",),
    ),
    Grammar(
        "Rust", "tree_sitter_rust", (".rs",), ("function_item", "function_signature_item"),
        {"struct_item": "struct", "enum_item": "enum", "trait_item": "trait", "type_item": "type", "union_item": "union"},
        (*BLOCKS, "mod_item", "impl_item", "foreign_mod_item"), ("call_expression",), separator="::",
    ),
    Grammar(
        "Java", "tree_sitter_java", (".java",), ("method_declaration",),
        {"class_declaration": "class", "interface_declaration": "interface", "enum_declaration": "enum",
         "record_declaration": "record", "annotation_type_declaration": "annotation"},
        BLOCKS, ("method_invocation", "object_creation_expression"),
    ),
    Grammar(
        "C", "tree_sitter_c", (".c", ".h"), ("function_definition", "declaration"),
        {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum", "type_definition": "type"},
        (*BLOCKS, "preproc_ifdef", "preproc_if", "preproc_else", "linkage_specification"), ("call_expression",),
    ),
)  # fmt: skip
BY_SUFFIX = {suffix: grammar for grammar in GRAMMARS for suffix in grammar.suffixes}


def parser(grammar: Grammar) -> Parser | None:
    """Return a language's parser; None where its wheel is not installed."""
    return _parser(grammar.wheel, grammar.entry)


@cache
def _parser(wheel: str, entry: str) -> Parser | None:
    try:
        import tree_sitter

        module = importlib.import_module(wheel)
    except ImportError:
        return None
    return tree_sitter.Parser(tree_sitter.Language(getattr(module, entry)()))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable."""

    name: str
    annotation: str | None = None
    default: str | None = None
    kind: str = ""
    """`variadic`, `optional` where nobody knows that it must be given, else empty."""


def text(node: Node | None) -> str:
    """Return a node's source in one line; empty for none."""
    raw = node.text if node is not None else None
    return " ".join(raw.decode("utf-8", "replace").split()) if raw else ""


def parameters(node: Node | None) -> list[Parameter]:
    """Read the list of parameters of a callable; what has no name of its own (a pattern) is left out."""
    return [one for child in (node.named_children if node else ()) for one in _parameter(child)]


def _parameter(node: Node) -> Iterator[Parameter]:
    field = node.child_by_field_name
    kind = node.type
    if kind == "identifier":  # JavaScript
        yield Parameter(text(node), kind="optional")
    elif kind == "assignment_pattern":
        yield from _named(text(field("left")), None, text(field("right")))
    elif kind == "rest_pattern":
        yield from _named(text(node).lstrip("."), None, None, "variadic")
    elif kind in ("required_parameter", "optional_parameter"):  # TypeScript
        name, optional = text(field("pattern")), "optional" if kind == "optional_parameter" else ""
        rest = "variadic" if name.startswith("...") else optional
        default = text(field("value")) or None
        yield from _named(name.lstrip("."), text(field("type")).lstrip(": ") or None, default, rest)
    elif kind in ("parameter_declaration", "variadic_parameter_declaration"):  # Go and C
        variadic = "variadic" if kind.startswith("variadic") else ""
        names = node.children_by_field_name("name")
        for one in names:
            yield from _named(text(one), text(field("type")), None, variadic)
        declared = innermost(field("declarator"))
        if not names and declared is not None:
            annotation = re.sub(rf"\b{re.escape(text(declared))}\b", "", text(node)).strip()
            yield from _named(text(declared), re.sub(r"\s+(?=[*\]])", " ", annotation), None)
    elif kind == "parameter":  # Rust
        yield from _named(text(field("pattern")).removeprefix("mut "), text(field("type")), None)
    elif kind == "formal_parameter":  # Java
        yield from _named(text(field("name")), text(field("type")), None)
    elif kind == "spread_parameter":
        last = node.named_children[-1]
        yield from _named(text(last), text(node).rpartition("...")[0].strip(), None, "variadic")


def _named(
    name: str, annotation: str | None, default: str | None, kind: str = ""
) -> Iterator[Parameter]:
    if re.fullmatch(r"[\w$]+", name):
        yield Parameter(name, annotation, default, kind)


def innermost(declarator: Node | None) -> Node | None:
    """Return what a C declarator declares: `*argv[]` declares `argv`."""
    while declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type == "parenthesized_declarator":
            inner = declarator.named_children[0] if declarator.named_children else None
        if inner is None:
            break
        declarator = inner
    fit = declarator is not None and declarator.type.endswith("identifier")
    return declarator if fit else None
