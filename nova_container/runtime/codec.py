# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses as JSON and back, by their annotations. Absent keys take the default, so records may grow."""

import collections.abc
import dataclasses
import enum
import functools
import json
import types
import typing
from typing import Any, TypeVar

from nova_container import errors

Value = TypeVar('Value')


def encode(value: object) -> str:
    """A value as one line of JSON."""
    return json.dumps(_plain(value), separators=(',', ':'))


def decode(kind: type[Value], text: str) -> Value:
    """The value of that type. :raises Corrupt: the text is not one."""
    try:
        return typing.cast(Value, _typed(kind, json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.Corrupt(f'A record of {kind.__name__} cannot be read: {error}') from error


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, collections.abc.Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _typed(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is Any or kind is object:
        return value
    if origin in (types.UnionType, typing.Union):
        return _typed(next(choice for choice in arguments if choice is not types.NoneType), value)
    if origin is tuple:
        return tuple(_typed(arguments[0], item) for item in value)
    if origin is collections.abc.Mapping:
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        return typing.cast(Any, kind)(**{name: _typed(hints[name], item) for name, item in value.items()
                                         if name in hints})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    return value
