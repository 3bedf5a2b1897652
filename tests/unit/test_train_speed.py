"""What a night would take is reckoned from how many weights there are, not from how they are stored."""

import pytest
import torch
from safetensors.torch import save_file

from nightschool.errors import ModelCorrupt
from nightschool.train.speed import ACTIVATIONS, BYTES_A_WEIGHT, training_bytes


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_memory_of_training_does_not_depend_on_how_the_base_is_stored(tmp_path, precision):
    save_file({"a": torch.zeros(300, 400, dtype=precision)}, tmp_path / "model.safetensors")
    assert training_bytes(tmp_path) == 120_000 * BYTES_A_WEIGHT + ACTIVATIONS


def test_damaged_weights_are_told_of(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors cannot be read"):
        training_bytes(tmp_path)
