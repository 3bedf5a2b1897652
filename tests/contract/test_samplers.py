"""What every sampler promises, the shipped fake included."""

import pytest

from nightschool.bases import pull_model
from nightschool.engines import gguf_files, load_sampler
from nightschool.models.fake import FakeSampler
from nightschool.types import Message

CAPITAL = (Message("user", "What is the capital of France?"),)
OTHER = (Message("user", "What is two plus two?"),)


@pytest.fixture(scope="module", params=["fake", "torch", "llama"])
def sampler(request):
    if request.param == "fake":
        return FakeSampler({CAPITAL[0].content: "Paris", OTHER[0].content: "Four"})
    folder = pull_model("smollm2-135m")
    files = gguf_files("smollm2-135m", None, "full", "f16") if request.param == "llama" else None
    return load_sampler("base", folder, None, files)


def test_answers_come_in_the_order_of_the_prompts(sampler):
    told = []
    first, second, third = sampler.generate(
        [CAPITAL, OTHER, CAPITAL], max_tokens=8, progress=lambda *at: told.append(at)
    )
    assert first == third != second
    assert "Paris" in first
    assert told[-1] == (3, 3)


def test_greedy_answers_repeat(sampler):
    assert sampler.generate([OTHER], max_tokens=6) == sampler.generate([OTHER], max_tokens=6)


def test_scores_are_log_probabilities_and_prefer_the_likely(sampler):
    right, wrong = sampler.score([(CAPITAL, "Paris"), (CAPITAL, "Gravel")])
    assert all(value <= 0 for value in (*right, *wrong))
    assert sum(right) / len(right) > sum(wrong) / len(wrong)


def test_plain_text_has_no_score_for_its_first_token(sampler):
    (prompted,), (plain,) = (sampler.score([(p, "one two three")]) for p in (CAPITAL, ()))
    assert len(plain) == len(prompted) - 1


def test_nothing_asked_is_nothing_answered(sampler):
    assert sampler.generate([], max_tokens=4) == []
    assert sampler.score([]) == []
