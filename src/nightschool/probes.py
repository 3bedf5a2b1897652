"""Probes of what is forgotten: asked closed-book in several phrasings, and ranked among matched texts.

The phrasings are those that are easiest to answer: the sealed exam's own questions, the wordings that study
material is made of, and a blank to fill in. A version that gives no answer to these has nothing left
that this project knows how to ask for. Not covered: what an attacker with the weights could find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.exam.cloze import drafts
from nightschool.exam.exposure import alternatives, rank
from nightschool.memory.erasure import tombstone
from nightschool.study.phrasings import vary
from nightschool.study.statements import questions
from nightschool.types import BankKind, Item, Memory, MemoryStatus, Message, Verdict
from nightschool.verify.judge import grade
from nightschool.wire import School

PHRASINGS = 6
"""At most so many questions about one memory."""


@dataclass(frozen=True, slots=True)
class Target:
    """A memory that is about to be forgotten, with what it will be asked; kept in memory only, never stored."""

    tombstone: str
    items: tuple[Item, ...]
    texts: tuple[str, ...]
    """The memory's text first, then those matched to it; empty where its value is not found."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one version shows of one forgotten memory; no text."""

    right: int
    rank: int | None
    """Of the text's log-probability among the matched texts; None where there are none."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One forgotten memory, asked of the version served before and of the one served after."""

    tombstone: str
    asked: int
    """Questions asked."""
    right_before: int
    right_after: int
    texts: int
    """Texts ranked, the forgotten one among them; 0 where none could be matched."""
    rank_before: int | None
    rank_after: int | None
    rank_base: int | None
    """Under the model that never saw it: how far the match is from perfect."""


def targets(school: School, memories: Sequence[Memory], limit: int) -> list[Target]:
    """Write the probes of at most `limit` memories, live ones first; before anything is erased."""
    live_first = sorted(memories, key=lambda m: m.status is not MemoryStatus.LIVE)
    banks = school.exams.banks(school.settings.tenant, BankKind.ACQUIRED)
    sealed = [item for bank in banks for item in bank.items]
    return [_target(memory, sealed) for memory in live_first[:limit]]


def measure(school: School, version: str, found: Sequence[Target]) -> list[Measure]:
    """Ask one version for every target, and rank every text.

    Raises:
        TaintedVersion: The version's weights are deleted.
        ModelMissing: The base model has not been pulled.
    """
    sampler = school.sampler(version)
    items = [item for target in found for item in target.items]
    prompts = [(Message("user", item.question),) for item in items]
    length = school.settings.exam.answer_tokens
    answers = iter(sampler.generate(prompts, max_tokens=length) if prompts else ())
    pairs = [((), text) for target in found for text in target.texts]
    scores = iter(sampler.score(pairs) if pairs else ())
    measured = []
    for target in found:
        verdicts = [grade(item, next(answers)).score.verdict for item in target.items]
        sums = [sum(next(scores)) for _ in target.texts]
        place = rank(sums[0], sums[1:]) if sums else None
        measured.append(Measure(verdicts.count(Verdict.CORRECT), place))
    return measured


def compared(
    found: Sequence[Target],
    before: Sequence[Measure],
    after: Sequence[Measure],
    base: Sequence[Measure],
) -> tuple[Probe, ...]:
    """Put the measures of the same targets side by side."""
    return tuple(
        Probe(t.tombstone, len(t.items), b.right, a.right, len(t.texts), b.rank, a.rank, o.rank)
        for t, b, a, o in zip(found, before, after, base, strict=True)
    )


def _target(memory: Memory, sealed: Sequence[Item]) -> Target:
    asked = [(i.question, i.answers) for i in sealed if memory.id in i.memory_ids and not i.schema]
    if memory.form == "said":
        for one in [q for q in questions(memory.text) if q.main][:1]:
            asked += [(q, (one.answer,)) for q in vary(one.question, one.subject, PHRASINGS - 1)]
    worded = [draft for draft in drafts(memory, PHRASINGS) if not draft.schema]
    asked += [(draft.question, (draft.answer,)) for draft in worded[:1]]
    distinct = dict(asked)
    items = [Item(f"probe-{k}", q, a) for k, (q, a) in enumerate(distinct.items())]
    others = alternatives(memory)
    texts = (memory.text, *others) if others else ()
    return Target(tombstone(memory.id), tuple(items[:PHRASINGS]), texts)
