"""The author that needs no model: study material by rule from statements, passages, code and tools."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import zip_longest

from nightschool.config import StudyConfig
from nightschool.protocols import Progress
from nightschool.study.abstention import near_misses
from nightschool.study.clause import Asked, objective
from nightschool.study.code_rules import code_examples
from nightschool.study.frames import Framed, framed
from nightschool.study.phrasings import vary
from nightschool.study.statements import questions
from nightschool.study.tool_rules import tool_examples
from nightschool.types import Example, Memory, Message, digest

ABSTAIN_SHARE = 0.05
"""Refusals for each told fact's example: enough to keep the habit, too few to spread it."""
BACK_TO_PERSON = 0.4
"""Share of a statement's questions that ask back for the person of whom it is told."""
BACK_TO_THING = 0.1
"""The same for a thing. More of them teach the model to answer with what the question is about."""
US = ("the team", "we", "us")
"""No answer: everybody who asks knows who "we" are, and a model takes to saying it of everything."""


class RuleAuthor:
    """Writes by rule; implements `protocols.Author`."""

    name = "rules"
    reader = None
    """Rules only rearrange the memory's own words."""

    def __init__(self, config: StudyConfig, seed: int = 0, live: Sequence[Memory] = ()) -> None:
        """Take how to write.

        Args:
            config: How much, and of what.
            seed: Of the choices.
            live: All live memories: the author teaches "I don't know" of nothing that is in them.
        """
        self.config = config
        self.seed = seed
        self.live = live

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
        for memory_id, question, refusal in near_misses(memories, count, self.seed, self.live):
            memory = next(m for m in memories if m.id == memory_id)
            examples.append(self._example(memory, "abstain", question, refusal))
        return examples

    def _about(self, memory: Memory) -> list[Example]:
        if memory.form == "passage":
            return [self._plain(memory, "passage")]
        if memory.form == "said":
            limit = self.config.expressions
            if memory.source_kind == "document":
                # Documents say many things; the passage carries them too.
                limit = max(4, limit // 2)
            return self._statement(memory, limit)
        write = tool_examples if memory.form == "tool" else code_examples
        written = write(memory, self.config.expressions)
        return [self._plain(memory, "passage"), *(self._example(memory, *one) for one in written)]

    def _statement(self, memory: Memory, limit: int) -> list[Example]:
        text = memory.text
        asked = [one for one in questions(text) if one.answer.lower() not in US]
        frames = [one for one in framed(text) if one.answer.lower() not in US]
        main, back = [a for a in asked if a.main], [a for a in asked if not a.main]
        person = any(a.person for a in back)
        room = max(1, limit - 3)
        asked_back = round(room * (BACK_TO_PERSON if person else BACK_TO_THING))
        subject = main[0].subject if main else None
        examples = [self._plain(memory, "statement")]
        if subject:
            examples.append(
                self._example(
                    memory, "statement", f"What do you know about {objective(subject)}?", text
                )
            )
        backwards = _interleaved(
            [f for f in frames if not f.main], _take_turns(back, asked_back), asked_back
        )
        forwards = _interleaved(
            [f for f in frames if f.main], _take_turns(main, room), room - len(backwards)
        )
        for family, wordings in (("qa", forwards), ("reversed", backwards)):
            for turn, (answer, wording) in enumerate(wordings):
                spoken = _as_one_of_us(wording, turn)
                examples.append(self._example(memory, family, spoken, _sentence(answer)))
        words = text.rstrip(".").split()
        for cut in range(1, 2 if forwards or backwards else max(2, limit - len(examples) + 1)):
            # Without a question, or beside the questions: complete what was begun.
            keep = len(words) - cut - 1
            if keep >= 2:
                begun, rest = " ".join(words[:keep]), " ".join(words[keep:])
                examples.append(
                    self._example(memory, "statement", f"Complete: {begun}", f"{rest}.")
                )
        return examples

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


def _take_turns(group: Sequence[Asked], count: int) -> list[tuple[str, str]]:
    """Deal out (answer, wording): the questions take turns until `count` are dealt."""
    each = -(-count // max(1, len(group)))
    wordings = [
        [
            (one.answer, w)
            for w in vary(
                one.question,
                one.subject,
                each + 2,
                about=objective(one.subject) if one.main else "",
            )
        ]
        for one in group
    ]
    dealt = [row[turn] for turn in range(each + 2) for row in wordings if turn < len(row)]
    return dealt[:count]


def _interleaved(
    frames: Sequence[Framed], worded: Sequence[tuple[str, str]], count: int
) -> list[tuple[str, str]]:
    """Deal out (answer, wording) from the frames and from the statement's own words in turns."""
    rows = [
        random.Random(digest(*f.questions)).sample(
            [(f.answer, q) for q in f.questions], len(f.questions)
        )
        for f in frames
    ]
    known = [one for turn in zip_longest(*rows) for one in turn if one]
    turns = [one for turn in zip_longest(worded, known) for one in turn if one]
    return list({q: (a, q) for a, q in turns}.values())[: max(0, count)]


def _as_one_of_us(wording: str, turn: int) -> str:
    """Say "our" or "the" where the reader wrote "the team's", as colleagues do."""
    ours = ("our ", "the ", "the team's ")[turn % 3]
    return wording.replace("the team's ", ours).replace("The team's ", ours.capitalize())


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
