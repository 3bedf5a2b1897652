"""Sealing: tonight's banks are written before any study material exists, and follow their memories."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nightschool.config import ExamConfig
from nightschool.exam.cloze import Draft, drafts
from nightschool.exam.near_miss import answerable, near_misses, unknown_entities
from nightschool.exam.questions import Match, Question, match_questions
from nightschool.language import fingerprint, holds, normalise
from nightschool.openbook import open_answers
from nightschool.protocols import Sampler
from nightschool.types import (
    Bank,
    BankKind,
    Fingerprint,
    Item,
    Memory,
    MemoryStatus,
    SourceKind,
    digest,
    now,
)

_MOST_DRAFTS = 8
"""Of a memory that took another one's place so many questions are weighed."""
_GROUPS = {
    SourceKind.CODE: "code",
    SourceKind.TOOLS: "tools",
    SourceKind.DOCUMENT: "document",
    SourceKind.CONVERSATION: "told",
    SourceKind.STATEMENT: "told",
    SourceKind.NOTE: "told",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many memories a bank examines, and which it does not."""

    covered: int
    total: int
    uncovered: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share covered; 0 when there is nothing to cover."""
        return self.covered / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Consistency:
    """A bank without the items that even the open book does not answer."""

    bank: Bank
    dropped: tuple[str, ...]
    """Ids of the dropped items."""


def seal_acquired(
    night: str,
    tenant: str,
    memories: Sequence[Memory],
    questions: Sequence[Question],
    config: ExamConfig,
    *,
    earlier: Mapping[str, Memory] | None = None,
) -> Bank:
    """Seal tonight's questions: the users' where there are any, else by rule.

    A user's questions for a memory all count; the rules write at most
    `config.items_per_memory` for a memory that has none (a tool: a few more). A user's answer about a
    tool that is a JSON object is graded as a call of it.

    Args:
        night: The night's id.
        tenant: Whose memories these are.
        memories: The memories that are examined for the first time.
        questions: Users' questions; those that match no memory are left out (`match_questions`).
        config: How many items a memory gets.
        earlier: Superseded memories by id: their values become stale. None means none known.
    """
    pairs = match_questions(questions, memories).pairs
    asked: dict[str, list[Item]] = {}
    for question, memory in pairs:
        schema = _schema(memory, question.answers)
        row = _item(memory, question.question, question.answers, "user", schema)
        group = question.group or row.group
        item = replace(row, group=group, stale=question.stale)
        if item.question not in {known.question for known in asked.get(memory.id, [])}:
            asked.setdefault(memory.id, []).append(item)
    items: list[Item] = []
    for memory in memories:
        old = _predecessor(memory, earlier or {})
        rows = asked.get(memory.id) or [
            _item(memory, draft.question, draft.answers, "rules", draft.schema)
            for draft in _drafts(memory, old, config.items_per_memory)
        ]
        items += [_named(night, tenant, _with_stale(row, memory, old)) for row in rows]
    return _bank(night, tenant, BankKind.ACQUIRED, items)


def coverage(bank: Bank, memories: Sequence[Memory]) -> Coverage:
    """Count the memories that the bank examines."""
    examined = {memory_id for item in bank.items for memory_id in item.memory_ids}
    missing = tuple(memory.id for memory in memories if memory.id not in examined)
    return Coverage(len(memories) - len(missing), len(memories), missing)


def matched(questions: Sequence[Question], memories: Sequence[Memory]) -> Match:
    """Tell which questions were matched to which memory (as `seal_acquired` does)."""
    return match_questions(questions, memories)


def seal_abstention(
    night: str,
    tenant: str,
    memories: Sequence[Memory],
    config: ExamConfig,
    *,
    live: Sequence[Memory] | None = None,
    always: bool = False,
) -> Bank:
    """Seal questions that nothing answers: half near misses, half unknown entities.

    Args:
        night: The night's id; it also seeds the choice of invented names.
        tenant: Whose memories these are.
        memories: Tonight's memories, of which near misses are made.
        config: How many items the bank gets, where enough can be made.
        live: All live memories: a question that one of them may answer is dropped; None means
            `memories`.
        always: Ask about unknown entities also where there are no memories.
    """
    known = memories if live is None else live
    wanted = config.abstention_items
    near = near_misses(memories, known, wanted // 2, seed=night)
    unknown = unknown_entities(known, wanted - len(near), seed=night) if memories or always else []
    items = [
        Item(
            id=f"item-{digest(night, tenant, question)[:12]}",
            question=question,
            answers=(),
            memory_ids=memory_ids,
            group=group,
            author="rules",
        )
        for group, question, memory_ids in [
            *(("near-miss", question, (memory_id,)) for question, memory_id in near),
            *(("unknown", question, ()) for question in unknown),
        ]
    ]
    return _bank(night, tenant, BankKind.ABSTENTION, items)


def follow(banks: Sequence[Bank], memories: Sequence[Memory]) -> list[Bank]:
    """Let banks follow their memories: items of a memory that is no longer live are left out.

    So are questions that nothing answered when they were sealed, and that a memory may answer by now: refusing
    would be wrong.

    Args:
        banks: Banks of any night; general items examine no memory and stay.
        memories: The live memories.
    """
    alive = [memory for memory in memories if memory.status is MemoryStatus.LIVE]
    live = {memory.id for memory in alive}
    refused = [i.question for b in banks if b.kind is BankKind.ABSTENTION for i in b.items]
    told = answerable(refused, alive)

    def holds_still(bank: Bank, item: Item) -> bool:
        asked_anew = bank.kind is BankKind.ABSTENTION and item.question in told
        return live.issuperset(item.memory_ids) and not asked_anew

    return [
        replace(bank, items=tuple(item for item in bank.items if holds_still(bank, item)))
        for bank in banks
    ]


def thinned(banks: Sequence[Bank], night: str, abstention: int, acquired: int | None) -> list[Bank]:
    """Thin out the items of earlier nights, so that an exam does not grow with every night.

    Of abstention the same items stay from night to night, as far as nights with more of them allow: answers
    of the served version are used again. Acquired items are drawn anew each night, so that every fact is
    asked again sooner or later and none is spared. Riddles of earlier nights are not asked again. General banks,
    and those of `night`, stay whole.

    Args:
        banks: Banks of any night.
        night: Tonight.
        abstention: At most so many earlier abstention items stay.
        acquired: At most so many earlier acquired items stay; None: all.
    """
    earlier = [bank for bank in banks if bank.night != night]

    def ids(kind: BankKind) -> list[str]:
        return [item.id for bank in earlier if bank.kind is kind for item in bank.items]

    drawn = sorted(ids(BankKind.ACQUIRED), key=lambda item_id: digest(night, item_id))
    kept = {
        BankKind.ABSTENTION: set(sorted(ids(BankKind.ABSTENTION), key=digest)[:abstention]),
        BankKind.ACQUIRED: set(drawn[:acquired]),
        BankKind.RIDDLES: set[str](),
    }
    return [
        replace(bank, items=tuple(i for i in bank.items if i.id in kept[bank.kind]))
        if bank.night != night and bank.kind in kept
        else bank
        for bank in banks
    ]


def fingerprints(banks: Sequence[Bank]) -> tuple[Fingerprint, ...]:
    """Hash every question of the banks, for the leak filter; repeats are left out, and so are skills.

    Their tasks are alike on purpose; what holds the splits apart is the environment.
    """
    prints = {
        fp.exact: fp
        for bank in banks
        if bank.kind is not BankKind.SKILLS
        for i in bank.items
        for fp in [fingerprint(i.question)]
    }
    return tuple(prints.values())


def consistent(sampler: Sampler, bank: Bank, config: ExamConfig | None = None) -> Consistency:
    """Drop the rule-written document items that the model does not answer with the text in front.

    Args:
        sampler: The base model.
        bank: An acquired bank.
        config: Answer length; None means the default.
    """
    length = (config or ExamConfig.model_validate({})).answer_tokens
    doubtful = [i for i in bank.items if i.group == "document" and i.author == "rules"]
    if not doubtful:
        return Consistency(bank, ())
    answers = open_answers(sampler, [(i.question, i.context) for i in doubtful], length)
    dropped = tuple(
        item.id
        for item, answer in zip(doubtful, answers, strict=True)
        if not any(holds(answer, right) for right in item.answers)
    )
    kept = tuple(item for item in bank.items if item.id not in dropped)
    return Consistency(replace(bank, items=kept), dropped)


def stale_values(old: Memory, new: Memory, answer: str) -> tuple[str, ...]:
    """Find what the old memory said where the new one says the answer; empty when unclear.

    From facets that both have and that hold the answer in the new one; else from the words of
    the old text that stand where the new text has the answer; else from the old text's own
    blanks that the new text no longer has, where exactly one is there or is of the same shape.
    """
    found = {
        old.facets[key]
        for key, value in new.facets.items()
        if normalise(value) == normalise(answer) and old.facets.get(key)
    }
    left, right = old.text.split(), new.text.split()
    for tag, a, b, c, d in difflib.SequenceMatcher(None, left, right, False).get_opcodes():
        if tag == "replace" and holds(" ".join(right[c:d]), answer):
            words = normalise(" ".join(left[a:b]))
            if 0 < len(words.split()) <= len(normalise(answer).split()) + 2:
                found.add(words)
    if not found:
        gone = {d.answer for d in drafts(old, _MOST_DRAFTS) if not holds(new.text, d.answer)}
        alike = {value for value in gone if _shape(value) == _shape(answer)}
        found = next((values for values in (alike, gone) if len(values) == 1), set())
    same = normalise(answer)
    return tuple(sorted(v for v in found if normalise(v) != same and not holds(same, v)))


def _shape(value: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", value))


def _predecessor(memory: Memory, earlier: Mapping[str, Memory]) -> list[Memory]:
    chain: list[Memory] = []
    step = memory.supersedes
    while step and step in earlier and len(chain) < 16:
        chain.append(earlier[step])
        step = earlier[step].supersedes
    return chain


def _drafts(memory: Memory, olds: Sequence[Memory], limit: int) -> list[Draft]:
    """Draft questions; of a memory that took another one's place first those for what it says otherwise."""
    if not olds or memory.form == "tool":
        return drafts(memory, limit)
    found = drafts(memory, _MOST_DRAFTS)
    return sorted(found, key=lambda d: any(holds(olds[0].text, a) for a in d.answers))[:limit]


def _with_stale(item: Item, memory: Memory, olds: Sequence[Memory]) -> Item:
    found = {v for old in olds for right in item.answers for v in stale_values(old, memory, right)}
    return replace(item, stale=tuple(sorted({*item.stale, *found} - set(item.answers))))


def _schema(memory: Memory, answers: Sequence[str]) -> str:
    """Return the schema by which answers are graded as calls of a tool; empty where they are words."""
    call = memory.form == "tool" and all(one.startswith("{") for one in answers)
    return memory.facets["schema"] if call else ""


def _named(night: str, tenant: str, item: Item) -> Item:
    """Name an item by all that it is graded by: a question with other answers is another item, and no old verdict counts."""
    graded = json.dumps([item.answers, item.stale, item.schema])
    name = digest(night, tenant, *item.memory_ids, item.question, graded)
    return replace(item, id=f"item-{name[:12]}")


def _item(
    memory: Memory,
    question: str,
    answers: tuple[str, ...],
    author: str,
    schema: str = "",
) -> Item:
    return Item(
        id="",
        question=question,
        answers=answers,
        memory_ids=(memory.id,),
        context=memory.text,
        group=_GROUPS[memory.source_kind],
        author=author,
        schema=schema,
    )


def _bank(night: str, tenant: str, kind: BankKind, items: Sequence[Item]) -> Bank:
    name = f"bank-{digest(night, tenant, kind)[:12]}"
    return Bank(name, tenant, kind, night, tuple(items), now())
