"""The torch sampler on the real small model."""

import pytest
import torch

from nightschool.models.torch_model import render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.types import Message


@pytest.fixture(scope="module")
def sampler(base_folder):
    return TorchSampler(base_folder)


def chat(text):
    return (Message("user", text),)


PAIRS = [
    *(
        (chat("What is the capital of France?"), a)
        for a in ("Paris", "Paris is the capital of France.", "Port 8472")
    ),
    *((chat(f"What is {n} plus {n}?"), str(2 * n)) for n in range(40)),
    ((), "The sky is blue, and the grass is green."),
    ((), "The sky is blue, and the sea is too."),
]


def test_scores_that_share_a_prefix_are_those_of_each_sequence_alone(sampler):
    for (prompt, target), found in zip(PAIRS, sampler.score(PAIRS), strict=True):
        before, after = render(sampler.tokenizer, prompt, target)
        with torch.no_grad():
            logits_TV = sampler.model(torch.tensor([before + after])).logits[0].log_softmax(-1)
        first = max(len(before), 1)
        ids = (before + after)[first:]
        alone = [float(logits_TV[first - 1 + n, t]) for n, t in enumerate(ids)]
        assert found == pytest.approx(alone, abs=2e-3)


def test_answers_do_not_depend_on_their_batch(sampler):
    prompts = [
        chat("What is the capital of France?"),
        chat("Name a colour of the rainbow."),
        chat("Hi"),
    ]
    together = sampler.generate(prompts, max_tokens=24)
    assert together == [sampler.generate([p], max_tokens=24)[0] for p in prompts]
    assert "Paris" in together[0]
