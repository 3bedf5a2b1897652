"""Which memories say the same once more: in the same words, or a document's passage beside the statements read from it.

A document is remembered twice, as passages and as the statements in them. Who takes a statement out, corrects or
forgets it means the passage too, and the other way round. Not covered: the same thing said in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nightschool.language import normalise, tells, within
from nightschool.protocols import Store
from nightschool.types import Memory, Span

PASSAGE = "passage"


def kin(named: Sequence[Memory], among: Iterable[Memory]) -> list[Memory]:
    """Return those of some memories that say what the named ones say; a named one is none of them.

    Args:
        named: What is to go.
        among: The tenant's memories.
    """
    ids = {memory.id for memory in named}
    own = {text for memory in named if tells(text := normalise(memory.text))}
    statements, passages = _Said(), _Said()
    for memory in named:
        (passages if memory.form == PASSAGE else statements).add(memory)
    found = []
    for memory in among:
        if memory.id in ids:
            continue
        text = normalise(memory.text)
        if memory.form == PASSAGE:
            said = statements.read_from(memory) or any(within(t, text) for t in statements.texts)
        else:
            said = passages.read_from(memory) or (
                tells(text) and any(within(text, t) for t in passages.texts)
            )
        if said or text in own:
            found.append(memory)
    return found


class _Said:
    """Where some memories were read from, and what they say; too few words tell nothing by themselves."""

    def __init__(self) -> None:
        self.places: set[tuple[str, Span]] = set()
        self.texts: list[str] = []

    def add(self, memory: Memory) -> None:
        if memory.span is not None:
            self.places.add((memory.episode_id, memory.span))
        text = normalise(memory.text)
        if tells(text):
            self.texts.append(text)

    def read_from(self, memory: Memory) -> bool:
        """Tell whether a memory was read from the same place as one of them."""
        return memory.span is not None and (memory.episode_id, memory.span) in self.places


def take_out_kin(store: Store, tenant: str, gone: Sequence[Memory], actor: str) -> list[Memory]:
    """Retire the live memories that say what a person takes out or corrects, from whatever source; return them.

    It comes before that change: a kill between the two leaves one too few, and the change to be made again.

    Args:
        store: The tenant's memories.
        tenant: Whose they are.
        gone: What is taken out, as it is.
        actor: Who did it.
    """
    statements = [memory for memory in gone if memory.form != PASSAGE]
    if not statements:
        return []
    return [store.retire(memory.id, actor) for memory in kin(statements, store.memories(tenant))]
