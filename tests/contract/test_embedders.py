"""What every embedder promises, the shipped fake included."""

import numpy as np
import pytest

from nightschool.bases import pull_model
from nightschool.models.embedder import TorchEmbedder
from nightschool.models.fake import FakeEmbedder


@pytest.fixture(scope="module", params=["fake", "torch"])
def embedder(request):
    if request.param == "fake":
        return FakeEmbedder()
    return TorchEmbedder("all-minilm-l6-v2", pull_model("all-minilm-l6-v2"))


def test_vectors_come_in_the_order_of_the_texts_and_have_length_one(embedder):
    texts = ["The cellar's pump was repaired.", "", "Who repaired the pump in the cellar?", "Otter"]
    vectors = embedder.embed(texts)
    assert vectors.shape[0] == 4
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed([text])[0], vector, atol=1e-5)


def test_texts_of_about_the_same_meaning_are_near(embedder):
    asked, answer, other = embedder.embed(
        ["Who repairs the pump?", "The pump is repaired by Ada.", "Lunch is at noon on Fridays."]
    )
    assert asked @ answer > asked @ other
