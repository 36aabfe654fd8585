# SPDX-License-Identifier: Apache-2.0
"""What a handler is given, and what it may answer."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import parse_qs

from nova_container import errors
from nova_container.docker.server.client import Client
from nova_container.docker.server.context import Context
from nova_container.docker.wire import versions
from nova_container.engine import Engine

JSON = 'application/json'
TAR = 'application/x-tar'
RAW = 'application/vnd.docker.raw-stream'
MULTIPLEXED = 'application/vnd.docker.multiplexed-stream'
_FALSE = ('', '0', 'no', 'false', 'none')


class Query:
    """The query of a request, read by Docker's rules."""

    def __init__(self, text: str) -> None:
        self._values = parse_qs(text, keep_blank_values=True, max_num_fields=1000) if text else {}

    def text(self, name: str) -> str:
        return self._values.get(name, [''])[0]

    def texts(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def has(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Docker's boolean: anything but nothing, 0, no, false and none."""
        if name not in self._values:
            return default
        return self.text(name).strip().lower() not in _FALSE

    def number(self, name: str) -> int | None:
        """:raises InvalidRequest: it is there and is no whole number."""
        text = self.text(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise errors.InvalidRequest(f'{name} must be a whole number, not {text[:64]!r}') from None

    def seconds(self, name: str) -> float | None:
        """A grace period, of which Docker knows whole seconds only; a negative one is endless.

        :raises InvalidRequest: it is there and is no number.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds):
            raise errors.InvalidRequest(f'{name} must be a number of seconds, not {text[:64]!r}')
        return seconds


@dataclasses.dataclass(slots=True)
class Call:
    """One request: what it asks, who asks, and whom to ask for it."""

    context: Context
    client: Client
    method: str
    path: str
    query: Query
    headers: Mapping[bytes, bytes]
    read_all: Callable[[], bytes]
    body: BinaryIO
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    version: versions.Version = versions.NEWEST

    @property
    def engine(self) -> Engine:
        return self.context.engine

    @property
    def container(self) -> str:
        return self.params['id']

    @property
    def image(self) -> str:
        return self.params['name']

    def document(self) -> Any:
        """The body as JSON; None if there is none. :raises InvalidRequest: it is not JSON."""
        content = self.read_all()
        if not content.strip():
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise errors.InvalidRequest('The body is not valid JSON') from None


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is there as a whole."""

    status: int = 200
    body: bytes = b''
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """An answer that comes in pieces; an error before the first one is still answered as an error."""

    chunks: Iterator[bytes]
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Takeover:
    """The connection stops to be HTTP: ``run`` talks to the client until both are done.

    ``run`` is given what the client sent after its request. ``protocol`` is what is spoken from then on.
    """

    run: Callable[[Client, bytes], None]
    content_type: str = RAW
    protocol: str = 'tcp'
    headers: Sequence[tuple[str, str]] = ()


Answer = Reply | Stream | Takeover
Handler = Callable[[Call], Answer]


def of_json(value: object, status: int = 200) -> Reply:
    """An answer of one JSON document, ended by a line break as Docker's are."""
    return Reply(status, json.dumps(value, separators=(',', ':')).encode() + b'\n')


def line(value: object) -> bytes:
    """One line of an answer of many JSON documents."""
    return json.dumps(value, separators=(',', ':')).encode() + b'\r\n'


NO_CONTENT = Reply(204)
