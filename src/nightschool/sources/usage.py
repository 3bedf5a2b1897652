"""How tests and examples call what a package offers: Python's calls, with the names that imports give them.

A call inside of `pytest.raises` and the like shows how not to call, and is left out. An object is followed
from the call that made it to the calls of its methods, within one function.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

LONGEST_CALL = 100
"""Characters of a call that is shown."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One call."""

    name: str
    """What is called, by the dotted name under which it was imported."""
    code: str
    plain: bool
    """Whether it says all that it gives: literals alone, and no name from around it."""


def usages(tree: ast.Module) -> list[Usage]:
    """Find the calls of imported things in a module, in the order of the source."""
    found: list[Usage] = []
    try:
        _walk(tree, {}, found)
    except RecursionError:
        return found
    return found


def _walk(node: ast.AST, names: dict[str, str], found: list[Usage]) -> None:
    """Follow a node; `names` says what the names of its scope stand for, and is extended."""
    if isinstance(node, ast.Import):
        for one in node.names:
            top = one.name.partition(".")[0]
            names |= {one.asname: one.name} if one.asname else {top: top}
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        given = node.args
        own = {a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]}
        names = {name: of for name, of in names.items() if name not in own}
    elif isinstance(node, ast.With | ast.AsyncWith) and any(
        _raises(item.context_expr) for item in node.items
    ):
        return
    for child in ast.iter_child_nodes(node):
        _walk(child, names, found)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        _bind(node.targets[0], node.value, names)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        _bind(node.optional_vars, node.context_expr, names)
    elif isinstance(node, ast.Call):
        called = _resolved(node.func, names)
        code = ast.unparse(node) if called else ""
        if called and len(code) <= LONGEST_CALL and "\n" not in code:
            found.append(Usage(called, code, _plain(node)))


def _bind(target: ast.expr, value: ast.expr, names: dict[str, str]) -> None:
    if not isinstance(target, ast.Name):
        return
    made = _resolved(value.func, names) if isinstance(value, ast.Call) else ""
    names.pop(target.id, None)
    if made:
        names[target.id] = made


def _resolved(node: ast.expr, names: dict[str, str]) -> str:
    """Return the dotted name of what is called; empty where it comes from no import."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and parts:  # Box(4).close()
        made = _resolved(node.func, names)
        return ".".join([made, *reversed(parts)]) if made else ""
    known = names.get(node.id, "") if isinstance(node, ast.Name) else ""
    return ".".join([known, *reversed(parts)]) if known else ""


def _raises(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("raises", "assertRaises", "assertRaisesRegex", "deprecated_call")


def _plain(call: ast.Call) -> bool:
    given = [*call.args, *(one.value for one in call.keywords)]
    return all(
        isinstance(part, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Set | ast.expr_context | ast.UnaryOp | ast.unaryop)
        for one in given
        for part in ast.walk(one)
    )  # fmt: skip
