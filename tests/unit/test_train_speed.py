"""What a night would take is reckoned from how many weights there are, not from how they are stored."""

import pytest
import torch
from safetensors.torch import save_file

from nightschool.config import TrainConfig
from nightschool.errors import ModelCorrupt
from nightschool.train.speed import ACTIVATIONS, BYTES_A_WEIGHT, seconds_as_before, training_bytes


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_memory_of_training_does_not_depend_on_how_the_base_is_stored(tmp_path, precision):
    save_file({"a": torch.zeros(300, 400, dtype=precision)}, tmp_path / "model.safetensors")
    assert training_bytes(tmp_path) == 120_000 * BYTES_A_WEIGHT + ACTIVATIONS


def test_damaged_weights_are_told_of(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors cannot be read"):
        training_bytes(tmp_path)


def test_a_night_that_reads_more_often_takes_longer_than_the_last_one():
    def config(epochs, least=1):
        return TrainConfig(epochs=epochs, min_steps=least, tokens_per_step=100)

    same = seconds_as_before(60.0, 7000, config(2), 7000, config(2))
    assert same == pytest.approx(60.0)
    assert seconds_as_before(60.0, 7000, config(2), 7000, config(8)) == pytest.approx(240.0)
    assert seconds_as_before(60.0, 7000, config(2), 14000, config(1)) == pytest.approx(60.0)
    # Of little material, many steps were made: one pass of it was not that slow.
    small = seconds_as_before(60.0, 350, config(2, least=6), 3500, config(2, least=6))
    assert small == pytest.approx(60.0 / 6 * 10 * 2)
