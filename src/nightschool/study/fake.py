"""An author without words of its own: one example that repeats each memory."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.protocols import Progress
from nightschool.types import Example, Memory, Message


class FakeAuthor:
    """Asks for each memory by its number; implements `protocols.Author`."""

    name = "fake"
    reader = None

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Write one example a memory; see `protocols.Author.write`."""
        if progress:
            progress(len(memories), len(memories))
        return [
            Example(f"ex-{m.id}", m.tenant, (m.id,), self.name, "qa",
                    (Message("user", f"What does note {k} say?"),), m.text)
            for k, m in enumerate(memories)
        ]  # fmt: skip
