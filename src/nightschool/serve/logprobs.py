"""Log-probabilities of a text completion in the shape that its API has; engines tell them in that of chat."""

from __future__ import annotations

from collections import Counter
from typing import Any


def with_old_logprobs(choice: dict[str, Any], told: Counter[int]) -> dict[str, Any]:
    """Return a choice, whole or a part of a stream, with its log-probabilities in the older shape.

    Args:
        choice: As the engine gave it.
        told: Index of a choice -> characters of its tokens before this part; it is counted on.
    """
    rows = (choice.get("logprobs") or {}).get("content")
    if rows is None:
        return choice
    index, offsets = choice.get("index", 0), []
    for row in rows:
        offsets.append(told[index])
        told[index] += len(row["token"])
    tops = [{one["token"]: one["logprob"] for one in row.get("top_logprobs") or ()} for row in rows]
    old = {
        "tokens": [row["token"] for row in rows],
        "token_logprobs": [row["logprob"] for row in rows],
        "top_logprobs": tops,
        "text_offset": offsets,
    }
    return {**choice, "logprobs": old}
