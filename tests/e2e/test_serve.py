"""The service over real HTTP, spoken to by the clients that people use; engines that say which version they are."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import openai
import pytest
import uvicorn

from nightschool.models import fake_engine
from nightschool.serve.app import create_app

ASK = [{"role": "user", "content": "Who are you?"}]
FACT = "The staging host is kestrel-7."


@contextmanager
def running(house, host="127.0.0.1"):
    """Serve a house on a free port, as the command does; give the root URL."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    config = uvicorn.Config(
        create_app(house, host=host), log_config=None, access_log=False, ws="none", proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def served(hosted):
    """Return a house that is served, and its URL."""
    own = hosted()
    with running(own.house) as url:
        yield own, url


def client(url, key="none"):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def eventually(holds, seconds=10.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


# -- clients ------------------------------------------------------------------------------


def test_the_openai_client_lives_a_day(served):
    own, url = served
    ai = client(url)
    assert {"live", "base", "live:closed-book", "previous:memory"} <= {
        m.id for m in ai.models.list()
    }
    assert ai.models.retrieve("live").version == "base"
    told = ai.chat.completions.create(model="live", messages=[{"role": "user", "content": FACT}])
    assert told.model == "base"
    own.house.recorder.wait()
    asked = [{"role": "user", "content": "What is the staging host called?"}]
    answer = ai.chat.completions.create(model="live", messages=asked)
    (memory,) = answer.nightschool["recalled"]
    with own.house.school("default") as school:
        assert school.memory(memory).text == FACT
        assert school.store.episode(told.nightschool["episode"]).turns[0].text == FACT
    assert FACT in own.engines[0].seen[-1].body["messages"][-1]["content"]
    closed = ai.chat.completions.create(model="live:closed-book", messages=asked)
    assert closed.nightschool["recalled"] == []
    assert own.engines[0].seen[-1].body["messages"] == asked


def test_streams_choices_seeds_stops_and_logprobs(served):
    _, url = served
    ai = client(url)
    parts = list(
        ai.chat.completions.create(
            model="live",
            messages=ASK,
            stream=True,
            n=2,
            seed=7,
            stream_options={"include_usage": True},
        )
    )
    texts = ["", ""]
    for part in parts:
        for choice in part.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts[0].startswith("base#7 base#7")
    assert texts[1].startswith("base#8 base#8")
    assert parts[-1].usage.completion_tokens > 0
    assert len({part.id for part in parts}) == 1
    assert parts[0].nightschool["version"] == "base"
    whole = ai.chat.completions.create(model="live", messages=ASK, n=2, seed=7)
    assert [choice.message.content for choice in whole.choices] == texts
    short = ai.chat.completions.create(
        model="live", messages=ASK, max_completion_tokens=2, logprobs=True, top_logprobs=1
    )
    assert short.choices[0].finish_reason == "length"
    assert [row.token for row in short.choices[0].logprobs.content] == ["base", " base"]
    stopped = ai.chat.completions.create(model="live", messages=ASK, stop=[" base"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == (
        "base",
        "stop",
    )
    text = ai.completions.create(model="base", prompt="Once", max_tokens=2, logprobs=1)
    assert text.choices[0].text == "base base"
    assert text.choices[0].logprobs.token_logprobs == [-0.1, -0.1]
    streamed = list(
        ai.completions.create(model="base", prompt="Once", max_tokens=2, logprobs=1, stream=True)
    )
    assert "".join(p.choices[0].text for p in streamed) == "base base"
    rows = [p.choices[0].logprobs for p in streamed if p.choices[0].logprobs]
    assert [(row.tokens, row.token_logprobs) for row in rows] == [
        (["base"], [-0.1]),
        ([" base"], [-0.1]),
    ]
    assert [offset for row in rows for offset in row.text_offset] == [0, 4]
    vectors = ai.embeddings.create(model="base", input=["one", "two"])
    plain = ai.embeddings.create(model="base", input=["one"], encoding_format="float")
    assert vectors.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert len(vectors.data) == 2


def test_tools_are_the_clients(served):
    own, url = served
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    asked = [{"role": "user", "content": 'Please call weather {"city": "Oslo"}'}]
    answer = client(url).chat.completions.create(model="live", messages=asked, tools=[tool])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "weather",
        {"city": "Oslo"},
    )
    parts = client(url).chat.completions.create(
        model="live", messages=asked, tools=[tool], stream=True
    )
    calls = [c for p in parts for choice in p.choices for c in choice.delta.tool_calls or ()]
    assert calls[0].function.name == "weather"
    done = [*asked, answer.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "Rain."}]  # fmt: skip
    assert client(url).chat.completions.create(model="live", messages=done, tools=[tool]).choices
    assert own.engines[0].seen[-1].body["messages"][-1]["content"] == "Rain."


def test_langchain_talks_streams_and_embeds(served):
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    own, url = served
    model = ChatOpenAI(base_url=f"{url}/v1", api_key="none", model="live", max_retries=0)
    assert model.invoke("Who are you?").content.startswith("base base")
    assert "".join(part.content for part in model.stream("Who are you?")).startswith("base base")

    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    called = model.bind_tools([weather]).invoke('call weather {"city": "Oslo"}')
    assert called.tool_calls[0]["args"] == {"city": "Oslo"}
    vectors = OpenAIEmbeddings(
        base_url=f"{url}/v1", api_key="none", model="base", check_embedding_ctx_length=False
    )
    assert len(vectors.embed_documents(["a", "b"])) == 2
    own.house.recorder.wait()


def test_a_memory_model_keeps_notes_that_wait_for_approval(hosted):
    note = {"command": "create", "path": "/memories/notes.md", "file_text": "- Nia owns billing.\n"}
    own = hosted()
    ask = f"Please call memory {json.dumps(note)}"
    with running(own.house) as url:
        ai = client(url)
        answer = ai.chat.completions.create(
            model="live:memory", messages=[{"role": "user", "content": ask}]
        )
        assert answer.choices[0].message.content
        assert not answer.choices[0].message.tool_calls
        result = own.engines[0].seen[-1].body["messages"][-1]
        assert (result["role"], result["content"]) == (
            "tool", "File created successfully at: /memories/notes.md",
        )  # fmt: skip
        parts = list(
            ai.chat.completions.create(
                model="live:memory", messages=[{"role": "user", "content": ask}], stream=True
            )
        )
        assert parts[-1].choices[0].finish_reason == "stop"
        with own.house.school("default") as school:
            (found,) = [m for m in school.store.memories("default") if "Nia" in m.text]
            assert found.trust == "user"
        traversal = {**note, "path": "/memories/../../escaped.md"}
        ai.chat.completions.create(
            model="live:memory",
            messages=[{"role": "user", "content": f"call memory {json.dumps(traversal)}"}],
        )
        assert own.engines[0].seen[-1].body["messages"][-1]["content"].startswith("Error")
        assert not list(own.workspace.root.rglob("escaped.md"))
        with pytest.raises(openai.BadRequestError, match="one answer"):
            ai.chat.completions.create(model="live:memory", messages=ASK, n=2)


def test_a_call_of_the_memory_tool_beside_the_clients_is_made(hosted, monkeypatch):
    own = hosted()
    note = {"command": "create", "path": "/memories/notes.md", "file_text": "- Nia owns billing.\n"}
    whole = fake_engine._whole

    def both(body, said, chat):
        answer = whole(body, said, chat)
        calls = answer["choices"][0]["message"].get("tool_calls") or []
        calls += [
            {"id": "c2", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        ] * len(calls)
        return answer

    monkeypatch.setattr(fake_engine, "_whole", both)
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    asked = [{"role": "user", "content": f"Please call memory {json.dumps(note)}"}]
    with running(own.house) as url:
        answer = client(url).chat.completions.create(
            model="live:memory", messages=asked, tools=[tool]
        )
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "weather"
        with own.house.school("default") as school:
            assert [m.text for m in school.store.memories("default")] == ["Nia owns billing."]


@pytest.mark.parametrize("stream", [False, True])
def test_a_memory_models_usage_is_that_of_all_rounds(hosted, stream):
    own = hosted()
    look = json.dumps({"command": "view", "path": "/memories"})
    body = {
        "model": "live:memory",
        "messages": [{"role": "user", "content": f"Please call memory {look}"}],
        "max_tokens": 3,
        "stream": stream,
    }
    with running(own.house) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json=body)
        assert len(own.engines[0].seen) == 2  # each with one token of a prompt
        if not stream:
            assert answer.json()["usage"] == {
                "prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5,
            }  # fmt: skip
        figures = httpx.get(f"{url}/metrics").text
        assert 'nightschool_tokens_total{kind="prompt"} 2.0' in figures
        assert 'nightschool_tokens_total{kind="completion"} 3.0' in figures


def test_an_upstream_gets_nothing_of_the_client(served):
    own, url = served
    secrets = {"Authorization": "Bearer sk-client", "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4"}
    body = {
        "model": "live",
        "messages": ASK,
        "lora": [{"id": 0}],
        "cache_salt": "x",
        "id_slot": 3,
        "user": "me",
    }
    assert httpx.post(f"{url}/v1/chat/completions", json=body, headers=secrets).status_code == 200
    seen = own.engines[0].seen[-1]
    told = json.dumps([seen.headers, seen.body])
    assert not [
        part
        for part in ("sk-client", "a=b", "1.2.3.4", "cache_salt", "id_slot", "lora")
        if part in told
    ]


# -- keys and tenants ---------------------------------------------------------------------


def test_keys_open_their_own_tenant_and_scope(served):
    own, url = served
    admin = own.house.keys.create("ada", "", ("admin",))[1]
    chat = own.house.keys.create("ada", "", ("chat",))[1]
    bob = own.house.keys.create("bob", "", ("chat", "memory"))[1]
    for wrong in ("none", chat + "x", bob[:-1]):
        with pytest.raises(openai.AuthenticationError):
            client(url, wrong).models.list()
    assert httpx.get(f"{url}/v1/models").status_code == 401
    assert httpx.get(f"{url}/v1/nowhere").status_code == 401
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    client(url, chat).chat.completions.create(
        model="live", messages=[{"role": "user", "content": FACT}]
    )
    own.house.recorder.wait()
    asked = [{"role": "user", "content": "What is the staging host called?"}]
    assert (
        client(url, bob)
        .chat.completions.create(model="live", messages=asked)
        .nightschool["recalled"]
        == []
    )
    assert (
        client(url, chat)
        .chat.completions.create(model="live", messages=asked)
        .nightschool["recalled"]
    )
    with pytest.raises(openai.PermissionDeniedError, match="needs memory"):
        client(url, chat).chat.completions.create(model="live:memory", messages=ASK)
    for key in (chat, bob):
        assert (
            httpx.get(f"{url}/v1/keys", headers={"Authorization": f"Bearer {key}"}).status_code
            == 403
        )
    headers = {"Authorization": f"Bearer {admin}"}
    listed = httpx.get(f"{url}/v1/keys", headers=headers).json()["data"]
    assert [row["tenant"] for row in listed] == ["ada", "ada"]
    assert not any(field in row for row in listed for field in ("hash", "salt", "token"))
    of_bob = own.house.keys.listing("bob")[0].id
    assert httpx.delete(f"{url}/v1/keys/{of_bob}", headers=headers).status_code == 404
    made = httpx.post(f"{url}/v1/keys", headers=headers, json={"scopes": ["chat"]}).json()
    assert httpx.delete(f"{url}/v1/keys/{made['id']}", headers=headers).json()["revoked"]
    with pytest.raises(openai.AuthenticationError, match="revoked"):
        client(url, made["token"]).models.list()
    rows = httpx.get(f"{url}/v1/audit", headers=headers).json()["data"]
    done = [(row["action"], row["status"]) for row in rows]
    assert ("POST /v1/keys", 200) in done
    assert ("DELETE /v1/keys/{key_id}", 404) in done
    assert made["id"] in {name for row in rows for name in row["objects"]}
    assert not any(text in json.dumps(rows) for text in (FACT, made["token"], "kestrel"))


def test_what_was_forgotten_or_is_anothers_is_no_model(served):
    own, url = served
    own.version("ver-a", "ada")
    ada, bob = (own.house.keys.create(name, "", ("chat",))[1] for name in ("ada", "bob"))
    assert client(url, ada).chat.completions.create(model="ver-a", messages=ASK).model == "ver-a"
    for name in ("ver-a", "ver-a:closed-book", "../ver-a", "x" * 200, "live:"):
        with pytest.raises(openai.NotFoundError):
            client(url, bob).chat.completions.create(model=name, messages=ASK)
    assert "ver-a" not in {m.id for m in client(url, bob).models.list()}


def test_who_declines_is_not_stored(hosted):
    own = hosted('[serve]\nprivate = ["shy"]\n')
    with running(own.house) as url:
        keep = own.house.keys.create("ada", "", ("chat",))[1]
        never = own.house.keys.create("ada", "", ("chat",), store=False)[1]
        shy = own.house.keys.create("shy", "", ("chat",))[1]
        said = [{"role": "user", "content": FACT}]
        answers = [
            client(url, keep).chat.completions.create(model="live", messages=said, store=False),
            client(url, keep).chat.completions.create(
                model="live", messages=said, extra_headers={"X-Nightschool-Store": "no"}
            ),
            client(url, never).chat.completions.create(model="live", messages=said),
            client(url, shy).chat.completions.create(model="live", messages=said),
        ]
        assert [answer.nightschool["episode"] for answer in answers] == [None] * 4
        own.house.recorder.wait()
        for tenant in ("ada", "shy"):
            with own.house.school(tenant) as school:
                assert school.store.memories(tenant) == []


def test_a_key_has_its_own_rate_and_size(served):
    own, url = served
    key = own.house.keys.create("ada", "", ("chat",), requests_per_minute=2, body_bytes=2000)[1]
    with pytest.raises(openai.APIStatusError, match=r"2,000 bytes") as caught:
        client(url, key).chat.completions.create(
            model="live", messages=[{"role": "user", "content": "x" * 3000}]
        )
    assert caught.value.status_code == 413
    client(url, key).models.list()
    with pytest.raises(openai.RateLimitError) as limited:
        client(url, key).models.list()
    assert limited.value.response.headers["retry-after"]


# -- what goes wrong ----------------------------------------------------------------------

DEEP = '{"messages": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b"\xff\xfe", 400), (DEEP.encode(), 400),
        (b'{"messages": []}', 400), (b'{"messages": [{"role": "king", "content": "x"}]}', 400),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400),
        (b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "\\ud800"}]}]}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": 1e999}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 1000000}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": -5}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"function": 3}]}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "logit_bias": {"1": Infinity}}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "model": "no-such-model"}', 404),
        (b"x" * (5 << 20), 413),
    ],
)  # fmt: skip
def test_malformed_requests_get_typed_errors(served, body, status):
    own, url = served
    reply = httpx.post(
        f"{url}/v1/chat/completions", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == status
    error = reply.json()["error"]
    assert error["message"]
    assert error["type"] == "invalid_request_error"
    assert own.house.fleet.leases() == 0
    assert httpx.get(f"{url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\x00\r\n\r\n", 400),
        (b"POST /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", 403),
        (b"GET /static/../../../pyproject.toml HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /static/%2e%2e/%2e%2e/app.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    ],
)  # fmt: skip
def test_requests_that_are_not_what_they_seem(served, raw, status):
    own, url = served
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(raw)
        answer = line.recv(65536)
    assert answer.split(b" ")[1] == str(status).encode()
    assert not own.house.keys.any()
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_failure_inside_tells_its_name_and_nothing_else(served, monkeypatch, caplog):
    own, url = served

    def fails(*_):
        raise RuntimeError(f"secret-word in {own.workspace.root}")

    monkeypatch.setattr(own.house, "lease_with", fails)
    reply = httpx.post(f"{url}/v1/chat/completions", json={"messages": ASK})
    assert reply.status_code == 500
    assert "secret-word" not in reply.text + caplog.text
    assert str(own.workspace.root) not in reply.text
    assert reply.json()["error"]["code"] == "internal_error"


def test_a_reader_who_leaves_frees_the_lease_and_the_engine(hosted):
    own = hosted(delay_s=0.05)
    with running(own.house) as url:
        stream = client(url).chat.completions.create(model="live", messages=ASK, stream=True)
        next(iter(stream))
        assert own.house.fleet.leases() == 1
        stream.close()
        eventually(lambda: own.house.fleet.leases() == 0 and own.engines[0].broken_off == 1)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/chat/completions", json={"messages": ASK}, timeout=0.2)
        eventually(lambda: own.house.fleet.leases() == 0)


def test_an_engine_that_dies_is_replaced_and_a_broken_answer_is_told(hosted):
    own = hosted(delay_s=0.05)
    with running(own.house) as url:
        ai = client(url)
        stream = ai.chat.completions.create(model="live", messages=ASK, stream=True)
        next(iter(stream))
        own.engines[0].close()
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)
        assert ai.chat.completions.create(model="live", messages=ASK).choices
        assert len(own.engines) == 2
        assert own.house.fleet.leases() == 0


def test_half_an_answer_is_kept_nowhere_and_what_the_user_told_stays(hosted):
    own = hosted(delay_s=0.05)
    told = (FACT, "The old van is called Gertrude.")
    with running(own.house) as url:
        for text in told:
            said = [{"role": "user", "content": text}]
            stream = client(url).chat.completions.create(model="live", messages=said, stream=True)
            episode = next(iter(stream)).nightschool["episode"]
            if text == FACT:
                stream.close()
            else:
                own.engines[0].close()
                with pytest.raises(openai.APIError, match="broke off"):
                    list(stream)
            eventually(lambda: own.house.fleet.leases() == 0)
            own.house.recorder.wait()
            with own.house.school("default") as school:
                turns = school.store.episode(episode).turns
            assert [(turn.role, turn.text) for turn in turns] == [("user", text)]
        with own.house.school("default") as school:
            assert {m.text for m in school.store.memories("default")} == {*told}


def test_a_forgotten_version_stops_in_the_middle_of_an_answer(hosted):
    own = hosted(delay_s=0.05)
    own.version("ver-1")
    with running(own.house) as url:
        stream = client(url).chat.completions.create(model="live", messages=ASK, stream=True)
        next(iter(stream))
        with own.house.school("default") as school:
            school.registry.taint(["mem-ver-1"], ["gone"])
            school.registry.rollback("default", keep_base=True)
        own.house.evict(["ver-1"])
        with pytest.raises(openai.APIError, match=r"forgotten|broke off"):
            list(stream)
        assert client(url).chat.completions.create(model="live", messages=ASK).model == "base"


def test_more_answers_than_the_bound_are_refused_until_one_ends(hosted):
    own = hosted("[serve]\nin_flight = 1\n", delay_s=0.05)
    with running(own.house) as url:
        stream = client(url).chat.completions.create(model="live", messages=ASK, stream=True)
        next(iter(stream))
        with pytest.raises(openai.InternalServerError) as busy:
            client(url).chat.completions.create(model="live", messages=ASK)
        assert busy.value.code == "overloaded"
        stream.close()
        eventually(lambda: own.house.fleet.leases() == 0)
        assert client(url).chat.completions.create(model="live", messages=ASK).choices


def test_a_comparison_is_an_answer_like_the_others(hosted):
    own = hosted("[serve]\nin_flight = 1\nanswer_tokens = 4\n", delay_s=0.3)
    body = {"prompt": "Who are you?", "models": ["base", "live:closed-book"]}
    with running(own.house) as url:
        stream = client(url).chat.completions.create(model="live", messages=ASK, stream=True)
        next(iter(stream))
        assert httpx.post(f"{url}/v1/compare", json=body).json()["error"]["code"] == "overloaded"
        stream.close()
        eventually(lambda: own.house.fleet.leases() == 0)
        answers = httpx.post(f"{url}/v1/compare", json=body).json()["answers"]
        assert [len(one["text"].split()) for one in answers] == [
            4,
            4,
        ]  # no longer than others may be
        assert 'nightschool_tokens_total{kind="completion"} 8.0' in httpx.get(f"{url}/metrics").text
        seen = len(own.engines[0].seen)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/compare", json=body, timeout=0.3)
        eventually(lambda: own.house.fleet.leases() == 0, seconds=1.0)
        assert len(own.engines[0].seen) == seen + 1  # the second model is not asked any more


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_versions_change_under_load_without_a_failed_or_mixed_answer(hosted, kind):
    own = hosted("[serve]\nengines = 3\nin_flight = 200\nin_flight_tenant = 200\n", delay_s=0.004)
    names = [f"ver-{number}" for number in range(5)]
    own.version(names[0], kind=kind)
    answers: list[tuple[str, set[str]]] = []

    async def ask(ai, over):
        while not over.is_set():
            stream = await ai.chat.completions.create(
                model="live", messages=ASK, stream=True, store=False
            )
            model, text = "", ""
            async for part in stream:
                model = part.model
                text += "".join(choice.delta.content or "" for choice in part.choices)
            assert len(text.split()) == 24
            answers.append((model, {*text.split()}))

    async def load(url):
        over = asyncio.Event()
        ai = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        readers = [asyncio.create_task(ask(ai, over)) for _ in range(16)]
        for name in names:
            if name != names[0]:
                await asyncio.to_thread(own.version, name, kind=kind)
                await asyncio.to_thread(own.house.refresh, "default")
            until = time.monotonic() + 60
            while not any(model == name for model, _ in answers) and time.monotonic() < until:
                await asyncio.sleep(0.05)
        over.set()
        await asyncio.gather(*readers)

    with running(own.house) as url:
        asyncio.run(load(url))
    assert all(words == {model} for model, words in answers)
    assert {model for model, _ in answers} == {*names}
    assert own.house.fleet.leases() == 0
    assert len(own.running()) <= 3
