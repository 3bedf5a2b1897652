"""The folder of memory files as a small file system under one virtual root, `/memories`.

A model or a stranger's tool call names the paths, so a path is checked before it means anything:
only plain names under the root, no way out of it. Writes are atomic, and a change that was made on
an older content than the one on disk is refused. What the files mean is not covered (`files.py`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nightschool.errors import EditConflict, PathRefused, WorkspaceError
from nightschool.leftovers import sweep
from nightschool.types import digest
from nightschool.workspace import sync_folder, write_atomic

ROOT = "/memories"
NAME_BYTES = 120
"""Longest name of a file or folder; a temporary file's longer name still fits into 255."""
DEPTH = 8
"""Most names in a path below the root."""
FILE_BYTES = 1_000_000
"""Largest file; a memory is text that somebody reads."""
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a listing."""

    path: str
    """Virtual, such as `/memories/hosts.md`."""
    size_bytes: int
    """Of a folder: of all that is in it."""
    folder: bool


@dataclass(frozen=True, slots=True)
class Vault:
    """One tenant's memory files."""

    folder: Path
    """Where `/memories` lies on disk."""

    def real(self, path: str) -> Path:
        """Return where a virtual path lies on disk, whether or not anything is there.

        Raises:
            PathRefused: It is not `/memories` or below it.
            PathRefused: It holds `..`, an encoded or look-alike form of it, an empty or hidden name, a
                backslash, or a control character.
            PathRefused: A name, or the path, is too long.
            PathRefused: A symbolic link stands on the way.
        """
        names = _names(path)
        place = self.folder
        for name in names:
            place = place / name
            if place.is_symlink():
                raise PathRefused(f"{path!r} leads over a symbolic link. Use plain files only.")
        return place

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or folder; the root always exists."""
        place = self.real(path)
        return place == self.folder or place.exists()

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder."""
        place = self.real(path)
        return place == self.folder or place.is_dir()

    def read(self, path: str) -> str:
        """Return a file's text.

        Raises:
            FileNotFoundError: There is no such file.
            PathRefused: It is not UTF-8 text, or larger than `FILE_BYTES`.
        """
        place = self.real(path)
        if not place.is_file():
            raise FileNotFoundError(path)
        if place.stat().st_size > FILE_BYTES:
            raise PathRefused(f"{path} is larger than {FILE_BYTES:,} bytes. Split it by topic.")
        try:
            return place.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise PathRefused(f"{path} is not UTF-8 text: {error}.") from error

    def write(self, path: str, text: str, *, expected: str | None = None) -> None:
        """Put a text in place of a file, in one step; folders on the way are made.

        Args:
            path: Virtual path of the file.
            text: Its new content.
            expected: `digest` of the content that the change was made on; "" for a file that must not
                exist yet; None to write in any case.

        Raises:
            EditConflict: The file's content is another one than was expected.
            PathRefused: The text is too large, or not text.
            WorkspaceError: The disk is full.
        """
        raw = _bytes(path, text)
        with self.changing():
            place = self.real(path)
            if place == self.folder or place.is_dir():
                raise PathRefused(f"{path} is a folder. Name a file.")
            self._check(path, expected)
            self._folders(path, place)
            write_atomic(place, raw)

    def delete(self, path: str, *, expected: str | None = None) -> None:
        """Remove a file, or a folder with all that is in it.

        Raises:
            FileNotFoundError: There is nothing of this name.
            EditConflict: The file's content is another one than was expected.
            PathRefused: It is the root.
        """
        with self.changing():
            place = self.real(path)
            if place == self.folder:
                raise PathRefused(f"{ROOT} itself stays. Delete what is in it.")
            if not place.exists():
                raise FileNotFoundError(path)
            self._check(path, expected)
            if place.is_dir():
                # Out of sight in one step: a kill while it is taken apart leaves no half folder.
                hidden = place.with_name(f".{place.name}.gone")
                shutil.rmtree(hidden, ignore_errors=True)  # of a delete that was killed
                os.replace(place, hidden)
                shutil.rmtree(hidden)
            else:
                place.unlink()
            sync_folder(place.parent)

    def rename(self, old: str, new: str) -> None:
        """Move a file or folder; nothing is overwritten.

        Raises:
            FileNotFoundError: There is nothing called `old`.
            FileExistsError: Something is called `new`.
            PathRefused: One is the root, or `new` lies inside of `old`.
        """
        with self.changing():
            source, target = self.real(old), self.real(new)
            if self.folder in (source, target):
                raise PathRefused(f"{ROOT} itself stays where it is.")
            if not source.exists():
                raise FileNotFoundError(old)
            if target.exists():
                raise FileExistsError(new)
            if source in target.parents:
                raise PathRefused(f"{new} lies inside of {old}.")
            self._folders(new, target)
            os.replace(source, target)
            sync_folder(source.parent)
            sync_folder(target.parent)

    def entries(self, path: str = ROOT, *, depth: int = 2) -> list[Entry]:
        """List a folder and what is in it down to a depth, by name, without hidden items and links.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        place = self.real(path)
        if not self.is_folder(path):
            raise FileNotFoundError(path)
        return list(_listed(place, path.rstrip("/"), depth))

    def files(self) -> Iterator[str]:
        """Yield the virtual path of every file that `entries` lists down to `DEPTH`, in no order.

        Nothing is asked of the disk but names, so that a folder of thousands is looked through in no time.
        """
        if self.folder.is_dir():
            yield from _files(self.folder, ROOT, DEPTH)

    def sweep(self) -> None:
        """Remove what killed writes and deletes have left behind, out of sight and with their content."""
        with self.changing():
            for place in list(self.folder.rglob(".*.gone")):
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
            sweep(self.folder)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the folder for one change, so that what was read is what is replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = (self.folder / LOCK).open("a")
        except OSError as error:
            raise WorkspaceError(
                f"Cannot write in {self.folder}: {error.strerror}. Correct its permissions."
            ) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _folders(self, path: str, place: Path) -> None:
        """Make the folders that a file needs."""
        above = [parent for parent in place.parents if self.folder in parent.parents]
        if any(parent.is_file() for parent in above):
            raise PathRefused(f"{path}: a file stands where a folder is needed.")
        place.parent.mkdir(parents=True, exist_ok=True)

    def _check(self, path: str, expected: str | None) -> None:
        place = self.real(path)
        if expected is None:
            return
        found = digest(self.read(path)) if place.is_file() else ""
        if found != expected:
            raise EditConflict(
                f"{path} has changed since it was read. View it again, and repeat the edit."
            )


def _names(path: str) -> tuple[str, ...]:
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        raise PathRefused(f"{path!r} is not below {ROOT}. Paths look like {ROOT}/topic.md.")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in path):
        raise PathRefused(f"{path!r} holds a control character. Use a plain name.")
    if unquote(path) != path or "\\" in path:
        raise PathRefused(f"{path!r} holds an encoded character or a backslash. Write it plainly.")
    below = path.removeprefix(ROOT).removesuffix("/")
    names = tuple(below[1:].split("/")) if below else ()
    for name in names:
        plain = unicodedata.normalize("NFKC", name)
        if not name or plain.startswith(".") or name.strip() != name or set("/\\") & set(plain):
            raise PathRefused(
                f"{path!r}: {name!r} cannot be a name. Names are not empty, do not begin with a dot or "
                "a blank, and hold nothing that looks like a separator."
            )
        if len(name.encode("utf-8")) > NAME_BYTES:
            raise PathRefused(f"{path!r}: a name is longer than {NAME_BYTES} bytes. Shorten it.")
    if len(names) > DEPTH:
        raise PathRefused(f"{path!r} is more than {DEPTH} names deep. Use fewer folders.")
    return names


def _bytes(path: str, text: str) -> bytes:
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PathRefused(f"{path}: the text is not valid Unicode: {error}.") from error
    if b"\0" in raw:
        raise PathRefused(f"{path}: the text holds a NUL. Memory files are text.")
    if len(raw) > FILE_BYTES:
        raise PathRefused(
            f"{path} would be {len(raw):,} bytes; {FILE_BYTES:,} are allowed. Split it by topic."
        )
    return raw


def _listed(place: Path, path: str, depth: int) -> Iterator[Entry]:
    yield Entry(path, _size(place), place.is_dir() or not place.exists())
    if depth and place.is_dir():
        for inner in sorted(place.iterdir(), key=lambda one: one.name):
            if _shown(inner):
                yield from _listed(inner, f"{path}/{inner.name}", depth - 1)


def _files(place: Path, path: str, depth: int) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            if _hidden(entry.name) or entry.is_symlink():
                continue
            if not entry.is_dir():
                yield f"{path}/{entry.name}"
            elif depth > 1:
                yield from _files(place / entry.name, f"{path}/{entry.name}", depth - 1)


def _shown(place: Path) -> bool:
    return not (_hidden(place.name) or place.is_symlink())


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "node_modules"


def _size(place: Path) -> int:
    if place.is_dir():
        return sum(_size(inner) for inner in place.iterdir() if _shown(inner))
    return place.stat().st_size if place.exists() else 0
