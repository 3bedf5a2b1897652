"""Records as JSON and back, without loss: what every room stores and the commands print."""

from __future__ import annotations

import dataclasses
import json
import types as pytypes
import typing
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

R = TypeVar("R")


def to_json(record: Any) -> str:
    """Write a record as one line of JSON."""
    return json.dumps(to_plain(record), ensure_ascii=False)


def to_plain(record: Any) -> Any:
    """Turn a record into dicts, lists and scalars."""
    return dataclasses.asdict(record)


def from_json(cls: type[R], text: str) -> R:
    """Read a record back from `to_json`.

    Raises:
        ValueError: The text is not JSON of that record (a field is missing or unknown).
    """
    try:
        return from_plain(cls, json.loads(text))
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a {cls.__name__}: {error}") from error


def from_plain(cls: type[R], plain: Any) -> R:
    """Build a record from dicts, lists and scalars."""
    return typing.cast(R, _revive(cls, plain))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _revive(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if value is None or hint is Any:
        return value
    if origin in (typing.Union, pytypes.UnionType):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return _revive(inner[0], value)
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        return tuple(_revive(inner, part) for part in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: _revive(hints[name], part) for name, part in value.items()})
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value
