"""Check that what a model wrote about a source stands in the source."""

from __future__ import annotations

import re

from nightschool.language import normalise
from nightschool.types import Example

SHARE = 0.7
"""Of the content words of an answer, at least so many must stand in the source."""


def supported(example: Example, source: str) -> bool:
    """Tell whether the target's numbers and names, and most of its content words, are in the source."""
    known = {_stem(word) for word in normalise(source).split()}
    words = re.findall(r"[\w.:/-]+", example.target)
    firm = [w for n, w in enumerate(words) if re.search(r"\d", w) or (n and w[0].isupper())]
    if any(_stem(normalise(w)) not in known for w in firm if normalise(w)):
        return False
    content = [_stem(w) for w in normalise(example.target).split() if len(w) > 3]
    return not content or sum(w in known for w in content) >= SHARE * len(content)


def _stem(word: str) -> str:
    return re.sub(r"(?:'s|ies|es|s|ed|ing)$", "", word)
