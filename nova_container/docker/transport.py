# SPDX-License-Identifier: Apache-2.0
"""Requests to a Docker Engine API, over the connection pool of the ``docker`` SDK.

The pool (urllib3's, taught unix sockets by the SDK) is used without the SDK's client and ``requests``: they
cost a millisecond a request, and read the user's ``~/.docker/config.json``. A pool is safe for many threads.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from docker.transport import unixconn

from nova_container import errors
from nova_container.docker import dialing
from nova_container.docker import status as statuses
from nova_container.docker.endpoint import Endpoint

_POOL = 32
_CHUNK = 256 * 1024
_LINE = 4 * 1024 * 1024
_LONGEST = 256 * 1024 * 1024
Query = Mapping[str, object]
Body = bytes | Iterator[bytes]


class Silence(errors.Unavailable):
    """The engine was silent for longer than it may be."""


class Answer:
    """A response whose head has come. Read it to its end, or close it."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        return str(self._response.headers.get(name, ''))

    def content(self) -> bytes:
        """All of the body. :raises Corrupt: it is longer than any that an engine has to send."""
        if self.header('Content-Length').isdigit() and int(self.header('Content-Length')) <= _CHUNK:
            with _reachable('the engine'):
                return bytes(self._response.data)
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            if len(content) > _LONGEST:
                self.close()
                raise errors.Corrupt(f'The engine sent more than {_LONGEST} bytes at once')
        return bytes(content)

    def document(self) -> Any:
        """The body as JSON. :raises Corrupt: it is not."""
        return _parsed(self.content())

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes; closing the iterator ends the connection."""
        try:
            with _reachable('the engine'):
                yield from self._response.stream(_CHUNK, decode_content=False)
            self._response.release_conn()
        finally:
            self._response.close()

    def documents(self) -> Iterator[Any]:
        """The body as JSON, one document a line, as they come."""
        rest = b''
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b'\n')
            if len(rest) > _LINE:
                raise errors.Corrupt(f'The engine sent a line of more than {_LINE} bytes')
            yield from (_parsed(line) for line in lines if line.strip())
        if rest.strip():
            yield _parsed(rest)

    def close(self) -> None:
        self._response.close()


class Transport:
    """Asks one endpoint. Connects when first asked."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._pool = _pool(endpoint, timeout_s)

    def ask(self, method: str, path: str, *, query: Query | None = None, document: object = None,
            body: Body | None = None, timeout_s: float | None = None, prefix: str = '',
            headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request and return its answer, whose body is yet to be read.

        :param timeout_s: how long the engine may be silent; the transport's own unless given, 0 for ever.
        :param prefix: the version, ``/v1.41``.
        :raises ContainerError: the engine answered with an error.
        :raises Unavailable: it cannot be reached, or was silent for too long.
        """
        sent = {**(headers or {}), **({} if body is None else {'Content-Type': 'application/x-tar'})}
        if document is not None:
            body, sent['Content-Type'] = json.dumps(document).encode(), 'application/json'
        with _reachable(str(self.endpoint)):
            response = self._pool.urlopen(
                method, f'{prefix}{path}{_query(query)}', body=body, headers=sent, retries=False, redirect=False,
                preload_content=False, decode_content=False, timeout=self._timeout(timeout_s))
        answer = Answer(response)
        if answer.status >= 300 and answer.status != 304:
            raise self._error(answer, f'{method} {path}')
        return answer

    def do(self, method: str, path: str, **request: Any) -> None:
        """Ask for something that has no answer."""
        self.ask(method, path, **request).content()

    def get(self, path: str, **request: Any) -> Any:
        """The JSON at a path."""
        return self.ask('GET', path, **request).document()

    def close(self) -> None:
        self._pool.close()

    def _timeout(self, timeout_s: float | None) -> urllib3.Timeout:
        silence_s = self.timeout_s if timeout_s is None else timeout_s or None
        return urllib3.Timeout(connect=min(self.timeout_s, timeout_s or self.timeout_s), read=silence_s)

    def _error(self, answer: Answer, endpoint: str) -> errors.ContainerError:
        try:
            document = answer.document()
        except errors.Corrupt:
            document = None
        return statuses.error_of(answer.status, document, endpoint)


class _reachable:  # noqa: N801 - reads as a word in a with statement
    """Turns what a connection may raise into ``Unavailable``."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
            raise Silence(f'{self._endpoint} did not answer in time') from error
        if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
            raise errors.Unavailable(f'{self._endpoint} cannot be reached: {_reason(error)}') from error


def _reason(error: BaseException) -> str:
    """The cause that a person understands, without the layers urllib3 puts around it."""
    for argument in reversed(error.args):
        if isinstance(argument, BaseException):
            return _reason(argument)
    return str(error)


def _pool(endpoint: Endpoint, timeout_s: float) -> urllib3.HTTPConnectionPool:
    if endpoint.socket_path is not None:
        pool: urllib3.HTTPConnectionPool = unixconn.UnixHTTPConnectionPool(
            'http+docker://localhost', endpoint.socket_path, timeout_s, maxsize=_POOL)
        return pool
    if endpoint.tls is None:
        pool = urllib3.HTTPConnectionPool(endpoint.host, endpoint.port, maxsize=_POOL)
    else:
        pool = urllib3.HTTPSConnectionPool(
            endpoint.host, endpoint.port, maxsize=_POOL, server_hostname=endpoint.server_name or None,
            ssl_context=endpoint.ssl_context())
    if endpoint.judge is not None:
        pool.ConnectionCls = dialing.connection_class(pool.ConnectionCls, endpoint.judge)
    return pool


def _query(query: Query | None) -> str:
    """The query string; None leaves a parameter out."""
    pairs = {name: int(value) if isinstance(value, bool) else value
             for name, value in (query or {}).items() if value is not None}
    return f'?{urlencode(pairs, doseq=True)}' if pairs else ''


def _parsed(content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise errors.Corrupt('The engine sent what is not JSON') from None
