# SPDX-License-Identifier: Apache-2.0
"""One connection: requests are routed to handlers, and their answers and errors written back."""

import io
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import h11

from nova_container import errors
from nova_container.docker import status as statuses
from nova_container.docker.server import message, routes
from nova_container.docker.server.client import Client
from nova_container.docker.server.context import Context
from nova_container.docker.server.exchange import BodyFile, Exchange, TooLarge
from nova_container.docker.server.message import Answer, Call, Reply, Stream, Takeover
from nova_container.docker.wire import versions
from nova_container.docker.wire.system import API_VERSION, MIN_API_VERSION

LOG = logging.getLogger(__name__)
_BUFFER = 256 * 1024
_READS_AHEAD = b'docker-sdk-python/'
"""This client loses output that comes in one piece with the head (docker 7.2, api/client.py,
_get_raw_response_socket): it reads the head through a buffer, and the rest past it."""
_VERSIONED = re.compile(r'/v(\d{1,3})\.(\d{1,3})(/.*)')
_HEADERS = (('Api-Version', API_VERSION), ('Docker-Experimental', 'false'), ('Ostype', 'linux'),
            ('Server', 'nova-container (linux)'))


class Connection:
    """Serves one client until it leaves."""

    def __init__(self, client: Client, context: Context) -> None:
        self._client = client
        self._context = context
        self._exchange = Exchange(client, context.limits)

    def serve(self) -> None:
        """Answer until the client is done, gone or breaks the rules. Raises nothing."""
        try:
            while self._serve_one():
                pass
        except h11.RemoteProtocolError as error:
            self._refuse(error)
        except (OSError, h11.LocalProtocolError) as error:
            LOG.debug('A client left: %s', error)
        except Exception:
            LOG.exception('A connection failed')
        finally:
            self._client.close()

    def _serve_one(self) -> bool:
        request = self._exchange.next_request()
        if request is None:
            return False
        if not self._write(self._answer(request), request):
            return False
        if self._exchange.begin_next():
            return True
        self._exchange.linger()
        return False

    def _answer(self, request: h11.Request) -> Answer:
        """The handler's answer, or the error it raised as one."""
        try:
            return _begun(self._routed(request))
        except TooLarge as error:
            return message.of_json(statuses.body_of(error), 413)
        except errors.ContainerError as error:
            return message.of_json(statuses.body_of(error), statuses.status_of(error))
        except OSError:
            if self._client.is_gone():
                raise
            LOG.exception('%s failed', _shown(request))
            return _internal_error()
        except Exception:
            LOG.exception('%s failed', _shown(request))
            return _internal_error()

    def _routed(self, request: h11.Request) -> Answer:
        target = request.target.decode('ascii')
        path, _, query = target.partition('?')
        method = request.method.decode('ascii')
        path, version = _version_and(path)
        route = routes.find(method, path)
        if route is None:
            return message.of_json({'message': 'page not found'}, 404)
        handler, params = route
        body = cast(BinaryIO, io.BufferedReader(BodyFile(self._exchange.body()), _BUFFER))
        return handler(Call(
            context=self._context, client=self._client, method=method, path=path, query=message.Query(query),
            headers=dict(request.headers), read_all=self._exchange.whole_body, body=body, params=params,
            version=version))

    def _write(self, answer: Answer, request: h11.Request) -> bool:
        """Send an answer; False if the connection ends with it."""
        if isinstance(answer, Takeover):
            self._take_over(answer, request)
            return False
        if isinstance(answer, Stream):
            return self._write_stream(answer, request)
        headers = [*_HEADERS, *answer.headers]
        if answer.status not in (204, 304):
            headers += [('Content-Type', answer.content_type), ('Content-Length', str(len(answer.body)))]
        self._exchange.send_whole(answer.status, headers, b'' if request.method == b'HEAD' else answer.body)
        return True

    def _write_stream(self, answer: Stream, request: h11.Request) -> bool:
        headers = [*_HEADERS, *answer.headers, ('Content-Type', answer.content_type)]
        if request.http_version == b'1.1':
            headers.append(('Transfer-Encoding', 'chunked'))
        try:
            self._exchange.send_head(200, headers)
            for chunk in answer.chunks:
                self._exchange.send_piece(chunk)
        except errors.ContainerError as error:
            LOG.warning('%s broke off: %s', _shown(request), error)
            return False
        finally:
            _close(answer.chunks)
        self._exchange.send_end()
        return True

    def _take_over(self, answer: Takeover, request: h11.Request) -> None:
        upgrade = any(name == b'upgrade' for name, _ in request.headers)
        lines = ['HTTP/1.1 101 UPGRADED' if upgrade else 'HTTP/1.1 200 OK']
        lines += [] if answer.protocol != 'tcp' else [f'Content-Type: {answer.content_type}']
        lines += ['Connection: Upgrade', f'Upgrade: {answer.protocol}'] if upgrade else []
        lines += [f'{name}: {value}' for name, value in (*answer.headers, *_HEADERS)]
        sent_already = b''
        try:
            sent_already = self._exchange.leave_http('\r\n'.join((*lines, '', '')).encode())
            if any(name == b'user-agent' and agent.startswith(_READS_AHEAD) for name, agent in request.headers):
                self._client.wait_until_taken(1.0)
        except OSError:
            self._client.hang_up()  # and let the session, which is open, find out
        answer.run(self._client, sent_already)

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Tell a client that broke the protocol, if it still can be told."""
        try:
            if self._exchange.can_answer():
                answer = message.of_json({'message': f'Malformed request: {error}', 'kind': 'invalid_request'},
                                         error.error_status_hint)
                self._exchange.send_whole(answer.status, [*_HEADERS, ('Content-Type', message.JSON), (
                    'Content-Length', str(len(answer.body))), ('Connection', 'close')], answer.body)
                self._exchange.linger()
        except (OSError, h11.LocalProtocolError):
            LOG.debug('A client sent a malformed request and left: %s', error)


def _begun(answer: Answer) -> Answer:
    """A stream with its first piece at hand, so that an error comes before the head of the answer."""
    if not isinstance(answer, Stream):
        return answer
    first = next(answer.chunks, b'')
    return Stream(_joined(first, answer.chunks), answer.content_type, answer.headers)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from itertools.chain((first,), rest)
    finally:
        _close(rest)


def _close(chunks: Iterator[bytes]) -> None:
    close = getattr(chunks, 'close', None)
    if close is not None:
        close()


def _version_and(path: str) -> tuple[str, versions.Version]:
    """The path without ``/v1.xx``, and that version; without one, the newest.

    :raises InvalidRequest: a version that is not served.
    """
    match = _VERSIONED.fullmatch(path)
    if match is None:
        return path, versions.NEWEST
    version = (int(match[1]), int(match[2]))
    if version > versions.NEWEST:
        raise errors.InvalidRequest(f'client version {match[1]}.{match[2]} is too new. '
                                    f'Maximum supported API version is {API_VERSION}')
    if version < versions.OLDEST:
        raise errors.InvalidRequest(f'client version {match[1]}.{match[2]} is too old. '
                                    f'Minimum supported API version is {MIN_API_VERSION}')
    return match[3], version


def _internal_error() -> Reply:
    return message.of_json({'message': 'The engine failed; its log says why', 'kind': 'host_failure'}, 500)


def _shown(request: h11.Request) -> str:
    parts: Sequence[bytes] = (request.method, request.target[:200])
    return b' '.join(parts).decode('ascii', 'replace')
