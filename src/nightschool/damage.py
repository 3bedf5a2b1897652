"""How a damaged database shows, and what is said of it: never a word of what it holds."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightschool.errors import WorkspaceCorrupt

REMEDY = "Run `nightschool restore`: it puts the newest backup in its place."
"""What to do about a damaged database."""
DAMAGE = re.compile(
    r"malformed|not a database|Could not decode|vtable constructor failed|no such module: (?!fts5$)"
)


def damage(error: BaseException) -> str:
    """Say how a database is damaged, without quoting from it; empty for every other error."""
    if isinstance(error, UnicodeDecodeError):  # a message of SQLite's that quotes what is damaged
        return "malformed" if b"malformed" in error.object else ""
    found = DAMAGE.search(str(error)) if isinstance(error, sqlite3.DatabaseError) else None
    return found[0] if found else ""


@contextmanager
def damage_told(database: Path) -> Iterator[None]:
    """Turn what SQLite says of a damaged database into what to do about it.

    Raises:
        WorkspaceCorrupt: The database is damaged.
    """
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if damage(error):
            raise WorkspaceCorrupt(f"{database} is damaged ({damage(error)}). {REMEDY}") from error
        raise
