"""What a file of a repository is for, told by its path: code, usage of that code, a document, or nothing to learn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from nightschool.sources.grammars import BY_SUFFIX

DOCUMENTS = (".md", ".markdown", ".rst", ".txt")
TESTS = frozenset(["tests", "test", "__tests__", "unittests"])
EXAMPLES = frozenset(["examples", "example", "samples", "demos"])
DOCS = frozenset(["docs", "doc", "documentation"])
BROUGHT_ALONG = frozenset(["node_modules", "vendor", "vendored", "_vendor", "third_party", "thirdparty", "site-packages", "dist"])  # fmt: skip
ROOTS = frozenset(["", "src", "lib", "python"])
"""Folders from which modules are imported by their own names."""
SCRIPTS = frozenset(["setup", "conftest", "noxfile", "tasks", "fabfile", "versioneer", "manage"])
TEST_NAME = re.compile(
    r"(?:^test_.*|.*_test|^conftest)\.py$|_test\.go$|\.(?:test|spec)\.[cm]?[jt]sx?$|(?:Test|Tests|IT)\.java$"
)
TIMES = re.compile(
    r"^(?:changelog|changes|history|log|news|release[-_]?(?:notes|history))\b", re.IGNORECASE
)
"""Documents of what was so once."""
LEGAL = re.compile(
    r"^(?:licen[cs]e|copying|notice|authors|code_of_conduct|security)\b", re.IGNORECASE
)


class Role(StrEnum):
    """What is made of a file."""

    CODE = "code"
    USAGE = "usage"
    """A test or an example: it shows how the code is called."""
    DOCUMENT = "document"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Told:
    """What a path tells."""

    role: Role
    reason: str = ""
    """Why nothing is learnt from the file; empty where something is."""


def role_of(path: str) -> Told:
    """Tell what a file is for."""
    *folders, name = path.split("/")
    suffix = "." + name.rpartition(".")[2].lower() if "." in name else ""
    if any(folder.startswith(".") for folder in folders) or name.startswith("."):
        return Told(Role.NONE, "hidden files are not read")
    if BROUGHT_ALONG & set(folders) or ".min." in name:
        return Told(Role.NONE, "other people's code, brought along")
    if suffix in DOCUMENTS:
        return _document(folders, name, suffix)
    if suffix == ".py" or suffix in BY_SUFFIX:
        shown = (TESTS | EXAMPLES) & set(folders) or TEST_NAME.search(name)
        if not shown and suffix == ".py":
            return _python(folders, name)
        return Told(Role.USAGE if shown else Role.CODE)
    return Told(Role.NONE, "files of these kinds are not read")


def _document(folders: list[str], name: str, suffix: str) -> Told:
    if TIMES.match(name) or LEGAL.match(name):
        return Told(Role.NONE, "histories and licences are not taught")
    if TESTS & set(folders):
        return Told(Role.NONE, "texts among tests are not documents")
    readme = name.lower().startswith("readme")
    if readme or DOCS & set(folders) or (not folders and suffix != ".txt"):
        return Told(Role.DOCUMENT)
    return Told(Role.NONE, "texts outside of docs/ that are no README")


def _python(folders: list[str], name: str) -> Told:
    stem = name.removesuffix(".py")
    if stem in SCRIPTS or DOCS & set(folders):
        return Told(Role.NONE, "scripts that build or configure")
    importable = [part for part in folders if part not in ROOTS]
    if not all(part.isidentifier() for part in [*importable, stem]):
        return Told(Role.NONE, "Python files that cannot be imported by name")
    return Told(Role.CODE)


def is_example(path: str) -> bool:
    """Tell an example from a test."""
    return bool(EXAMPLES & set(path.split("/")))


def import_root(path: str, packages: frozenset[str]) -> tuple[str, str]:
    """Split a Python file's path into the folder that it is imported from, and its path below that.

    Args:
        path: In the repository.
        packages: The folders that have an `__init__.py`.
    """
    parts = path.split("/")[:-1]
    top = next((k for k in range(len(parts)) if "/".join(parts[: k + 1]) in packages), None)
    if top is None:  # no package: from the last folder that modules are imported from
        top = 1 + max((k for k, part in enumerate(parts) if part in ROOTS), default=-1)
    root = "/".join(parts[:top])
    return root, path[len(root) + 1 if root else 0 :]
