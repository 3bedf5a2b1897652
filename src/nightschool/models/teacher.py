"""Text, or JSON of a given shape, from any OpenAI-compatible endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from nightschool.errors import TeacherFailed
from nightschool.models.endpoints import check_address
from nightschool.protocols import Progress, Prompt

PARALLEL = 4
TRIES = 3
WAIT_S = 1.0
"""Before the second try; doubled before each further one."""
TIMEOUT_S = 120.0


class HttpWriter:
    """Answers through `POST {url}/chat/completions`; implements `protocols.Writer`."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        wait_s: float = WAIT_S,
        *,
        schema: Mapping[str, object] | None = None,
        setting: str = "study.teacher",
    ) -> None:
        """Check where to ask, and remember it; nothing is sent yet.

        Args:
            url: The API's root, such as `http://localhost:8000/v1`.
            model: Model name sent along.
            key: Bearer token; empty sends none.
            wait_s: Before the second try.
            schema: JSON schema that every answer must follow; None asks for free text.
            setting: What the settings of this endpoint begin with, for its errors.

        Raises:
            ConfigError: The address is not one that requests may be sent to.
        """
        check_address(url, f"{setting}_url")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S)
        self.url = url
        self.model = model
        self.wait_s = wait_s
        self.setting = setting
        self._format: dict[str, object] = {}
        if schema is not None:
            shape = {"name": "answer", "schema": schema, "strict": True}
            self._format = {"response_format": {"type": "json_schema", "json_schema": shape}}

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`.

        Raises:
            TeacherFailed: The endpoint cannot be reached, refuses, or answers in another protocol.
        """

        def answer(numbered: tuple[int, Prompt]) -> str:
            number, prompt = numbered
            return self._post(
                {
                    "model": self.model,
                    "messages": [{"role": m.role, "content": m.content} for m in prompt],
                    "max_tokens": max_tokens,
                    "temperature": temperature,
                    "seed": seed + number,  # the same prompt twice is to bring two answers
                    **self._format,
                }
            )

        answers = []
        with ThreadPoolExecutor(PARALLEL) as pool:
            for text in pool.map(answer, enumerate(prompts)):
                answers.append(text)
                if progress:
                    progress(len(answers), len(prompts))
        return answers

    def _post(self, body: dict[str, object]) -> str:
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self.wait_s * 2 ** (attempt - 1))
            try:
                reply = self._client.post("chat/completions", json=body)
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if reply.status_code == 429 or reply.status_code >= 500:
                reason = f"HTTP {reply.status_code}"
                continue
            return self._text(reply)
        raise TeacherFailed(
            f"The endpoint {self.url} failed {TRIES} times ({reason}). "
            f"Check {self.setting}_url and that the endpoint runs."
        )

    def _text(self, reply: httpx.Response) -> str:
        if reply.is_error:
            raise TeacherFailed(
                f"The endpoint {self.url} refused: HTTP {reply.status_code}, {reply.text[:200]}. "
                f"Check the key and {self.setting}_model."
            )
        try:
            return str(reply.json()["choices"][0]["message"]["content"]).strip()
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise TeacherFailed(
                f"The endpoint {self.url} does not speak the OpenAI protocol: {reply.text[:200]}. "
                f"Check {self.setting}_url."
            ) from error
