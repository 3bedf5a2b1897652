"""The author that is a model: the base model itself, or a teacher behind an endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nightschool.protocols import Progress, Writer
from nightschool.types import Example, Memory, Message, digest

ASK = {
    "qa": "Write three short questions about this text, each with its short answer from the text, as "
    "lines `Q: ...` and `A: ...`.\n\n{text}",
    "rewrite": "Say the same in other words, in one or two sentences.\n\n{text}",
    "implication": "State one thing that follows from this text, in one sentence.\n\n{text}",
}
MAX_TOKENS = 160
TEMPERATURE = 0.7


class SampledAuthor:
    """Writes by sampling a model; implements `protocols.Author`."""

    def __init__(self, name: str, sampler: Writer, seed: int = 0) -> None:
        self.name = name
        self.sampler = sampler
        self.seed = seed

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Ask the model for each family about each memory; malformed answers are left out."""
        jobs = [(memory, family) for memory in memories for family in ASK]
        prompts = [(Message("user", ASK[family].format(text=m.text)),) for m, family in jobs]
        answers = self.sampler.generate(
            prompts,
            max_tokens=MAX_TOKENS,
            temperature=TEMPERATURE,
            seed=self.seed,
            progress=progress,
        )
        return [
            example
            for (memory, family), answer in zip(jobs, answers, strict=True)
            for example in self._parse(memory, family, answer)
        ]

    def _parse(self, memory: Memory, family: str, answer: str) -> Iterable[Example]:
        if family == "qa":
            for question, short in re.findall(r"Q:\s*(.+?\?)\s*\n+A:\s*(.+)", answer):
                yield self._example(
                    memory, family, (Message("user", question.strip()),), short.strip()
                )
        elif 3 < len(answer.split()) < 80 and answer.rstrip().endswith("."):
            yield self._example(memory, family, (), answer.strip())

    def _example(
        self, memory: Memory, family: str, prompt: tuple[Message, ...], target: str
    ) -> Example:
        name = digest(memory.id, self.name, family, *(m.content for m in prompt), target)[:12]
        return Example(f"ex-{name}", memory.tenant, (memory.id,), self.name, family, prompt, target)
