"""Reading a Metamath database: scopes, symbols, hypotheses, axioms and theorems, strictly.

A file is refused rather than half read. `$[ file $]` is refused: what would be read then depends on
where the reader runs; the reference program writes a database as one file (`write source`).

Source:
    Metamath book, sections 4.1 and 4.2 (the statements and the rules of each), section 4.2.8 (frames).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from nightschool.errors import SourceMalformed, SourceUnreadable
from nightschool.verify.metamath.database import Assertion, Database, Expression, Hypothesis
from nightschool.verify.metamath.words import line_of, words

LARGEST = 200_000_000
"""Bytes of a database; set.mm has 41 million."""
_LABEL = re.compile(r"[A-Za-z0-9._-]+")
_FIRST_CODE = 0x100
"""Codes start beyond ASCII, so that none means something in a template."""
_SURROGATES = range(0xD800, 0xE000)
_LAST_CODE = 0x10FFFF


def read_database(path: Path) -> Database:
    """Read a database from a file.

    Raises:
        SourceUnreadable: There is no such file, or it is larger than LARGEST.
        SourceMalformed: It is not a Metamath database; the message has the line.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise SourceUnreadable(
                f"{path} has {size} bytes; at most {LARGEST} are read. Split it."
            )
        text = path.read_bytes().decode("ascii", "replace")
    except OSError as error:
        raise SourceUnreadable(
            f"{path} cannot be read ({error.strerror}); a Metamath database was expected. Check the path."
        ) from error
    return parse(text, path.name)


def parse(text: str, name: str = "database") -> Database:
    """Read a database from its text.

    Args:
        text: The whole of it.
        name: What to call it in errors and items.

    Raises:
        SourceMalformed: It is not a Metamath database; the message has the line.
    """
    reader = _Reader(words(text, name))
    try:
        reader.read()
    except _Broken as error:
        line = line_of(text, name, error.at)
        raise SourceMalformed(f"{name}, line {line}: {error}. Mend the database.") from None
    return Database(
        name, {code: symbol for symbol, code in reader.codes.items()}, frozenset(reader.variables),
        reader.labels, reader.ends,
    )  # fmt: skip


class _Broken(Exception):
    """What is wrong at a word."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at


@dataclass(frozen=True, slots=True)
class _Scope:
    """How much was in force where a scope opened."""

    at: int
    variables: int
    hypotheses: int
    apart: int


class _Reader:
    """One pass over the words; what is in force grows, and shrinks where a scope ends."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.order = 0
        self.codes: dict[str, str] = {}
        self.variables: set[str] = set()
        self.labels: dict[str, Hypothesis | Assertion] = {}
        self.ends: dict[str, int] = {}
        self._constants: set[str] = set()
        self._active: dict[str, str] = {}
        """Symbol in force -> code."""
        self._declared: list[str] = []
        """Variables in force, in order."""
        self._hypotheses: list[Hypothesis] = []
        self._typed: dict[str, Hypothesis] = {}
        """Code of a variable in force -> its `$f`."""
        self._apart: list[str] = []
        self._scopes: list[_Scope] = []

    def read(self) -> None:
        """Read to the end."""
        plain = {
            "$c": self._constant, "$v": self._variable, "$d": self._disjoint,
            "${": self._open, "$}": self._close,
        }  # fmt: skip
        while self.at < len(self.tokens):
            word = self.tokens[self.at]
            self.order += 1
            if word in plain:
                plain[word]()
            elif word == "$[":
                raise self._broken("an included file (`$[`), which is refused; give one whole file")
            elif "$" in word:
                raise self._broken(f"{word!r} where a statement was expected to begin")
            else:
                self._labelled(word)
        if self._scopes:
            raise _Broken(self._scopes[-1].at, "a `${` that is never closed")
        if both := self.codes.keys() & self.labels.keys():
            raise _Broken(
                len(self.tokens),
                f"{min(both)!r} is both a label and a symbol; it may be one of them",
            )

    def _constant(self) -> None:
        if self._scopes:
            raise self._broken("`$c` inside of `${`; constants are declared outside of every scope")
        for k, symbol in self._symbols():
            if symbol in self.codes:
                raise _Broken(k, f"the symbol {symbol} is declared already")
            self._active[symbol] = self._code(k, symbol)
            self._constants.add(self.codes[symbol])

    def _variable(self) -> None:
        for k, symbol in self._symbols():
            known = self.codes.get(symbol)
            if symbol in self._active or (known and known in self._constants):
                raise _Broken(k, f"the symbol {symbol} is declared already")
            code = known or self._code(k, symbol)
            self._active[symbol] = code
            self.variables.add(code)
            self._declared.append(symbol)

    def _disjoint(self) -> None:
        group = []
        for k, symbol in self._symbols():
            code = self._active.get(symbol, "")
            if code not in self.variables:
                raise _Broken(k, f"{symbol} in `$d` is no variable in force")
            if code in group:
                raise _Broken(k, f"{symbol} stands twice in one `$d`")
            group.append(code)
        if len(group) < 2:
            raise _Broken(self.at - 1, "a `$d` of one variable; at least 2 were expected")
        self._apart.append("".join(group))

    def _open(self) -> None:
        self._scopes.append(
            _Scope(self.at, len(self._declared), len(self._hypotheses), len(self._apart))
        )
        self.at += 1

    def _close(self) -> None:
        if not self._scopes:
            raise self._broken("a `$}` that closes nothing")
        scope = self._scopes.pop()
        for gone in self._hypotheses[scope.hypotheses :]:
            self.ends[gone.label] = self.order
            if gone.floating:
                del self._typed[gone.expression[1]]
        for symbol in self._declared[scope.variables :]:
            del self._active[symbol]
        del self._hypotheses[scope.hypotheses :]
        del self._declared[scope.variables :]
        del self._apart[scope.apart :]
        self.at += 1

    def _labelled(self, label: str) -> None:
        if not _LABEL.fullmatch(label):
            raise self._broken(f"{label!r} is no label; letters, digits and `.-_` were expected")
        if label in self.labels:
            raise self._broken(f"the label {label} is used already")
        self.at += 1
        kind = self.tokens[self.at] if self.at < len(self.tokens) else "the end"
        if kind not in ("$f", "$e", "$a", "$p"):
            raise self._broken(f"{kind} after the label {label}; $f, $e, $a or $p was expected")
        expression = self._expression(label, "$=" if kind == "$p" else "$.")
        if kind == "$f":
            self._float(label, expression)
        elif kind == "$e":
            found = Hypothesis(label, self.order, expression, False)
            self._typed_all(label, expression)
            self.labels[label] = found
            self._hypotheses.append(found)
        else:
            self.labels[label] = self._assertion(label, expression, kind == "$p")

    def _float(self, label: str, expression: Expression) -> None:
        if len(expression) != 2 or expression[1] not in self.variables:
            raise _Broken(self.at - 1, f"the `$f` {label} is not a typecode and a variable")
        if expression[1] in self._typed:
            raise _Broken(self.at - 1, f"the variable of the `$f` {label} has a type already")
        found = Hypothesis(label, self.order, expression, True)
        self.labels[label] = self._typed[expression[1]] = found
        self._hypotheses.append(found)

    def _assertion(self, label: str, expression: Expression, proved: bool) -> Assertion:
        """Make the frame: the mandatory variables, hypotheses and distinct pairs of a statement."""
        supposed = [one for one in self._hypotheses if not one.floating]
        used = self._typed_all(label, "".join([expression, *(one.expression for one in supposed)]))
        mandatory = [self._typed[code] for code in used]
        hypotheses = tuple(sorted([*supposed, *mandatory], key=lambda one: one.order))
        pairs: dict[tuple[str, str], None] = {}
        for group in self._apart:
            both = [code for code in group if code in used]
            if len(both) > 1:
                pairs.update(dict.fromkeys(combinations(sorted(both), 2)))
        proof = None
        if proved:
            start, self.at = self.at, self._end(self.at, "$.") + 1
            proof = tuple(self.tokens[start : self.at - 1])
            if "$" in "".join(proof):
                k = next(k for k, word in enumerate(proof, start) if "$" in word)
                raise _Broken(k, f"{self.tokens[k]} in the proof of {label}; its `$.` is missing")
        return Assertion(
            label, self.order, expression, hypotheses, tuple(pairs), tuple(self._apart), proof
        )

    def _typed_all(self, label: str, expression: Expression) -> set[str]:
        """Return the variables in an expression, all of which must have a type."""
        used = self.variables.intersection(expression)
        if missing := used - self._typed.keys():
            names = {code: symbol for symbol, code in self.codes.items()}
            raise _Broken(
                self.at - 1, f"the variable {names[min(missing)]} in {label} has no `$f` in force"
            )
        return used

    def _expression(self, label: str, end: str) -> Expression:
        """Read the symbols up to an end mark, and go past it."""
        start, stop = self.at + 1, self._end(self.at, end)
        try:
            expression = "".join([self._active[word] for word in self.tokens[start:stop]])
        except KeyError:
            k = next(k for k in range(start, stop) if self.tokens[k] not in self._active)
            raise _Broken(k, f"{self.tokens[k]} in {label} is no symbol in force") from None
        if not expression or expression[0] not in self._constants:
            raise _Broken(start, f"{label} does not begin with a constant, its typecode")
        self.at = stop + 1
        return expression

    def _symbols(self) -> list[tuple[int, str]]:
        """Read the symbols of a `$c`, `$v` or `$d` with their places, and go past its end."""
        start, stop = self.at + 1, self._end(self.at, "$.")
        if start == stop:
            raise self._broken(f"an empty {self.tokens[self.at]}")
        self.at = stop + 1
        return [(k, self.tokens[k]) for k in range(start, stop)]

    def _end(self, start: int, mark: str) -> int:
        try:
            return self.tokens.index(mark, start)
        except ValueError:
            raise _Broken(start, f"a statement without its `{mark}`") from None

    def _code(self, at: int, symbol: str) -> str:
        """Give a new symbol its code."""
        if "$" in symbol:
            raise _Broken(at, f"{symbol!r} where a symbol was expected; a symbol has no `$`")
        number = _FIRST_CODE + len(self.codes)
        if number >= _SURROGATES.start:
            number += len(_SURROGATES)
        if number > _LAST_CODE:
            raise _Broken(at, "more symbols than there are codes")
        self.codes[symbol] = chr(number)
        return self.codes[symbol]

    def _broken(self, what: str) -> _Broken:
        return _Broken(self.at, what)
