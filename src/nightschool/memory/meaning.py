"""Orders in documents, found by what their sentences mean: a linear score over a small encoder's states.

Beside the rules and the wording of `directives`, which read English words, it has read much text, so that words that
no list and no example holds lie near those that one does. What is weighed is the mean of the encoder's fourth layer,
together with the score of the wording. The weights were fitted by `bench/order_weights.py`, for the one encoder
that they name; without that encoder nothing is found here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from nightschool.memory.sentences import from_sentence, passage_of, sentences_of
from nightschool.memory.wording import score
from nightschool.protocols import Embedder
from nightschool.types import Finding, Hold, Reading, SourceKind

LAYER = 4
"""Of the encoder: on the folds it told orders from statements best, of layers 1 to 4 and the last (LOG.md)."""


class Meanings(NamedTuple):
    """A fitted score."""

    encoder: str
    """Whose vectors it weighs; see `vectors_of`."""
    weights_D: np.ndarray
    wording: float
    """Weight of the score of the wording."""
    bias: float
    threshold: float
    """What lies above is taken for an order."""


def vectors_of(encoder: str) -> str:
    """Name the vectors of an encoder that are weighed here."""
    return f"{encoder}, layer {LAYER}"


def questioned(reading: Reading, encoder: Embedder) -> Reading:
    """Hold the findings of a document that were read from orders about what to say, or from the sentence after one.

    Args:
        reading: What was read; nothing but documents is questioned.
        encoder: Reads the sentences; its vectors are those that the weights were fitted on.
    """
    episode = reading.episode
    if episode.kind is not SourceKind.DOCUMENT or not reading.findings:
        return reading
    passages = [passage_of(episode, finding) for finding in reading.findings]
    read = [*(finding.text for finding in reading.findings), *passages]
    sentences = list(dict.fromkeys(one for text in read for one in sentences_of(text)))
    orders = dict(zip(sentences, ordering(sentences, encoder), strict=True))
    found = (
        _held(finding, passage, orders)
        for finding, passage in zip(reading.findings, passages, strict=True)
    )
    return replace(reading, findings=tuple(found))


def ordering(sentences: Sequence[str], encoder: Embedder) -> list[bool]:
    """Tell of each sentence whether it is an order about what to say."""
    if not sentences:
        return []
    fitted = fitted_meanings()
    wording_N = np.array([score(one) for one in sentences])
    scores_N = encoder.embed(sentences) @ fitted.weights_D + fitted.wording * wording_N
    return [bool(one > fitted.threshold) for one in scores_N + fitted.bias]


@lru_cache(maxsize=1)
def fitted_meanings() -> Meanings:
    """Return the weights that come with the program."""
    body = json.loads(files("nightschool.memory").joinpath("order_meaning.json").read_text("utf-8"))
    weights_D = np.array(body["weights"], np.float32)
    return Meanings(body["encoder"], weights_D, body["wording"], body["bias"], body["threshold"])


def _held(finding: Finding, passage: str, orders: dict[str, bool]) -> Finding:
    own = _flags(sentences_of(finding.text), orders)
    around = _flags(sentences_of(passage), orders)
    if any(flag for _, flag in own) or from_sentence(finding.text, around):
        return replace(finding, holds=(*finding.holds, Hold.DIRECTIVE))
    return finding


def _flags(sentences: Iterable[str], orders: dict[str, bool]) -> tuple[tuple[str, bool], ...]:
    return tuple((one, orders[one]) for one in sentences)
