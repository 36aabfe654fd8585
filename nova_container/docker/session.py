# SPDX-License-Identifier: Apache-2.0
"""Live connections to processes: an HTTP request that turns into a raw stream both ways."""

import json
import select
import socket
import ssl
import threading

import h11

from nova_container import errors
from nova_container.docker import frames
from nova_container.docker import status as statuses
from nova_container.docker.endpoint import Endpoint
from nova_container.engine import Session, StreamName

_READ = 64 * 1024
_ERROR_BYTES = 1024 * 1024


class Hijack:
    """A connection taken over from HTTP. ``content_type`` is what the engine said of its output."""

    def __init__(self, sock: socket.socket, early: bytes, content_type: str) -> None:
        self.socket = sock
        self.early = early
        self.content_type = content_type


def hijack(endpoint: Endpoint, path: str, document: object, timeout_s: float, prefix: str = '') -> Hijack:
    """Post, and take the connection over.

    :param path: without version, but with query; its part before the query names the endpoint of an error.
    :raises Unavailable: the engine cannot be reached.
    """
    try:
        sock = endpoint.open(timeout_s)
    except OSError as error:
        raise errors.Unavailable(f'{endpoint} cannot be reached: {error}') from error
    try:
        return _upgraded(sock, f'{prefix}{path}', f'POST {path.partition("?")[0]}', document)
    except OSError as error:
        sock.close()
        raise errors.Unavailable(f'{endpoint} broke off: {error}') from error
    except h11.RemoteProtocolError as error:
        sock.close()
        raise errors.Corrupt(f'{endpoint} did not answer in HTTP: {error}') from error
    except errors.ContainerError:
        sock.close()
        raise


def _upgraded(sock: socket.socket, target: str, endpoint: str, document: object) -> Hijack:
    http = h11.Connection(h11.CLIENT)
    body = b'' if document is None else json.dumps(document).encode()
    request = h11.Request(method='POST', target=target, headers=[
        ('Host', 'docker'), ('Content-Type', 'application/json'), ('Content-Length', str(len(body))),
        ('Connection', 'Upgrade'), ('Upgrade', 'tcp')])
    sock.sendall(b''.join(filter(None, (http.send(request), http.send(h11.Data(body)), http.send(h11.EndOfMessage())))))
    response = _next(http, sock)
    assert isinstance(response, h11.Response | h11.InformationalResponse)
    content_type = dict(response.headers).get(b'content-type', b'').decode('latin-1')
    if response.status_code != 101:
        raise statuses.error_of(response.status_code, _document(http, sock), endpoint)
    sock.settimeout(None)
    return Hijack(sock, bytes(http.trailing_data[0]), content_type)


def _next(http: h11.Connection, sock: socket.socket) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(sock.recv(_READ))
    return event


def _document(http: h11.Connection, sock: socket.socket) -> object:
    content = bytearray()
    while isinstance(event := _next(http, sock), h11.Data):
        content += event.data
        if len(content) > _ERROR_BYTES:
            return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


class DockerSession(Session):
    """A session over a hijacked connection."""

    def __init__(self, taken: Hijack, *, tty: bool) -> None:
        self._socket = taken.socket
        self._decoder = None if tty else frames.Decoder()
        self._ready = self._decoded(taken.early)
        self._lock = threading.Lock()
        self._tls_lock = threading.Lock()
        self._closed = False

    def read(self) -> tuple[StreamName, bytes] | None:
        while not self._ready:
            try:
                data = self._receive()
            except (OSError, ValueError):  # closed by another thread
                return None
            if not data:
                return None
            self._ready = self._decoded(data)
        return self._ready.pop(0)

    def _receive(self) -> bytes:
        """OpenSSL bears no second thread on a connection: with TLS wait outside, then read alone."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return self._socket.recv(_READ)
        if not self._socket.pending():
            poll = select.poll()
            poll.register(self._socket, select.POLLIN | select.POLLHUP)
            poll.poll()
        with self._tls_lock:
            return self._socket.recv(_READ)

    def _decoded(self, data: bytes) -> list[frames.Frame]:
        if self._decoder is None:
            return [(StreamName.STDOUT, data)] if data else []
        return [frame for frame in self._decoder.feed(data) if frame[1]]

    def write(self, data: bytes) -> None:
        try:
            if isinstance(self._socket, ssl.SSLSocket):
                with self._tls_lock:
                    self._socket.sendall(data)
            else:
                self._socket.sendall(data)
        except OSError:
            return

    def close_stdin(self) -> None:
        self._shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._shutdown(socket.SHUT_RDWR)  # wakes a thread that reads
        self._socket.close()

    def _shutdown(self, how: int) -> None:
        try:
            socket.socket.shutdown(self._socket, how)  # of TLS too: its own shutdown would end reading
        except OSError:
            return
