"""The theorems of a database as tasks: statement and hypotheses are asked, a proof is the answer.

Only theorems with the typecode of what is provable count; what merely builds a formula is no task.
Which labels a proof may use is a matter of order alone: the axioms and theorems before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from nightschool.errors import StudyError
from nightschool.types import Item
from nightschool.verify.metamath.checker import ANSWER
from nightschool.verify.metamath.compressed import normal, normal_length
from nightschool.verify.metamath.database import Assertion, Database, Hypothesis
from nightschool.verify.metamath.reader import parse

PROVABLE = "|-"
"""The typecode of what is provable, in set.mm and nearly every other database."""
GROUP = "proof"
"""The group of items made here."""


@dataclass(frozen=True, slots=True)
class Theorem:
    """A theorem as a task."""

    label: str
    statement: str
    hypotheses: tuple[tuple[str, str], ...]
    """Label and text of the mandatory ones, `$f` and `$e`, in the order a proof step takes them."""
    distinct: tuple[str, ...]
    """The `$d` in force that name two or more variables of the theorem, such as `x ph`."""
    proof: tuple[str, ...]
    """The database's own proof in normal form; empty where it has more labels than were asked for."""
    length: int
    """Labels of that proof, written out or not."""
    restates: str
    """Label of an earlier axiom or theorem that says the same, so that one step proves this; else empty."""

    def question(self) -> str:
        """Write what the learner is told: label, hypotheses, distinct variables, statement."""
        given = [f"{label} {text}" for label, text in self.hypotheses]
        apart = [f"$d {pair}" for pair in self.distinct]
        return "\n".join([f"Prove {self.label}", *given, *apart, f"= {self.statement}"])

    def item(self) -> Item:
        """Return the task as an item; `verifier.ProofVerifier` grades answers to it."""
        accepted = (" ".join(self.proof),) if self.proof else ()
        return Item(self.label, self.question(), accepted, group=GROUP, author="metamath")


class Split(NamedTuple):
    """Theorems divided by their place in the database."""

    earlier: tuple[Theorem, ...]
    later: tuple[Theorem, ...]
    """Held out: nothing learnt before their place has seen them."""


def theorems(
    database: Database,
    *,
    since: str | None = None,
    until: str | None = None,
    provable: str = PROVABLE,
    longest: int = ANSWER.steps,
) -> list[Theorem]:
    """List the theorems of a stretch of a database, in its order.

    Args:
        database: Where they stand.
        since: The label of the statement from which on; None means from the start.
        until: The label of the statement before which they stand, such as `wal`, with which set.mm's
            first-order logic begins; None means to the end.
        provable: The typecode of what counts.
        longest: Labels of a proof that is written out.

    Raises:
        StudyError: `since` or `until` is no label of the database.
        ProofRefused: A proof of the database is none, or incomplete.
    """
    low, high = (_order(database, label) for label in (since, until))
    found = []
    said: dict[tuple[str, ...], list[tuple[str, frozenset[str]]]] = {}
    for one in database.labels.values():
        if high is not None and one.order >= high:
            break
        if isinstance(one, Hypothesis) or database.names[one.expression[0]] != provable:
            continue
        shape, apart = form(one)
        before = said.setdefault(shape, [])
        if one.proof is not None and (low is None or one.order >= low):
            same = next((label for label, needs in before if needs <= apart), "")
            found.append(_theorem(database, one, longest, same))
        before.append((one.label, apart))
    return found


def allowed(database: Database, label: str) -> list[str]:
    """List all labels that a proof of a theorem may use, in the order of the database.

    Raises:
        StudyError: The database has no such theorem.
    """
    theorem = database.labels.get(label)
    if not isinstance(theorem, Assertion) or theorem.proof is None:
        raise StudyError(f"{database.name} has no theorem {label}; give the label of a `$p`.")
    return [one.label for one in database.labels.values() if not database.usable(one, theorem)]


def split(listed: Sequence[Theorem], held_out: float) -> Split:
    """Hold out the last theorems.

    Args:
        listed: In the order of the database.
        held_out: Share of them, between 0 and 1; rounded to a whole theorem.

    Raises:
        StudyError: The share is not between 0 and 1.
    """
    if not 0 <= held_out <= 1:
        raise StudyError(f"held_out is {held_out}; a share between 0 and 1 was expected.")
    first = len(listed) - round(held_out * len(listed))
    return Split(tuple(listed[:first]), tuple(listed[first:]))


def small() -> Database:
    """Read the database that ships with the package: a page of propositional and first-order logic."""
    page = files("nightschool.verify.metamath") / "small.mm"
    return parse(page.read_text("utf-8"), "small.mm")


def _theorem(database: Database, one: Assertion, longest: int, same: str) -> Theorem:
    length = normal_length(database, one)
    return Theorem(
        one.label,
        database.show(one.expression, len(one.expression)),
        tuple((h.label, database.show(h.expression, len(h.expression))) for h in one.hypotheses),
        tuple(" ".join(sorted(database.names[code] for code in pair)) for pair in one.distinct),
        (normal(database, one, longest) or ()) if length <= longest else (),
        length,
        same,
    )


def form(one: Assertion) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return what an assertion says whatever its variables are called: expressions, and pairs kept apart."""
    supposed = [h.expression for h in one.hypotheses if not h.floating]
    types = {h.expression[1]: h.expression[0] for h in one.hypotheses if h.floating}
    met = dict.fromkeys(code for e in (*supposed, one.expression) for code in e if code in types)
    # Numbers in angles cannot be codes: codes begin beyond ASCII.
    names = {code: f"<{types[code]}{k}>" for k, code in enumerate(met)}
    table = str.maketrans(names)
    pairs = frozenset("".join(sorted((names[a], names[b]))) for a, b in one.distinct)
    return tuple(e.translate(table) for e in (*supposed, one.expression)), pairs


def _order(database: Database, label: str | None) -> int | None:
    if label is None:
        return None
    if label not in database.labels:
        raise StudyError(f"{database.name} has no label {label}; give one that it has.")
    return database.labels[label].order
