"""Rollouts by an engine that somebody runs elsewhere: vLLM, or whatever speaks its routes for tokens and adapters.

OpenAI's protocol has neither. What is used beyond it, all of it in vLLM's documentation ("OpenAI-Compatible Server",
"LoRA Adapters"): prompts as token ids, `return_tokens_as_token_ids`, `stop_token_ids`, and the routes that load and
unload adapters while it runs. Not covered: where the engine's weights come from; it is started on the same folder.
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from nightschool.errors import EngineFailed
from nightschool.models.endpoints import check_address
from nightschool.types import Continuation, digest, new_id

SETTING = "rollouts.url"
ID = "token_id:"
TRIES = 3
WAIT_S = 1.0
"""Before the second try; doubled before the third."""
AGAIN = (429, 502, 503, 504)
"""What passes by itself."""
TIMEOUT_S = 900.0
"""All answers to one prompt may take so long."""
CONNECT_S = 10.0
LEAVING_S = 5.0
"""And what nobody waits for."""
WHOLE = {
    "top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
}  # fmt: skip
"""Nothing is cut out of the distribution: where a request is silent, an engine takes what the model or its owner recommends."""


class EngineRollouts:
    """An endpoint with vLLM's routes; implements `protocols.RolloutEngine`."""

    def __init__(
        self, url: str, folder: Path, key: str = "", *, parallel: int = 16, wait_s: float = WAIT_S
    ) -> None:
        """Check the address, and clear the folder of what a killed run has left; nothing is sent yet.

        Args:
            url: The API's root, with or without /v1.
            folder: Adapters are handed over in it; the endpoint's machine sees it under the same path.
            key: Bearer token; empty sends none.
            parallel: Different prompts that are asked at a time.
            wait_s: Before the second try.

        Raises:
            ConfigError: The address is not one that requests may be sent to.
        """
        check_address(url, SETTING)
        self.url = url.rstrip("/").removesuffix("/v1").rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            base_url=f"{self.url}/v1/",
            headers=headers,
            trust_env=False,
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S),
        )
        self._folder, self._parallel, self._wait_s = folder, parallel, wait_s
        self._loaded: list[str] = []
        """The adapter that is drawn with; empty before the first."""
        shutil.rmtree(folder, ignore_errors=True)
        self._end = weakref.finalize(self, _leave, self._client, self._loaded, folder)

    def take(self, write: Callable[[Path], None]) -> None:
        """Load an adapter there, under a name that was never used; see `protocols.RolloutEngine.take`.

        Raises:
            EngineFailed: The endpoint cannot be reached, or does not take it.
        """
        # Before the next one: an engine may have room for one alone.
        _leave(self._client, self._loaded, *(self._folder / before for before in self._loaded))
        name = new_id("practice")
        write(self._folder / name)
        body = {"lora_name": name, "lora_path": str((self._folder / name).resolve())}
        self._loaded.append(name)
        reply = self._post("load_lora_adapter", body)
        # Loaded already: by a try whose answer was lost.
        if reply.is_error and "already been loaded" not in reply.text:
            raise EngineFailed(
                f"{self.url} did not take an adapter: HTTP {reply.status_code}, {reply.text[:200]}. Start vLLM with --enable-lora, "
                f"--max-lora-rank of at least practice.lora_rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, where it sees {self._folder}."
            )

    def draw(
        self,
        prompts: Sequence[tuple[int, ...]],
        *,
        end: int,
        max_tokens: int,
        temperature: float,
        seed: int,
    ) -> list[Continuation]:
        """Continue prompts there, equal ones in one request; see `protocols.RolloutEngine.draw`.

        Raises:
            EngineFailed: The endpoint cannot be reached, refuses, or does not tell tokens.
        """
        places: dict[tuple[int, ...], list[int]] = {}
        for place, prompt in enumerate(prompts):
            places.setdefault(tuple(prompt), []).append(place)
        common = {
            "model": self._loaded[-1], "max_tokens": max_tokens, "temperature": temperature,
            "stop_token_ids": [end], "ignore_eos": True, "skip_special_tokens": False,
            "logprobs": 1, "return_tokens_as_token_ids": True, **WHOLE,
        }  # fmt: skip
        given_up = threading.Event()

        def ask(numbered: tuple[int, tuple[int, ...]]) -> list[Continuation]:
            number, prompt = numbered
            own = int(digest(str(seed), str(number))[:7], 16)
            many = len(places[prompt])
            # Without choices all answers are one; vLLM refuses to give it twice.
            n = many if temperature else 1
            body = {**common, "prompt": list(prompt), "n": n, "seed": own}
            said = self._read(self._post("completions", body, given_up), n, end)
            return said * (many // n)

        found: dict[int, Continuation] = {}
        pool = ThreadPoolExecutor(self._parallel)
        try:
            for prompt, said in zip(places, pool.map(ask, enumerate(places)), strict=True):
                found.update(zip(places[prompt], said, strict=True))
        finally:
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return [found[place] for place in range(len(prompts))]

    def _post(
        self, route: str, body: dict[str, Any], given_up: threading.Event | None = None
    ) -> httpx.Response:
        """Send a request, again where the endpoint is busy or away for a moment."""
        reason, wait = "", given_up or threading.Event()
        for attempt in range(TRIES):
            if attempt and wait.wait(self._wait_s * 2 ** (attempt - 1)):
                break
            try:
                reply = self._client.post(route, json=body)
            except httpx.ReadTimeout:
                reason = f"no answer within {TIMEOUT_S:.0f} s"
                break
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if reply.status_code not in AGAIN:
                return reply
            reason = f"HTTP {reply.status_code}, {reply.text[:200]}"
        raise EngineFailed(
            f"{self.url} failed {attempt + 1} times ({reason}). Check {SETTING}, and start the engine; the run goes on where it was."
        )

    def _read(self, reply: httpx.Response, n: int, end: int) -> list[Continuation]:
        if reply.is_error:
            raise EngineFailed(
                f"{self.url} refused to draw: HTTP {reply.status_code}, {reply.text[:200]}. Check {SETTING} and its key."
            )
        try:
            choices = sorted(reply.json()["choices"], key=lambda choice: int(choice["index"]))
            said = [_continuation(choice["logprobs"], end) for choice in choices]
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(
                f"{self.url} does not tell the tokens that it drew: {reply.text[:200]}. It has to know "
                "`return_tokens_as_token_ids` and `logprobs`, as vLLM does."
            ) from error
        if len(said) != n:
            raise EngineFailed(f"{self.url} gave {len(said)} answers where {n} were asked for.")
        return said


def _continuation(told: dict[str, Any], end: int) -> Continuation:
    """Read one answer; ValueError where it has no tokens, or not a log-probability for each."""
    names, logs = told["tokens"], tuple(map(float, told["token_logprobs"]))
    if not names or len(names) != len(logs) or not all(name.startswith(ID) for name in names):
        raise ValueError(str(names)[:100])
    tokens = tuple(int(name.removeprefix(ID)) for name in names)
    return Continuation(tokens, logs, tokens[-1] == end)


def _leave(client: httpx.Client, loaded: list[str], *folders: Path) -> None:
    """Take adapters out of the engine and away from the disk; an engine that is gone has none."""
    while loaded:
        with suppress(httpx.HTTPError):
            client.post("unload_lora_adapter", json={"lora_name": loaded.pop()}, timeout=LEAVING_S)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
