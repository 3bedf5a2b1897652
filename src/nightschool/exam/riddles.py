"""The riddle section of an exam: pairs of questions drawn anew each night, and how a model treats both of a pair.

A pair is a familiar form and one altered so that the familiar answer is wrong, or one question with its options in
two orders. All items have choices and are graded exactly. They examine no memory. The gate does not look at them:
the section warns (docs/design/0009-riddles.md).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from nightschool.exam.riddle_checks import COUNTING, ORDERS, PREMISES, SPELLING
from nightschool.exam.riddle_forms import FORMS, Pair, Template
from nightschool.exam.riddle_sums import SUMS
from nightschool.exam.stats import Mean, Rate, mean, outcomes, rate
from nightschool.types import DEFAULT_TENANT, Bank, BankKind, Item, Report, Verdict, digest, now

KNOWN, COUNT, SPELL, PREMISE, ORDER = "well-known", "counting", "spelling", "premises", "order"
FAMILIAR, ALTERED, REVERSED = "familiar", "altered", "reversed"
TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    KNOWN: (*FORMS, *SUMS),
    COUNT: COUNTING,
    SPELL: SPELLING,
    PREMISE: PREMISES,
    ORDER: ORDERS,
}
SHARES = (KNOWN, COUNT, KNOWN, SPELL, KNOWN, PREMISE, KNOWN, ORDER)
"""The sections in turn: half of the pairs are well-known riddles."""
REDRAWS = 50
"""A pair with a question that is asked already is drawn again so often."""


def riddle_bank(night: str, count: int, tenant: str = DEFAULT_TENANT) -> Bank:
    """Draw the riddles of one night; the same night and tenant give the same ones.

    Every template of a section is used before one is used again.

    Args:
        night: The night's id, the seed.
        count: About so many items, two a pair; an odd one is left out.
        tenant: Whose night it is.
    """
    rng = random.Random(digest("riddles", night, tenant))
    turns = {
        section: cycle(rng.sample(templates, len(templates)))
        for section, templates in TEMPLATES.items()
    }
    items: list[Item] = []
    asked: set[str] = set()
    for number, section in zip(range(count // 2), cycle(SHARES), strict=False):
        template = next(turns[section])
        for _ in range(REDRAWS):
            pair = template(rng)
            if not asked & {pair.familiar[0], pair.altered[0]}:
                asked |= {pair.familiar[0], pair.altered[0]}
                key = f"{template.__name__}-{number:03}"
                items += _items(night, tenant, section, key, pair, rng)
                break
    name = f"bank-{digest(night, tenant, BankKind.RIDDLES)[:12]}"
    return Bank(name, tenant, BankKind.RIDDLES, night, tuple(items), now())


def _items(
    night: str, tenant: str, section: str, key: str, pair: Pair, rng: random.Random
) -> list[Item]:
    choices = tuple(rng.sample(pair.choices, len(pair.choices)))
    second = REVERSED if section == ORDER else ALTERED
    return [
        Item(
            id=f"riddle-{digest(night, tenant, key, question)[:12]}",
            question=question,
            answers=(right,),
            choices=choices,
            group=section,
            author="templates",
            pair=key,
            form=form,
        )
        for form, (question, right) in ((FAMILIAR, pair.familiar), (second, pair.altered))
    ]


@dataclass(frozen=True, slots=True)
class SectionMarks:
    """How one model did in a section."""

    right: Rate
    alike: Rate
    """Share of pairs of which both forms were treated alike: both right or both wrong; of an order pair:
    the same answer."""


@dataclass(frozen=True, slots=True)
class RiddleMarks:
    """How one model did on the riddles."""

    sections: dict[str, SectionMarks]
    familiar: Rate
    altered: Rate
    """Of the sections that have altered forms."""
    gap: Mean | None
    """Familiar minus altered, over pairs; None without a scored pair."""
    unscored: int
    """Items without a verdict."""


def mark(report: Report, bank: Bank) -> RiddleMarks:
    """Count over a report's answers to the riddles; a pair with an unscored form counts in no comparison."""
    values, said = outcomes(report), _said(report)
    gapped = [
        item for item in bank.items if item.form in (FAMILIAR, ALTERED) and item.group != ORDER
    ]
    sections = {}
    for section in TEMPLATES:
        items = [item for item in bank.items if item.group == section]
        alike = {
            one.id: float(said[one.id] == said[two.id] if section == ORDER else values[one.id] == values[two.id])
            for one, two in _pairs(items)
            if one.id in values and two.id in values and (section != ORDER or (said[one.id] and said[two.id]))
        }  # fmt: skip
        sections[section] = SectionMarks(rate(values, items), rate(alike, items))
    asked = {item.id for item in bank.items}
    return RiddleMarks(
        sections,
        rate(values, [item for item in gapped if item.form == FAMILIAR]),
        rate(values, [item for item in gapped if item.form == ALTERED]),
        mean(list(gaps(values, bank).values()), reach=1),
        sum(r.item_id in asked and r.score.verdict is Verdict.UNSCORED for r in report.results),
    )


def gaps(values: Mapping[str, float], bank: Bank) -> dict[str, float]:
    """Return pair -> familiar outcome minus altered outcome, of the pairs with both."""
    return {
        one.pair: values[one.id] - values[two.id]
        for one, two in _pairs([item for item in bank.items if item.group != ORDER])
        if one.id in values and two.id in values
    }


def gap_change(candidate: Report, reference: Report, bank: Bank) -> Mean | None:
    """Return how much wider the gap between familiar and altered form is than the reference's, pair by pair.

    Significant where the interval lies above 0. None where the two share no scored pair.
    """
    after, before = gaps(outcomes(candidate), bank), gaps(outcomes(reference), bank)
    return mean([after[pair] - before[pair] for pair in after if pair in before], reach=2)


def widened(change: Mean | None) -> bool:
    """Tell whether the gap has become significantly wider."""
    return change is not None and change.low > 0


def _said(report: Report) -> dict[str, str]:
    """Return what was answered; an answer that a deletion erased is empty, and agrees with nothing."""
    return {result.item_id: result.answer for result in report.results}


def _pairs(items: Sequence[Item]) -> list[tuple[Item, Item]]:
    first = {item.pair: item for item in items if item.form == FAMILIAR}
    return [(first[i.pair], i) for i in items if i.form != FAMILIAR and i.pair in first]
