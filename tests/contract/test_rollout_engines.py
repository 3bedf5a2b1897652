"""What every engine of rollouts promises: it draws from the start with the adapter that it was handed last."""

import pytest

from nightschool.config import PracticeConfig
from nightschool.errors import ConfigError, EngineFailed
from nightschool.models.near_rollouts import NearRollouts
from nightschool.models.rollouts import EngineRollouts
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.train.policy import TorchPolicy
from nightschool.train.policy_elsewhere import PolicyElsewhere
from nightschool.types import Credit, Example, Message
from rollout_server import KEY, RolloutServer

ASKED = (Message("user", "Say one of: ab cd ef"),)
OTHER = (Message("user", "Now another: gh ij"),)
CONFIG = PracticeConfig(learning_rate=2e-2, lora_rank=4)
LESSON = Example("ex-1", "default", (), "practice", "practice", ASKED, "cd")


@pytest.fixture
def start(save_llama):
    return save_llama()


@pytest.fixture
def server(start):
    found = RolloutServer(start)
    yield found
    found.close()


@pytest.fixture(params=["near", "http"])
def engine(request, start, server, tmp_path):
    if request.param == "near":
        return NearRollouts(start)
    return EngineRollouts(server.url, tmp_path / "handed", KEY, wait_s=0.01)


def elsewhere(start, engine, config=CONFIG):
    return PolicyElsewhere(load, render, start, config, engine)


def drawn(policy, prompts, seed=0, max_tokens=6):
    return policy.draw(prompts, max_tokens=max_tokens, temperature=1.0, seed=seed)


def test_what_was_learnt_here_is_drawn_there(start, engine):
    policy, here = elsewhere(start, engine), TorchPolicy(load, render, start, CONFIG)
    before = policy.generate([ASKED, OTHER], max_tokens=6)
    for one in (policy, here):
        one.imitate([LESSON], epochs=40, seed=0)
    after = policy.generate([ASKED, OTHER], max_tokens=6)
    assert after[0] == "cd" != before[0]
    assert after == here.generate([ASKED, OTHER], max_tokens=6)


def test_log_probabilities_are_those_of_the_moved_weights(start, engine, tmp_path):
    policy = elsewhere(start, engine)
    policy.imitate([LESSON], epochs=2, seed=0)
    found = drawn(policy, [ASKED, OTHER, ASKED])
    policy.save(tmp_path / "out")
    scored = TorchSampler(tmp_path / "out").score_tokens([(list(d.prompt), list(d.tokens)) for d in found])  # fmt: skip
    for one, logs in zip(found, scored, strict=True):
        assert one.logs == pytest.approx(logs, abs=1e-3)
    assert policy.update([Credit(one, 1.0) for one in found]).clipped == 0


def test_a_group_is_drawn_independently_and_in_order(start, engine):
    policy = elsewhere(start, engine)
    found = drawn(policy, [ASKED, OTHER] * 8)
    assert [one.prompt for one in found[::2]] == [found[0].prompt] * 8
    assert found[0].prompt != found[1].prompt
    assert len({one.tokens for one in found[::2]}) > 4
    assert drawn(policy, [ASKED, OTHER] * 8) == found != drawn(policy, [ASKED, OTHER] * 8, seed=1)


def test_an_engine_with_other_weights_teaches_nothing(start, engine, save_llama):
    other = save_llama("other", initializer_range=0.5)
    with pytest.raises(EngineFailed, match="other weights") as caught:
        drawn(elsewhere(other, engine), [ASKED, OTHER])
    assert str(other) in str(caught.value)


# -- over HTTP ----------------------------------------------------------------------------


@pytest.fixture
def http(server, tmp_path):
    return EngineRollouts(server.url, tmp_path / "handed", KEY, wait_s=0.01)


def test_one_adapter_lies_there_at_a_time_and_none_at_the_end(start, server, tmp_path):
    engine = EngineRollouts(server.url, tmp_path / "handed", KEY)
    policy = elsewhere(start, engine)
    for seed in range(3):
        found = drawn(policy, [ASKED], seed)
        assert len(server.engines) == len(list((tmp_path / "handed").iterdir())) == 1
        policy.update([Credit(found[0], 1.0)])
    drawn(policy, [ASKED])
    drawn(policy, [OTHER])
    assert sum(path.endswith("/load_lora_adapter") for path, _ in server.seen) == 4
    engine._end()  # as when the process ends, or nobody holds it any more
    assert not server.engines
    assert not (tmp_path / "handed").exists()


def test_an_adapter_whose_loading_was_not_confirmed_is_there(start, server, http):
    server.lost = 1
    assert drawn(elsewhere(start, http), [ASKED])
    assert len(server.engines) == 1


def test_what_a_killed_run_left_is_cleared(server, tmp_path):
    (tmp_path / "handed" / "practice-old").mkdir(parents=True)
    EngineRollouts(server.url, tmp_path / "handed", KEY)
    assert not (tmp_path / "handed").exists()


def test_what_is_asked_of_it_is_said_in_full(start, server, http):
    drawn(elsewhere(start, http), [ASKED, ASKED, OTHER])
    asked = [body for path, body in server.seen if path == "/v1/completions"]
    assert sorted(body.pop("n") for body in asked) == [1, 2]
    assert len({body.pop("seed") for body in asked}) == 2
    for body in asked:
        assert all(isinstance(token, int) for token in body.pop("prompt"))
        assert body.pop("model").startswith("practice-")
        (end,) = body.pop("stop_token_ids")
        assert isinstance(end, int)
        assert body == {
            "max_tokens": 6, "temperature": 1.0, "ignore_eos": True, "skip_special_tokens": False,
            "logprobs": 1, "return_tokens_as_token_ids": True, "top_p": 1.0, "top_k": -1, "min_p": 0.0,
            "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
        }  # fmt: skip


def test_greedy_answers_to_one_prompt_are_asked_for_once(start, server, http):
    said = elsewhere(start, http).generate([ASKED, OTHER, ASKED], max_tokens=6)
    assert said[0] == said[2]
    assert sum(path == "/v1/completions" for path, _ in server.seen) == 2


@pytest.mark.parametrize("raw", [False, True])
def test_what_counts_is_scored_here_whatever_the_engine_tells(start, server, http, raw):
    server.raw = raw
    config = CONFIG.model_copy(update={"temperature": 0.6})
    policy = elsewhere(start, http, config)
    many = [ASKED, OTHER] * 4
    found = policy.draw(many, max_tokens=6, temperature=0.6, seed=0)
    own = [policy.update([Credit(one, 0.0), Credit(one, 1.0)]).clipped for one in found]
    assert not any(own[:1]), "the first step is at a ratio of one"
    scored = TorchSampler(start).score_tokens([(list(d.prompt), list(d.tokens)) for d in found])
    for one, logs in zip(found, scored, strict=True):
        assert one.logs != pytest.approx(logs, abs=1e-3), "they are of the temperature of drawing"


def test_a_busy_engine_is_asked_again_and_a_silent_one_is_not_believed(start, server, http):
    policy = elsewhere(start, http)
    drawn(policy, [ASKED])
    server.busy = 2
    assert drawn(policy, [ASKED])
    server.silent = True
    with pytest.raises(EngineFailed, match="does not tell the tokens"):
        drawn(policy, [ASKED])
    server.busy = 3
    with pytest.raises(EngineFailed, match=r"failed 3 times.*HTTP 503"):
        drawn(policy, [ASKED])


def test_an_adapter_that_is_not_active_is_noticed_within_a_few_steps(start, tmp_path):
    config = PracticeConfig(learning_rate=2e-3, lora_rank=4)
    server = RolloutServer(start, deaf=True)
    engine = EngineRollouts(server.url, tmp_path / "handed", KEY, wait_s=0.01)
    policy = elsewhere(start, engine, config)
    many = [ASKED, OTHER] * 8
    assert drawn(policy, many), "the adapters change nothing yet"
    with pytest.raises(EngineFailed, match="draws without them"):
        rewarded_for_length(policy, many, rounds=8)
    server.close()


def rewarded_for_length(policy, prompts, rounds):
    for seed in range(rounds):
        found = drawn(policy, prompts, seed)
        mean = sum(len(one.tokens) for one in found) / len(found)
        policy.update([Credit(one, len(one.tokens) - mean) for one in found])


def test_what_the_user_has_to_set_right(start, server, tmp_path):
    wrong = EngineRollouts(server.url, tmp_path / "handed", "open", wait_s=0.01)
    with pytest.raises(EngineFailed, match="HTTP 401"):
        drawn(elsewhere(start, wrong), [ASKED])
    gone = EngineRollouts("http://127.0.0.1:9", tmp_path / "handed", wait_s=0.01)
    with pytest.raises(EngineFailed, match=r"failed 3 times.*rollouts\.url"):
        drawn(elsewhere(start, gone), [ASKED])
    with pytest.raises(ConfigError, match=r"rollouts\.url"):
        EngineRollouts("ftp://host", tmp_path / "handed")


def test_a_fake_that_was_handed_nothing_draws_nothing(start):
    with pytest.raises(EngineFailed, match="take an adapter first"):
        NearRollouts(start).draw([(1,)], end=2, max_tokens=1, temperature=1.0, seed=0)
    with pytest.raises(EngineFailed, match="no adapter"):
        NearRollouts(start).take(lambda folder: None)
