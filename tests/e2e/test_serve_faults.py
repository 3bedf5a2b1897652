"""What breaks around a running service: killed, its engine killed, weights damaged, no disk, keys that end, nonsense."""

import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress

import httpx
import openai
import psutil
import pytest

from nightschool.cli.serve import _first_engine
from nightschool.errors import ModelCorrupt
from nightschool.hosting import House
from nightschool.models.fake_engine import FakeEngine
from nightschool.types import Decision, Version
from nightschool.workspace import Workspace

ASK = [{"role": "user", "content": "Who are you?"}]
FACT = "The staging host is kestrel-7."


def client(url, key="none"):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def slow_engine():
    engine = FakeEngine(delay_s=0.1)
    yield engine
    engine.close()


@contextmanager
def process_of(root, engine):
    """Start the command on an engine that is there already; give the process and the root URL."""
    command = [sys.executable, "-m", "nightschool", "serve", "--port", "0", "--workspace"]
    upstream = [
        "--set",
        f"serve.upstream_url={engine.address}",
        "--set",
        "serve.upstream_model=base",
    ]
    process = subprocess.Popen(
        [*command, str(root), *upstream], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        told = process.stdout.readline()
        yield process, re.search(r"OpenAI API (\S+)/v1", told)[1]
    finally:
        process.kill()
        process.communicate()


def kept(root):
    """Return how many episodes and memories the database holds, once it is found to be whole."""
    database = sqlite3.connect(root / "nightschool.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    counts = [database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("episodes", "memories")]  # fmt: skip
    database.close()
    return counts


def test_a_server_killed_in_the_middle_of_streams_loses_nothing_that_it_had_told(
    tmp_path, slow_engine
):
    root = Workspace.create(tmp_path / "school", "").root
    with process_of(root, slow_engine) as (process, url):
        assert httpx.post(f"{url}/v1/memories", json={"text": FACT}, timeout=60).status_code == 200
        ai = client(url)
        streams = [ai.chat.completions.create(model="live", messages=ASK, stream=True) for _ in range(4)]  # fmt: skip
        for stream in streams:
            next(iter(stream))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in streams:
            with pytest.raises((openai.APIError, httpx.HTTPError)):
                list(stream)
    assert kept(root) == [1, 1]  # the statement; half an answer is no episode
    with process_of(root, slow_engine) as (process, url):
        found = httpx.get(f"{url}/v1/memories").json()["data"]
        assert [memory["text"] for memory in found] == [FACT]
        asked = [{"role": "user", "content": "What is the staging host called?"}]
        answer = client(url).chat.completions.create(model="live", messages=asked)
        assert answer.nightschool["recalled"] == [found[0]["id"]]
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    assert kept(root) == [2, 1]
    assert not list(root.rglob("*.tmp"))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_is_told_and_answers_go_on(tmp_path, slow_engine):
    slow_engine.delay_s = 0
    root = Workspace.create(tmp_path / "school", "").root
    with process_of(root, slow_engine) as (process, url):
        assert httpx.post(f"{url}/v1/memories", json={"text": FACT}, timeout=60).status_code == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        refused = httpx.post(
            f"{url}/v1/memories", json={"text": "The office cat is Biscuit."}, timeout=60
        )
        assert refused.status_code == 500
        assert refused.json()["error"]["type"] == "server_error"
        assert str(root) not in refused.text
        answer = client(url).chat.completions.create(model="live", messages=ASK)
        assert answer.choices[0].message.content
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert (
            httpx.post(
                f"{url}/v1/memories", json={"text": "The old van is Gertrude."}, timeout=60
            ).status_code
            == 200
        )
        texts = {memory["text"] for memory in httpx.get(f"{url}/v1/memories").json()["data"]}
        assert texts == {FACT, "The old van is Gertrude."}
    kept(root)


# -- engines and weights ------------------------------------------------------------------


@pytest.fixture
def tiny_house(tmp_path, tiny_base, monkeypatch):
    """Return a house on llama.cpp with a tiny model."""
    monkeypatch.setenv("NIGHTSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    workspace = Workspace.create(tmp_path / "school", f'[model]\nbase = "{tiny_base}"\n')
    made = []

    def opened():
        made.append(House(workspace))
        return made[-1]

    yield opened
    for house in made:
        house.close()


def children():
    ours = psutil.Process().children(recursive=True)
    return {p.pid for p in ours if "nightschool.models.engine_child" in p.cmdline()}


def test_an_engine_killed_in_the_middle_of_a_stream_is_followed_by_another(tiny_house, running):
    house = tiny_house()
    with running(house) as url:
        ai = client(url)
        stream = ai.chat.completions.create(
            model="base", messages=ASK, stream=True, max_tokens=1900
        )
        next(iter(stream))
        (first,) = children()
        os.kill(first, signal.SIGKILL)
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)
        answer = ai.chat.completions.create(model="base", messages=ASK, max_tokens=3)
        assert answer.usage.completion_tokens
        assert children() != {first}
        assert house.fleet.leases() == 0


def registered(house, name, base):
    """Register a version with the weights of the base, and promote it as the gate would."""
    folder = house.workspace.versions / name
    shutil.copytree(base, folder)
    (folder / "train.json").write_text("{}")
    with house.school("default") as school:
        school.registry.add(
            Version(name, "default", f"night-{name}", "full", str(base), "base", (), (), "", 0, {}, "2026-01-01T00:00:00+00:00")
        )  # fmt: skip
        decision = Decision(True, ())
        school.registry.record_decision(f"night-{name}", name, decision)
        school.registry.promote("default", name, decision, "gate")
    return folder


def test_damaged_weights_of_the_newest_version_are_told_and_the_earlier_one_is_served(
    tiny_house, tiny_base, running, capsys, caplog
):
    house = tiny_house()
    with running(house) as url:
        registered(house, "ver-1", tiny_base)
        house.refresh("default")
        folder = registered(house, "ver-2", tiny_base)
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:500])
        with pytest.raises(ModelCorrupt):
            house.refresh("default")
        answer = client(url).chat.completions.create(model="live", messages=ASK, max_tokens=2)
        assert answer.model == "ver-1"  # what was served is served on
    house.close()

    house = tiny_house()  # restarted
    _first_engine(house)
    said = capsys.readouterr().err
    assert "ver-2 cannot be served" in said
    assert "nightschool rollback" in said
    with running(house) as url:
        refused = httpx.post(f"{url}/v1/chat/completions", json={"messages": ASK}, timeout=60)
        assert (refused.status_code, refused.json()["error"]["code"]) == (500, "model_corrupt")
        assert str(folder) not in refused.text
        assert str(folder) in caplog.text  # the log says more, as the answer promises
        assert httpx.post(f"{url}/v1/rollback").json()["live"] == "ver-1"
        answer = client(url).chat.completions.create(model="live", messages=ASK, max_tokens=2)
        assert answer.model == "ver-1"


# -- keys that end ------------------------------------------------------------------------


def a_day_passes(own, key):
    database = own.workspace.connect()
    with database:
        database.execute("UPDATE keys SET body = json_set(body, '$.expires', '2020-01-01T00:00:00+00:00') WHERE id = ?", (key.id,))  # fmt: skip
    database.close()


@pytest.mark.parametrize("end", ["expires", "is revoked"])
def test_a_key_that_ends_in_the_middle_of_a_stream_opens_nothing_more(hosted, running, end):
    own = hosted(delay_s=0.08)
    with running(own.house) as url:
        key, token = own.house.keys.create("ada", "", ("chat", "admin"), days=1)
        job = httpx.post(f"{url}/v1/nights", headers={"Authorization": f"Bearer {token}"}).json()
        ai = client(url, token)
        stream = ai.chat.completions.create(model="live", messages=ASK, stream=True)
        first = next(iter(stream))
        followed = httpx.stream(
            "GET", f"{url}/v1/nights/{job['id']}/events", headers={"Authorization": f"Bearer {token}"}
        )  # fmt: skip
        with followed as events:
            assert events.status_code == 200
            if end == "is revoked":
                own.house.keys.revoke(key.id)
            else:
                a_day_passes(own, key)
            rest = "".join(part.choices[0].delta.content or "" for part in stream)
            assert (first.choices[0].delta.content + rest).split() == [
                "base"
            ] * 24  # begun, and finished
            assert not own.house.keys.holds(key.id)
            assert "end" not in events.read().decode()  # it stops, though the night goes on
        with pytest.raises(openai.AuthenticationError, match=end.split()[-1].removesuffix("s")):
            ai.chat.completions.create(model="live", messages=ASK)
    assert own.house.fleet.leases() == 0


# -- nonsense -----------------------------------------------------------------------------

H = b"Host: 127.0.0.1\r\n"
NONSENSE = {
    "nothing": b"\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/0.9": b"GET /\r\n\r\n",
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "a user in the host": b"GET /v1/models HTTP/1.1\r\nHost: evil.example@127.0.0.1\r\n\r\n",
    "a path in the host": b"GET /v1/models HTTP/1.1\r\nHost: localhost#.evil.example\r\n\r\n",
    "another's address": b"GET http://evil.example/v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a space in a name": b"GET /v1/models HTTP/1.1\r\n" + H + b"Content-Length : 3\r\n\r\nabc",
    "a length below zero": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Content-Length: -1\r\n\r\n",
    "a length of words": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Content-Length: 1e3\r\n\r\n",
    "two lengths in one": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Content-Length: 2, 3\r\n\r\n{}",
    "two codings": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding beside": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a huge header": b"GET /v1/models HTTP/1.1\r\n" + H + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /v1/models HTTP/1.1\r\n" + H + b"".join(b"X%d: a\r\n" % n for n in range(20_000)) + b"\r\n",
    "an unknown method": b"BREW /v1/models HTTP/1.1\r\n" + H + b"\r\n",
    "a tunnel": b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n" + H + b"\r\n",
    "a packed body": b"POST /v1/forget HTTP/1.1\r\n" + H + b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
    "a way out": b"GET /v1/versions/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + H + b"\r\n",
    "a way out of memory": b"GET /v1/memories/mem-a%00..%2f HTTP/1.1\r\n" + H + b"\r\n",
    "a line for the log": b"DELETE /v1/keys/x%0aINFO%20forged HTTP/1.1\r\n" + H + b"X-Evil: INFO forged\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_and_harms_nobody(served_once, name, caplog):
    caplog.set_level("INFO")
    own, url = served_once
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10) as line:
        answer = b""
        with suppress(OSError):  # closed without a word is an answer, too
            line.sendall(NONSENSE[name])
            line.shutdown(socket.SHUT_WR)
            while part := line.recv(65536):
                answer += part
    if answer:
        assert 400 <= int(answer.split(b" ")[1]) < 500, answer[:300]
        assert b"Traceback" not in answer
    # A line of its own is what forges a log; the path as it was sent, in one line, does not.
    assert "INFO forged" not in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)
    assert "Traceback" not in caplog.text
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    assert own.house.fleet.leases() == 0


@pytest.fixture(scope="module")
def served_once(tmp_path_factory, running):
    """Return one house with an own server for all tests that only send nonsense."""
    workspace = Workspace.create(tmp_path_factory.mktemp("nonsense") / "school", "")

    class Own:
        house = House(workspace, lambda school, versions: FakeEngine())

    with running(Own.house) as url:
        yield Own, url
    Own.house.close()
