"""The author that needs no model: study material by rule from statements, passages and code."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.config import StudyConfig
from nightschool.protocols import Progress
from nightschool.study.abstention import near_misses
from nightschool.study.code_rules import code_examples
from nightschool.study.phrasings import vary
from nightschool.study.statements import Asked, questions
from nightschool.types import Example, Memory, Message, digest

ABSTAIN_SHARE = 0.05
"""Refusals for each told fact's example: enough to keep the habit, too few to spread it."""
BACK_TO_PERSON = 0.4
"""Share of a statement's questions that ask back for the person of whom it is told."""
BACK_TO_THING = 0.1
"""The same for a thing. More of them teach the model to answer with what the question is about."""


class RuleAuthor:
    """Writes by rule; implements `protocols.Author`."""

    name = "rules"

    def __init__(self, config: StudyConfig, seed: int = 0) -> None:
        self.config = config
        self.seed = seed

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Write examples about each memory, and refusals of near misses."""
        examples: list[Example] = []
        for done, memory in enumerate(memories, start=1):
            examples += self._about(memory)
            if progress:
                progress(done, len(memories))
        count = round(ABSTAIN_SHARE * sum(1 for e in examples if e.family != "passage"))
        for memory_id, question, refusal in near_misses(memories, count, self.seed):
            memory = next(m for m in memories if m.id == memory_id)
            examples.append(self._example(memory, "abstain", question, refusal))
        return examples

    def _about(self, memory: Memory) -> list[Example]:
        if memory.form == "passage":
            return [self._plain(memory, "passage")]
        if memory.form == "said":
            limit = self.config.expressions
            if memory.source_kind == "document":
                limit = max(
                    4, limit // 3
                )  # documents say many things; the passage carries them too
            return self._statement(memory, limit)
        written = code_examples(memory, self.config.expressions)
        return [self._example(memory, *one) for one in written]

    def _statement(self, memory: Memory, limit: int) -> list[Example]:
        text = memory.text
        asked = questions(text)
        main, back = [a for a in asked if a.main], [a for a in asked if not a.main]
        room = max(1, limit - 2)
        share = BACK_TO_PERSON if any(a.person for a in back) else BACK_TO_THING
        asked_back = min(round(room * share), room) if back else 0
        examples = [self._plain(memory, "statement")]
        for family, group, count in (
            ("qa", main, room - asked_back),
            ("reversed", back, asked_back if main else room),
        ):
            for one, wording in _take_turns(group, count):
                examples.append(self._example(memory, family, wording, _sentence(one.answer)))
        subject = main[0].subject if main else None
        if subject:
            examples.append(
                self._example(memory, "statement", f"What do you know about {subject}?", text)
            )
        words = text.rstrip(".").split()
        for cut in range(1, max(2, limit - len(examples) + 1) if not main else 2):
            # Without a plain clause, or beside the questions: complete what was begun.
            keep = len(words) - cut - 1
            if keep >= 2:
                begun, rest = " ".join(words[:keep]), " ".join(words[keep:])
                examples.append(
                    self._example(memory, "statement", f"Complete: {begun}", f"{rest}.")
                )
        return examples[: limit + 1]

    def _plain(self, memory: Memory, family: str) -> Example:
        return Example(
            f"ex-{digest(memory.id, family)[:12]}", memory.tenant, (memory.id,), self.name, family, (), memory.text
        )  # fmt: skip

    def _example(self, memory: Memory, family: str, question: str, answer: str) -> Example:
        return Example(
            f"ex-{digest(memory.id, question, answer)[:12]}",
            memory.tenant,
            (memory.id,),
            self.name,
            family,
            (Message("user", question),),
            answer,
        )


def _take_turns(group: Sequence[Asked], count: int) -> list[tuple[Asked, str]]:
    """Deal out wordings: the questions take turns until `count` are dealt."""
    if not group:
        return []
    each = -(-count // len(group))
    wordings = [
        [
            (one, w)
            for w in vary(
                one.question, one.subject, each + 2, about=one.subject if one.main else ""
            )
        ]
        for one in group
    ]
    dealt = [row[turn] for turn in range(each + 2) for row in wordings if turn < len(row)]
    return dealt[:count]


OPENING_WORDS = frozenset(
    [
        "the",
        "a",
        "an",
        "at",
        "in",
        "on",
        "from",
        "every",
        "each",
        "yes",
        "no",
        "only",
        "about",
        "between",
        "under",
        "behind",
    ]
)


def _sentence(answer: str) -> str:
    """End an answer; only a plain opening word is capitalised, as names and codes keep their case."""
    answer = answer.strip()
    if answer.split()[0].lower() in OPENING_WORDS:
        answer = answer[0].upper() + answer[1:]
    return answer + ("" if answer.endswith((".", "!", "?")) else ".")
