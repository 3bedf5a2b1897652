"""The proof checker: a stack machine that runs a proof and compares what is left with the theorem.

It does not cover definitions (whether an axiom is a harmless one) nor the proofs of what a proof
refers to: a database is sound where each of its theorems passes.

Source:
    Metamath book, section 4.3 (proofs and unification), section 4.1.4 (distinct variables).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from nightschool.errors import ProofRefused, ProofUndecided
from nightschool.verify.metamath.compressed import SAVE, UNKNOWN, Decoded, decode
from nightschool.verify.metamath.database import Assertion, Database, Expression, Hypothesis


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a proof may cost; all but the time are part of the task, and the same everywhere."""

    steps: int
    stack: int
    """Expressions on the stack at a time."""
    symbols: int
    """Symbols of one expression."""
    work: int
    """Symbols of all the expressions that the steps make, together."""
    seconds: float


ANSWER = Bounds(steps=10_000, stack=1_000, symbols=5_000, work=5_000_000, seconds=5.0)
"""For a proof that a model wrote."""
WHOLE = Bounds(
    steps=10_000_000, stack=100_000, symbols=1_000_000, work=1_000_000_000, seconds=600.0
)
"""For a database's own proofs."""
_BETWEEN = 255
"""Steps between two looks at the clock, less one (a mask)."""


class _Rule(NamedTuple):
    """An assertion, ready to be used: its expressions are templates (`str.format`) over its variables."""

    label: str
    needs: int
    floats: tuple[tuple[int, str], ...]
    """Place among the hypotheses and typecode, for each variable in its order."""
    supposed: tuple[tuple[int, str], ...]
    """Place and template of each `$e`."""
    distinct: tuple[tuple[int, int], ...]
    """Pairs of variables, by number."""
    result: str


class Checker:
    """Checks proofs against one database.

    Args:
        database: Whose axioms and theorems may be used.
        bounds: What one proof may cost.
    """

    def __init__(self, database: Database, bounds: Bounds = ANSWER) -> None:
        self.database = database
        self.bounds = bounds
        self._rules: dict[str, _Rule] = {}

    def check(self, theorem: Assertion, proof: Sequence[str] | None = None) -> None:
        """Return quietly where a proof proves the theorem from what comes before it.

        Args:
            theorem: What is to be proved.
            proof: Words of a normal or compressed proof; None means the database's own.

        Raises:
            ProofRefused: A step cannot be done, is unknown (`?`), or may not be used here.
            ProofRefused: What is left on the stack is not the theorem alone.
            ProofRefused: The proof is larger than its bounds.
            ProofUndecided: It takes longer than its bound.
        """
        if len(proof or ()) > self.bounds.steps:
            raise ProofRefused(f"the proof has more than {self.bounds.steps} steps")
        decoded = decode(theorem, (theorem.proof or ()) if proof is None else proof)
        stack = _Run(self, theorem, decoded).run()
        if len(stack) != 1:
            raise ProofRefused(
                f"the proof leaves {len(stack)} expressions on the stack; 1 was expected"
            )
        if stack[0] != theorem.expression:
            show = self.database.show
            raise ProofRefused(
                f"the proof proves `{show(stack[0])}`; `{show(theorem.expression)}` was expected"
            )

    def rule(self, found: Assertion) -> _Rule:
        """Return an assertion ready to be used; made once."""
        rule = self._rules.get(found.label)
        if rule is None:
            rule = self._rules[found.label] = _compile(found)
        return rule


class _Run:
    """One proof being run."""

    def __init__(self, checker: Checker, theorem: Assertion, decoded: Decoded) -> None:
        self._checker = checker
        self._database = checker.database
        self._bounds = checker.bounds
        self._theorem = theorem
        self._labels, self._codes = decoded
        self._entries: list[Expression | _Rule | None] = [None] * len(self._labels)
        self._apart: defaultdict[str, set[str]] | None = None

    def run(self) -> list[Expression]:
        """Run all steps; return the stack."""
        stack: list[Expression] = []
        kept: list[Expression] = []
        entries, known, bounds = self._entries, len(self._labels), self._bounds
        deadline = monotonic() + bounds.seconds
        step, work, may_keep = 0, 0, False
        if len(self._codes) > bounds.steps:
            raise ProofRefused(
                f"the proof has {len(self._codes)} steps; at most {bounds.steps} may be"
            )
        for code in self._codes:
            if code == SAVE:
                if not may_keep:
                    raise self._refused(
                        step, "Z follows no axiom or theorem, whose result it could keep"
                    )
                kept.append(stack[-1])
                continue
            step += 1
            may_keep = False
            if 0 < code <= known:
                entry = entries[code - 1] or self._entry(step, code)
                if isinstance(entry, str):
                    stack.append(entry)
                else:
                    self._apply(step, entry, stack)
                    may_keep = True
            elif code == UNKNOWN:
                raise self._refused(step, "it is unknown (`?`); the proof is incomplete")
            elif code - known <= len(kept):
                stack.append(kept[code - known - 1])
            else:
                raise self._refused(
                    step, f"its letters mean number {code}; there are {known + len(kept)}"
                )
            work += len(stack[-1])
            if not step & _BETWEEN and monotonic() > deadline:
                raise ProofUndecided(
                    f"after {step} steps the check had run for {bounds.seconds} s; allow more time or give a "
                    "shorter proof"
                )
            if len(stack) > bounds.stack or len(stack[-1]) > bounds.symbols or work > bounds.work:
                raise self._refused(
                    step,
                    f"the proof is too large: at most {bounds.stack} expressions at a time, {bounds.symbols} "
                    f"symbols each and {bounds.work} together",
                )
        # A label that is listed and never meant is looked up as well: the reference program does.
        for code in range(1, known + 1):
            if entries[code - 1] is None:
                self._entry(step, code)
        return stack

    def _apply(self, step: int, rule: _Rule, stack: list[Expression]) -> None:
        """Take an assertion's hypotheses from the stack, and put its conclusion there."""
        base = len(stack) - rule.needs
        if base < 0:
            raise self._refused(
                step, f"{rule.label} takes {rule.needs} from the stack, which holds {len(stack)}"
            )
        given = stack[base:]
        del stack[base:]
        values = []
        for place, typecode in rule.floats:
            value = given[place]
            if value[0] != typecode:
                raise self._unfit(step, rule, place, typecode, value)
            values.append(value[1:])
        for place, template in rule.supposed:
            wanted = template.format(*values)
            if wanted != given[place]:
                raise self._unfit(step, rule, place, wanted, given[place])
        if rule.distinct:
            self._keep_apart(step, rule, values)
        stack.append(rule.result.format(*values))

    def _keep_apart(self, step: int, rule: _Rule, values: list[str]) -> None:
        """Refuse a substitution that lets variables meet that must be distinct."""
        if self._apart is None:
            self._apart = defaultdict(set)
            for group in self._theorem.apart:
                for code in group:
                    self._apart[code].update(other for other in group if other != code)
        variables = self._database.variables
        inside = [variables.intersection(value) for value in values]
        for first, second in rule.distinct:
            for code in sorted(inside[first]):
                if meet := inside[second] - self._apart.get(code, set()):
                    names = self._database.names
                    raise self._refused(
                        step,
                        f"{rule.label} needs {names[code]} and {names[min(meet)]} to be distinct, and no "
                        "`$d` of the theorem says so",
                    )

    def _entry(self, step: int, code: int) -> Expression | _Rule:
        """Look a label up at its first use."""
        label = self._labels[code - 1]
        found = self._database.labels.get(label)
        if found is None:
            raise self._refused(step, f"the database has no label {label}")
        if why := self._database.usable(found, self._theorem):
            raise self._refused(step, f"{label} {why}")
        entry = found.expression if isinstance(found, Hypothesis) else self._checker.rule(found)
        self._entries[code - 1] = entry
        return entry

    def _unfit(self, step: int, rule: _Rule, place: int, wanted: str, given: str) -> ProofRefused:
        label = self._hypothesis(rule, place)
        show = self._database.show
        what = f"`{show(wanted)}`" if len(wanted) > 1 else f"a {show(wanted)}"
        return self._refused(
            step, f"{rule.label} takes {what} for its hypothesis {label}, and got `{show(given)}`"
        )

    def _hypothesis(self, rule: _Rule, place: int) -> str:
        found = self._database.labels[rule.label]
        return found.hypotheses[place].label if isinstance(found, Assertion) else rule.label

    def _refused(self, step: int, what: str) -> ProofRefused:
        return ProofRefused(f"step {step}: {what}")


def _compile(found: Assertion) -> _Rule:
    """Number an assertion's variables, and make templates of its expressions."""
    floats = [(k, one) for k, one in enumerate(found.hypotheses) if one.floating]
    number = {one.expression[1]: k for k, (_, one) in enumerate(floats)}
    slots = str.maketrans({code: f"{{{k}}}" for code, k in number.items()})
    return _Rule(
        found.label,
        len(found.hypotheses),
        tuple((k, one.expression[0]) for k, one in floats),
        tuple(
            (k, one.expression.translate(slots))
            for k, one in enumerate(found.hypotheses)
            if not one.floating
        ),
        tuple((number[a], number[b]) for a, b in found.distinct),
        found.expression.translate(slots),
    )
