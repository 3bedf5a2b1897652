"""The Python files of a repository: what its packages offer, and how its tests and examples call it.

griffe reads packages from a folder, so that the files are written to a temporary one. Nothing is imported.
"""

from __future__ import annotations

import ast
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nightschool.errors import SourceUnreadable
from nightschool.sources.code import public_findings
from nightschool.sources.roles import import_root
from nightschool.sources.usage import Usage, usages
from nightschool.types import Finding

INIT = "__init__.py"


@dataclass(frozen=True, slots=True)
class PythonTree:
    """What the Python files say."""

    findings: dict[str, list[Finding]]
    """Path -> what others can import from it; of every file that could be read."""
    usages: dict[str, list[Usage]]
    """Path of a test or an example -> its calls."""
    broken: tuple[str, ...]
    """Files with a syntax error."""


def parsed(text: str) -> ast.Module | None:
    """Parse a file; None where its syntax is broken, or too deep to follow."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, and the like
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read_python(code: Mapping[str, str], shown: Mapping[str, str]) -> PythonTree:
    """Read packages and modules, and the calls of them.

    Args:
        code: Path -> text of the files that make up packages, by names that Python could import.
        shown: Path -> text of tests and examples.
    """
    broken = {path for path, text in code.items() if parsed(text) is None}
    trees = {path: parsed(text) for path, text in shown.items()}
    broken |= {path for path, tree in trees.items() if tree is None}
    packages = frozenset(p.rpartition("/")[0] for p in code if p.endswith(f"/{INIT}"))
    findings: dict[str, list[Finding]] = {path: [] for path in code if path not in broken}
    roots: dict[str, dict[str, str]] = {}
    for path in findings:
        root, below = import_root(path, packages)
        roots.setdefault(root, {})[below] = path
    for files in roots.values():
        with tempfile.TemporaryDirectory(prefix="nightschool-py-") as name:
            folder = Path(name).resolve()
            for below, path in files.items():
                _write(folder, below, code[path])
            for top in sorted({below.partition("/")[0].removesuffix(".py") for below in files}):
                for place, finding in _found(top, folder):
                    path = files.get(place.relative_to(folder).as_posix(), "")
                    if path:
                        findings[path].append(finding)
    calls = {path: usages(tree) for path, tree in trees.items() if tree is not None}
    return PythonTree(findings, calls, tuple(sorted(broken)))


def _found(top: str, folder: Path) -> list[tuple[Path, Finding]]:
    try:
        return public_findings(top, folder)
    except SourceUnreadable:
        return []  # it is among the skipped: its own file is broken, or it offers nothing


def _write(folder: Path, below: str, text: str) -> None:
    """Write a file, and make each folder above it a package; all parts of its path are Python's names."""
    place = folder / below
    place.parent.mkdir(parents=True, exist_ok=True)
    for above in place.parents:
        if above == folder:
            break
        if not (above / INIT).exists():
            (above / INIT).write_text("")
    place.write_text(text, "utf-8")
