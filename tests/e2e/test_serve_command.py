"""`nightschool serve` as it is started: one command, the embedded model by llama.cpp, the real client; keys, ends."""

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import openai
import pytest

SERVE = [sys.executable, "-m", "nightschool", "serve", "--port", "0"]


@contextmanager
def serving(line, *more):
    """Start the service in the command line's folder; give the process and the API's URL."""
    process = subprocess.Popen(
        [*SERVE, *more], cwd=line.folder, env=line.env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        told = process.stdout.readline()
        found = re.search(r"OpenAI API (\S+)/v1", told)
        assert found, told + process.stderr.read()
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def client(url, key="none"):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=300)


def capital(stream=False, **more):
    asked = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
    return {
        "model": "live",
        "messages": asked,
        "max_tokens": 24,
        "temperature": 0,
        "stream": stream,
        **more,
    }


def test_one_command_serves_the_embedded_model_and_keeps_the_talk(fresh_cli, base_folder):
    with serving(fresh_cli) as (process, url):
        ai = client(url)
        whole = ai.chat.completions.create(**capital(logprobs=True, top_logprobs=2))
        assert "Paris" in whole.choices[0].message.content
        assert whole.choices[0].logprobs.content[0].top_logprobs
        parts = list(ai.chat.completions.create(**capital(stream=True)))
        text = "".join(c.delta.content or "" for part in parts for c in part.choices)
        assert text == whole.choices[0].message.content
        seeded = [
            [
                c.message.content
                for c in ai.chat.completions.create(**capital(n=2, seed=5, temperature=0.9)).choices
            ]
            for _ in range(2)
        ]
        assert seeded[0] == seeded[1]
        cut = ai.chat.completions.create(**capital(stop=["Paris"])).choices[0]
        assert (cut.finish_reason, "Paris" in cut.message.content) == ("stop", False)
        assert (
            ai.completions.create(model="base", prompt="Paris is the capital of", max_tokens=3)
            .choices[0]
            .text
        )
        near, far = ([d.embedding for d in ai.embeddings.create(model="base", input=["a cat", t]).data]
                     for t in ("a kitten", "quarterly tax"))  # fmt: skip

        def likeness(pair):
            return sum(a * b for a, b in zip(*pair, strict=True))

        assert likeness(near) > likeness(far)
        with pytest.raises(openai.BadRequestError, match="context") as long:
            ai.chat.completions.create(
                **capital(messages=[{"role": "user", "content": "word " * 6000}])
            )
        assert long.value.code == "context_length_exceeded"
        fact = [{"role": "user", "content": "The staging host is called kestrel-7."}]
        ai.chat.completions.create(model="live", messages=fact, max_tokens=4)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "kestrel" not in errors
    told = fresh_cli.json("memory", "list", "-w", "school")
    assert [m["text"] for m in told] == ["The staging host is called kestrel-7."]


def test_a_wider_address_needs_a_key_and_a_taken_port_is_told(school):
    assert "nightschool keys create" in school("serve", "--host", "0.0.0.0", code=2)
    made = school.json("keys", "create", "laptop", "--scope", "chat")
    with serving(school, "--host", "0.0.0.0", "--set", "serve.upstream_url=http://127.0.0.1:9") as (
        _,
        url,
    ):
        local = url.replace("0.0.0.0", "127.0.0.1")
        assert "live" in {m.id for m in client(local, made["token"]).models.list()}
        with pytest.raises(openai.AuthenticationError):
            client(local).models.list()
        with pytest.raises(openai.APIStatusError, match="went away"):
            client(local, made["token"]).chat.completions.create(**capital())
        port = url.rsplit(":", 1)[1]
        assert "Choose another --port" in school(
            "serve", "--port", port, "--host", "0.0.0.0", code=2
        )
        school("keys", "revoke", made["id"])
        time.sleep(0.1)
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            client(local, made["token"]).models.list()
    assert made["token"] not in school("keys", "list", "--json")
    assert "revoked" in school("keys", "list")
