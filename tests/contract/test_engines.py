"""What every engine promises, the shipped fake included: OpenAI's shapes over HTTP, and the weights it was asked for."""

import json

import httpx
import pytest

from nightschool.bases import pull_model
from nightschool.errors import ConfigError, EngineFailed, UnknownVersion
from nightschool.models.fake_engine import FakeEngine
from nightschool.models.llama_engine import LlamaEngine
from nightschool.models.pull import GGUF_NAME
from nightschool.models.upstream import UpstreamEngine

ASKED = {
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "max_tokens": 6,
    "temperature": 0,
}


@pytest.fixture(params=["fake", "upstream", "llama"])
def engine(request, tmp_path):
    if request.param == "llama":
        found = LlamaEngine(pull_model("smollm2-135m") / GGUF_NAME, parallel=2, threads=1)
        yield found
        found.close()
        return
    server = FakeEngine(key="sesame")
    found = (
        server
        if request.param == "fake"
        else UpstreamEngine(f"{server.address}/v1/", "base", "sesame")
    )
    yield found
    found.close()
    server.close()


def post(engine, route="chat/completions", **more):
    body = {**ASKED, **engine.model_for("base"), **engine.apart("ada"), **more}
    return httpx.post(
        f"{engine.address}/v1/{route}", json=body, headers=dict(engine.headers), timeout=120
    )


def test_a_whole_answer(engine):
    answer = post(engine).json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")
    assert answer["usage"]["completion_tokens"] <= 6


def test_a_stream_says_the_same_and_ends(engine):
    whole = post(engine).json()["choices"][0]["message"]["content"]
    lines = [line for line in post(engine, stream=True).text.split("\n") if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line[6:]) for line in lines[:-1]]
    deltas = [e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"]]
    assert "".join(deltas) == whole
    assert events[-1]["choices"][0]["finish_reason"]


def test_logprobs_seeds_and_several_choices(engine):
    more = {"logprobs": True, "top_logprobs": 1, "n": 2, "seed": 7, "temperature": 0.9}
    first, again = post(engine, **more).json(), post(engine, **more).json()
    assert len(first["choices"]) == 2
    texts = [[c["message"]["content"] for c in answer["choices"]] for answer in (first, again)]
    assert texts[0] == texts[1]
    assert all(row["logprob"] <= 0 for row in first["choices"][0]["logprobs"]["content"])


def test_it_is_alive_until_it_is_closed(engine):
    assert engine.alive()
    engine.close()
    engine.close()
    assert not engine.alive()


def test_adapters_are_loaded_into_an_upstream_and_taken_out(tmp_path):
    with_lora = FakeEngine()
    first = UpstreamEngine(with_lora.address, "base", adapters={"ver-1": tmp_path})
    second = UpstreamEngine(
        with_lora.address, "base", adapters={"ver-1": tmp_path, "ver-2": tmp_path}, salted=True
    )
    assert with_lora.versions == ["base", "ver-1", "ver-2"]
    loads = [(seen.path, seen.body) for seen in with_lora.seen]
    body = {"lora_name": "ver-1", "lora_path": str(tmp_path)}
    assert loads[0] == ("/v1/load_lora_adapter", body)
    first.close()
    assert with_lora.versions == ["base", "ver-1", "ver-2"]  # the second needs it
    assert second.model_for("ver-2") == {"model": "ver-2"}
    with pytest.raises(UnknownVersion):
        second.model_for("ver-3")
    salts = [second.apart(tenant)["cache_salt"] for tenant in ("ada", "ada", "bob")]
    assert salts[0] == salts[1] != salts[2]
    second.close()
    assert with_lora.versions == ["base"]
    with_lora.close()


def test_adapters_are_loaded_again_into_an_upstream_that_was_restarted(tmp_path):
    server = FakeEngine()
    before = UpstreamEngine(server.address, "base", adapters={"ver-1": tmp_path})
    server.versions.remove("ver-1")
    after = UpstreamEngine(server.address, "base", adapters={"ver-1": tmp_path})
    assert server.versions == ["base", "ver-1"]
    before.close()
    assert server.versions == ["base", "ver-1"]
    after.close()
    assert server.versions == ["base"]
    server.close()


def test_an_upstream_that_takes_one_adapter_and_not_the_next_keeps_none(tmp_path, monkeypatch):
    server = FakeEngine()
    monkeypatch.setattr(server, "versions", Refusing(server.versions))
    with pytest.raises(EngineFailed):
        UpstreamEngine(server.address, "base", adapters={"ver-1": tmp_path, "broken": tmp_path})
    assert server.versions == ["base"]
    server.close()


class Refusing(list):
    """Takes no adapter that is broken."""

    def append(self, name):
        if name == "broken":
            raise ConnectionAbortedError
        super().append(name)


def test_an_upstream_that_takes_no_adapter_is_told(tmp_path):
    server = FakeEngine(key="other")
    with pytest.raises(EngineFailed, match="HTTP 401"):
        UpstreamEngine(server.address, "base", "wrong", {"ver-1": tmp_path})
    server.close()
    with pytest.raises(EngineFailed, match="cannot be reached"):
        UpstreamEngine(server.address, "base", "", {"ver-1": tmp_path})


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://host", "gopher://host", "//host", "http://", "http://u:p@host", "http://host/?q",
        "http://169.254.169.254/latest", "http://[fe80::1]/", "http://metadata.google.internal", "http://host:99999",
    ],
)  # fmt: skip
def test_addresses_that_no_request_is_sent_to(url):
    with pytest.raises(ConfigError, match="upstream_url"):
        UpstreamEngine(url, "base")
