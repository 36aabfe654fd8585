# SPDX-License-Identifier: Apache-2.0
"""The forms of values in a compose file -> those of properties. Pure. Each raises InvalidRequest, naming the key."""

import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from nova_container import errors

_BYTES = re.compile(r'([0-9]+(?:\.[0-9]+)?)\s*(b|[kmgt]i?b?)?', re.IGNORECASE)
_UNITS = {'': 1, 'b': 1, 'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30, 't': 1 << 40}
_DURATION = re.compile(r'(?:([0-9.]+)h)?(?:([0-9.]+)m(?!s))?(?:([0-9.]+)s)?(?:([0-9.]+)ms)?(?:([0-9.]+)us)?')
_SECONDS = (3600.0, 60.0, 1.0, 1e-3, 1e-6)


def wrong(where: str, what: str) -> errors.InvalidRequest:
    """The error of a value."""
    return errors.InvalidRequest(f'{where}: {what}')


def table(value: Any, where: str) -> Mapping[str, Any]:
    """A map, empty for null."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong(where, 'this is to be a map')
    return {str(key): item for key, item in value.items()}


def known(value: Any, where: str, keys: Collection[str]) -> Mapping[str, Any]:
    """A map that has none but these keys, and those that begin with ``x-``, which are left out."""
    found = {key: item for key, item in table(value, where).items() if not key.startswith('x-')}
    for key in found:
        if key not in keys:
            raise wrong(f'{where}.{key}' if where else key, 'a stack cannot express this; leave it out')
    return found


def listed(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(where, 'this is to be a list')
    return value


def texts(value: Any, where: str) -> list[str]:
    """A list of texts, or one."""
    return [text(item, where) for item in (listed(value, where) if not isinstance(value, str) else [value])]


def text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if not isinstance(value, (str, int, float)):
        raise wrong(where, 'this is to be a text')
    return str(value)


def flag(value: Any, where: str) -> bool:
    if isinstance(value, bool) or value in ('true', 'false'):
        return value in (True, 'true')
    raise wrong(where, 'this is true or false')


def whole(value: Any, where: str) -> int:
    try:
        return int(text(value, where))
    except ValueError:
        raise wrong(where, f'{value!r} is no whole number') from None


def number(value: Any, where: str) -> float:
    try:
        return float(text(value, where))
    except ValueError:
        raise wrong(where, f'{value!r} is no number') from None


def size(value: Any, where: str) -> int:
    """``512m`` as bytes; -1 stays."""
    if text(value, where) == '-1':
        return -1
    found = _BYTES.fullmatch(text(value, where).strip())
    if not found:
        raise wrong(where, f'{value!r} is no size like 512m or 1gb')
    return int(float(found[1]) * _UNITS[(found[2] or '')[:1].lower()])


def seconds(value: Any, where: str) -> float:
    """``1m30s`` as seconds."""
    found = _DURATION.fullmatch(text(value, where).strip())
    if not found or not found[0]:
        raise wrong(where, f'{value!r} is no time like 1m30s')
    try:
        return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)
    except ValueError:
        raise wrong(where, f'{value!r} is no time like 1m30s') from None


def words(value: Any, where: str) -> list[str]:
    """A command: a list, or one text that is split as a shell would, without running one."""
    if not isinstance(value, str):
        return texts(value, where)
    try:
        return shlex.split(value)
    except ValueError as error:
        raise wrong(where, f'{value[:80]!r} cannot be split into words: {error}') from None


def pairs(value: Any, where: str, separator: str = '=') -> dict[str, str | None]:
    """A map, or a list of NAME=VALUE; None stands for a name without value."""
    if isinstance(value, list):
        split = (text(item, where).partition(separator) for item in value)
        return {name: rest if found else None for name, found, rest in split}
    return {name: None if item is None else text(item, f'{where}.{name}')
            for name, item in table(value, where).items()}


def said(pairs_found: Mapping[str, str | None]) -> dict[str, str]:
    """Such pairs with '' for a name without value."""
    return {name: value or '' for name, value in pairs_found.items()}
