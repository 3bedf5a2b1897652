"""Any OpenAI-compatible endpoint as the engine: vLLM, another server, another machine.

Where it is vLLM with runtime LoRA updating, adapters are loaded into it and taken out again. Full versions
cannot be sent anywhere: whoever runs the endpoint serves them.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from nightschool.errors import EngineFailed, UnknownVersion
from nightschool.models.endpoints import check_address
from nightschool.types import digest

TIMEOUT_S = 120.0
"""Loading an adapter may take so long."""
BASE = "base"
_SALT = secrets.token_hex(32)
"""Of this process: nobody can guess another tenant's part of the prompt cache."""
_loaded: Counter[tuple[str, str]] = Counter()
"""(endpoint, adapter) -> how many engines of this process need it: one follows another before that is closed."""
_turn = threading.Lock()


class UpstreamEngine:
    """An endpoint that somebody else runs; implements `protocols.Engine`.

    Source:
        vLLM's documentation, "LoRA Adapters", "Dynamically serving LoRA adapters":
        /v1/load_lora_adapter and /v1/unload_lora_adapter; and `cache_salt` of its chat completions.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        adapters: Mapping[str, Path] | None = None,
        *,
        salted: bool = False,
    ) -> None:
        """Check the address, and load the adapters.

        Args:
            url: The API's root, with or without /v1.
            model: The base model's name there.
            key: Bearer token; empty sends none.
            adapters: Version -> folder of its adapter, as the endpoint's machine sees it.
            salted: Whether it understands vLLM's `cache_salt`.

        Raises:
            ConfigError: The address is not one that requests may be sent to.
            EngineFailed: The endpoint does not take an adapter.
        """
        self.address = checked_url(url)
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {key}"} if key else {}
        self.model = model
        self.salted = salted
        self._closed = False
        self._adapters: list[str] = []
        try:
            for version_id, folder in (adapters or {}).items():
                self._load(version_id, folder)
        except BaseException:
            self.close()  # nobody else would take out what is loaded already
            raise

    def _load(self, version_id: str, folder: Path) -> None:
        """Load an adapter, also one that this process has loaded before: the endpoint may have been restarted since."""
        with _turn:
            self._post("load_lora_adapter", {"lora_name": version_id, "lora_path": str(folder)})
            _loaded[self.address, version_id] += 1
        self._adapters.append(version_id)

    def alive(self) -> bool:
        """Tell whether it was not closed; whether the endpoint answers is seen at each request."""
        return not self._closed

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return the model's name there; see `protocols.Engine`.

        Raises:
            UnknownVersion: Its adapter was not loaded.
        """
        if version_id == BASE:
            return {"model": self.model}
        if version_id not in self._adapters:
            raise UnknownVersion(f"The upstream engine was not given {version_id}.")
        return {"model": version_id}

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return a salt of the tenant's own where the endpoint knows salts; see `protocols.Engine`."""
        if not self.salted:
            return {}
        raw = bytes.fromhex(digest(_SALT, tenant))
        return {"cache_salt": base64.urlsafe_b64encode(raw).decode().rstrip("=")}

    def close(self) -> None:
        """Take the adapters out again; an endpoint that is gone has none."""
        self._closed = True
        while self._adapters:
            name = self._adapters.pop()
            with _turn, suppress(EngineFailed):
                _loaded[self.address, name] -= 1
                if not _loaded[self.address, name]:
                    self._post("unload_lora_adapter", {"lora_name": name})

    def _post(self, route: str, body: dict[str, str]) -> None:
        url = f"{self.address}/v1/{route}"
        try:
            reply = httpx.post(
                url, json=body, headers=dict(self.headers), timeout=TIMEOUT_S, trust_env=False
            )
        except httpx.HTTPError as error:
            raise EngineFailed(
                f"{url} cannot be reached ({type(error).__name__}). Check serve.upstream_url."
            ) from error
        if reply.status_code == 400 and "already been loaded" in reply.text:
            return  # by another engine, or a service that was killed: versions never change under their id
        if not reply.is_success:
            raise EngineFailed(
                f"{url} answered HTTP {reply.status_code}. Start vLLM with --enable-lora and "
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, on a machine that sees this folder, or set "
                "serve.upstream_lora=false."
            )


def checked_url(url: str) -> str:
    """Return the root of an API without a trailing /v1.

    Raises:
        ConfigError: Requests may not be sent there; see `endpoints.check_address`.
    """
    check_address(url, "serve.upstream_url")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")
