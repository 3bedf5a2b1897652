"""Theorems to be practised: the first part of a database, what each asks, what lies near it, and the verdict on outlines.

Nothing offered here as a premise was looked up in the theorem's own proof, but where the caller asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from nightschool.errors import ProofRefused, ProofUndecided, SourceUnreadable, StudyError
from nightschool.types import Score, Verdict
from nightschool.verify.metamath.checker import Checker
from nightschool.verify.metamath.compressed import normal_length
from nightschool.verify.metamath.database import Assertion, Database
from nightschool.verify.metamath.outline import Frame, Outliner
from nightschool.verify.metamath.reader import LARGEST, parse
from nightschool.verify.metamath.syntax import Grammar, Term
from nightschool.verify.metamath.theorems import PROVABLE, form, small
from nightschool.verify.metamath.words import words

SET_MM = Path("/usr/share/metamath/databases/set.mm")
"""Where Debian's package puts it."""
SMALL = "small"
"""The page that ships, in place of a path."""
FORMULA = "wff"
LONGEST = 40
"""Labels of an outline that is listed, or that an attempt may have."""
_MARKS = 0.2
"""The most that each of the two part marks earns: for steps that apply, and for ending near the theorem."""
_ROOTS = 8
"""Assertions that may come last whose own hypotheses are looked for."""
_WORDLIKE = re.compile(r"[\w.]")


class Said(NamedTuple):
    """An assertion in the compact text that a model reads."""

    label: str
    given: tuple[str, ...]
    goal: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A theorem as a task."""

    label: str
    given: tuple[str, ...]
    """What is supposed; in an outline they are h1, h2 and so on."""
    goal: str
    distinct: tuple[str, ...]
    outline: tuple[str, ...]
    """The database's own."""
    steps: int
    """Axioms and theorems among them."""
    place: int
    """Order in the database."""


class Tried(NamedTuple):
    """What came of an outline."""

    score: Score
    proof: tuple[str, ...]
    """The full proof that the checker accepted; empty where it did not."""


class ProofBook:
    """A database, ready to be practised on.

    Args:
        database: Where the theorems stand.
        provable: Typecode of what is proved.
        formula: Typecode of what can be proved.
    """

    def __init__(
        self, database: Database, provable: str = PROVABLE, formula: str = FORMULA
    ) -> None:
        self.database = database
        self.outliner = Outliner(database, Grammar(database, provable, formula))
        self._checker = Checker(database)
        kind = self.outliner.grammar.provable
        self._provable = [
            one for one in database.labels.values() if isinstance(one, Assertion) and one.expression[0] == kind
        ]  # fmt: skip
        self._near: dict[str, list[str]] = {}

    def asked(self, since: str = "", steps: int = 4) -> list[Asked]:
        """List the theorems whose own proof has so many steps at most, in order; none that an earlier one states.

        Args:
            since: The label from which on; empty: from the start.
            steps: Axioms and theorems that an outline uses.

        Raises:
            StudyError: The database has no label `since`.
        """
        if since and since not in self.database.labels:
            raise StudyError(
                f"{self.database.name} has no label {since} in this part. Correct `from`."
            )
        low = self.database.labels[since].order if since else 0
        found = []
        said: set[tuple[str, ...]] = set()
        for one in self._provable:
            shape = form(one)[0]
            if shape not in said and one.proof and one.order >= low:
                asked = self._asked(one)
                if asked and 1 <= asked.steps <= steps:
                    found.append(asked)
            said.add(shape)
        return found

    def said(self, label: str) -> Said:
        """Return an axiom or theorem in compact text."""
        one = self._assertion(label)
        given = tuple(self._text(h.expression) for h in one.hypotheses if not h.floating)
        return Said(label, given, self._text(one.expression))

    def near(self, label: str, count: int) -> list[str]:
        """List earlier axioms and theorems that may help, found by what the theorem says and where it stands.

        In turn: what could come last (the fewer of its hypotheses stay unproved and the more of the goal it states,
        the earlier), what proves a hypothesis of the first of these, and what stands right before the theorem.

        Args:
            label: The theorem's.
            count: How many.
        """
        if label not in self._near:
            self._near[label] = self._found(self._assertion(label))
        return self._near[label][:count]

    def attempt(self, label: str, steps: Sequence[str]) -> Tried:
        """Fill an outline in and check the proof; a wrong one gets part marks below a half.

        Part marks ask for at least one axiom or theorem that applies: for the share of steps that apply and of hypotheses
        that they use, and, where one statement is left, for how far it agrees with the theorem.
        """
        theorem = self._assertion(label)
        if not steps or len(steps) > LONGEST:
            return Tried(_wrong(f"{len(steps)} labels; from 1 to {LONGEST} were expected"), ())
        own = self._own(theorem)
        meant = [own.get(step, step) for step in steps]
        if hidden := next((s for s in steps if s in own.values() and s not in own), None):
            return Tried(_wrong(f"{hidden[:40]} is no name of a hypothesis; h1 and so on are"), ())
        run = self.outliner.fill(theorem, meant)
        if run.proof:
            try:
                self._checker.check(theorem, run.proof)
            except ProofRefused as error:
                return Tried(_wrong(f"the checker refuses it: {error}"), ())
            except ProofUndecided as error:
                return Tried(Score(Verdict.UNSCORED, None, str(error)), ())
            return Tried(Score(Verdict.CORRECT, 1.0), run.proof)
        done = steps[: run.applied]
        if all(step in own for step in done):
            return Tried(_wrong(run.reason), ())
        used = len(set(done) & set(own)) / len(own) if own else 1.0
        marks = _MARKS * (run.applied / len(steps) * used + run.agreed)
        return Tried(_wrong(run.reason, marks), ())

    def length(self, label: str) -> int:
        """Count the labels of the database's own proof in normal form."""
        return normal_length(self.database, self._assertion(label))

    def _asked(self, one: Assertion) -> Asked | None:
        try:
            outline = self.outliner.outline(one, LONGEST)
        except ProofRefused:
            return None  # nobody has proved it yet
        if outline is None or self.outliner.frame(one) is None:
            return None
        label, given, goal = self.said(one.label)
        names = {theirs: ours for ours, theirs in self._own(one).items()}
        steps = sum(step not in names for step in outline)
        show = self.database.names
        pairs = tuple(" ".join(sorted(show[code] for code in pair)) for pair in one.distinct)
        return Asked(
            label, given, goal, pairs, tuple(names.get(step, step) for step in outline), steps, one.order
        )  # fmt: skip

    def _own(self, theorem: Assertion) -> dict[str, str]:
        supposed = [h.label for h in theorem.hypotheses if not h.floating]
        return {f"h{k}": label for k, label in enumerate(supposed, 1)}

    def _assertion(self, label: str) -> Assertion:
        found = self.database.labels.get(label)
        if not isinstance(found, Assertion):
            raise StudyError(f"{self.database.name} has no theorem {label}; give the label of one.")
        return found

    def _text(self, expression: str) -> str:
        """Write an expression without its typecode, with spaces only where two words would run together."""
        text = ""
        for code in expression[1:]:
            symbol = self.database.names[code]
            text += (
                " " * bool(text and _WORDLIKE.match(text[-1]) and _WORDLIKE.match(symbol)) + symbol
            )
        return text

    def _found(self, theorem: Assertion) -> list[str]:
        frame = self.outliner.frame(theorem)
        before = [one for one in reversed(self._provable) if one.order < theorem.order]
        frames = [found for one in before if (found := self.outliner.frame(one)) is not None]
        if frame is None:
            return [one.label for one in frames]
        stated = [one for one in frames if not one.supposed]
        last = _by_what_is_open(
            [one for one in frames if match(one.result, frame.result, {})], stated, frame
        )
        wanted = [need for one in last[:_ROOTS] for need in _needs(one, frame)]
        large = sorted((one for one in frames if isinstance(one.result, tuple)), key=lambda one: -_size(one.result))  # fmt: skip
        outright = [
            one for w in wanted for one in large if not one.supposed and match(one.result, w, {})
        ]
        helping = [
            *outright[:_ROOTS],
            *(one for one in large if any(match(one.result, w, {}) for w in wanted)),
        ]
        turns = zip_longest(last, helping, frames)
        return list(dict.fromkeys(one.label for turn in turns for one in turn if one))


@cache
def book(path: str, until: str) -> ProofBook:
    """Read the part of a database that stands before a label; once for each process.

    Args:
        path: The database's file, or SMALL.
        until: The label of the first statement that is left out; empty: the whole.

    Raises:
        SourceUnreadable: There is no such file.
        SourceMalformed: It is not a Metamath database.
        StudyError: No statement has the label `until`.
    """
    if path == SMALL and not until:
        return ProofBook(small())
    if path == SMALL:
        raise StudyError(f"The page that ships is practised on whole; leave `to` out, which is {until!r}.")  # fmt: skip
    try:
        with Path(path).open("rb") as file:
            text = file.read(LARGEST).decode("ascii", "replace")
    except OSError as error:
        raise SourceUnreadable(
            f"{path} cannot be read ({error.strerror}); a Metamath database was expected. Install Debian's package "
            "metamath-databases, or name a file with `path`."
        ) from error
    return ProofBook(parse(before(text, until, path) if until else text, Path(path).name))


def before(text: str, until: str, name: str) -> str:
    """Return the words of a database before a statement, scopes closed; what comes after is not looked at.

    Raises:
        StudyError: No statement has this label.
        SourceMalformed: A comment is broken.
    """
    for found in re.finditer(rf"(?<!\S){re.escape(until)}\s+\$[aepf]\s", text):
        head = text[: found.start()]
        if head.rfind("$(") <= head.rfind("$)"):
            tokens = words(head, name)
            return " ".join([*tokens, *["$}"] * (tokens.count("${") - tokens.count("$}"))])
    raise StudyError(f"{name} has no statement {until}. Correct `to`.")


def match(pattern: Term, term: Term, found: dict[str, Term]) -> bool:
    """Tell whether a term is an instance of a pattern, whose variables then are in `found`."""
    if isinstance(pattern, str):
        return found.setdefault(pattern, term) == term
    if not isinstance(pattern, tuple) or not isinstance(term, tuple) or pattern[0] != term[0]:
        return False
    return all(match(a, b, found) for a, b in zip(pattern[1:], term[1:], strict=True))


def _by_what_is_open(
    rules: Sequence[Frame], stated: Sequence[Frame], theorem: Frame
) -> list[Frame]:
    """Order what could come last: first what leaves the fewest of its needs unproved, then what states more of the goal.

    A need that the goal does not determine counts half.
    """
    proved: dict[Term, bool] = {}

    def is_open(need: Term) -> bool:
        if need not in proved:
            proved[need] = any(match(one.result, need, {}) for one in stated)
        return not proved[need]

    def order(rule: Frame) -> tuple[float, int]:
        values: dict[str, Term] = {}
        match(rule.result, theorem.result, values)
        needs = [_put(one, values) for one in rule.supposed]
        unknown = 0.5 * sum(need is None for need in needs)
        left = sum(need is not None and need not in theorem.supposed and is_open(need) for need in needs)  # fmt: skip
        return unknown + left, -_size(rule.result)

    return sorted(rules, key=order)


def _needs(rule: Frame, theorem: Frame) -> list[Term]:
    """Return what a rule would need to prove the theorem, as far as the theorem determines it and does not suppose it."""
    values: dict[str, Term] = {}
    match(rule.result, theorem.result, values)
    needs = [_put(one, values) for one in rule.supposed]
    return [one for one in needs if isinstance(one, tuple) and one not in theorem.supposed]


def _put(term: Term, values: dict[str, Term]) -> Term | None:
    if isinstance(term, str):
        return values.get(term)
    if isinstance(term, int):
        return None
    parts = [_put(part, values) for part in term[1:]]
    if any(part is None for part in parts):
        return None
    return (term[0], *(part for part in parts if part is not None))


def _size(term: Term) -> int:
    return 1 + sum(_size(part) for part in term[1:]) if isinstance(term, tuple) else 0


def _wrong(reason: str, value: float = 0.0) -> Score:
    return Score(Verdict.WRONG, value, reason)
