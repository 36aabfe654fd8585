# SPDX-License-Identifier: Apache-2.0
"""JSON documents of images, read within limits and written the same way each time."""

import json
import re
from collections.abc import Mapping
from typing import Any

from nova_container.errors import UnacceptableImage

MAX_DOCUMENT_BYTES = 4 << 20
MAX_DEPTH = 32
_QUOTE = ord('"')

# Possessive, and content to match an end that never comes: hostile quotes must not make the search start again.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)


def decode(content: bytes, what: str) -> Any:
    """Read a JSON document of at most 4 MiB and 32 levels.

    :param what: how a sentence names the document.
    :raises UnacceptableImage: too large, too deep, or no JSON.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise UnacceptableImage(f'The {what} is {len(content)} bytes long, more than {MAX_DOCUMENT_BYTES}')
    if _depth(content) > MAX_DEPTH:
        raise UnacceptableImage(f'The {what} is nested deeper than {MAX_DEPTH} levels')
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnacceptableImage(f'The {what} is not JSON: {str(error)[:200]}') from error


def decode_object(content: bytes, what: str) -> dict[str, Any]:
    """Read a JSON document that must be an object.

    :raises UnacceptableImage: as :func:`decode`, or it is not an object.
    """
    return as_object(decode(content, what), what)


def encode(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Write JSON so that equal values give equal bytes: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode('utf-8', 'replace')


def as_object(value: Any, what: str) -> dict[str, Any]:
    """Return the value if it is an object; null counts as an empty one.

    :raises UnacceptableImage: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnacceptableImage(f'The {what} must be an object, found {_kind(value)}')
    return value


def as_list(value: Any, what: str) -> list[Any]:
    """Return the value if it is a list; null counts as an empty one.

    :raises UnacceptableImage: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnacceptableImage(f'The {what} must be a list, found {_kind(value)}')
    return value


def as_text(value: Any, what: str) -> str:
    """Return the value if it is a string; null counts as an empty one.

    :raises UnacceptableImage: it is something else.
    """
    if value is None:
        return ''
    if not isinstance(value, str):
        raise UnacceptableImage(f'The {what} must be a string, found {_kind(value)}')
    return value


def _kind(value: Any) -> str:
    return {dict: 'an object', list: 'a list', str: 'a string', bool: 'a boolean'}.get(type(value), 'a number')


def _depth(content: bytes) -> int:
    deepest = depth = 0
    for token in _TOKEN.finditer(content):
        first = content[token.start()]
        if first != _QUOTE:
            depth += 1 if first in b'[{' else -1
            deepest = max(deepest, depth)
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(f'{constant} is not a JSON number')
