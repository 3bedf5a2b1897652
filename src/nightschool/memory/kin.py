"""Which memories say the same once more: in the same words, or a document's passage beside the statements read from it.

A document is remembered twice, as passages and as the statements in them. Who takes a statement out, corrects or
forgets it means the passage too, and the other way round. Not covered: the same thing said in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nightschool.language import normalise
from nightschool.memory.erasure import FEWEST_WORDS
from nightschool.protocols import Store
from nightschool.types import Memory, MemoryStatus

PASSAGE = "passage"


def kin(named: Sequence[Memory], among: Iterable[Memory]) -> list[Memory]:
    """Return those of some memories that say what the named ones say; a named one is none of them.

    Args:
        named: What is to go.
        among: The tenant's memories.
    """
    ids = {memory.id for memory in named}
    texts = {memory.id: normalise(memory.text) for memory in named}
    own = {text for text in texts.values() if len(text.split()) >= FEWEST_WORDS}
    read_in = [m for m in named if m.form != PASSAGE]
    passages = [m for m in named if m.form == PASSAGE]
    found = []
    for memory in among:
        if memory.id in ids:
            continue
        text = normalise(memory.text)
        if memory.form == PASSAGE:
            said = any(_from(m, texts[m.id], memory, text) for m in read_in)
        else:
            said = any(_from(memory, text, p, texts[p.id]) for p in passages)
        if said or text in own:
            found.append(memory)
    return found


def take_out_passages(
    store: Store, tenant: str, gone: Sequence[Memory], actor: str
) -> list[Memory]:
    """Retire the live passages that say what a person takes out or corrects; return them.

    It comes before that change: a kill between the two leaves a passage too few, and the change to be made again.

    Args:
        store: The tenant's memories.
        tenant: Whose they are.
        gone: The statements as they are.
        actor: Who did it.
    """
    statements = [m for m in gone if m.form != PASSAGE]
    if not statements:
        return []
    held = [m for m in store.memories(tenant) if m.form == PASSAGE]
    still = [m for m in kin(statements, held) if m.status is MemoryStatus.LIVE]
    return [store.retire(memory.id, actor) for memory in still]


def _from(statement: Memory, text: str, passage: Memory, whole: str) -> bool:
    """Tell whether a statement was read from a passage, or stands in it word for word."""
    same_place = statement.span is not None and statement.span == passage.span
    if same_place and statement.episode_id == passage.episode_id:
        return True
    return len(text.split()) >= FEWEST_WORDS and f" {text} " in f" {whole} "
