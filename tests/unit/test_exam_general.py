"""What plain text costs a model, whatever its tokenizer."""

import math

import pytest

from nightschool.exam.general import bits_per_byte, perplexity


class Reader:
    """Charges half a bit for each character of a piece, and much for the end of a turn."""

    def __init__(self, size, opens):
        self.size, self.opens = size, opens

    def score(self, pairs, *, progress=None):
        """Cut each text into pieces; the first has no value unless texts open with a token."""
        found = []
        for _, text in pairs:
            pieces = [
                part[k : k + self.size]
                for part in text.split(" ")
                for k in range(0, len(part), self.size)
            ]
            values = [-0.5 * math.log(2) * len(piece.encode()) for piece in pieces]
            found.append([*values[0 if self.opens else 1 :], -20.0])
        return found


def test_bits_per_byte_are_the_same_for_every_tokenizer_that_reads_alike():
    figures = [bits_per_byte(Reader(size, opens)) for size in (1, 3) for opens in (True, False)]
    assert figures == pytest.approx([figures[0]] * 4)
    assert 0.3 < figures[0] < 0.5  # half a bit a byte, but for the spaces
    assert perplexity(Reader(1, True)) < perplexity(Reader(3, True))
