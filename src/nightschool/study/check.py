"""What a model wrote, checked: it stands in its source, it is no copy, and the model stands by it.

A small model follows the form of a request more often than its sense: it asks about what is not there, or
answers another question than its own. Both are found without a larger model.

Source:
    Round-trip consistency: Alberti et al. 2019, "Synthetic QA Corpora Generation with Roundtrip
    Consistency", section 2; here agreement is looser than equality, as answers are phrases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nightschool.language import fingerprint, holds, normalise, overlap, parse
from nightschool.openbook import open_answers
from nightschool.protocols import Progress, Writer
from nightschool.study.support import supported
from nightschool.types import Example

ANSWER_TOKENS = 32
"""Longest answer with the source in front."""
AGREEMENT = 0.5
"""Share of common words (Jaccard) from which two answers say the same."""


def checked(
    examples: Sequence[Example],
    sources: Mapping[str, str],
    reader: Writer,
    progress: Progress | None = None,
) -> tuple[list[Example], Counter[str]]:
    """Keep what is supported, no copy, and answered alike with the source in front.

    Plain text is kept up to its first unsupported sentence: what a model adds, it adds at the end.

    Args:
        examples: What an author wrote.
        sources: Memory -> what the author read of it.
        reader: The model that wrote.
        progress: Reports on the answered questions.

    Returns:
        The kept examples in their order, and the number of the others by reason: `unsupported`,
        `copied` (plain text that stands word for word in the source), `inconsistent`.
    """
    dropped: Counter[str] = Counter()
    standing: list[tuple[Example, str]] = []
    for example in examples:
        source = " ".join(sources[name] for name in example.memory_ids)
        held = _held(example, source)
        if held is None:
            dropped["unsupported"] += 1
        elif not held.prompt and holds(source, held.target):
            dropped["copied"] += 1
        else:
            standing.append((held, source))
    asked = [(e.prompt[-1].content, source) for e, source in standing if e.prompt]
    answers = iter(open_answers(reader, asked, ANSWER_TOKENS, progress) if asked else ())
    kept = [e for e, _ in standing if not e.prompt or agree(next(answers), e.target)]
    dropped["inconsistent"] += len(standing) - len(kept)
    return kept, dropped


def _held(example: Example, source: str) -> Example | None:
    """Cut plain text before its first unsupported sentence; None where nothing is left."""
    if supported(example, source):
        return example
    if example.prompt:
        return None
    end = 0
    for sentence in parse(example.target).sents:
        if not supported(replace(example, target=sentence.text), source):
            break
        end = sentence.end_char
    begun = parse(example.target).text[:end].strip()
    return replace(example, target=begun) if begun else None


def agree(said: str, written: str) -> bool:
    """Tell whether two answers say the same: one stands in the other, or most words are common.

    A "yes" or "no" at the beginning of either decides, and numbers must be the same.
    """
    verdicts = [normalise(text).partition(" ")[0] for text in (said, written)]
    if {"yes", "no"} & set(verdicts):
        return verdicts[0] == verdicts[1]
    if holds(said, written) or holds(written, said):
        return True
    numbers = [{w for w in normalise(t).split() if w[0].isdigit()} for t in (said, written)]
    close = overlap(fingerprint(said), fingerprint(written)) >= AGREEMENT
    return numbers[0] == numbers[1] and close
