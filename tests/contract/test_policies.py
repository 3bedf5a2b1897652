"""What every policy promises, the shipped fake included."""

import math

import pytest

from nightschool.config import PracticeConfig
from nightschool.models.near_rollouts import NearRollouts
from nightschool.models.torch_model import load, render
from nightschool.train.fake import FakePolicy
from nightschool.train.policy import TorchPolicy
from nightschool.train.policy_elsewhere import PolicyElsewhere
from nightschool.types import Credit, Example, Message

ASKED = (Message("user", "Say one of: ab cd ef"),)
OTHER = (Message("user", "Now another: gh ij"),)
CONFIG = PracticeConfig(learning_rate=2e-2, lora_rank=4, temperature=1.3)


@pytest.fixture(params=["fake", "torch", "elsewhere"])
def make(request, save_llama):
    if request.param == "fake":
        return FakePolicy
    folder = save_llama()
    if request.param == "torch":
        return lambda: TorchPolicy(load, render, folder, CONFIG)
    return lambda: PolicyElsewhere(load, render, folder, CONFIG, NearRollouts(folder))


def drawn(policy, seed=0, prompts=(ASKED, OTHER, ASKED), max_tokens=6):
    return policy.draw(prompts, max_tokens=max_tokens, temperature=1.3, seed=seed)


def test_what_is_drawn_comes_in_order_with_its_log_probabilities(make):
    found = drawn(make())
    assert found[0].prompt == found[2].prompt != found[1].prompt
    for one in found:
        assert 1 <= len(one.tokens) == len(one.logs) <= 6
        assert all(log <= 0 for log in one.logs)
        assert one.text == one.text.strip()


def test_the_same_seed_draws_the_same_and_another_does_not(make):
    policy = make()
    many = [ASKED] * 12
    assert drawn(policy, 1, many) == drawn(policy, 1, many) != drawn(policy, 2, many)


def test_what_is_cut_off_has_not_ended(make):
    one = drawn(make(), prompts=[ASKED], max_tokens=1)[0]
    assert len(one.tokens) == 1
    assert not one.ended or one.text == ""


def test_updates_make_what_was_better_likelier(make):
    policy = make()
    many = [ASKED] * 32
    begun = [one.tokens[0] for one in drawn(policy, 100, many, max_tokens=2)]
    wanted = max(begun, key=begun.count)
    for seed in range(8):
        found = drawn(policy, seed, many, max_tokens=2)
        right = [one.tokens[0] == wanted for one in found]
        mean = sum(right) / len(right)
        credits = [Credit(one, hit - mean) for one, hit in zip(found, right, strict=True)]
        update = policy.update(credits)
        assert math.isfinite(update.loss)
        assert update.tokens == sum(len(one.tokens) for one in found)
    ended = [one.tokens[0] for one in drawn(policy, 100, many, max_tokens=2)]
    assert ended.count(wanted) > begun.count(wanted)


def test_imitation_makes_a_target_what_is_said(make):
    policy = make()
    example = Example("ex-1", "default", (), "practice", "practice", ASKED, "cd")
    losses = [policy.imitate([example], epochs=10, seed=0).loss for _ in range(4)]
    assert losses[-1] <= losses[0]
    assert policy.generate([ASKED], max_tokens=6) == ["cd"]


def test_what_was_kept_goes_on_as_if_there_had_been_no_stop(make, tmp_path):
    whole = make()
    assert not whole.restore(tmp_path / "kept")
    whole.update([Credit(one, worth) for one, worth in zip(drawn(whole), (1.0, -0.5, -0.5), strict=True)])  # fmt: skip
    whole.keep(tmp_path / "kept")
    torn = make()
    assert torn.restore(tmp_path / "kept")
    for seed in (1, 2):
        both = [drawn(policy, seed) for policy in (whole, torn)]
        assert both[0] == both[1]
        for policy, found in zip((whole, torn), both, strict=True):
            policy.update([Credit(one, worth) for one, worth in zip(found, (1.0, -0.5, -0.5), strict=True)])  # fmt: skip
    assert drawn(whole, 3) == drawn(torn, 3)


def test_it_is_saved_whole_and_practice_goes_on(make, tmp_path):
    policy = make()
    policy.imitate([Example("ex-1", "default", (), "a", "b", ASKED, "cd")], epochs=10, seed=0)
    before = policy.generate([ASKED, OTHER], max_tokens=6)
    result = policy.save(tmp_path / "out")
    assert (result.kind, result.steps > 0) == ("full", True)
    assert (tmp_path / "out" / "train.json").exists()
    assert policy.generate([ASKED, OTHER], max_tokens=6) == before
    assert policy.save(tmp_path / "out") == result, "a version is written once"
