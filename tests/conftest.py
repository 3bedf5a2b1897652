"""Shared by all tests: no deadlines, and a tiny real Llama for what needs no English."""

import pytest
from hypothesis import settings

# Speed is for benchmarks: a busy machine must not fail a property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def tiny_llama():
    """Return a function that makes the same tiny random Llama each time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def make() -> LlamaForCausalLM:
        torch.manual_seed(0)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=64,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                tie_word_embeddings=True,
                initializer_range=0.2,  # adapters learn little on the near-zero default
            )
        )

    return make
