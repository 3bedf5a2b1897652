"""The author that is a model: the base model itself, or a teacher behind an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nightschool.config import StudyConfig
from nightschool.protocols import Progress, Prompt, Writer
from nightschool.study.families import FAMILIES, Family, chat, items
from nightschool.study.support import source_of
from nightschool.types import Example, Memory, Message, digest

LIST_TOKENS = 80
"""Longest list of things or ways to study."""
TEMPERATURE = 0.5
"""Higher ones make a small model invent; lower ones make it say the same again."""


class SampledAuthor:
    """Writes by sampling a model; implements `protocols.Author`.

    What it writes is a model's word only: `check.py` asks `reader` about it with the source in front.
    """

    def __init__(self, name: str, writer: Writer, config: StudyConfig, seed: int = 0) -> None:
        self.name = name
        self.reader: Writer = writer
        self.config = config
        self.seed = seed

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Ask the model for each family about each memory; malformed replies are left out."""
        found = [
            example
            for name in self.config.families
            for example in self._family(FAMILIES[name], memories, progress)
        ]
        return list({example.id: example for example in found}.values())

    def _family(
        self, family: Family, memories: Sequence[Memory], progress: Progress | None
    ) -> list[Example]:
        listed: dict[str, list[str]] = {}
        if family.listing:
            ask, shown = family.listing
            prompts = [chat(source_of(m), ask, [("", shown)], "") for m in memories]
            replies = self._ask(prompts, LIST_TOKENS, progress)
            listed = {m.id: items(reply) for m, reply in zip(memories, replies, strict=True)}
        jobs = [
            (memory, part)
            for memory in memories
            for part in family.parts(source_of(memory), listed.get(memory.id, ()))
        ] * self.config.samples
        prompts = [chat(source_of(m), family.ask, family.demos, part) for m, part in jobs]
        replies = self._ask(prompts, family.most_tokens, progress)
        return [
            example
            for (memory, _), reply in zip(jobs, replies, strict=True)
            for example in self._examples(memory, family, reply)
        ]

    def _ask(
        self, prompts: Sequence[Prompt], max_tokens: int, progress: Progress | None
    ) -> list[str]:
        return self.reader.generate(
            prompts,
            max_tokens=max_tokens,
            temperature=TEMPERATURE,
            seed=self.seed,
            progress=progress,
        )

    def _examples(self, memory: Memory, family: Family, reply: str) -> Iterable[Example]:
        for question, target in family.read(reply):
            name = digest(memory.id, self.name, family.name, question, target)[:12]
            prompt = (Message("user", question),) if question else ()
            yield Example(
                f"ex-{name}", memory.tenant, (memory.id,), self.name, family.name, prompt, target
            )
