"""Settings of the day: which model answers, what it recalls and writes down, and how it is served."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nightschool.config.frozen import Frozen
from nightschool.types import Quant


class ModelConfig(Frozen):
    """Which base model learns."""

    base: str = "smollm2-135m"
    """A name from `nightschool models list`, a Hugging Face id, or a folder (a relative one from the workspace); it counts until a version is
    served, whose base then goes on (`nightschool rebase` teaches another)."""
    engine: Literal["torch", "llama"] = "torch"
    """Who answers: torch, or llama.cpp on the version's GGUF, which is what the service runs; likelihoods are torch's."""
    quant: Quant = "f16"
    """How llama.cpp's files store matrices; q8_0 is half the size, and another model: it sits its own exams."""

    @property
    def answers(self) -> str:
        """Who answers, in one word, as reports keep it: `torch`, `llama-f16` or `llama-q8_0`."""
        return "torch" if self.engine == "torch" else f"llama-{self.quant}"


class RecallConfig(Frozen):
    """What is recalled into the prompt by day."""

    limit: int = Field(6, ge=1, le=100)
    """At most so many memories are recalled for a question."""
    budget_tokens: int = Field(512, ge=32)
    """And at most so many tokens of them (estimated at four characters a token)."""
    dense: str | None = None
    """Embedding model of the dense index, such as all-minilm-l6-v2; None: recall goes by words only."""
    index: bool = False
    """Whether the index of the memory files goes before each conversation; for models that open files."""


class WriteConfig(Frozen):
    """How memories are written from conversations."""

    extractor: Literal["rules", "endpoint", "live"] = "rules"
    """Who finds what was stated: rules over a parse, a model behind `endpoint_url`, or the served version, by the notes
    that it has practised to take (`nightschool practise memory`; until one that has is served, the rules)."""
    endpoint_url: str | None = None
    """Base URL of an OpenAI-compatible endpoint; its key is read from NIGHTSCHOOL_EXTRACTOR_KEY."""
    endpoint_model: str = "default"
    """Model name sent to the extractor's endpoint."""
    encoder: str | None = "all-minilm-l6-v2"
    """Reads documents for hidden orders by their meaning, where it was pulled; None: by rules and wording alone."""


class ServeConfig(Frozen):
    """How the service answers, and what it takes."""

    host: str = "127.0.0.1"
    """Where it listens; anything but this machine's own address needs an API key."""
    port: int = Field(8000, ge=0, le=65535)
    """On which port; 0 takes a free one."""
    upstream_url: str | None = None
    """Root of an OpenAI-compatible API that answers in place of llama.cpp, such as http://gpu:8000; its key is read
    from NIGHTSCHOOL_UPSTREAM_KEY."""
    upstream_model: str = "default"
    """Name of the base model there."""
    upstream_lora: bool = False
    """Whether it is vLLM with runtime LoRA updating and sees the workspace's folder: adapters are loaded into it."""
    engines: int = Field(4, ge=1)
    """So many engines run at most before idle ones are stopped; twice as many are the hard bound."""
    in_flight: int = Field(64, ge=1)
    """Answers in the making at a time; more are refused until one is done."""
    in_flight_tenant: int = Field(32, ge=1)
    """And so many of one tenant."""
    requests_per_minute: int = Field(600, ge=1)
    """Of a key that has no number of its own."""
    body_bytes: int = Field(4 << 20, ge=1024)
    """Largest body of a request, of a key that has no number of its own."""
    body_seconds: float = Field(30.0, gt=0)
    """How long a body may take to arrive, and a reader to take a part of its answer."""
    engine_seconds: float = Field(300.0, gt=0)
    """How long an engine may be silent before its request counts as failed."""
    answer_tokens: int = Field(2048, ge=1)
    """Longest answer, whatever a request asks for."""
    tool_rounds: int = Field(8, ge=1)
    """How often a `:memory` model may use the memory tool in one answer."""
    store: bool = True
    """Whether conversations become episodes; a key and a request can decline, too."""
    private: tuple[str, ...] = ()
    """Tenants whose conversations never do."""
    nightly: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """When every tenant's night begins, local time, such as 02:30; None: only when it is asked for."""
    night_threads: int | None = Field(None, ge=1)
    """Threads of a night's process; None: half of the cores, so that serving keeps its pace (`jobs.py`)."""
    night_memory_gb: float | None = Field(None, gt=0)
    """Resident memory at which a night is stopped as failed, in 10^9 bytes; None: no limit."""
    nights_a_day: int | None = Field(24, ge=1)
    """A tenant's nights in any 24 hours, by schedule or call; None: no limit."""
    tenant_disk_gb: float | None = Field(None, gt=0)
    """A tenant with so much on disk (versions, nights, files), in 10^9 bytes, gets no new night; None: no limit."""
