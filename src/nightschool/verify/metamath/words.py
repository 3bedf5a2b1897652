"""A Metamath text cut into its words, comments left out, and the line that a word stands in.

Source:
    Metamath book, section 4.1.1 (characters and tokens) and section 4.4.1 (comments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nightschool.errors import SourceMalformed

_STRANGE = re.compile(r"[^\t\n\f\r -~]")
_SPACE = frozenset("\t\n\f\r ")


def words(text: str, name: str) -> list[str]:
    """Cut a database's text into words; comments are gone.

    Args:
        text: The database.
        name: What to call it in an error.

    Raises:
        SourceMalformed: A character is not printable ASCII or white space.
        SourceMalformed: A comment is not closed, holds another, or touches a word.
    """
    strange = _STRANGE.search(text)
    if strange:
        raise SourceMalformed(
            f"{name}, line {_line(text, strange.start())}: the character {strange[0]!r}; a Metamath database "
            "is printable ASCII. Take it out."
        )
    return [word for piece in _pieces(text, name) for word in text[piece].split()]


def line_of(text: str, name: str, number: int) -> int:
    """Return the line, from 1, of the word of this number, from 0; past the end, that of the last word.

    It walks the text anew: words do not carry their places, because only errors ask for one.
    """
    left = number
    line = 1
    for piece in _pieces(text, name):
        for match in re.finditer(r"\S+", text[piece]):
            line = _line(text, piece.start + match.start())
            if not left:
                return line
            left -= 1
    return line


def _pieces(text: str, name: str) -> Iterator[slice]:
    """Yield the stretches of text between comments."""
    at = 0
    while (opened := text.find("$(", at)) >= 0:
        closed = text.find("$)", opened)
        if closed < 0:
            raise _broken(text, name, opened, "a comment that is never closed")
        if "$(" in text[opened + 2 : closed]:
            raise _broken(text, name, opened, "a comment with a `$(` inside")
        around = (opened - 1, opened + 2, closed - 1, closed + 2)
        if any(0 <= k < len(text) and text[k] not in _SPACE for k in around):
            raise _broken(text, name, opened, "a comment's mark that touches a word")
        yield slice(at, opened)
        at = closed + 2
    if (closed := text.find("$)", at)) >= 0:
        raise _broken(text, name, closed, "a `$)` that closes no comment")
    yield slice(at, len(text))


def _broken(text: str, name: str, at: int, what: str) -> SourceMalformed:
    return SourceMalformed(
        f"{name}, line {_line(text, at)}: {what}; a comment stands between `$(` and `$)`, each a word of its "
        "own. Mend the comment."
    )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
