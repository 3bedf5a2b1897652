"""vLLM's routes for rollouts, over HTTP, on a real network that loads the adapters with peft: what a test talks to.

It is strict where vLLM is: an unknown model is refused, an adapter is loaded once under a name, one alone has room, several
greedy answers to a prompt are refused, and tokens and log-probabilities are told only where they are asked for.
"""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nightschool.models.near_rollouts import NearRollouts
from nightschool.models.torch_model import load
from nightschool.models.torch_sampler import TorchSampler

KEY = "sesame"


class RolloutServer:
    """Serves until it is closed; `seen` are the requests that came in, `busy` so many are refused first."""

    def __init__(self, start: Path, *, silent: bool = False, deaf: bool = False):
        self.start, self.silent, self.deaf, self.busy = start, silent, deaf, 0
        """`silent` tells no token ids, `deaf` takes adapters and draws without them."""
        self.lost = 0
        """So many requests are carried out, and their answers lost."""
        self.raw = False
        """Whether log-probabilities are told before the temperature."""
        self.engines: dict[str, NearRollouts] = {}
        self.seen: list[tuple[str, dict]] = []
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: dict) -> tuple[int, dict]:
        with self._turn:
            self.seen.append((path, body))
            if self.busy:
                self.busy -= 1
                return 503, {"error": {"message": "busy"}}
            if path == "/v1/load_lora_adapter":
                status, said = self._load(body["lora_name"], Path(body["lora_path"]))
                if self.lost:
                    self.lost -= 1
                    return 503, {"error": {"message": "the answer is lost"}}
                return status, said
            if path == "/v1/unload_lora_adapter":
                return (200, {}) if self.engines.pop(body["lora_name"], None) else (404, {})
            if body["model"] not in self.engines:
                return 404, {"error": {"message": f"The model {body['model']} does not exist."}}
            if body["n"] > 1 and not body["temperature"]:
                return 400, {"error": {"message": "n must be 1 when using greedy sampling"}}
            return 200, self._completed(body)

    def _load(self, name: str, folder: Path) -> tuple[int, dict]:
        if name in self.engines:
            return 400, {
                "error": {"message": f"The lora adapter '{name}' has already been loaded."}
            }
        if not (folder / "adapter_model.safetensors").exists() or self.engines:
            return 500, {"error": {"message": f"no adapter in {folder}, or no room for another"}}
        engine = NearRollouts(self.start)
        if self.deaf:
            engine._model = load(self.start).model
        else:
            engine.take(lambda out: _copy(folder, out))
        self.engines[name] = engine
        return 200, {"message": "Success"}

    def _completed(self, body: dict) -> dict:
        (end,) = body["stop_token_ids"]
        found = self.engines[body["model"]].draw(
            [tuple(body["prompt"])] * body["n"], end=end, max_tokens=body["max_tokens"],
            temperature=body["temperature"], seed=body["seed"],
        )  # fmt: skip
        told = body.get("return_tokens_as_token_ids") and not self.silent
        logs = [one.logs for one in found]
        if self.raw:
            pairs = [(body["prompt"], list(one.tokens)) for one in found]
            logs = TorchSampler(self.start).score_tokens(pairs)
        choices = [
            {
                "index": k, "text": "", "finish_reason": "stop" if one.ended else "length",
                "logprobs": None if body.get("logprobs") is None else {
                    "tokens": [f"token_id:{t}" if told else "?" for t in one.tokens],
                    "token_logprobs": list(logs[k]),
                },
            }
            for k, one in enumerate(found)
        ]  # fmt: skip
        return {"object": "text_completion", "choices": choices[::-1]}


def _copy(folder: Path, out: Path) -> None:
    shutil.copytree(folder, out, dirs_exist_ok=True)


def _handler(server: RolloutServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = 401, {"error": {"message": "wrong key"}}
            if self.headers.get("Authorization") == f"Bearer {KEY}":
                status, said = server.answer(self.path, body)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    return Handler
