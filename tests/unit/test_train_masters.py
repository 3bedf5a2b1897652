"""Masters: bfloat16 in the network, float32 for the optimizer, and nothing lost between them."""

from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from nightschool.config import TrainConfig
from nightschool.train.losses import cross_entropy
from nightschool.train.masters import Masters
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Message

IDS_1T = torch.tensor([[4, 5, 3, 3, 6, 5, 9]])


def network(*, tied=True, padding=None):
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=tied,
            pad_token_id=padding,
            initializer_range=0.2,
        )
    )


def backward(model, precision):
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        hidden_TD = model.model(input_ids=IDS_1T, use_cache=False).last_hidden_state[0]
        logits_NV = model.get_output_embeddings()(hidden_TD[:-1])
    loss = cross_entropy(logits_NV, IDS_1T[0, 1:], torch.ones(6))
    loss.backward()
    return loss.detach()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("padding", [None, 3])
@pytest.mark.parametrize("rows", [1, 2])
def test_losses_and_gradients_are_those_of_autocast(precision, tied, padding, rows):
    plain, model = (network(tied=tied, padding=padding) for _ in range(2))
    masters = Masters(model, precision)
    for _ in range(rows):
        expected = backward(plain, precision)
        torch.testing.assert_close(backward(model, precision), expected, atol=1e-6, rtol=1e-6)
        masters.collect()
    for name, weight in plain.named_parameters():
        master = masters.trained[name]
        assert master.dtype == master.grad.dtype == torch.float32
        torch.testing.assert_close(master.grad, weight.grad, atol=1e-5, rtol=1e-5)


def test_the_network_holds_bfloat16_where_it_multiplies_and_one_tied_weight():
    model = network()
    masters = Masters(model, torch.bfloat16)
    assert model.model.layers[0].mlp.up_proj.weight.dtype == torch.bfloat16
    assert model.model.norm.weight.dtype == torch.float32
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert len(masters.trained) == len(list(model.parameters()))


def test_updates_below_the_resolution_of_bfloat16_add_up():
    model = network()
    layer = model.model.layers[0].mlp.up_proj
    start = layer.weight.detach().clone()
    masters = Masters(model, torch.bfloat16)
    rounded = layer.weight.detach().clone()
    master = masters.trained["model.layers.0.mlp.up_proj.weight"]
    with torch.no_grad():
        master += 1e-6
    masters.publish()
    assert (layer.weight == rounded).float().mean() > 0.9, "bfloat16 alone would have lost it"
    with torch.no_grad():
        for _ in range(9999):
            master += 1e-6
    masters.publish()
    assert (layer.weight == rounded).float().mean() < 0.1
    masters.restore()
    assert layer.weight.dtype == torch.float32
    torch.testing.assert_close(layer.weight.detach(), start + 1e-2, atol=1e-3, rtol=0)


def test_restored_the_network_is_as_it_was():
    model, untouched = network(), network()
    masters = Masters(model, torch.bfloat16)
    masters.publish()
    masters.restore()
    for name, value in untouched.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    out, expected = model(IDS_1T).logits, untouched(IDS_1T).logits
    assert torch.equal(out, expected)


def render(tokenizer, prompt, target):
    letters = [3 + (ord(c) % 58) for m in prompt for c in m.content]
    return ([1, 2, *letters] if prompt else []), [3 + (ord(c) % 58) for c in target] + [0]


def example(number):
    question = (Message("user", f"Who has key {number}?"),)
    return Example(
        f"ex-{number}", "default", (f"mem-{number}",), "rules", "qa", question, f"Ann{number}"
    )


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("rows_per_step", [1, 2])
def test_a_killed_bfloat16_run_resumes_and_saves_the_same_float32(tmp_path, method, rows_per_step):
    tokenizer = SimpleNamespace(save_pretrained=lambda folder: None)
    trainer = TorchTrainer(
        lambda folder: SimpleNamespace(model=network(), tokenizer=tokenizer), render
    )
    examples = [example(number) for number in range(60)]
    config = TrainConfig(
        method=method,
        lora_rank=4,
        min_steps=1,
        epochs=4,
        learning_rate=3e-3 if method == "full" else 3e-2,
        tokens_per_step=512 * rows_per_step,
        precision="bfloat16",
        checkpoint_seconds=1e-6,
    )

    class Killed(BaseException):
        pass

    def kill(done, total, loss):
        if done == total // 2:
            raise Killed

    whole_result = trainer.train(tmp_path / "base", examples, config, tmp_path / "whole")
    with pytest.raises(Killed):
        trainer.train(tmp_path / "base", examples, config, tmp_path / "torn", progress=kill)
    trainer.train(tmp_path / "base", examples, config, tmp_path / "torn")
    whole = load_file(next((tmp_path / "whole").glob("*.safetensors")))
    torn = load_file(next((tmp_path / "torn").glob("*.safetensors")))
    assert whole_result.last_loss < whole_result.first_loss
    for name, value in whole.items():
        assert value.dtype == torch.float32
        assert torch.equal(value, torn[name])
    assert any(not torch.equal(value, value.bfloat16().float()) for value in whole.values())
