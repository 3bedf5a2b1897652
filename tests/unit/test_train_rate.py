"""Learning rates follow the size of a base model's weights."""

import pytest
import torch
from safetensors.torch import save_file

from nightschool.config import TrainConfig
from nightschool.errors import ModelCorrupt
from nightschool.train.rate import MEASURED_ON, peak_rate, weight_size


def written(folder, size, *, more=None):
    folder.mkdir()
    ones = torch.ones(4, 6)
    save_file(
        {
            "model.embed_tokens.weight": 50 * ones,
            "model.layers.0.mlp.up_proj.weight": size * ones,
            "model.layers.0.mlp.down_proj.weight": -size * ones,
            "model.norm.weight": torch.full((6,), 30.0),
            **(more or {}),
        },
        folder / "model.safetensors",
    )
    return folder


def test_the_rate_is_as_large_as_the_weights(tmp_path):
    own, small = (
        written(tmp_path / "own", MEASURED_ON),
        written(tmp_path / "small", MEASURED_ON / 5),
    )
    for method in ("full", "lora"):
        config = TrainConfig(method=method)
        assert peak_rate(own, config) == pytest.approx(config.resolved_rate)
        assert peak_rate(small, config) == pytest.approx(config.resolved_rate / 5)


def test_a_rate_that_is_set_is_taken(tmp_path):
    assert peak_rate(written(tmp_path / "any", 0.01), TrainConfig(learning_rate=0.5)) == 0.5


def test_files_of_several_parts_count_together_and_in_their_own_precision(tmp_path):
    folder = written(tmp_path / "parts", 0.5)
    save_file({"model.layers.1.mlp.up_proj.weight": torch.full((2, 2), 0.25, dtype=torch.bfloat16)}, folder / "part-2.safetensors")  # fmt: skip
    assert weight_size(folder) == pytest.approx((0.5 + 0.5 + 0.25) / 3)


def test_weights_that_cannot_be_read_are_told(tmp_path):
    folder = written(tmp_path / "half", 0.5)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelCorrupt, match="cannot be read"):
        weight_size(folder)
    with pytest.raises(ModelCorrupt, match="no matrix"):
        weight_size(tmp_path)


def test_the_embedded_model_has_the_rate_that_was_measured():
    from nightschool.bases import pull_model

    assert peak_rate(pull_model("smollm2-135m"), TrainConfig()) == pytest.approx(4e-4, rel=1e-3)
