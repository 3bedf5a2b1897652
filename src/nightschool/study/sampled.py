"""The author that is a model: the base model itself, or a teacher behind an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nightschool.config import StudyConfig
from nightschool.protocols import Progress, Writer
from nightschool.study.families import FAMILIES, Family, chat, items
from nightschool.study.support import source_of
from nightschool.types import Example, Memory, Message, digest

MAX_TOKENS = 160
TEMPERATURE = 0.7


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
        families = [FAMILIES[name] for name in self.config.families]
        listed = self._listed(memories, families, progress)
        # Prompts with the same beginning one after another: an engine reads it once.
        jobs = [
            (memory, family, part)
            for family in families
            for memory in memories
            for part in family.parts(source_of(memory), listed.get((memory.id, family.name), ()))
        ] * self.config.samples
        replies = self._ask(
            [chat(source_of(m), family.ask, family.demos, part) for m, family, part in jobs],
            progress,
        )
        found = [
            example
            for (memory, family, _), reply in zip(jobs, replies, strict=True)
            for example in self._examples(memory, family, reply)
        ]
        return list({example.id: example for example in found}.values())

    def _listed(
        self, memories: Sequence[Memory], families: Sequence[Family], progress: Progress | None
    ) -> dict[tuple[str, str], list[str]]:
        """Have the model list the things or strategies of each memory: (memory, family) -> items."""
        jobs = [(m, f.name, *f.listing) for f in families if f.listing for m in memories]
        prompts = [chat(source_of(m), ask, [("", shown)], "") for m, _, ask, shown in jobs]
        replies = self._ask(prompts, progress) if jobs else []
        return {(m.id, name): items(r) for (m, name, *_), r in zip(jobs, replies, strict=True)}

    def _ask(self, prompts: Sequence[tuple[Message, ...]], progress: Progress | None) -> list[str]:
        return self.reader.generate(
            prompts,
            max_tokens=MAX_TOKENS,
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
