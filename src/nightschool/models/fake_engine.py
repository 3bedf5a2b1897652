"""A small deterministic engine: the OpenAI-compatible API over HTTP, without a model. It ships for wiring and tests.

An answer says which version gave it, over and over, so that a mixed answer is seen. What a question may ask for:
`call NAME {...}` calls a tool that was offered, and a table gives fixed answers. It also speaks vLLM's routes for
adapters.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any, NamedTuple

from nightschool.errors import UnknownVersion
from nightschool.models.fake import FakeEmbedder

WORDS = 24
"""Words of an answer that is not in the table."""
CREATED = 1_700_000_000
CALL = re.compile(r"\bcall (\w+) (\{.*\})", re.DOTALL)


class Seen(NamedTuple):
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class _Said(NamedTuple):
    words: list[str]
    call: dict[str, Any] | None
    finish: str


class FakeEngine:
    """Answers over HTTP from a thread; implements `protocols.Engine`."""

    def __init__(
        self,
        versions: Sequence[str] = (),
        answers: Mapping[str, str] | None = None,
        *,
        delay_s: float = 0.0,
        key: str = "",
        full: bool = False,
    ) -> None:
        """Start it on a free loopback port.

        Args:
            versions: What it holds beside `base`; with `full`, instead of it.
            answers: Last message -> answer.
            delay_s: Before each word.
            key: Bearer token that it asks for; empty asks for none.
            full: Whether its weights are those of the one version that it holds.
        """
        self.versions = list(versions) if full else ["base", *versions]
        self.answers = dict(answers or {})
        self.delay_s = delay_s
        self.key = key
        self.seen: list[Seen] = []
        self.broken_off = 0
        """Answers whose reader went away."""
        self._closed = False
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {key}"} if key else {}
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def alive(self) -> bool:
        """Tell whether it was not closed."""
        return not self._closed

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return the version as the model's name; see `protocols.Engine`.

        Raises:
            UnknownVersion: It does not hold that one.
        """
        if version_id not in self.versions:
            raise UnknownVersion(f"This engine holds {self.versions}, not {version_id}.")
        return {"model": version_id}

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return a field that names the tenant; see `protocols.Engine`."""
        return {"cache_salt": tenant}

    def close(self) -> None:
        """Stop it, and break off what it is answering; see `protocols.Engine`."""
        if not self._closed:
            self._closed = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away."""


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            names = [{"id": name, "object": "model"} for name in engine.versions]
            self._json({"object": "list", "data": names} if self.path == "/v1/models" else {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            engine.seen.append(Seen(self.path, dict(self.headers), body))
            if engine.key and self.headers.get("Authorization") != f"Bearer {engine.key}":
                self._json({"error": {"message": "Wrong key.", "code": 401}}, 401)
            elif self.path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter"):
                self._adapter(body["lora_name"], load="unload" not in self.path)
            elif self.path == "/v1/embeddings":
                self._json(_embedded(body))
            elif body.get("model", engine.versions[0]) not in engine.versions:
                self._json({"error": {"message": f"No model {body['model']}.", "code": 404}}, 404)
            else:
                self._answer(body, chat=self.path == "/v1/chat/completions")

        def _adapter(self, name: str, load: bool) -> None:
            if load == (name in engine.versions):
                said = "already been loaded" if load else "not found"
                self._json({"error": {"message": f"The lora adapter '{name}' has {said}."}}, 400)
                return
            (engine.versions.append if load else engine.versions.remove)(name)
            self._json({"message": "Success"})

        def _answer(self, body: dict[str, Any], chat: bool) -> None:
            said = [_said(engine, body, chat, number) for number in range(body.get("n") or 1)]
            if not body.get("stream"):
                time.sleep(engine.delay_s * max(len(one.words) for one in said))
                self._json(_whole(body, said, chat))
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for event in _events(engine, body, said, chat):
                    if engine._closed:
                        self.close_connection = True
                        return
                    self._chunk(f"data: {event}\n\n".encode())
                self._chunk(b"")
            except OSError:
                engine.broken_off += 1
                raise

        def _chunk(self, raw: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

        def _json(self, plain: dict[str, Any], status: int = 200) -> None:
            raw = json.dumps(plain).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    return Handler


def _said(engine: FakeEngine, body: dict[str, Any], chat: bool, number: int) -> _Said:
    version = body.get("model", engine.versions[0])
    last = body["messages"][-1].get("content") or "" if chat else str(body["prompt"])
    last = last if isinstance(last, str) else json.dumps(last)
    asked = CALL.search(last)
    offered = {tool["function"]["name"] for tool in body.get("tools") or ()}
    if asked and asked[1] in offered and body["messages"][-1]["role"] == "user":
        function = {"name": asked[1], "arguments": asked[2]}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        return _Said([], call, "tool_calls")
    seed = body.get("seed")
    own = f"{version}" if seed is None else f"{version}#{seed + number}"
    words = engine.answers.get(last, " ".join([own] * WORDS)).split(" ")
    text = " ".join(words)
    stops = [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or ()
    cut = min([text.find(stop) for stop in stops if stop in text], default=len(text))
    words = text[:cut].rstrip(" ").split(" ") if cut else []
    limit = body.get("max_tokens") or len(words)
    return _Said(words[:limit], None, "length" if len(words) > limit else "stop")


def _pieces(words: list[str]) -> list[str]:
    return [word if not place else f" {word}" for place, word in enumerate(words)]


def _logprobs(words: list[str], body: dict[str, Any]) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    top = int(body.get("top_logprobs") or 0)
    rows = []
    for piece in _pieces(words):
        row = {"token": piece, "bytes": list(piece.encode()), "logprob": -0.1}
        rows.append(row | {"top_logprobs": [dict(row)] * min(top, 1)})
    return {"content": rows}


def _usage(said: Sequence[_Said]) -> dict[str, int]:
    written = sum(len(one.words) for one in said)
    return {"prompt_tokens": 1, "completion_tokens": written, "total_tokens": written + 1}


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "fake-1", "object": kind, "created": CREATED, "model": body.get("model", "fake")}


def _whole(body: dict[str, Any], said: Sequence[_Said], chat: bool) -> dict[str, Any]:
    choices = []
    for index, one in enumerate(said):
        text = "".join(_pieces(one.words))
        choice: dict[str, Any] = {"index": index, "finish_reason": one.finish}
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
            if one.call:
                choice["message"] |= {"content": None, "tool_calls": [one.call]}
        else:
            choice["text"] = text
        choices.append(choice | {"logprobs": _logprobs(one.words, body)})
    kind = "chat.completion" if chat else "text_completion"
    return {**_head(body, kind), "choices": choices, "usage": _usage(said)}


def _events(
    engine: FakeEngine, body: dict[str, Any], said: Sequence[_Said], chat: bool
) -> Iterator[str]:
    head = _head(body, "chat.completion.chunk" if chat else "text_completion")
    for index, one in enumerate(said):
        for place, piece in enumerate(_pieces(one.words)):
            time.sleep(engine.delay_s)
            choice: dict[str, Any] = {"index": index, "finish_reason": None}
            if chat:
                choice["delta"] = {"content": piece}
                if not place:
                    choice["delta"]["role"] = "assistant"
            else:
                choice["text"] = piece
            yield json.dumps({**head, "choices": [choice | {"logprobs": _logprobs([piece], body)}]})
        last: dict[str, Any] = {"index": index, "finish_reason": one.finish}
        last["delta" if chat else "text"] = {} if chat else ""
        if one.call:
            last["delta"] = {"role": "assistant", "tool_calls": [{"index": 0, **one.call}]}
        yield json.dumps({**head, "choices": [last]})
    if (body.get("stream_options") or {}).get("include_usage"):
        yield json.dumps({**head, "choices": [], "usage": _usage(said)})
    yield "[DONE]"


def _embedded(body: dict[str, Any]) -> dict[str, Any]:
    texts = [body["input"]] if isinstance(body["input"], str) else list(islice(body["input"], 2048))
    rows = [
        {"object": "embedding", "index": index, "embedding": row}
        for index, row in enumerate(FakeEmbedder().embed(texts).tolist())
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": body.get("model", "fake"), "data": rows, "usage": usage}
