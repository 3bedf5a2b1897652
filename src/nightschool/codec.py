"""Records as JSON and back, without loss: what every room stores and the commands print."""

from __future__ import annotations

import dataclasses
import json
import types as pytypes
import typing
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from nightschool.errors import WorkspaceCorrupt

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
        WorkspaceCorrupt: The text is not JSON of that record (damaged, or a field is missing or unknown).
    """
    try:
        return from_plain(cls, json.loads(text))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        # Without the error's words: they may quote what is stored.
        raise WorkspaceCorrupt(
            f"A stored {cls.__name__} cannot be read: it is not what was written. If it stands in the database, "
            "`nightschool restore` puts the newest backup in its place."
        ) from error


def from_plain(cls: type[R], plain: Any) -> R:
    """Build a record from dicts, lists and scalars."""
    return typing.cast(R, _reader(typing.cast(Any, cls))(plain))


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return what turns plain data into a value of this type; worked out once a type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, pytypes.UnionType):
        inner = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        return _reader(inner)
    if origin is tuple:
        part = _reader(typing.get_args(hint)[0])
        return lambda value: None if value is None else tuple(map(part, value))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record_reader(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: None if value is None else hint(value)
    return _as_is


def _record_reader(cls: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(cls)
    readers = {name: _reader(hint) for name, hint in hints.items()}
    changed = {name: read for name, read in readers.items() if read is not _as_is}

    def read(value: Any) -> Any:
        if value is None:
            return None
        fields = dict(value)
        for name, turn in changed.items():
            if name in fields:
                fields[name] = turn(fields[name])
        return cls(**fields)

    return read


def _as_is(value: Any) -> Any:
    return value
