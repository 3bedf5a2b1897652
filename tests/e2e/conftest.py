"""What the end-to-end tests share: the real small model, a tiny one, and the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightschool.bases import pull_model
from preloaded import Preloaded, Started

SMALL_NIGHT = (
    "exam.general_items=8",
    "exam.abstention_items=40",
    "exam.riddle_items=16",
    "train.min_steps=1",
    "train.anchor_weight=0",
    "study.expressions=4",
)
"""Without anchors: every temporary model would leave its own in the user's cache."""


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """Return the folder of the pulled base model; `make test` pulls it first."""
    return pull_model("smollm2-135m")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory, base_folder) -> Path:
    """Make a tiny random model with the real tokenizer: real training where learning is not the point."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-base")
    tokenizer = AutoTokenizer.from_pretrained(base_folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
        )
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class CommandLine:
    """Runs `nightschool` in a folder, as a user would."""

    def __init__(self, folder: Path, preloaded: Preloaded | None = None) -> None:
        self.folder = folder
        self.preloaded = preloaded
        """What commands are forks of; None: each is a process from its first import on."""
        self.env = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.largest_file: int | None = None
        """Bytes from which the system refuses to let a file grow, as on a full disk."""

    def start(self, *words: str) -> subprocess.Popen | Started:
        """Start a command and return its process."""
        if self.preloaded:
            return self.preloaded.start(words, self.folder, self.env, self.largest_file)
        limit = [] if self.largest_file is None else ["prlimit", f"--fsize={self.largest_file}"]
        return subprocess.Popen(
            [*limit, sys.executable, "-m", "nightschool", *words],
            cwd=self.folder, env=self.env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, *words: str, code: int = 0, typed: str = "") -> str:
        """Run a command; return its output (its errors where it is meant to fail)."""
        process = self.start(*words)
        out, err = process.communicate(typed, timeout=600)
        assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        return out if code == 0 else out + err

    def json(self, *words: str, code: int = 0):
        """Run a command with --json and return what it printed."""
        process = self.start(*words, "--json")
        out, err = process.communicate(timeout=600)
        assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        return json.loads(out)


@pytest.fixture(scope="session")
def preloaded():
    """Return a process of which commands are forks, so that each start does not import torch anew."""
    started = Preloaded()
    yield started
    started.close()


@pytest.fixture
def cli(tmp_path, preloaded) -> CommandLine:
    """Return the command line in an empty folder."""
    return CommandLine(tmp_path, preloaded)


@pytest.fixture
def fresh_cli(tmp_path) -> CommandLine:
    """Return the command line in an empty folder, each command a process of its own from its first import on."""
    return CommandLine(tmp_path)


@pytest.fixture
def school(tmp_path, tiny_base, preloaded) -> CommandLine:
    """Return the command line inside a workspace on the tiny model, with a few facts."""
    CommandLine(tmp_path, preloaded)("init", "school")
    folder = tmp_path / "school"
    sections: dict[str, list[str]] = {"model": [f'base = "{tiny_base}"']}
    for setting in SMALL_NIGHT:
        section, name = setting.split(".")
        sections.setdefault(section, []).append(name.replace("=", " = "))
    body = "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in sections.items())
    (folder / "nightschool.toml").write_text('effort = "small"\n' + body + "\n")
    line = CommandLine(folder, preloaded)
    (folder.parent / "chat.jsonl").write_text(
        "\n".join(
            json.dumps({"role": "user", "name": "Ada", "content": f"The {thing} is called {name}."})
            for thing, name in zip(
                [
                    "staging host",
                    "release branch",
                    "office cat",
                    "guest network",
                    "build server",
                    "old van",
                ],
                ["kestrel-7", "heron", "Biscuit", "walrus", "obsidian", "Gertrude"],
                strict=True,
            )
        )
    )
    line("learn", "../chat.jsonl")
    return line
