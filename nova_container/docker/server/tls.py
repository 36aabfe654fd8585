# SPDX-License-Identifier: Apache-2.0
"""TLS in front of a connection: one thread carries bytes between the client and a socket that the server reads plainly.

Both directions are in one thread, as OpenSSL does not let two use a connection at a time.
"""

import logging
import select
import socket
import ssl
import time
from collections.abc import Callable

from nova_container import errors

LOG = logging.getLogger(__name__)

_PIECE = 64 * 1024
_PENDING = 512 * 1024
_HANDSHAKE_S = 10.0


def server_context(ca: str, cert: str, key: str) -> ssl.SSLContext:
    """For a server whose clients must show a certificate that ``ca`` signed.

    :raises InvalidRequest: a file is missing or wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(cert, key)
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise errors.InvalidRequest(f'The files of TLS cannot be used: {error}') from error
    return context


class Relay:
    """One client. ``admit`` is given the plain socket once the client has proved who it is."""

    def __init__(self, outer: socket.socket, context: ssl.SSLContext, admit: Callable[[socket.socket], None]) -> None:
        self._outer, self._admit = outer, admit
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._inner: socket.socket | None = None
        self._out, self._in = b'', b''
        self._client_ended = self._server_ended = self._said_goodbye = False

    def run(self) -> None:
        """Carry until both sides have ended. Raises nothing."""
        try:
            if self._shake_hands():
                self._carry()
        except (OSError, ssl.SSLError) as error:
            LOG.debug('A connection with TLS ended: %s', error)
        finally:
            for sock in (self._outer, self._inner):
                if sock is not None:
                    sock.close()

    def _shake_hands(self) -> bool:
        deadline = time.monotonic() + _HANDSHAKE_S
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_all(deadline)
            except ssl.SSLError as error:
                LOG.warning('A client without a valid certificate was refused: %s', error)
                self._send_all(deadline)
                return False
            self._outer.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self._outer.recv(_PIECE)
            if not data:
                return False
            self._received.write(data)
        self._send_all(deadline)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._inner = ours
        self._outer.setblocking(False)
        ours.setblocking(False)
        self._admit(theirs)
        return True

    def _send_all(self, deadline: float) -> None:
        self._outer.settimeout(max(deadline - time.monotonic(), 0.001))
        if data := self._to_send.read():
            self._outer.sendall(data)

    def _carry(self) -> None:
        inner = self._inner
        assert inner is not None
        self._decrypt()
        while True:
            self._out += self._to_send.read()
            if self._server_ended and not self._out:
                return
            poll = select.poll()
            poll.register(self._outer, (0 if self._client_ended or len(self._in) > _PENDING else select.POLLIN)
                          | (select.POLLOUT if self._out else 0))
            poll.register(inner, (0 if self._server_ended or len(self._out) > _PENDING else select.POLLIN)
                          | (select.POLLOUT if self._in else 0))
            for descriptor, events in poll.poll():
                if descriptor == self._outer.fileno():
                    self._serve_outer(events)
                else:
                    self._serve_inner(inner, events)

    def _serve_outer(self, events: int) -> None:
        if events & select.POLLOUT and self._out:
            self._out = self._out[self._outer.send(self._out):]
        if events & select.POLLIN:
            data = self._outer.recv(_PIECE)
            if data:
                self._received.write(data)
                self._decrypt()
            elif self._said_goodbye:
                raise ConnectionResetError('the client closed the connection')
            else:
                self._end_input()
        elif events & (select.POLLHUP | select.POLLERR):
            raise ConnectionResetError('the client is gone')

    def _decrypt(self) -> None:
        """What the client sent, as far as it has come whole. Its goodbye, as that of a half-closed connection, ends it.
        """
        while True:
            try:
                data = self._tls.read(_PIECE)
            except (ssl.SSLWantReadError, ssl.SSLSyscallError):
                return
            except ssl.SSLZeroReturnError:
                data = b''
            if not data:
                self._said_goodbye = True
                self._end_input()
                return
            self._in += data

    def _end_input(self) -> None:
        if not self._in and self._inner is not None:
            self._inner.shutdown(socket.SHUT_WR)
        self._client_ended = True

    def _serve_inner(self, inner: socket.socket, events: int) -> None:
        if events & select.POLLOUT and self._in:
            self._in = self._in[inner.send(self._in):]
            if not self._in and self._client_ended:
                inner.shutdown(socket.SHUT_WR)
        if events & select.POLLIN:
            data = inner.recv(_PIECE)
            if data:
                self._tls.write(data)
                return
            self._say_goodbye()
        elif events & (select.POLLHUP | select.POLLERR):
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        self._server_ended = True
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # the client has not answered yet, and need not
            return
