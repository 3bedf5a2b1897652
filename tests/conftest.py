"""Shared by all tests: no deadlines, and a tiny real Llama for what needs no English."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Speed is for benchmarks: a busy machine must not fail a property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure(config):
    """Let processes that test side by side share models and nothing else: one night trains at a time on a machine."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return
    from nightschool.models.pull import cache_root

    models = cache_root()
    own = Path(tempfile.mkdtemp(prefix=f"nightschool-{worker}-"))
    for folder in (models, models.parent / "anchors"):
        folder.mkdir(parents=True, exist_ok=True)
        (own / folder.name).symlink_to(folder, target_is_directory=True)
    os.environ["NIGHTSCHOOL_CACHE"] = str(own)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core each


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


@pytest.fixture
def save_tokenizer():
    """Save a byte-level tokenizer of 259 tokens in a folder."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    def saved(folder, cut=None, ignore_merges=False):
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        vocab = {letter: number for number, letter in enumerate(alphabet)} | {"th": 256, "the": 257}
        core = Tokenizer(models.BPE(vocab, [("t", "h"), ("th", "e")], ignore_merges=ignore_merges))
        core.pre_tokenizer = cut or pre_tokenizers.ByteLevel(add_prefix_space=False)
        core.decoder = decoders.ByteLevel()
        core.add_special_tokens(["<|im_start|>", "<|im_end|>"])
        core.add_tokens([AddedToken("<note>", special=False, normalized=False)])
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=core, bos_token="<|im_start|>", eos_token="<|im_end|>"
        )
        tokenizer.chat_template = (
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        )
        tokenizer.save_pretrained(folder)

    return saved


@pytest.fixture
def save_llama(tmp_path, save_tokenizer):
    """Save a tiny random Llama whose heads share keys, under a name; return its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def saved(name="base", **changes):
        torch.manual_seed(1)
        plain = {
            "vocab_size": 264,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "initializer_range": 0.3,
            "max_position_embeddings": 256,
        }
        LlamaForCausalLM(LlamaConfig(**plain | changes)).save_pretrained(tmp_path / name)
        save_tokenizer(tmp_path / name)
        return tmp_path / name

    return saved


class Hosted:
    """A house on fake engines, with versions that only pretend to be trained."""

    def __init__(self, root: Path, settings: str = "", **engine: object) -> None:
        from nightschool.hosting import House
        from nightschool.models.fake_engine import FakeEngine
        from nightschool.workspace import Workspace

        self.workspace = Workspace.create(root, settings)
        self.engines: list[FakeEngine] = []
        self.broken: set[str] = set()

        def start(school, versions):
            from nightschool.errors import ModelCorrupt

            names = [version.id for version in versions]
            if self.broken & {*names}:
                raise ModelCorrupt(f"{names} cannot be read.")
            full = bool(versions) and versions[0].kind == "full"
            self.engines.append(FakeEngine(names, full=full, **engine))
            return self.engines[-1]

        self.house = House(self.workspace, start)

    def version(self, name: str, tenant: str = "default", kind: str = "full", serve: bool = True):
        """Register a version and promote it; the house is not told."""
        from nightschool.types import Decision, Version

        folder = self.workspace.versions / name
        folder.mkdir(parents=True)
        (folder / "train.json").write_text("{}")
        made = Version(
            name, tenant, f"night-{name}", kind, "smollm2-135m", "base", (f"mem-{name}",), (), "",
            0, {}, "2026-01-01T00:00:00+00:00",
        )  # fmt: skip
        with self.house.school(tenant) as school:
            school.registry.add(made)
            if serve:
                school.registry.promote(tenant, name, Decision(True, ()), "gate")
        return made

    def running(self) -> list[list[str]]:
        """Return what the engines hold that are not closed."""
        return [engine.versions for engine in self.engines if engine.alive()]


@pytest.fixture
def hosted(tmp_path):
    """Return a maker of houses; see `Hosted`."""
    made = []

    def host(settings: str = "", **engine: object) -> Hosted:
        made.append(Hosted(tmp_path / f"school-{len(made)}", settings, **engine))
        return made[-1]

    yield host
    for one in made:
        one.house.close()


@pytest.fixture(scope="session")
def running():
    """Return a context that serves a house on a free port, as the command does, and gives the root URL."""
    import socket
    import threading
    from contextlib import contextmanager

    import uvicorn

    from nightschool.serve.app import create_app
    from nightschool.serve.connections import Connection

    @contextmanager
    def serve(house, http=Connection, host="127.0.0.1"):
        app = create_app(house, host=host)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        config = uvicorn.Config(
            app, http=http, log_config=None, access_log=False, ws="none", proxy_headers=False,
            server_header=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        # Nobody trains here: a night that is asked for waits.
        with app.state.nights.paused():
            thread.start()
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()
                listening.close()

    return serve
