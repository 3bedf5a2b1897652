"""Exports on disk: read with suspicion, written in one step, never over somebody else's files."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nightschool.errors import ConfigError, SourceUnreadable, WorkspaceError
from nightschool.types import digest
from nightschool.workspace import folder_atomic, sync_folder, write_atomic

LARGEST_BYTES = 100_000_000
"""Of all the files of one import."""
DEPTH = 8
"""Folders within folders of an import."""
MARK = ".nightschool-export.json"
"""In an exported folder: its files and their digests, so that the next export knows it again."""
AT_FDCWD, EXCHANGE = -100, 2


def load(path: Path) -> dict[Path, str]:
    """Read a file, or all Markdown files of a folder: path -> text. Hidden names are passed over.

    Raises:
        SourceUnreadable: It is missing, or is not permitted.
        SourceUnreadable: A folder holds a symbolic link, something that is no file, a name with control
            characters, no Markdown, or folders too deep.
        SourceUnreadable: A file is not UTF-8 text, or the whole is too large.
    """
    try:
        paths = sorted(_markdown(path, DEPTH)) if path.is_dir() else [path]
        size = sum(found.stat().st_size for found in paths)
        if size > LARGEST_BYTES:
            raise SourceUnreadable(
                f"{path} holds {size / 1e6:.0f} MB; at most {LARGEST_BYTES / 1e6:.0f} MB are imported. Split it."
            )
        texts = {found: _text(found) for found in paths}
    except OSError as error:
        raise SourceUnreadable(
            f"{error.filename or path} cannot be read: {error.strerror}."
        ) from error
    if not texts:
        raise SourceUnreadable(f"{path} holds no Markdown file. Name a folder of memories.")
    return texts


def save_file(path: Path, text: str, ours: Callable[[str], bool]) -> None:
    """Write one file in one step.

    Args:
        path: Where to; its folder is made.
        text: The whole content.
        ours: Tells whether what stands there now is an export, which may be replaced.

    Raises:
        ConfigError: Something else stands there.
        WorkspaceError: It cannot be written.
    """
    if path.is_dir() or path.is_symlink():
        raise ConfigError(f"{path} is a folder or a link; this format is one file. Name a file.")
    if path.exists():
        try:
            free = ours(_text(path))
        except (SourceUnreadable, OSError):
            free = False
        if not free:
            raise _taken(path)
    write_atomic(path, text)


def save_folder(path: Path, files: Mapping[str, str]) -> None:
    """Write a folder of files in one step: a kill leaves the old folder or the new one.

    Raises:
        ConfigError: The folder holds what no export wrote, or an export that was changed since.
        WorkspaceError: It cannot be written, or the file system cannot exchange two folders.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ConfigError(f"{path} is a file or a link; this format is a folder. Name a folder.")
    marked = {**files, MARK: json.dumps({name: digest(text) for name, text in files.items()})}
    try:
        if not path.exists() or not any(path.iterdir()):
            with folder_atomic(path) as fresh:
                _fill(fresh, marked)
            return
        if not _untouched(path):
            raise _taken(path)
        fresh = path.with_name(f".{path.name}.next-export")
        shutil.rmtree(fresh, ignore_errors=True)  # of an export that was killed
        with folder_atomic(fresh) as filling:
            _fill(filling, marked)
        _exchange(fresh, path)
        sync_folder(path.parent)
        shutil.rmtree(fresh)
    except OSError as error:
        if isinstance(error, WorkspaceError):
            raise
        raise WorkspaceError(
            f"Cannot write {path}: {error.strerror or error}. Free some disk space, correct the "
            "permissions or name another folder; what was there is whole."
        ) from error


def _taken(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} exists, and is not an unchanged export of Nightschool. Nothing was overwritten: name another "
        "place, or remove it first."
    )


def _markdown(folder: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        raise SourceUnreadable(f"{folder} lies more than {DEPTH} folders deep. Flatten it.")
    for path in folder.iterdir():
        if any(unicodedata.category(c)[0] == "C" for c in path.name) or "\\" in path.name:
            raise SourceUnreadable(
                f"{folder}: the name {path.name!r} holds a control character or a backslash. Rename it."
            )
        if path.name.startswith("."):
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise SourceUnreadable(
                f"{path} is a symbolic link or no plain file; an import follows none. Put a copy there."
            )
        if path.is_dir():
            yield from _markdown(path, depth - 1)
        elif path.suffix.lower() == ".md":
            yield path


def _text(path: Path) -> str:
    if not path.is_file():
        raise SourceUnreadable(f"{path} does not exist, or is no plain file. Name a file.")
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SourceUnreadable(
            f"{path}, line {line}: not UTF-8 text (byte {error.start} is {raw[error.start]:#x}). Save it as UTF-8."
        ) from error


def _untouched(folder: Path) -> bool:
    """Tell whether a folder is as an export left it: the same files, with the same texts."""
    try:
        listed = json.loads((folder / MARK).read_text("utf-8"))
        found = {
            path.relative_to(folder).as_posix(): digest(path.read_bytes().decode("utf-8"))
            for path in folder.rglob("*")
            if path.name != MARK and not (path.is_dir() and not path.is_symlink())
        }
    except (OSError, ValueError):
        return False
    return bool(found == listed)


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8"))


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders in one step; Python has no name for what both systems can do."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(new), os.fsencode(old)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*names, EXCHANGE)
    else:
        failed = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE)
    if failed:
        shutil.rmtree(new, ignore_errors=True)
        reason = os.strerror(ctypes.get_errno())
        raise WorkspaceError(
            f"{old} cannot be replaced in one step on this file system ({reason}). Remove it first, or name "
            "another folder."
        )
