"""Who stands behind a memory, and what follows from it.

Recall may use what nobody vouches for, and says so; training takes only what the owner stated or
approved. A wrong line in a prompt can be seen and taken out, a wrong line in the weights cannot.
"""

from __future__ import annotations

from nightschool.types import Memory, Trust

ORDER = (Trust.OWNER, Trust.USER, Trust.TOOL, Trust.WEB)
"""Most trusted first."""


def rank(memory: Memory) -> int:
    """Return a memory's place in `ORDER`, from 0; the owner's approval makes it the owner's."""
    return 0 if memory.approved else ORDER.index(memory.trust)


def entitled(trust: Trust, memory: Memory) -> bool:
    """Tell whether a statement of this tier may take a memory's place."""
    return ORDER.index(trust) <= rank(memory)


def trainable(memory: Memory) -> bool:
    """Tell whether a memory may reach the weights."""
    return rank(memory) == 0
