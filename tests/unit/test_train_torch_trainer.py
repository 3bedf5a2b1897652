"""The training loop on a tiny real network: it learns, resumes after a kill, and stops when it diverges."""

import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from nightschool.config import TrainConfig
from nightschool.errors import Diverged, TrainError
from nightschool.train.blend import SHARES
from nightschool.train.checkpoint import Checkpoint
from nightschool.train.run import Run
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Message


class LetterTokenizer:
    """One token a letter; enough of a tokenizer for the loop."""

    def save_pretrained(self, folder):
        (folder / "letters.txt").write_text("a-z")


def render(tokenizer, prompt, target):
    letters = [3 + (ord(c) % 58) for m in prompt for c in m.content]
    return ([1, 2, *letters] if prompt else []), [3 + (ord(c) % 58) for c in target] + [0]


def example(number):
    question = (Message("user", f"Who has key {number}?"),)
    return Example(
        f"ex-{number}", "default", (f"mem-{number}",), "rules", "qa", question, f"Ann{number}"
    )


@pytest.fixture
def trainer(tiny_llama):
    return TorchTrainer(
        lambda folder: SimpleNamespace(model=tiny_llama(), tokenizer=LetterTokenizer()), render
    )


EXAMPLES = [example(number) for number in range(12)]
CONFIG = TrainConfig(
    min_steps=1, epochs=6, learning_rate=3e-3, tokens_per_step=64, checkpoint_seconds=1e-6
)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_loss_falls_and_the_weights_change(trainer, tmp_path, tiny_llama, method):
    config = CONFIG.model_copy(
        update={
            "method": method,
            "lora_rank": 4,
            "learning_rate": {"full": 3e-3, "lora": 3e-2}[method],
        }
    )
    result = trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "out")
    assert result.last_loss < 0.8 * result.first_loss
    assert result.labelled_tokens == 6 * sum(
        len(render(None, e.prompt, e.target)[1]) for e in EXAMPLES
    )
    saved = load_file(next((tmp_path / "out").glob("*.safetensors")))
    start = tiny_llama().state_dict()
    assert any(
        name not in start or not torch.equal(value, start[name]) for name, value in saved.items()
    )


def test_a_killed_run_resumes_and_ends_with_the_same_weights(trainer, tmp_path):
    trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "whole")

    class Killed(BaseException):
        pass

    def kill(done, total, loss):
        if done == total // 2:
            raise Killed

    with pytest.raises(Killed):
        trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "torn", progress=kill)
    assert not (tmp_path / "torn").exists()
    seen = []
    resumed = trainer.train(
        tmp_path / "base",
        EXAMPLES,
        CONFIG,
        tmp_path / "torn",
        progress=lambda d, *_: seen.append(d),
    )
    assert seen[0] > 1, "it began again instead of resuming"
    whole = load_file(tmp_path / "whole" / "model.safetensors")
    torn = load_file(tmp_path / "torn" / "model.safetensors")
    assert all(torch.equal(whole[name], torn[name]) for name in whole)
    assert resumed.steps == len(resumed.losses)
    assert not (tmp_path / "torn.checkpoint").exists()


def test_a_run_resumes_when_its_start_is_named_another_way(trainer, tmp_path, monkeypatch):
    def stop(done, total, loss):
        if done == 2:
            raise KeyboardInterrupt

    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(Path("base"), EXAMPLES, CONFIG, tmp_path / "out", progress=stop)
    seen = []
    tell = lambda d, *_: seen.append(d)  # noqa: E731
    trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out", progress=tell)
    assert seen[0] > 1, "it began again instead of resuming"


@pytest.mark.parametrize("at", ["writing the weights", "discarding the checkpoint"])
def test_a_kill_at_the_end_leaves_nothing_large_once_the_night_goes_on(
    trainer, tmp_path, monkeypatch, at
):
    child = os.fork()
    if child == 0:  # a kill that runs no `finally`
        kill = lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        if at == "writing the weights":
            monkeypatch.setattr(LetterTokenizer, "save_pretrained", kill)
        else:
            monkeypatch.setattr(Checkpoint, "discard", kill)
        trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out")
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert (tmp_path / "out.checkpoint").exists()
    trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_checkpoint_of_other_examples_is_not_used(trainer, tmp_path):
    def stop(done, total, loss):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out", progress=stop)
    seen = []
    trainer.train(
        tmp_path / "base",
        EXAMPLES[:6],
        CONFIG,
        tmp_path / "out",
        progress=lambda d, *_: seen.append(d),
    )
    assert seen[0] == 1


@pytest.mark.parametrize("left", [0, 1, 200, -1], ids=["empty", "a byte", "a part", "nearly all"])
def test_a_damaged_checkpoint_counts_as_none(tmp_path, caplog, left):
    checkpoint = Checkpoint(tmp_path / "run")
    checkpoint.save("run", {"weights": torch.zeros(500)})
    file = checkpoint.folder / "state.pt"
    file.write_bytes(file.read_bytes()[:left])
    assert checkpoint.load("run") is None
    assert "state.pt is damaged" in caplog.text
    checkpoint.save("run", {"weights": torch.zeros(500)})
    assert checkpoint.load("run") is not None


def test_a_rate_that_is_too_high_stops_with_what_to_do(trainer, tmp_path):
    config = CONFIG.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(Diverged, match=r"Lower train\.learning_rate"):
        trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("losses", "diverged"),
    [
        ([3.2, 3.0, 2.9, *[10.8] * 9], True),  # even odds on 49 thousand tokens
        ([3.2, 3.0, 2.9, *[7.0] * 9], False),
        (
            [0.0, 0.2, 0.1, *[3.5] * 9],
            False,
        ),  # review first, which begins near nothing, then plain text
        ([3.2, 3.0, float("nan")], True),
    ],
)
def test_a_collapse_counts_as_diverged_and_a_hard_text_after_review_does_not(losses, diverged):
    run = SimpleNamespace(losses=losses, done=len(losses), steps=[[]] * 50, config=CONFIG)
    with pytest.raises(Diverged) if diverged else nullcontext():
        Run._check(run)


def test_a_night_without_examples_says_so(trainer, tmp_path):
    with pytest.raises(TrainError, match="Learn something first"):
        trainer.train(tmp_path / "base", [], CONFIG, tmp_path / "out")


REVIEW = [replace(example(number), target=f"Bob{number}") for number in range(20, 38)]


def said(model, examples):
    """Return the model's distributions over next tokens at the labelled places of some examples."""
    rows = []
    with torch.no_grad():
        for e in examples:
            prompt, target = render(None, e.prompt, e.target)
            logits = model(input_ids=torch.tensor([prompt + target])).logits[0]
            rows.append(logits[len(prompt) - 1 : -1].log_softmax(-1))
    return torch.cat(rows)


def test_each_pass_reads_its_own_part_of_the_review(trainer, tmp_path):
    result = trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out", review=REVIEW)
    lengths = [[len(render(None, e.prompt, e.target)[1]) for e in part] for part in (EXAMPLES, REVIEW)]  # fmt: skip
    assert result.labelled_tokens == CONFIG.epochs * sum(lengths[0]) + sum(lengths[1])


def test_review_keeps_what_the_start_said_and_not_what_its_labels_say(
    trainer, tmp_path, tiny_llama
):
    config = CONFIG.model_copy(update={"epochs": 3, "learning_rate": 1e-2})
    again = REVIEW * config.epochs
    trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "held", review=again)
    trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "without")
    trainer.train(tmp_path / "base", [*EXAMPLES, *REVIEW], config, tmp_path / "labels")
    before = said(tiny_llama(), REVIEW)

    def moved(name):
        model = tiny_llama()
        model.load_state_dict(load_file(tmp_path / name / "model.safetensors"), strict=False)
        return float((before.exp() * (before - said(model, REVIEW))).sum(-1).mean())

    assert moved("held") < 0.5 * moved("without")
    assert moved("held") < 0.5 * moved("labels")


def test_what_the_start_has_lost_is_learnt_again_where_that_is_wanted(
    trainer, tmp_path, tiny_llama
):
    config = CONFIG.model_copy(update={"epochs": 3, "learning_rate": 1e-2})
    again = REVIEW * config.epochs
    costs = [
        -float(said(tiny_llama(), [e]).gather(-1, torch.tensor([target]).T).mean())
        for e in REVIEW
        for target in [render(None, e.prompt, e.target)[1]]
    ]
    between = sorted(costs)[len(costs) // 2]
    lost = [e for e, cost in zip(REVIEW, costs, strict=True) if cost > between]
    held = [e for e, cost in zip(REVIEW, costs, strict=True) if cost <= between]

    def cost_after(name, lost_nats, examples):
        out = tmp_path / name
        how = config.model_copy(update={"lost_nats": lost_nats})
        trainer.train(tmp_path / "base", EXAMPLES, how, out, review=again)
        model = tiny_llama()
        model.load_state_dict(load_file(out / "model.safetensors"), strict=False)
        targets = [t for e in examples for t in render(None, e.prompt, e.target)[1]]
        return -float(said(model, examples).gather(-1, torch.tensor([targets]).T).mean())

    assert cost_after("again", between, lost) < 0.8 * cost_after("never", None, lost)
    assert cost_after("again", between, held) > cost_after("all", 0.0, held)


def moved(trainer, tmp_path, name, **settings):
    """Train on news beside review, and return the start's and the night's weights."""
    config = CONFIG.model_copy(update=settings)
    trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / name, review=REVIEW)
    return load_file(tmp_path / name / "model.safetensors")


def test_a_strong_pull_keeps_the_weights_where_they_were(trainer, tmp_path, tiny_llama):
    start = tiny_llama().state_dict()
    plain, pulled = (
        moved(trainer, tmp_path, name, ewc=weight)
        for name, weight in (("plain", 0.0), ("pulled", 10.0))
    )
    way = [sum(float((w[n] - start[n]).abs().sum()) for n in w) for w in (plain, pulled)]
    assert way[1] < 0.8 * way[0]


def test_a_sparse_night_leaves_all_but_its_neurons_alone(trainer, tmp_path, tiny_llama):
    start = tiny_llama().state_dict()
    night = moved(trainer, tmp_path, "sparse", sparse=0.1)
    changed = {n for n in night if not torch.equal(night[n], start[n])}
    assert changed
    assert all(".mlp." in n for n in changed)
    rows = [n for n in night if n.endswith("up_proj.weight")]
    neurons = sum(int((night[n] != start[n]).any(1).sum()) for n in rows)
    assert neurons <= round(0.1 * sum(len(night[n]) for n in rows))


def test_a_night_at_right_angles_moves_linear_layers_alone_and_the_known_less(
    trainer, tmp_path, tiny_llama
):
    start = tiny_llama()
    nights = [
        moved(trainer, tmp_path, name, subspace=share)
        for name, share in (("free", 0.01), ("held", 0.99))
    ]
    changed = {n for n in nights[1] if not torch.equal(nights[1][n], start.state_dict()[n])}
    assert changed
    assert all("_proj." in n for n in changed)
    away = []
    for night in nights:
        model = tiny_llama()
        model.load_state_dict(night, strict=False)
        away.append(float((said(model, REVIEW) - said(start, REVIEW)).abs().mean()))
    assert away[1] < 0.5 * away[0]


def test_a_night_at_right_angles_is_trained_in_bfloat16_too(trainer, tmp_path):
    settings = {"subspace": 0.9, "precision": "bfloat16", "epochs": 1, "min_steps": 1}
    assert moved(trainer, tmp_path, "night", **settings)


def test_weight_decay_would_move_what_a_sparse_night_leaves_alone():
    with pytest.raises(ValueError, match=r"train\.weight_decay is 0\.1"):
        TrainConfig(sparse=0.1, weight_decay=0.1)


def test_examples_without_a_token_to_learn_are_left_out_by_name(trainer, tmp_path, caplog):
    empty = [replace(e, id=f"empty-{e.id}", prompt=(), target="") for e in EXAMPLES]
    config = CONFIG.model_copy(update={"epochs": 1})
    given = {"mixed": [*empty, *EXAMPLES], "plain": EXAMPLES}
    mixed, plain = (
        trainer.train(tmp_path / "base", some, config, tmp_path / name, review=empty)
        for name, some in given.items()
    )
    assert mixed.losses == plain.losses
    assert "empty-ex-3 has no token to be learnt" in caplog.text
    with pytest.raises(TrainError, match="No examples"):
        trainer.train(tmp_path / "base", empty, config, tmp_path / "none")


def test_two_ways_to_choose_what_is_trained_exclude_one_another():
    with pytest.raises(ValueError, match="exclude one another"):
        TrainConfig(sparse=0.1, subspace=0.9)


@pytest.mark.parametrize("way", ["sparse", "subspace"])
def test_adapters_have_no_weights_to_choose_among(trainer, tmp_path, way):
    config = CONFIG.model_copy(update={way: 0.1, "method": "lora", "lora_rank": 4})
    with pytest.raises(TrainError, match=r"train\.method=full"):
        trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "out")


def test_a_blended_night_resumes_and_ends_between_its_start_and_the_whole_update(
    trainer, tmp_path, tiny_llama
):
    config = CONFIG.model_copy(update={"blend": True})

    def stop(done, total, loss):
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "out", progress=stop)
    trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "out")
    trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "whole")
    torn, whole = (load_file(tmp_path / n / "model.safetensors") for n in ("out", "whole"))
    assert all(torch.equal(torn[name], whole[name]) for name in whole)
    held_out = EXAMPLES[11]
    result = trainer.train(tmp_path / "base", EXAMPLES, config, tmp_path / "again")
    assert result.kept in SHARES
    target = len(render(None, held_out.prompt, held_out.target)[1])
    assert result.labelled_tokens == 6 * (
        sum(len(render(None, e.prompt, e.target)[1]) for e in EXAMPLES) - target
    )
