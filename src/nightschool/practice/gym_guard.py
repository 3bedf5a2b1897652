"""What may reach the scorers of reasoning-gym that execute an answer: data and sums, no code.

Nine of its scorers hand the answer to Python's `eval`, or to sympy's `parse_expr`, which is that underneath. Whoever answers
could run any program there, read the right answer from the scorer's own variables, or keep it busy for ever.
Not covered: the other datasets, whose scorers compare texts and numbers.
"""

from __future__ import annotations

import ast
import re

EVALUATED = frozenset({"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"})
"""Datasets whose scorers evaluate an answer that is not the right text."""
SUMS = frozenset({"countdown", "puzzle24"})
POLYNOMIALS = frozenset({"polynomial_multiplication"})
INTEGRALS = frozenset({"intermediate_integration", "simple_integration"})
FUNCTIONS = frozenset(
    "sin cos tan sec csc cot asin acos atan sinh cosh tanh exp log ln sqrt Abs pi".split()
)
LONGEST = 400
"""Characters of an answer that is parsed."""
MOST_POWERS_OF_PARENTHESES = 3
"""Each to one digit: numbers stay short enough to compute."""
_SIGNS = re.compile(r"[\w\s+\-*/(),.]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_POWER = re.compile(r"(\S?)\s*\*\*(?=\s*(.{0,8}))")
_EXPONENT = re.compile(r"(\d\d?(?![\d.])|\(-?\d(/\d)?\))(?!\s*\*\*)")


def is_safe(dataset: str, answer: str) -> bool:
    """Tell whether a dataset's scorer may be given an answer: it neither runs code nor computes for long.

    >>> is_safe("countdown", "(3 + 4) * 25 / 5"), is_safe("countdown", "9**9**9**9")
    (True, False)
    >>> is_safe("spiral_matrix", "[1, 2, 3]"), is_safe("spiral_matrix", "oracle_answer.split()")
    (True, False)

    Args:
        dataset: Its name in reasoning-gym; of other datasets every answer is safe.
        answer: What was answered. Of an evaluated dataset only a literal is; the right text is for the caller to know.
    """
    if dataset in EVALUATED:
        return _is_literal(answer)
    if dataset not in SUMS | POLYNOMIALS | INTEGRALS:
        return True
    if len(answer) > LONGEST or not _SIGNS.fullmatch(answer) or "__" in answer:
        return False
    names = set(_NAME.findall(answer))
    if dataset in SUMS:
        return not names and "**" not in answer
    known = FUNCTIONS if dataset in INTEGRALS else frozenset[str]()
    return all(len(name) == 1 or name in known for name in names) and _short_powers(answer)


def _is_literal(answer: str) -> bool:
    try:
        ast.literal_eval(answer)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _short_powers(answer: str) -> bool:
    """Tell whether all powers are of names, to two digits, or few of parentheses, to one digit."""
    parentheses = 0
    for base, exponent in _POWER.findall(answer):
        if not _EXPONENT.match(exponent) or base.isdigit():
            return False
        if base == ")":
            parentheses += 1
            if re.match(r"\d\d", exponent):
                return False
    return parentheses <= MOST_POWERS_OF_PARENTHESES
