"""What the routers' answers share: lists in parts, refusals in OpenAI's shape, ids by pattern."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field, field_validator

from nightschool.language import plain

T = TypeVar("T")


class Shape(BaseModel):
    """A JSON object of an answer."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


class Body(BaseModel):
    """A JSON object of a request; a field that its route does not know is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        """Refuse halves of characters, which no file takes, and texts of blanks."""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                if not text.isascii():
                    text.encode("utf-8")  # a UnicodeEncodeError is a ValueError
                if not plain(text):
                    raise ValueError("nothing stands in the text")
        return value


class Listing(Shape, Generic[T]):
    """A part of a list."""

    object: Literal["list"] = "list"
    data: list[T]
    next: str | None = None
    """What `after` takes for the part that follows; null where this is the last."""


class Refusal(Shape):
    """Why a request was not served."""

    message: str
    """What happened, what was expected, what to do."""
    type: str
    code: str | None = None
    param: str | None = None


class Refused(Shape):
    """The body of every refusal, as OpenAI's clients read it."""

    error: Refusal


MEANINGS = {
    400: "The request is not what its route takes.",
    401: "No API key, or not a valid one.",
    403: "The key may not do this, or the host or origin is not the service's.",
    404: "The tenant has nothing of this name.",
    409: "It cannot be done as things stand: something else is going on, or the gate refused.",
    410: "The version was trained on something that has been forgotten.",
    413: "The body is larger than the key may send.",
    429: "The key has sent all that it may send for now.",
    500: "The workspace or the program failed; the log says more.",
    502: "The engine gave no answer.",
    503: "The service is busy, or an engine cannot be started; later it works.",
}
ALWAYS = (400, 401, 403, 413, 429, 500)
"""What every route may answer."""


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: what every one may answer, and these."""
    return {
        code: {"model": Refused, "description": MEANINGS[code]}
        for code in sorted({*ALWAYS, *codes})
    }


def tell_exactly(app: FastAPI) -> None:
    """Have an app's OpenAPI schema say what it does: a request that does not fit is a 400, in the one shape."""
    build = app.openapi

    def exact() -> dict[str, Any]:
        schema = build()
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema.get("components", {}).get("schemas", {}).pop(name, None)
        return schema

    app.openapi = exact  # type: ignore[method-assign]


SAYS_SOMETHING = r"[^\s\x00-\x1f\x7f-\x9f]"
"""A text with something to read in it."""
MEMORY_PATTERN = r"^mem-[0-9A-Za-z]{1,40}$"
VERSION_PATTERN = r"^(ver-[0-9A-Za-z-]{1,60}|live|previous|candidate)$"
MemoryId = Annotated[str, Path(pattern=MEMORY_PATTERN, description="Of a memory: `mem-...`.")]
VersionId = Annotated[
    str, Path(pattern=VERSION_PATTERN, description="Of a version, `ver-...`, or an alias.")
]
ModelName = Annotated[
    str,
    Field(
        pattern=r"^(ver-[0-9A-Za-z-]{1,60}|live|previous|base)(:closed-book)?$",
        description="`live`, `previous`, `base` or a version id; `:closed-book` leaves recall out.",
    ),
]
