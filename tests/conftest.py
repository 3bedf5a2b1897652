"""Shared by all tests: no deadlines, and a tiny real Llama for what needs no English."""

from pathlib import Path

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
