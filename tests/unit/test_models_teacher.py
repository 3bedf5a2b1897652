"""The teacher's client against a real HTTP server on the loopback interface."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nightschool.errors import TeacherFailed
from nightschool.models.teacher import HttpWriter
from nightschool.types import Message


@pytest.fixture
def endpoint():
    seen, replies = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers.get("Authorization"), body))
            said = body["messages"][-1]["content"]
            status, text = replies.pop(0) if replies else (200, None)
            raw = text or json.dumps({"choices": [{"message": {"content": f"heard {said} "}}]})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(raw.encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", seen, replies
    server.shutdown()
    server.server_close()


def ask(url, *texts):
    prompts = [(Message("user", text),) for text in texts]
    return HttpWriter(url, "big", "secret", wait_s=0.01).generate(prompts, max_tokens=8)


def test_answers_keep_the_order_of_the_prompts(endpoint):
    url, seen, _ = endpoint
    assert ask(url, *"abcdefgh") == [f"heard {c}" for c in "abcdefgh"]
    path, key, body = seen[0]
    assert (path, key, body["model"]) == ("/v1/chat/completions", "Bearer secret", "big")


def test_a_busy_teacher_is_asked_again(endpoint):
    url, seen, replies = endpoint
    replies += [(503, "busy"), (429, "slow down")]
    assert ask(url, "a") == ["heard a"]
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("reply", "message"),
    [((401, "no such key"), "refused: HTTP 401"), ((200, "<html>"), "OpenAI protocol")],
)
def test_a_refusal_says_what_to_check(endpoint, reply, message):
    url, _, replies = endpoint
    replies.append(reply)
    with pytest.raises(TeacherFailed, match=message):
        ask(url, "a")


def test_nobody_there():
    with pytest.raises(TeacherFailed, match="failed 3 times"):
        ask("http://127.0.0.1:9/v1", "a")
