"""What the authors write for a night, checked: supported by its source, new, and not on the exam."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nightschool.config import StudyConfig
from nightschool.errors import LeakError
from nightschool.protocols import Author, Progress
from nightschool.study.check import checked
from nightschool.study.leaks import drop_leaks
from nightschool.study.support import source_of
from nightschool.types import Example, Fingerprint, Material, Memory

MOST_LEAKS = 0.25
"""Share of leaking material above which the night fails: an author writes the exam. What leaks below it is dropped, and
enough is left: an owner's plain questions repeat some of the wordings by rule."""


def compose(
    memories: Sequence[Memory],
    authors: Sequence[Author],
    imported: Sequence[Example],
    sealed: Sequence[Fingerprint],
    config: StudyConfig,
    progress: Progress | None = None,
) -> Material:
    """Have the authors write, and keep what is supported, new and not on the exam.

    Args:
        memories: What to study.
        authors: Who writes.
        imported: Ready-made material; checked like the authors'.
        sealed: The exam's questions, hashed.
        config: The leak threshold.
        progress: Reports on the authors' work.

    Raises:
        LeakError: More than a quarter of the authored material repeats exam questions.
    """
    sources = {memory.id: source_of(memory) for memory in memories}
    dropped: Counter[str] = Counter()
    written: list[Example] = []
    for author in authors:
        examples = author.write(memories, progress=progress)
        if author.reader is not None:
            examples, faults = checked(examples, sources, author.reader, progress)
            dropped.update(faults)
        written += examples
    written += imported
    unique = list({(e.prompt, e.target): e for e in written}.values())
    dropped["duplicate"] += len(written) - len(unique)
    kept, leaks = drop_leaks(unique, sealed, config.leak_overlap)
    dropped["leak"] += leaks
    if leaks > MOST_LEAKS * len(unique):
        raise LeakError(
            f"{leaks} of {len(unique)} study examples repeat exam questions (at most "
            f"{MOST_LEAKS:.0%} may). Word the exam's questions differently from the study material."
        )
    covered = {memory_id for example in kept for memory_id in example.memory_ids}
    uncovered = tuple(memory.id for memory in memories if memory.id not in covered)
    return Material(tuple(kept), dict(dropped), uncovered)
