"""The reference program for Metamath, and databases that are broken on purpose to compare it with ours.

The program is Debian's package `metamath`, its databases `metamath-databases`. A database is handled as
its list of words: what is broken is one word or a few of one statement, and comments are left out.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from nightschool.errors import NightschoolError, ProofError
from nightschool.verify.metamath.checker import WHOLE, Checker
from nightschool.verify.metamath.compressed import normal
from nightschool.verify.metamath.database import Assertion, Database
from nightschool.verify.metamath.reader import parse

WIDTH = 9999
"""Columns of the program's lines, so that none is broken."""


@dataclass(frozen=True)
class Findings:
    """What a checker says of a whole database."""

    read: bool
    """Whether every statement is well formed."""
    failed: frozenset[str]
    """Labels of the theorems whose proofs were not accepted, unfinished ones among them."""
    seconds: float | None
    """Of a processor, spent on the proofs alone; the reference program says it of itself."""
    said: str
    """Its first complaint."""

    @property
    def sound(self) -> bool:
        """Tell whether there is nothing to complain about."""
        return self.read and not self.failed


def reference(program: str, path: Path) -> Findings:
    """Ask the reference program about a database; it is run in the folder of the file."""
    commands = [
        f"set width {WIDTH}",
        "set scroll continuous",
        f"read {path.name}",
        "verify proof *",
        "quit",
    ]
    run = subprocess.run(
        [program, *commands], cwd=path.parent, capture_output=True, timeout=3600, check=False
    )
    output = run.stdout.decode("ascii", "replace")
    reading, _, verifying = output.partition("MM> verify proof *")
    errors = [line for line in output.splitlines() if line.startswith("?")]
    failed = set(re.findall(r'^\?Error on .* label "([^"]+)", type "\$p"', verifying, re.MULTILINE))
    for names in re.findall(r"were not proved:\s*([^?]*?)(?=MM>)", verifying):
        failed |= {name for name in re.split(r"[\s,]+", names) if name}
    time = re.search(r"verified in ([\d.]+) s", verifying)
    read = "No errors were found" in reading
    return Findings(read, frozenset(failed), float(time[1]) if time else None, " ".join(errors[:1]))


def ours(text: str) -> Findings:
    """Ask our own checker about a database."""
    try:
        database = parse(text)
    except NightschoolError as error:
        return Findings(False, frozenset(), None, str(error))
    checker = Checker(database, WHOLE)
    failed, said = set(), ""
    start = process_time()
    for theorem in database.theorems():
        try:
            checker.check(theorem)
        except ProofError as error:
            failed.add(theorem.label)
            said = said or f"{theorem.label}: {error}"
    return Findings(True, frozenset(failed), process_time() - start, said)


Edit = tuple[slice, list[str]]
"""Which words are replaced by which."""


@dataclass(frozen=True)
class Broken:
    """A database with some of its theorems broken."""

    words: list[str]
    done: dict[str, str]
    """Label of a theorem -> what was done to it."""


@dataclass(frozen=True)
class _Place:
    """Where a theorem stands among the words."""

    label: str
    statement: slice
    proof: slice
    hypotheses: tuple[slice, ...]
    """The symbols of each `$e` of the theorem's own scope."""
    apart: tuple[slice, ...]
    """The same of each `$d`."""


def written(words: Sequence[str]) -> str:
    """Write words as a database, a statement on a line."""
    ends = {"$.", "${", "$}"}
    return "".join(word + ("\n" if word in ends else " ") for word in words)


def head(words: Sequence[str], first: int) -> list[str]:
    """Cut a database after so many theorems, and close the scopes that are open there."""
    depth = seen = 0
    for k, word in enumerate(words):
        depth += (word == "${") - (word == "$}")
        seen += word == "$p"
        if word == "$." and seen == first:
            return [*words[: k + 1], *["$}"] * depth]
    return list(words)


def mangled(words: Sequence[str], rng: random.Random) -> list[str]:
    """Change one word of a database in a way that need not even be readable."""
    k = rng.randrange(len(words))
    one, rest = words[k], words[k + 1 :]
    other, cut = rng.choice(words), rng.randrange(len(one) + 1)
    middle = [[], [one, one], [other], [one, other], [one[:cut]], [one[::-1]], [one + other]]
    return [*words[:k], *rng.choice(middle), *rest]


class Breaker:
    """Breaks theorems of a database, each in one random way that applies to it."""

    def __init__(self, words: Sequence[str], database: Database, seed: int) -> None:
        self._words = list(words)
        self._database = database
        self._labels = list(database.labels)
        self._rng = random.Random(seed)

    def break_some(self, share: float) -> Broken:
        """Break a share of the theorems."""
        edits: dict[int, Edit] = {}
        done = {}
        for place in _places(self._words):
            if self._rng.random() >= share:
                continue
            ways = {
                "label of the list": self._listed, "letter": self._letter, "step": self._step,
                "hypothesis": self._hypothesis, "statement": self._statement, "distinct": self._apart,
            }  # fmt: skip
            for kind in self._rng.sample(list(ways), len(ways)):
                edit = ways[kind](place)
                # Two theorems of one scope share its hypotheses, which are broken once.
                if edit and self._words[edit[0]] != edit[1] and edit[0].start not in edits:
                    edits[edit[0].start] = edit
                    done[place.label] = kind
                    break
        words = list(self._words)
        for start in sorted(edits, reverse=True):
            stretch, new = edits[start]
            words[stretch] = new
        return Broken(words, done)

    def _listed(self, place: _Place) -> Edit | None:
        """Swap, drop, double or replace a label in a compressed proof's list."""
        proof = self._words[place.proof]
        if proof[0] != "(" or (end := proof.index(")")) < 2:
            return None
        k = self._rng.randrange(1, end)
        changed = self._changed(proof[k:end], self._some_labels(place))
        return place.proof, [*proof[:k], *changed, *proof[end:]]

    def _letter(self, place: _Place) -> Edit | None:
        """Change, drop, double or swap a letter of a compressed proof."""
        proof = self._words[place.proof]
        if proof[0] != "(":
            return None
        end = proof.index(")") + 1
        letters = list("".join(proof[end:]))
        k = self._rng.randrange(len(letters))
        changed = self._changed(letters[k:], [*letters, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ?"])
        return place.proof, [*proof[:end], "".join([*letters[:k], *changed])]

    def _step(self, place: _Place) -> Edit | None:
        """Swap, drop, double or replace a label of the proof in normal form."""
        theorem = self._database.labels[place.label]
        assert isinstance(theorem, Assertion)
        steps = normal(self._database, theorem, 500)
        if steps is None:
            return None
        k = self._rng.randrange(len(steps))
        changed = self._changed(list(steps[k:]), [*steps, *self._some_labels(place), "?"])
        return place.proof, [*steps[:k], *changed]

    def _hypothesis(self, place: _Place) -> Edit | None:
        """Change a symbol of a hypothesis."""
        return self._symbol(self._rng.choice(place.hypotheses), place) if place.hypotheses else None

    def _statement(self, place: _Place) -> Edit | None:
        """Change a symbol of what is proved."""
        return self._symbol(place.statement, place)

    def _symbol(self, stretch: slice, place: _Place) -> Edit | None:
        """Change a symbol to another that occurs in the theorem; the typecode stays."""
        symbols = self._words[stretch]
        if len(symbols) < 2:
            return None
        k = self._rng.randrange(1, len(symbols))
        pool = [*symbols[1:], *self._words[place.statement][1:]]
        return stretch, [*symbols[:k], self._rng.choice(pool), *symbols[k + 1 :]]

    def _apart(self, place: _Place) -> Edit | None:
        """Take a variable out of a `$d`, or the whole statement."""
        if not place.apart:
            return None
        stretch = self._rng.choice(place.apart)
        variables = self._words[stretch]
        if len(variables) == 2:
            return slice(stretch.start - 1, stretch.stop + 1), []
        k = self._rng.randrange(len(variables))
        return stretch, variables[:k] + variables[k + 1 :]

    def _changed(self, rest: list[str], pool: list[str]) -> list[str]:
        """Replace, drop, double or swap the first of some words."""
        one, left = rest[0], rest[1:]
        swapped = [left[0], one, *left[1:]] if left else [one, one]
        ways = [[self._rng.choice(pool), *left], left, [one, one, *left], swapped]
        return self._rng.choice(ways)

    def _some_labels(self, place: _Place) -> list[str]:
        """Draw labels from anywhere, later ones and others' hypotheses among them, and the theorem's own."""
        return [*self._rng.choices(self._labels, k=3), place.label]


def _places(words: Sequence[str]) -> list[_Place]:
    """Find the theorems among the words of a readable database."""
    scopes: list[tuple[list[slice], list[slice]]] = [([], [])]
    found = []
    for k, word in enumerate(words):
        if word == "${":
            scopes.append(([], []))
        elif word == "$}":
            scopes.pop()
        elif word in ("$e", "$d"):
            scopes[-1][word == "$d"].append(slice(k + 1, words.index("$.", k)))
        elif word == "$p":
            middle = words.index("$=", k)
            end = words.index("$.", middle)
            supposed, apart = scopes[-1] if len(scopes) > 1 else ([], [])
            found.append(
                _Place(
                    words[k - 1],
                    slice(k + 1, middle),
                    slice(middle + 1, end),
                    tuple(supposed),
                    tuple(apart),
                )
            )
    return found
