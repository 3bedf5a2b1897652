"""Readers: from a path or a package name to episodes and the facts found in them."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from nightschool.errors import SourceError, SourceUnreadable
from nightschool.protocols import Extractor, Progress
from nightschool.sources.code import read_module, read_package
from nightschool.sources.conversations import conversation, heard, read_jsonl, said
from nightschool.sources.documents import CONVERTED, PLAIN, convert, read_document
from nightschool.sources.extractors import RULES
from nightschool.sources.grammars import BY_SUFFIX
from nightschool.sources.tools import read_tools
from nightschool.types import Reading
from nightschool.workspace import CONFIG_NAME, FOLDERS

__all__ = ["ReadAll", "conversation", "heard", "read", "said"]

LARGEST_BYTES = 20_000_000
OURS = "a part of a workspace of Nightschool, where nothing is the owner's word"
"""Its notes are proposals; read as documents they would be approved unread."""
OUTSIDE = "a link that leads out of the folder; learn from that place by its own name"
KINDS = PLAIN | CONVERTED | {".jsonl", ".json", ".py"}
TESTS = ("test_*.py", "*_test.py", "conftest.py")
"""Files of a folder that tell how code is used, and are no part of it."""
IN_REPOSITORIES = (
    "code of other languages and tests are read with their repository: git+file:///PATH"
)


@dataclass(frozen=True, slots=True)
class ReadAll:
    """What was read from a source, and what was passed over."""

    readings: tuple[Reading, ...]
    skipped: tuple[tuple[str, str], ...]
    """(file, reason) for each file of a folder that was not learnt from."""


def read(
    source: str,
    tenant: str,
    progress: Progress | None = None,
    extractor: Extractor = RULES,
    named: Callable[[Path], str] = str,
) -> ReadAll:
    """Read a file, a folder, or an installed Python package (`pkg:NAME`, or its bare name); a .py file is a module.

    Args:
        source: What is read.
        tenant: Whose it is.
        progress: Told of each file of a folder.
        extractor: Reads conversations.
        named: Gives a file or a package's folder the name that it has as a source (`Workspace.name_of`); by default
            its path as it was given.

    Raises:
        SourceUnreadable: It is missing, empty, binary, too large, wrongly encoded or not permitted.
        SourceUnreadable: It is one file of code in a language other than Python, or of a kind that is not read.
        SourceMalformed: It is of a known kind, but its content breaks the kind's rules.
        ExtractorFailed: The extractor cannot read a conversation; nothing is stored yet.
    """
    if not source.strip():
        raise SourceUnreadable(
            "The source is empty. Name a file, a folder or an installed package."
        )
    name = source.removeprefix("pkg:")
    path = Path(source)
    if source.startswith("pkg:") or (not path.exists() and _installed(name)):
        return ReadAll((read_package(name, tenant),), ())
    if not path.exists():
        raise SourceUnreadable(f"{source} does not exist (no file, folder or installed package).")
    if any((p.parent / CONFIG_NAME).is_file() and p.name in FOLDERS for p in _above(path)):
        raise SourceUnreadable(
            f"{source} is {OURS}. Approve notes with `nightschool memory approve`."
        )
    if path.is_dir():
        return _read_folder(path, tenant, progress, extractor, named)
    if path.suffix.lower() in BY_SUFFIX:
        raise SourceUnreadable(f"{source} is no prose: {IN_REPOSITORIES}.")
    if path.is_file() and path.suffix.lower() not in KINDS:
        raise SourceUnreadable(
            f"{source} is of kind {path.suffix or path.name!r}; expected one of {', '.join(sorted(KINDS))}. "
            "Save it as one of these if it is prose."
        )
    return ReadAll(tuple(_read_file(path, tenant, extractor, named(path))), ())


def _above(path: Path) -> list[Path]:
    whole = path.resolve()
    return [whole, *whole.parents]


def _installed(name: str) -> bool:
    return name.isidentifier() and importlib.util.find_spec(name) is not None


def _read_folder(
    folder: Path,
    tenant: str,
    progress: Progress | None,
    extractor: Extractor,
    named: Callable[[Path], str],
) -> ReadAll:
    if (folder / "__init__.py").exists():
        return ReadAll((_package(folder, tenant, named(folder)),), ())
    readings: list[Reading] = []
    skipped: list[tuple[str, str]] = []
    files, packages = _walk(folder, skipped)
    for done, path in enumerate([*packages, *files], start=1):
        try:
            if path.is_dir():
                readings.append(_package(path, tenant, named(path)))
            else:
                readings += _read_file(path, tenant, extractor, named(path))
        except SourceError as error:
            skipped.append((str(path), str(error)))
        if progress:
            progress(done, len(files) + len(packages))
    if not readings:
        reasons = "; ".join(f"{path}: {why}" for path, why in skipped[:3]) or "it is empty"
        raise SourceUnreadable(f"Nothing in {folder} can be learnt from ({reasons}).")
    return ReadAll(tuple(readings), tuple(skipped))


def _package(package: Path, tenant: str, source: str) -> Reading:
    """Read a package's folder; refuse it while one of its modules cannot be read: what is known of that would count as gone."""
    for path in sorted(package.rglob("*.py")):
        try:
            ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:
            raise SourceUnreadable(
                f"{path} cannot be read as Python: {error}. Nothing of the package {package.name} was changed. "
                "Correct that file, and learn the package again."
            ) from error
    return read_package(package.name, tenant, package.parent, source)


def _walk(folder: Path, skipped: list[tuple[str, str]]) -> tuple[list[Path], list[Path]]:
    files: list[Path] = []
    packages: list[Path] = []
    seen: set[tuple[int, int]] = set()
    root = folder.resolve()

    def unreadable(error: OSError) -> None:
        skipped.append((str(error.filename), f"cannot be read: {error.strerror}"))

    for here, names, leaves in os.walk(folder, onerror=unreadable, followlinks=True):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            skipped.append((here, "a link back to a folder that was read already"))
            names.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        if not Path(here).resolve().is_relative_to(root):
            skipped.append((here, OUTSIDE))
            names.clear()
            continue
        if CONFIG_NAME in leaves:
            skipped += [(str(Path(here) / n), OURS) for n in names if n in FOLDERS]
            names[:] = [name for name in names if name not in FOLDERS]
            leaves = [leaf for leaf in leaves if leaf != CONFIG_NAME]
        if "__init__.py" in leaves:
            packages.append(Path(here))
            names.clear()
            continue
        names[:] = sorted(name for name in names if not name.startswith("."))
        for leaf in sorted(leaves):
            path = Path(here) / leaf
            if leaf.startswith("."):
                continue
            if not path.resolve().is_relative_to(root):
                skipped.append((str(path), OUTSIDE))
            elif path.suffix.lower() in BY_SUFFIX or any(fnmatch(leaf, test) for test in TESTS):
                skipped.append((str(path), IN_REPOSITORIES))
            elif path.suffix.lower() in KINDS:
                files.append(path)
            else:
                skipped.append((str(path), f"files of kind {path.suffix or leaf!r} are not read"))
    return files, packages


def _read_file(path: Path, tenant: str, extractor: Extractor, source: str) -> list[Reading]:
    kind = path.suffix.lower()
    text = convert(_checked(path)) if kind in CONVERTED else _text(_checked(path))
    if not text.strip():
        raise SourceUnreadable(f"{path} is empty. There is nothing to learn from it.")
    if kind == ".jsonl":
        return read_jsonl(text, tenant, source, extractor)
    if kind == ".json":
        return [read_tools(text, tenant, source)]
    if kind == ".py":
        return [read_module(path, tenant, source)]
    title = next(
        (line.lstrip("# ").strip() for line in text.splitlines() if line.strip()), path.stem
    )
    return [
        read_document(
            text, tenant, source, title[:80] if text.lstrip().startswith("#") else path.stem
        )
    ]


def _checked(path: Path) -> Path:
    if not path.is_file():  # to open a pipe would wait for its writer
        raise SourceUnreadable(f"{path} is no regular file. Save what it holds in one.")
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            handle.read(1)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    if size > LARGEST_BYTES:
        raise SourceUnreadable(
            f"{path} has {size / 1e6:.0f} MB; at most {LARGEST_BYTES / 1e6:.0f} MB are read. Split it."
        )
    return path


def _text(path: Path) -> str:
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if b"\0" in raw and encoding != "utf-16":
        raise SourceUnreadable(f"{path} is binary, not text (a NUL at byte {raw.index(0)}).")
    try:
        return raw.decode(encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SourceUnreadable(
            f"{path} is not {encoding.upper()} text: byte {error.start} is {raw[error.start]:#x}. "
            "Convert it to UTF-8."
        ) from error
