"""The torch policy on a tiny real network: it is what the saved weights are, and the objective does what it says."""

import math

import pytest
import torch

from nightschool.config import PracticeConfig
from nightschool.errors import Diverged, PracticeError
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.practice.base import Once
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.learner import practise
from nightschool.train.policy import TorchPolicy
from nightschool.train.trees import lay_trees
from nightschool.types import Credit, Drawn, Example, Message

ASKED = (Message("user", "Say one of: ab cd ef"),)
OTHER = (Message("user", "Now another one, please"),)
CONFIG = PracticeConfig(learning_rate=2e-2, lora_rank=4)


@pytest.fixture
def policy(save_llama):
    return TorchPolicy(load, render, save_llama(), CONFIG, torch.float32)


def draw(policy, prompts, seed=0, max_tokens=8):
    return policy.draw(prompts, max_tokens=max_tokens, temperature=1.0, seed=seed)


def test_log_probabilities_of_drawing_are_those_of_an_exam(policy, save_llama):
    found = draw(policy, [ASKED, OTHER, ASKED, OTHER, ASKED])
    sampler = TorchSampler(save_llama("again"))
    scored = sampler.score_tokens([(list(one.prompt), list(one.tokens)) for one in found])
    for one, logs in zip(found, scored, strict=True):
        assert one.logs == pytest.approx(logs, abs=1e-3)


def test_an_unmoved_policy_has_a_ratio_of_one(policy):
    found = draw(policy, [ASKED] * 6)
    update = policy.update([Credit(one, 1.0) for one in found])
    assert update.loss == pytest.approx(-1.0, abs=0.05)
    assert update.clipped == 0


def test_what_few_attempts_of_a_round_teach_pulls_less_than_what_many_do(save_llama):
    pulls = []
    for over in (None, 480.0):
        policy = TorchPolicy(load, render, save_llama(), CONFIG, torch.float32)
        found = draw(policy, [ASKED] * 6)
        tokens = sum(len(one.tokens) for one in found)
        credits = [Credit(one, float(k % 2)) for k, one in enumerate(found)]
        pulls.append((policy.update(credits, over).grad_norm, tokens))
    (alone, tokens), (among_many, _) = pulls
    assert among_many == pytest.approx(alone * tokens / 480.0, rel=0.01)


def test_the_saved_weights_say_what_the_policy_says(policy, tmp_path):
    policy.imitate([Example("ex", "default", (), "a", "b", ASKED, "cd")], epochs=30, seed=0)
    policy.save(tmp_path / "out")
    sampler = TorchSampler(tmp_path / "out")
    assert sampler.generate([ASKED], max_tokens=6) == policy.generate([ASKED], max_tokens=6) == ["cd"]  # fmt: skip


def test_kl_to_the_start_is_0_at_first_and_holds_the_policy(save_llama):
    def moved(weight):
        policy = TorchPolicy(load, render, save_llama(), CONFIG.model_copy(update={"kl": weight}))
        found = draw(policy, [ASKED] * 4)
        return [policy.update([Credit(one, 1.0) for one in found]).kl for _ in range(12)]

    loose, tight = moved(1e-6), moved(30.0)
    assert loose[0] == pytest.approx(0, abs=1e-3)
    assert loose[-1] > 0
    assert tight[-1] < loose[-1]


def test_a_reward_that_is_not_finite_stops_with_what_to_do(policy):
    (one,) = draw(policy, [ASKED])
    with pytest.raises(Diverged, match=r"practice\.learning_rate"):
        policy.update([Credit(one, math.nan)])


def test_an_update_on_nothing_is_refused(policy):
    with pytest.raises(PracticeError, match="nothing to update on"):
        policy.update([])


class Short(FakeEnvironment):
    """Rewards a letter that an untrained network says now and then."""

    def start(self, task):
        return Once(lambda answer: min(1.0, answer.count("e") / 2))


def test_a_real_network_earns_more_by_practice(policy):
    config = CONFIG.model_copy(update={"tasks": 2, "max_tokens": 8})
    done = practise(Short(), policy, config, rounds=25)
    rewards = [one.mean_reward for one in done]
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 1.0


def test_trees_hold_each_attempt_once_and_share_what_is_alike():
    attempts = [((1, 2, 3), (4, 5)), ((1, 2, 3), (4, 6)), ((1, 2, 9), (4, 5)), ((1, 2, 3), (4, 5))]
    (tree,) = lay_trees(attempts)
    assert sorted(tree.attempts) == [0, 1, 2, 3]
    assert len(tree.ids_T) == 9  # 1 2 3 4 5 6 and 9 4 5
    assert len(tree.targets_N) == 8
    for source, target in zip(tree.at_N.tolist(), tree.targets_N.tolist(), strict=True):
        assert tree.ids_T[tree.places_M[source]] in ((3, 9) if target == 4 else (4,))


def test_scores_in_a_tree_are_those_alone(policy):
    found = [Drawn(one.prompt, one.tokens, one.logs, one.ended, "") for one in draw(policy, [ASKED, ASKED, OTHER])]  # fmt: skip
    (tree,) = lay_trees([(one.prompt, one.tokens) for one in found])
    together = dict(zip(tree.attempts, policy._logs(tree).split([len(found[k].tokens) for k in tree.attempts]), strict=True))  # fmt: skip
    for k, one in enumerate(found):
        (alone,) = lay_trees([(one.prompt, one.tokens)])
        assert torch.allclose(together[k], policy._logs(alone), atol=1e-3)
