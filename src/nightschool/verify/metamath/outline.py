"""Proofs without their syntax: only the steps that say something, the rest found by unification.

About half of the labels of a Metamath proof build formulas (`wph wps wi`), and nobody thinks in them. An *outline*
is a proof without these: hypotheses and assertions in the same order. What each step's variables stand for follows
from the theorem and from its hypotheses, by unification. Nothing here is trusted: what comes out is a full proof,
which the checker has to accept.

Source:
    Condensed detachment: Robinson, A Machine-Oriented Logic Based on the Resolution Principle (1965), for unification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nightschool.errors import ProofRefused
from nightschool.verify.metamath.compressed import SAVE, decode
from nightschool.verify.metamath.database import Assertion, Database, Hypothesis
from nightschool.verify.metamath.syntax import Grammar, Term

MOST_WORK = 50_000
"""Terms that may be looked at in one proof; formulas can double with every step."""


class Frame(NamedTuple):
    """An assertion as terms."""

    label: str
    kinds: tuple[tuple[str, str], ...]
    """Code and typecode of each variable, in order of the `$f`."""
    supposed: tuple[Term, ...]
    result: Term
    slots: tuple[int, ...]
    """For each hypothesis in its order: the number of its variable, or minus one less the number of its `$e`."""


class Run(NamedTuple):
    """How far an outline came."""

    applied: int
    """Steps that could be done, from the first on."""
    proof: tuple[str, ...]
    """The full proof, to be checked; empty where there is none."""
    reason: str
    """What went wrong; empty where there is a proof."""
    agreed: float = 0.0
    """Share of the theorem's symbols, from the outermost on, that the one statement left agrees in."""


class Outliner:
    """Fills outlines in, and makes them of full proofs.

    Args:
        database: Where the theorems stand.
        grammar: Its grammar.
    """

    def __init__(self, database: Database, grammar: Grammar) -> None:
        self.database = database
        self.grammar = grammar
        self._frames: dict[str, Frame | None] = {}

    def frame(self, one: Assertion) -> Frame | None:
        """Return an assertion as terms, made once; None where it cannot be parsed, or is syntax itself."""
        if one.label not in self._frames:
            self._frames[one.label] = self._framed(one)
        return self._frames[one.label]

    def fill(self, theorem: Assertion, steps: Sequence[str]) -> Run:
        """Turn an outline into a full proof.

        Args:
            theorem: What is to be proved.
            steps: Labels of its own `$e` and of earlier assertions, in normal order.
        """
        frame = self.frame(theorem)
        if frame is None:
            return Run(0, (), f"{theorem.label} cannot be read as a formula")
        return _Filling(self, theorem, frame).run(steps)

    def outline(self, theorem: Assertion, longest: int) -> tuple[str, ...] | None:
        """Leave the syntax out of a theorem's own proof.

        Returns:
            The steps; None where there are more than `longest`.

        Raises:
            ProofRefused: The proof is none, or incomplete.
        """
        labels, codes = decode(theorem, theorem.proof or ())
        entries = [self.database.labels[label] for label in labels]
        stack: list[tuple[str, ...]] = []
        kept: list[tuple[str, ...]] = []
        for code in codes:
            if code == SAVE:
                kept.append(stack[-1])
            elif code > len(labels):
                stack.append(kept[code - len(labels) - 1])
            elif code < 1:
                raise ProofRefused("the proof has an unknown step (`?`)")
            else:
                stack.append(self._step(entries[code - 1], stack))
            if len(stack[-1]) > longest:
                return None
        return stack[-1]

    def _step(self, found: Hypothesis | Assertion, stack: list[tuple[str, ...]]) -> tuple[str, ...]:
        own = (found.label,) if found.expression[0] == self.grammar.provable else ()
        if isinstance(found, Hypothesis) or not found.hypotheses:
            return own
        below = stack[-len(found.hypotheses) :]
        del stack[-len(found.hypotheses) :]
        return (*(label for part in below for label in part), *own) if own else ()

    def _framed(self, one: Assertion) -> Frame | None:
        floats = [h.expression[1] for h in one.hypotheses if h.floating]
        if one.expression[0] != self.grammar.provable:
            return None
        terms = [self.grammar.term(h.expression) for h in one.hypotheses if not h.floating]
        result = self.grammar.term(one.expression)
        slots, seen = [], 0
        for h in one.hypotheses:
            slots.append(floats.index(h.expression[1]) if h.floating else -1 - seen)
            seen += not h.floating
        supposed = [term for term in terms if term is not None]
        if result is None or len(supposed) < len(terms):
            return None
        kinds = tuple((code, self.grammar.types[code]) for code in floats)
        return Frame(one.label, kinds, tuple(supposed), result, tuple(slots))


class Unifier:
    """Open places, and what they were found to stand for."""

    def __init__(self, most_work: int = MOST_WORK) -> None:
        self.kinds: list[str] = []
        self._values: dict[int, Term] = {}
        self._left = most_work

    def fresh(self, frame: Frame) -> dict[str, int]:
        """Return open places for the variables of an assertion."""
        places = {code: len(self.kinds) + k for k, (code, _) in enumerate(frame.kinds)}
        self.kinds += [kind for _, kind in frame.kinds]
        return places

    def unify(self, first: Term, second: Term) -> bool:
        """Make two terms one, if that can be done; if not, some places may have been filled.

        Raises:
            ProofRefused: The terms are too large.
        """
        first, second = self.seen(first), self.seen(second)
        if first == second:
            return True
        if isinstance(first, int):
            return self._fill(first, second)
        if isinstance(second, int):
            return self._fill(second, first)
        if isinstance(first, str) or isinstance(second, str):
            return False
        return first[0] == second[0] and all(
            self.unify(a, b) for a, b in zip(first[1:], second[1:], strict=True)
        )

    def seen(self, term: Term) -> Term:
        """Return what an open place stands for, as far as that is known; other terms as they are.

        Raises:
            ProofRefused: Too many terms have been looked at.
        """
        self._left -= 1
        if self._left < 0:
            raise ProofRefused("its formulas are too large")
        while isinstance(term, int) and term in self._values:
            term = self._values[term]
        return term

    def leaves(self, term: Term) -> Iterator[str | int]:
        """Go through the variables and open places in a term."""
        term = self.seen(term)
        if isinstance(term, tuple):
            for part in term[1:]:
                yield from self.leaves(part)
        else:
            yield term

    def _fill(self, place: int, term: Term) -> bool:
        if any(leaf == place for leaf in self.leaves(term)):
            return False
        self._values[place] = term
        return True

    def settle(self, place: int, code: str) -> None:
        """Let an open place stand for a variable."""
        self._values[place] = code


def rename(term: Term, places: dict[str, int]) -> Term:
    """Put open places for the variables of a term."""
    if isinstance(term, tuple):
        return (term[0], *(rename(part, places) for part in term[1:]))
    return places.get(term, term) if isinstance(term, str) else term


def _size(term: Term) -> int:
    return 1 + sum(_size(part) for part in term[1:]) if isinstance(term, tuple) else 1


class _Done(NamedTuple):
    """A step that was done."""

    term: Term
    label: str
    places: tuple[int, ...]
    """Open places of the assertion's variables."""
    below: tuple[_Done, ...]
    """What its `$e` were proved by."""


class _Filling:
    """One outline being filled in."""

    def __init__(self, outliner: Outliner, theorem: Assertion, frame: Frame) -> None:
        self._outliner, self._theorem, self._frame = outliner, theorem, frame
        self._database, self._grammar = outliner.database, outliner.grammar
        own = [h.label for h in theorem.hypotheses if not h.floating]
        self._own = dict(zip(own, frame.supposed, strict=True))
        self._unifier = Unifier()
        self._apart: list[tuple[int, int]] = []

    def run(self, steps: Sequence[str]) -> Run:
        stack: list[_Done] = []
        for k, label in enumerate(steps):
            try:
                self._step(label, stack)
            except (ProofRefused, RecursionError) as error:
                return Run(k, (), f"step {k + 1}, {label[:40]}: {error}")
        if len(stack) != 1:
            return Run(len(steps), (), f"it leaves {len(stack)} statements; 1 was expected")
        try:
            goal = self._frame.result
            agreed = self._agreed(stack[0].term, goal) / max(1, _size(goal))
            if not self._unifier.unify(stack[0].term, goal):
                return Run(len(steps), (), "it proves something else than the theorem", agreed)
            self._settle()
            return Run(len(steps), tuple(self._written(stack[0])), "")
        except (ProofRefused, RecursionError) as error:
            return Run(len(steps), (), str(error))

    def _step(self, label: str, stack: list[_Done]) -> None:
        if label in self._own:
            stack.append(_Done(self._own[label], label, (), ()))
            return
        found = self._database.labels.get(label)
        if not isinstance(found, Assertion):
            raise ProofRefused("no such theorem")
        if why := self._database.usable(found, self._theorem):
            raise ProofRefused(why)
        frame = self._outliner.frame(found)
        if frame is None:
            raise ProofRefused("it builds a formula and proves nothing")
        needs = len(frame.supposed)
        if needs > len(stack):
            raise ProofRefused(f"it takes {needs} statements, and there are {len(stack)}")
        places = self._unifier.fresh(frame)
        below = tuple(stack[len(stack) - needs :])
        for one, term in zip(below, frame.supposed, strict=True):
            if not self._unifier.unify(rename(term, places), one.term):
                raise ProofRefused("what stands before it does not fit")
        del stack[len(stack) - needs :]
        self._apart += [(places[a], places[b]) for a, b in found.distinct]
        stack.append(_Done(rename(frame.result, places), label, tuple(places.values()), below))

    def _agreed(self, found: Term, goal: Term) -> int:
        """Count the symbols in which two terms agree; what lies below a difference does not count."""
        found = self._unifier.seen(found)
        if not isinstance(found, tuple) or not isinstance(goal, tuple):
            return int(found == goal)
        if found[0] != goal[0]:
            return 0
        return 1 + sum(self._agreed(a, b) for a, b in zip(found[1:], goal[1:], strict=True))

    def _settle(self) -> None:
        """Let what is still open stand for variables, apart from each other where they must be."""
        given = [h.expression[1] for h in self._theorem.hypotheses if h.floating]
        listed = [*given, *(code for code in self._grammar.floats if code not in given)]
        allowed = {frozenset((a, b)) for group in self._theorem.apart for a in group for b in group}
        for place, kind in enumerate(self._unifier.kinds):
            root = self._unifier.seen(place)
            if isinstance(root, int):
                for code in listed:
                    if self._grammar.types[code] == kind and self._label(code):
                        self._unifier.settle(root, code)
                        if self._kept_apart(allowed):
                            break

    def _kept_apart(self, allowed: set[frozenset[str]]) -> bool:
        for a, b in self._apart:
            for x in self._unifier.leaves(a):
                for y in self._unifier.leaves(b):
                    if isinstance(x, str) and isinstance(y, str) and (x == y or frozenset((x, y)) not in allowed):  # fmt: skip
                        return False
        return True

    def _label(self, code: str) -> str:
        """Return the `$f` of a variable that is in force where the theorem stands; empty where none is."""
        for label in self._grammar.floats.get(code, ()):
            if not self._database.usable(self._database.labels[label], self._theorem):
                return label
        return ""

    def _written(self, done: _Done) -> Iterator[str]:
        """Write a step's full proof: syntax of its variables, proofs of its `$e`, its label."""
        if done.label in self._own:
            yield done.label
            return
        found = self._database.labels[done.label]
        assert isinstance(found, Assertion)
        frame = self._outliner.frame(found)
        assert frame is not None
        for slot in frame.slots:
            if slot >= 0:
                yield from self._syntax(done.places[slot])
            else:
                yield from self._written(done.below[-1 - slot])
        yield done.label

    def _syntax(self, term: Term) -> Iterator[str]:
        term = self._unifier.seen(term)
        if isinstance(term, tuple):
            for part in term[1:]:
                yield from self._syntax(part)
            yield str(term[0])
        elif isinstance(term, str):
            yield self._label(term)
        else:
            raise ProofRefused("a variable is left open")
