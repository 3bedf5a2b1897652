"""Addresses of git repositories, as `learn` takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nightschool.errors import SourceUnreadable

PREFIXES = ("git+file://", "git+https://")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is, and what of it is meant."""

    url: str
    """An absolute path, or an https URL."""
    branch: str | None
    """A branch, a tag or a whole commit id; None: what the repository has checked out."""

    @property
    def remote(self) -> bool:
        """Whether it has to be fetched over the network."""
        return self.url.startswith("https://")


def is_address(source: str) -> bool:
    """Tell whether a source names a git repository."""
    return source.startswith("git+")


def parse_address(source: str) -> Address:
    """Take `git+file:///path[@branch]` or `git+https://host/path[@branch]` apart.

    Raises:
        SourceUnreadable: It is another transport, a relative path, or holds a password.
    """
    if not source.startswith(PREFIXES):
        raise SourceUnreadable(
            f"{source.partition('://')[0]}:// is not read; expected git+file:///path/to/repo or "
            "git+https://host/path, each with @branch where another branch is meant."
        )
    url = source.removeprefix("git+")
    if url.startswith("https://"):
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise SourceUnreadable(
                "The address names a user or a password; expected none, since it would be stored with every "
                "memory. Clone the repository yourself, and learn git+file:///path/to/clone."
            )
        path, at, branch = parts.path.partition("@")
        return Address(f"https://{parts.netloc}{path.rstrip('/')}", branch if at else None)
    path = unquote(url.removeprefix("file://"))
    if not path.startswith("/") or re.search(r"[\0-\x1f]", path):
        raise SourceUnreadable(
            f"{source!r} is not a whole path; expected git+file:///path/to/repo (three slashes)."
        )
    ends = [len(path), *(m.start() for m in reversed(list(re.finditer("@", path))))]
    for end in ends:  # a path may hold an @, and so may a branch
        if Path(path[:end]).exists():
            return Address(path[:end].rstrip("/") or "/", path[end + 1 :] or None)
    shown = path.partition("@")[0]
    raise SourceUnreadable(f"{shown} does not exist. Give the path of a git repository.")
