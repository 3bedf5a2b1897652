"""A base that nobody has tried is checked before a night is trained on it."""

from contextlib import contextmanager

import pytest

from nightschool.consolidate import consolidate
from nightschool.day import remember
from nightschool.errors import ModelUnfit
from nightschool.registry.nights import nights
from nightschool.wire import open_school
from nightschool.workspace import Workspace


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


def test_a_rebuild_on_a_base_that_caps_its_logits_is_refused_and_leaves_no_night(
    tmp_path, save_tokenizer
):
    from transformers import Gemma2Config, Gemma2ForCausalLM

    folder = tmp_path / "capped"
    config = Gemma2Config(
        vocab_size=264, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, initializer_range=0.3, final_logit_softcapping=1.0,
    )  # fmt: skip
    Gemma2ForCausalLM(config).save_pretrained(folder)
    save_tokenizer(folder)
    Workspace.create(tmp_path / "w", "")
    school = open_school(tmp_path / "w", (f"model.base={folder}",))
    remember(school, "The vault of Corvane is in Ostrelle.")
    with pytest.raises(ModelUnfit, match="gemma2"):
        consolidate(school, bar=silent)
    assert not nights(school.workspace, "default")
