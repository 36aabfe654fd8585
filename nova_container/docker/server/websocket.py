# SPDX-License-Identifier: Apache-2.0
"""The server's side of WebSocket (RFC 6455), so far as an attached session needs it."""

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping

from nova_container import errors
from nova_container.docker.server.client import Client

_KEY_SUFFIX = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_KNOWN = frozenset((_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_FRAME_BYTES = 1024 * 1024


class BrokenFrame(OSError):
    """The client does not keep to the protocol; its connection ends."""


def accepted(headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """The headers of the answer that begins the protocol.

    :raises InvalidRequest: the request does not ask for it rightly.
    """
    if headers.get(b'upgrade', b'').lower() != b'websocket' or headers.get(b'sec-websocket-version') != b'13':
        raise errors.InvalidRequest('This endpoint speaks WebSocket, version 13: ask with Upgrade: websocket')
    key = headers.get(b'sec-websocket-key', b'')
    try:
        sound = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        sound = False
    if not sound:
        raise errors.InvalidRequest('Sec-WebSocket-Key must be 16 bytes in base64')
    digest = hashlib.sha1(key + _KEY_SUFFIX, usedforsecurity=False).digest()
    return (('Sec-WebSocket-Accept', base64.b64encode(digest).decode()),)


class WebSocketClient(Client):
    """A client whose input comes in frames, and whose output goes out in binary ones."""

    def __init__(self, client: Client, sent_already: bytes) -> None:
        self._client = client
        self._received = bytearray(sent_already)

    def fileno(self) -> int:
        return self._client.fileno()

    def receive_forever(self, size: int) -> bytes:
        """What is in the next frame that holds something; b'' once the client closed. :raises OSError:"""
        while True:
            kind, payload = self._frame()
            if kind == _CLOSE:
                self._client.send(_encoded(_CLOSE, payload[:2]))
                return b''
            if kind == _PING:
                self._client.send(_encoded(_PONG, payload))
            elif kind != _PONG and payload:
                return payload

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        length = second & 0x7f
        if length > 125:
            length = struct.unpack('>H' if length == 126 else '>Q', self._take(2 if length == 126 else 8))[0]
        kind = first & 0x0f
        if first & 0x70 or kind not in _KNOWN or not second & 0x80 or length > _FRAME_BYTES or (
                kind >= _CLOSE and (length > 125 or not first & 0x80)):
            self._client.send(_encoded(_CLOSE, struct.pack('>H', 1009 if length > _FRAME_BYTES else 1002)))
            raise BrokenFrame('the client broke the WebSocket protocol')
        mask, payload = self._take(4), self._take(length)
        repeated = (mask * (length // 4 + 1))[:length]
        plain = int.from_bytes(payload, 'big') ^ int.from_bytes(repeated, 'big')
        return kind, plain.to_bytes(length, 'big')

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            data = self._client.receive_forever(64 * 1024)
            if not data:
                raise BrokenFrame('the client left without a word')
            self._received += data
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def send(self, data: bytes) -> None:
        self._client.send(_encoded(_BINARY, data))

    def is_gone(self) -> bool:
        return self._client.is_gone()

    def end_output(self) -> None:
        """Say goodbye. Silent if the client is gone."""
        try:
            self._client.send(_encoded(_CLOSE, struct.pack('>H', 1000)))
        except OSError:
            return
        self._client.end_output()

    def hang_up_input(self) -> None:
        self._client.hang_up_input()


def _encoded(kind: int, payload: bytes) -> bytes:
    """One whole frame, unmasked as those of a server are."""
    size = len(payload)
    head = bytes((size,)) if size < 126 else struct.pack('>BH', 126, size) if size < 1 << 16 else (
        struct.pack('>BQ', 127, size))
    return bytes((0x80 | kind,)) + head + payload
