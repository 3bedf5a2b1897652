"""A Metamath database as data: symbols, hypotheses, assertions and which of them a proof may use.

An expression is a text with one character a symbol (its *code*), the typecode first. So an
expression is compared, measured and substituted into by the interpreter's own string routines,
which no list of Python's integers can match. Codes mean nothing outside of their database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Expression = str
"""One code a symbol, the typecode first."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A `$f` (a variable's type) or a `$e` (something supposed)."""

    label: str
    order: int
    """Its place among the database's statements."""
    expression: Expression
    floating: bool
    """True for `$f`, whose expression is a typecode and a variable."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An axiom or definition (`$a`) or a theorem (`$p`), with what applies to it."""

    label: str
    order: int
    expression: Expression
    hypotheses: tuple[Hypothesis, ...]
    """The mandatory ones, in the order in which they are taken from the stack."""
    distinct: tuple[tuple[str, str], ...]
    """Pairs of codes: mandatory variables that whoever uses this must keep apart."""
    apart: tuple[str, ...]
    """All `$d` in force, each a text of codes: what this one's own proof may rely on."""
    proof: tuple[str, ...] | None
    """The words between `$=` and `$.`, not looked at yet; None for `$a`."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database that was read: every statement is well formed, no proof has been looked at."""

    name: str
    names: Mapping[str, str]
    """Code -> symbol."""
    variables: frozenset[str]
    """Codes of all symbols that are a variable somewhere."""
    labels: Mapping[str, Hypothesis | Assertion]
    """In the order of the database."""
    ends: Mapping[str, int]
    """Label of a hypothesis -> order from which it is out of scope; those of the outermost scope are not in it."""

    def show(self, expression: Expression, longest: int = 200) -> str:
        """Write an expression in its symbols; what is longer than `longest` symbols ends in `...`."""
        shown = " ".join(self.names[code] for code in expression[:longest])
        return f"{shown} ..." if len(expression) > longest else shown

    def theorems(self) -> Iterator[Assertion]:
        """Go through the theorems in order."""
        for one in self.labels.values():
            if isinstance(one, Assertion) and one.proof is not None:
                yield one

    def usable(self, found: Hypothesis | Assertion, theorem: Assertion) -> str:
        """Say why a theorem's proof may not use this; empty where it may."""
        if found.order >= theorem.order:
            same = found.order == theorem.order
            return "is what is to be proved" if same else "comes later in the database"
        if self.ends.get(found.label, theorem.order + 1) <= theorem.order:
            return "is a hypothesis of something else"
        return ""
