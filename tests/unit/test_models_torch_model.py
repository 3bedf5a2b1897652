"""Models whose files are damaged are called corrupt; none is filled up with chance."""

import json

import pytest
from safetensors.torch import load_file, save_file

from nightschool.errors import ModelCorrupt
from nightschool.models.torch_model import load


def without(folder, part):
    """Take the tensors of a part out of a model's file; tell how many there were."""
    file = folder / "model.safetensors"
    found = load_file(file)
    kept = {name: tensor for name, tensor in found.items() if part not in name}
    save_file(kept, file, {"format": "pt"})
    return len(found) - len(kept)


@pytest.mark.parametrize("tied", [True, False])
def test_a_whole_model_is_loaded_whether_its_head_is_tied_or_not(save_llama, tied):
    folder = save_llama(tie_word_embeddings=tied)
    load(folder)
    if not tied:
        assert without(folder, "lm_head") == 1
        with pytest.raises(ModelCorrupt, match=r"weights are missing: lm_head\.weight"):
            load(folder)


def test_a_model_without_a_layers_weights_is_corrupt(save_llama):
    folder = save_llama()
    assert without(folder, "layers.1.mlp") == 3
    with pytest.raises(ModelCorrupt, match=r"weights are missing: .*layers\.1\.mlp\.down_proj"):
        load(folder)


@pytest.mark.parametrize(
    "damage", [{"model": None}, {"model": {}}, {"added_tokens": None}, {"added_tokens": {}}, None]
)
def test_a_damaged_tokenizer_is_corrupt(save_llama, damage):
    file = save_llama() / "tokenizer.json"
    whole = file.read_text()
    file.write_text(json.dumps(json.loads(whole) | damage) if damage else whole[:200])
    with pytest.raises(ModelCorrupt, match=r"tokenizer in .* cannot be read"):
        load(file.parent)
