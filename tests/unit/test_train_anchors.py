"""Plain text that the base wrote holds a training to the base; the cached divergence is a true lower bound."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from nightschool.config import TrainConfig
from nightschool.errors import ModelCorrupt
from nightschool.train import anchors
from nightschool.train.anchors import read_anchors, write_anchors
from nightschool.train.losses import kl_to_kept
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Example, Message

SPECIAL = [0, 1, 2]
CONFIG = TrainConfig(
    min_steps=1, epochs=8, learning_rate=3e-3, tokens_per_step=64, checkpoint_seconds=1e-6
)


class NumberTokenizer:
    """One token a letter, three of them special."""

    all_special_ids = (0,)
    added_tokens_decoder = dict.fromkeys(SPECIAL, "mark")

    def __len__(self):
        return 61

    def save_pretrained(self, folder):
        (folder / "letters.txt").write_text("a-z")


def render(tokenizer, prompt, target):
    letters = [3 + (ord(c) % 58) for m in prompt for c in m.content]
    return ([1, 2, *letters] if prompt else []), [3 + (ord(c) % 58) for c in target] + [0]


EXAMPLES = [
    Example(f"ex-{n}", "default", (f"mem-{n}",), "rules", "qa",
            (Message("user", f"Who has key {n}?"),), f"Ann{n}")
    for n in range(12)
]  # fmt: skip


@pytest.fixture
def load(tiny_llama):
    return lambda folder: SimpleNamespace(model=tiny_llama(), tokenizer=NumberTokenizer())


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(anchors, "COUNT", 6)
    monkeypatch.setattr(anchors, "LENGTH", 16)
    monkeypatch.setattr(anchors, "BATCH", 4)


@pytest.fixture
def written(few, load, tmp_path):
    folder = tmp_path / "anchors"
    write_anchors(tmp_path / "base", load, folder)
    return folder


def distance(model, held):
    with torch.no_grad():
        logits = model(input_ids=held.ids_AS.long()).logits[:, :-1].flatten(0, 1)
    top, log = (x[:, :-1].flatten(0, 1) for x in (held.top_ASK, held.log_ASK))
    return float(kl_to_kept(logits, top, log)) / len(top)


def test_the_base_is_at_no_distance_from_what_it_wrote(written, tiny_llama):
    held = read_anchors(written)
    assert held.ids_AS.shape == (6, 16)
    assert not set(held.ids_AS.flatten().tolist()) & set(SPECIAL)
    assert int(held.ids_AS.max()) < len(NumberTokenizer())
    assert abs(distance(tiny_llama(), held)) < 1e-3


def test_the_same_seed_writes_the_same_and_another_does_not(few, load, tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        write_anchors(tmp_path / "base", load, folder, seed=seed)
    first, again, other = (read_anchors(folder).ids_AS for folder in folders)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_night_held_to_anchors_stays_nearer_to_the_base_and_learns(written, load, tmp_path):
    lost = {}
    for weight in (0.0, 1.0):
        config = CONFIG.model_copy(update={"anchor_weight": weight})
        out = tmp_path / f"out-{weight}"
        result = TorchTrainer(load, render, written).train(tmp_path / "base", EXAMPLES, config, out)
        model = load(out).model
        model.load_state_dict(load_file(out / "model.safetensors"), strict=False)
        lost[weight] = distance(model, read_anchors(written))
        assert result.last_loss < 0.8 * result.first_loss
    assert lost[1.0] < 0.7 * lost[0.0]


def test_a_killed_run_with_anchors_ends_with_the_same_weights(written, load, tmp_path):
    trainer = TorchTrainer(load, render, written)
    trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "whole")

    def kill(done, total, loss):
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "torn", progress=kill)
    trainer.train(tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "torn")
    whole, torn = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "torn"))
    assert all(torch.equal(whole[name], torn[name]) for name in whole)


def test_damaged_anchors_are_named(written, load, tmp_path):
    (written / anchors.FILE).write_bytes(b"torn")
    with pytest.raises(ModelCorrupt, match="Delete that folder"):
        TorchTrainer(load, render, written).train(
            tmp_path / "base", EXAMPLES, CONFIG, tmp_path / "out"
        )


scores = st.lists(st.floats(-5, 5, width=32), min_size=7, max_size=7)


@given(scores, scores, st.integers(1, 7))
def test_what_is_kept_of_a_distribution_bounds_its_divergence_from_below(teacher, student, kept):
    log, logits = torch.tensor([teacher]).log_softmax(-1), torch.tensor([student])
    whole = float((log.exp() * (log - logits.log_softmax(-1))).sum())
    top_log, top = log.topk(kept, dim=-1)
    bound = float(kl_to_kept(logits, top, top_log))
    assert -1e-4 <= bound <= whole + 1e-4
    if kept == 7:
        assert bound == pytest.approx(whole, abs=1e-3)
