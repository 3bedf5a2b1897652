"""Expressions as terms: a parser whose grammar is the database's own axioms about what is a formula.

In set.mm `wi $a wff ( ph -> ps ) $.` says how implications are written, so that a grammar need not be given.
It reads what one can read from left to right: a rule that begins with its own kind (none in set.mm's logic) is
not followed. Where a text can be read in two ways, or in none, there is no term.
"""

from __future__ import annotations

from typing import TypeAlias

from nightschool.verify.metamath.database import Assertion, Database, Expression, Hypothesis

Term: TypeAlias = "str | int | tuple[str | Term, ...]"
"""A variable of the database (its code), an open place (a number), or a label of a syntax axiom and its parts."""
MOST_SYMBOLS = 400
"""Symbols of an expression that is parsed."""


class Grammar:
    """What the syntax axioms of a database allow.

    Args:
        database: Whose grammar it is.
        provable: The typecode of what is proved, such as `|-`; axioms of it are no syntax.
        formula: The typecode of what can be proved, such as `wff`.
    """

    def __init__(self, database: Database, provable: str, formula: str) -> None:
        codes = {symbol: code for code, symbol in database.names.items()}
        self.provable, self.formula = codes.get(provable, ""), codes.get(formula, "")
        self.types: dict[str, str] = {}
        """Code of a variable -> its typecode."""
        self.floats: dict[str, list[str]] = {}
        """Code of a variable -> labels of its `$f`."""
        self._rules: dict[str, list[tuple[str, str, tuple[int, ...]]]] = {}
        for one in database.labels.values():
            if isinstance(one, Hypothesis) and one.floating:
                self.types[one.expression[1]] = one.expression[0]
                self.floats.setdefault(one.expression[1], []).append(one.label)
        for one in database.labels.values():
            if (
                isinstance(one, Assertion)
                and one.proof is None
                and one.expression[0] != self.provable
            ):
                self._learn(one)

    def term(self, expression: Expression) -> Term | None:
        """Read what is proved as a formula.

        Args:
            expression: With its typecode.

        Returns:
            The term; None where it is no formula, is one in two ways, or is longer than MOST_SYMBOLS.
        """
        if expression[0] != self.provable or len(expression) > MOST_SYMBOLS:
            return None
        text = expression[1:]
        try:
            found = [
                term for term, end in self._read(text, self.formula, 0, {}) if end == len(text)
            ]
        except RecursionError:
            return None
        return found[0] if len(found) == 1 else None

    def _learn(self, one: Assertion) -> None:
        """Make a rule of a syntax axiom: its symbols, and where each variable of its hypotheses stands."""
        if any(not h.floating for h in one.hypotheses):
            return
        body = one.expression[1:]
        places = tuple(body.find(h.expression[1]) for h in one.hypotheses)
        if all(body.count(h.expression[1]) == 1 for h in one.hypotheses):
            self._rules.setdefault(one.expression[0], []).append((one.label, body, places))

    def _read(
        self, text: str, kind: str, at: int, memo: dict[tuple[str, int], list[tuple[Term, int]]]
    ) -> list[tuple[Term, int]]:
        """Return every term of a kind that begins here, with the place where it ends."""
        known = memo.get((kind, at))
        if known is not None:
            return known
        memo[kind, at] = []  # a rule that begins with its own kind finds nothing here
        found: list[tuple[Term, int]] = []
        if at < len(text):
            if self.types.get(text[at]) == kind:
                found.append((text[at], at + 1))
            for label, body, places in self._rules.get(kind, ()):
                if body[0] in self.types or body[0] == text[at]:
                    found += self._follow(text, label, body, places, at, memo)
        memo[kind, at] = found
        return found

    def _follow(
        self, text: str, label: str, body: str, places: tuple[int, ...], at: int,
        memo: dict[tuple[str, int], list[tuple[Term, int]]],
    ) -> list[tuple[Term, int]]:  # fmt: skip
        """Read the symbols of a rule one after another."""
        open_: list[tuple[int, dict[int, Term]]] = [(at, {})]
        for k, symbol in enumerate(body):
            kind = self.types.get(symbol)
            if kind is None:
                open_ = [(end + 1, parts) for end, parts in open_ if text[end : end + 1] == symbol]
            else:
                open_ = [
                    (after, {**parts, k: term})
                    for end, parts in open_
                    for term, after in self._read(text, kind, end, memo)
                ]
        return [((label, *(parts[k] for k in places)), end) for end, parts in open_]
