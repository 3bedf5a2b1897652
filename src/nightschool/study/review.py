"""Review, like a student's with cards: what the weights hold badly is studied again often, what they hold well seldom.

A continuing night begins where an earlier one ended, and what it teaches pushes out what it does not
repeat. Repeating all of it would cost more every night; so one forward pass tests each earlier memory,
and a budget that depends only on tonight's news is shared out by how badly each is held.

Source:
    Proportional prioritisation: Schaul et al. 2016, "Prioritized Experience Replay", section 3.3, with the loss
    of a memory's own answer in place of the temporal-difference error. Spaced repetition: Leitner 1972.
    A floor keeps a well-held memory in review: training on news harms those, too, and the test is older than the harm.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from nightschool.protocols import Progress, Sampler
from nightschool.types import Example

FLOOR_NATS = 0.2
"""A memory counts as held at best so well: the chance of a review never falls to nothing."""
CARDS = 2
"""So many of a memory's examples are scored to tell how well it is held."""


def by_memory(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Group examples by the first memory that each was derived from; general ones are left out."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.memory_ids:
            groups[example.memory_ids[0]].append(example)
    return dict(groups)


def held(
    sampler: Sampler,
    groups: Mapping[str, Sequence[Example]],
    seed: int,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Test how well the weights hold each memory, by one forward pass over `CARDS` of its examples.

    Args:
        sampler: The version that is to be trained on.
        groups: Memory -> its examples; questions are preferred to plain text.
        seed: Of the choice of examples.
        progress: Reports on the scored examples.

    Returns:
        Memory -> mean negative log-probability of its answers, in nats a token.
    """
    rng = random.Random(seed)
    cards: list[tuple[str, Example]] = []
    for memory_id, examples in groups.items():
        asked = [e for e in examples if e.prompt] or list(examples)
        cards += [(memory_id, e) for e in rng.sample(asked, min(CARDS, len(asked)))]
    scores = sampler.score([(e.prompt, e.target) for _, e in cards], progress=progress)
    nats: dict[str, list[float]] = defaultdict(list)
    for (memory_id, _), tokens in zip(cards, scores, strict=True):
        nats[memory_id] += [-value for value in tokens]
    return {memory_id: sum(values) / max(1, len(values)) for memory_id, values in nats.items()}


def review(
    groups: Mapping[str, Sequence[Example]],
    nats: Mapping[str, float],
    budget: float,
    seed: int,
) -> list[Example]:
    """Choose earlier examples to study again: of each memory in proportion to how badly it is held.

    An example comes again only once all others of its memory did.

    Args:
        groups: Memory -> its examples.
        nats: Memory -> the loss of its answers, from `held`.
        budget: Characters of review over the whole night, at most; what is left of a share decides by lot.
        seed: Of the lots.
    """
    rng = random.Random(seed)
    finite = [value for value in nats.values() if math.isfinite(value)]
    worst = max(finite, default=0.0)  # a loss that is no number says: as bad as any
    weights = {
        memory_id: FLOOR_NATS + (nats[memory_id] if math.isfinite(nats[memory_id]) else worst)
        for memory_id in groups
    }
    whole = sum(weights.values())
    chosen: list[Example] = []
    for memory_id in sorted(groups):
        share = budget * weights[memory_id] / whole
        for example in _rounds(groups[memory_id], rng):
            size = _size(example)
            if share < size and rng.random() * size >= share:
                break
            chosen.append(example)
            share -= size
    return chosen


def _rounds(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Yield examples without an end, in rounds of a new order."""
    while True:
        yield from rng.sample(list(examples), len(examples))


def size(examples: Sequence[Example]) -> int:
    """Return the length of some examples in characters, prompts and targets."""
    return sum(_size(example) for example in examples)


def _size(example: Example) -> int:
    return sum(len(m.content) for m in example.prompt) + len(example.target)
