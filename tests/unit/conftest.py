import itertools
from contextlib import contextmanager

import pytest

from nightschool.memory import rendered


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny matrices are slower on many threads than on one."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def killed_after():
    """Stop the rendering of memory files, as a kill does, after so many writes."""

    @contextmanager
    def killed(writes):
        write, left = rendered.write_atomic, itertools.count(writes, -1)

        def stopping(path, content):
            if next(left) <= 0:
                raise KeyboardInterrupt
            write(path, content)

        rendered.write_atomic = stopping
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            rendered.write_atomic = write

    return killed


@pytest.fixture
def killed_at(monkeypatch):
    """Stop at a function, as a kill does: before it is called, or after it has done its work."""

    class Killed(BaseException):
        """Nothing catches it."""

    @contextmanager
    def killed(owner, step, *, after=False):
        real = getattr(owner, step)

        def dies(*given, **named):
            if after:
                real(*given, **named)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(owner, step, dies)
            with pytest.raises(Killed):
                yield

    return killed


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


class Served:
    """A service over a workspace, with engines that need no model; `as_` speaks for a tenant."""

    def __init__(self, root):
        from fastapi.testclient import TestClient

        from nightschool.hosting import House
        from nightschool.models.fake_engine import FakeEngine
        from nightschool.serve.app import create_app
        from nightschool.workspace import Workspace

        def engine(school, versions):
            full = any(version.kind == "full" for version in versions)
            return FakeEngine([version.id for version in versions], full=full)

        self.workspace = Workspace.create(root, "")
        self.house = House(self.workspace, engine)
        self.app = create_app(self.house)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def as_(self, tenant, *scopes):
        """Return a client of a tenant, with a key of some scopes (all without any)."""
        from fastapi.testclient import TestClient

        _, token = self.house.keys.create(tenant, "test", scopes or ("chat", "memory", "admin"))
        headers = {"Authorization": f"Bearer {token}"}
        client = TestClient(self.app, headers=headers, raise_server_exceptions=False)
        client.portal = self.client.portal
        return client

    def tell(self, *texts, tenant="default", **named):
        """Remember statements; return their memories."""
        from nightschool.day import remember

        with self.house.school(tenant) as school:
            return [m for text in texts for m in remember(school, text, **named).added]

    def version(self, name, memory_ids=(), *, tenant="default", night="night-0001", passed=True):
        """Register a version with weights and the gate's word."""
        from nightschool.types import Check, Decision, Version, now

        folder = self.workspace.versions / name
        folder.mkdir()
        (folder / "train.json").write_text("{}", "utf-8")
        check = Check("acquired", passed, 0.5, 0.3, None, 20, "learnt" if passed else "too little")
        with self.house.school(tenant) as school:
            school.registry.add(
                Version(
                    name,
                    tenant,
                    night,
                    "full",
                    "b",
                    "base",
                    tuple(memory_ids),
                    (),
                    "",
                    0,
                    {},
                    now(),
                )
            )
            school.registry.record_decision(night, name, Decision(passed, (check,)))
        return name

    def episode(self, completion, turns, tenant="default"):
        """Store a conversation that an answer ended."""
        from nightschool.day import end_chat
        from nightschool.feedback import answered
        from nightschool.recording import episode_of

        with self.house.school(tenant) as school:
            end_chat(school, turns, "talk", episode_id=episode_of(completion))
            answered(school, completion, episode_of(completion), "base")


@pytest.fixture
def served(tmp_path):
    service = Served(tmp_path / "w")
    with service.client:  # one event loop for all requests, as a server has
        yield service
    service.house.close()
