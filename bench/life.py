"""The plan of a long life: what is told, corrected and forgotten on each day.

It follows from a seed alone, so that a life that was stopped goes on as it was begun. The facts are those of
`world.py`, shuffled: what is so about one person is told on many days. A fact is corrected or forgotten once at most,
and never both.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import world

RECENT = 3
"""A recent deletion takes facts of so many days before it."""
FIRST_CHANGE = 3
"""The day from which on facts are corrected."""
ASKED = {attribute.name: attribute.asked for attribute in world.ATTRIBUTES}


@dataclass(frozen=True, slots=True)
class Day:
    """What happens on one day, by numbers of facts."""

    told: tuple[int, ...]
    corrected: tuple[int, ...]
    forgotten: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a life is, and how much happens in it."""

    nights: int
    facts_a_night: int
    changes: int
    """Facts corrected a day, from the third day on."""
    deletions: int
    """Facts forgotten on each day of deletion."""
    delete_at: tuple[int, ...]
    """Days on which facts of any earlier day are forgotten."""
    delete_recent_at: tuple[int, ...]
    """Days on which facts of the last three days are forgotten."""
    seed: int


@dataclass(frozen=True)
class Life:
    """All facts of a life, and its days; nights are counted from 1."""

    facts: tuple[world.Fact, ...]
    days: tuple[Day, ...]
    corrected_on: dict[int, int] = field(default_factory=dict)
    """Fact -> the day on which it gets its new value."""
    forgotten_on: dict[int, int] = field(default_factory=dict)
    told_on: dict[int, int] = field(default_factory=dict)

    def text(self, number: int, night: int) -> str:
        """Return what is so after a night, as a sentence; the owner corrects a value in its own sentence."""
        fact = self.facts[number]
        return fact.text.replace(fact.value, self.value(number, night))

    def value(self, number: int, night: int) -> str:
        """Return the value that is right after a night."""
        fact = self.facts[number]
        return fact.changed_value if self.has_changed(number, night) else fact.value

    def has_changed(self, number: int, night: int) -> bool:
        """Tell whether a fact was corrected on this day or before."""
        return self.corrected_on.get(number, night + 1) <= night

    def said_on(self, number: int, night: int) -> int:
        """Return the day on which the value that is right after a night was first told."""
        changed = self.has_changed(number, night)
        return self.corrected_on[number] if changed else self.told_on[number]

    def told(self, night: int) -> list[int]:
        """Return all facts told by a night, forgotten or not."""
        return [number for day in self.days[:night] for number in day.told]

    def live(self, night: int) -> list[int]:
        """Return the facts that are true and not forgotten after a night."""
        return [n for n in self.told(night) if self.forgotten_on.get(n, night + 1) > night]

    def questions(self, number: int) -> list[str]:
        """Return how a fact is asked for; no study material is made of these wordings."""
        fact = self.facts[number]
        return [wording.format(p=fact.person) for wording in ASKED[fact.attribute]]


def life(plan: Plan) -> Life:
    """Plan all days of a life.

    Raises:
        ValueError: More is to be forgotten or corrected than was told by then.
    """
    rng = random.Random(plan.seed)
    facts = list(world.facts(plan.nights * plan.facts_a_night, plan.seed))
    rng.shuffle(facts)
    lived = Life(tuple(facts), ())
    days: list[Day] = []
    for night in range(1, plan.nights + 1):
        before = [n for n in range(len(days) * plan.facts_a_night) if _untouched(lived, n)]
        gone: list[int] = []
        if night in plan.delete_at:
            gone += _some(before, plan.deletions, night, "forgotten", rng)
        if night in plan.delete_recent_at:
            recent = [n for n in before if n not in gone and lived.told_on[n] >= night - RECENT]
            gone += _some(recent, plan.deletions, night, "forgotten", rng)
        left = [n for n in before if n not in gone]
        changes = plan.changes if night >= FIRST_CHANGE else 0
        corrected = _some(left, changes, night, "corrected", rng)
        told = range((night - 1) * plan.facts_a_night, night * plan.facts_a_night)
        lived.forgotten_on.update(dict.fromkeys(gone, night))
        lived.corrected_on.update(dict.fromkeys(corrected, night))
        lived.told_on.update(dict.fromkeys(told, night))
        days.append(Day(tuple(told), tuple(corrected), tuple(gone)))
    return Life(
        lived.facts, tuple(days), lived.corrected_on, lived.forgotten_on, lived.told_on
    )  # fmt: skip


def _untouched(lived: Life, number: int) -> bool:
    return number not in lived.corrected_on and number not in lived.forgotten_on


def _some(known: Sequence[int], count: int, night: int, what: str, rng: random.Random) -> list[int]:
    if count > len(known):
        raise ValueError(
            f"On day {night}, {count} facts are to be {what}, and {len(known)} can be. "
            "Tell more a night, or lower --changes or --deletions."
        )
    return sorted(rng.sample(list(known), count))
