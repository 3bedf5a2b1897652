"""What clients may send to the routes that OpenAI's API has: checked field by field, all else is left out.

What chooses weights, slots or caches in an engine is not among it: a client never writes those. Nor does an engine
fetch anything for a client: pictures and sounds come within the request.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST_CHOICES = 8
MOST_MESSAGES = 4096
MOST_TOOLS = 256
DEEPEST = 64
"""Lists and objects within one another; engines build grammars from schemas by recursion."""
PARTS = ("text", "image_url", "input_audio")
"""Kinds of content that a message may have."""
Sampling = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1)]
OWN = ("model", "messages", "prompt", "input", "stream", "stream_options", "store", "encoding_format",
       "max_tokens", "max_completion_tokens", "echo", "best_of", "dimensions", "user")  # fmt: skip
"""Fields that a route reads itself; the others go to the engine as they are."""


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="ignore", protected_namespaces=(), strict=True, use_attribute_docstrings=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        """Refuse halves of characters, which neither the engine nor the database can write, and endless nesting."""
        if isinstance(value, list | dict):
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except (UnicodeEncodeError, RecursionError) as error:
                raise ValueError("text that is not Unicode, or nested too deep") from error
            if _depth(value) > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} lists and objects")
        return value

    def passed(self) -> dict[str, Any]:
        """Return what goes to the engine unchanged."""
        return self.model_dump(exclude_none=True, exclude={*OWN})


class Message(_Body):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @field_validator("content")
    @classmethod
    def _within(cls, content: Any) -> Any:
        """Refuse what the engine would have to fetch: its network and its disk are not the client's."""
        for part in content if isinstance(content, list) else ():
            if part.get("type") not in PARTS:
                raise ValueError(f"a part of a message is one of {', '.join(PARTS)}")
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, dict) else image
            if image is not None and not (isinstance(url, str) and url.startswith("data:")):
                raise ValueError("a picture comes as a data: URL; nothing is fetched")
        return content

    def text(self) -> str:
        """Return what is said in it, without pictures and calls."""
        if isinstance(self.content, list):
            return "\n".join(
                str(part.get("text", "")) for part in self.content if part.get("type") == "text"
            )
        return self.content or ""

    def plain(self) -> dict[str, Any]:
        """Return it for the engine."""
        role = "system" if self.role == "developer" else self.role
        return {**self.model_dump(exclude_none=True), "role": role, "content": self.content}


class StreamOptions(_Body):
    """What a stream ends with."""

    include_usage: bool = False


class _Sampled(_Body):
    model: Name = "live"
    stream: bool = False
    stream_options: StreamOptions | None = None
    store: bool | None = None
    """False: this conversation does not become an episode."""
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1 << 24)] | None = None
    temperature: Annotated[Sampling, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Sampling, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1 << 20)] | None = None
    min_p: Annotated[Sampling, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[Sampling, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[Sampling, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[Sampling, Field(ge=-100, le=100)]] | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 31), lt=1 << 32)] | None = None
    user: str | None = None

    def longest(self, most: int) -> int:
        """Return how many tokens the answer may have."""
        return min(most, self.max_tokens or most)


class ChatRequest(_Sampled):
    """A body of /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: Annotated[int, Field(ge=1, le=1 << 24)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[dict[str, Any]], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None

    @field_validator("tools")
    @classmethod
    def _named(cls, tools: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        for tool in tools or ():
            function = tool.get("function")
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                raise ValueError('a tool is {"type": "function", "function": {"name": ...}}')
        return tools

    def longest(self, most: int) -> int:
        """Return how many tokens the answer may have."""
        return min(most, self.max_completion_tokens or self.max_tokens or most)


class CompletionRequest(_Sampled):
    """A body of /v1/completions."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: Literal[False] | None = None
    best_of: Literal[1] | None = None

    def text(self) -> str:
        """Return the one prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class EmbeddingRequest(_Body):
    """A body of /v1/embeddings."""

    model: Name = "base"
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: None = None
    user: str | None = None

    def texts(self) -> list[str]:
        """Return what is to be embedded."""
        return [self.input] if isinstance(self.input, str) else self.input


def _depth(value: Any) -> int:
    """Count the lists and objects within one another; written without recursion."""
    depth, level = 0, [value]
    while level := [v for v in level if isinstance(v, list | dict)]:
        depth += 1
        level = [v for each in level for v in (each.values() if isinstance(each, dict) else each)]
    return depth
