# SPDX-License-Identifier: Apache-2.0
"""Messages to and from the kernel's routing netlink (rtnetlink(7)), without a helper process.

A netlink socket belongs to the network namespace in which it was opened, for ever and for every
thread, so one that was opened inside a namespace configures it from outside. One request costs some
20 microseconds; pyroute2 and ip(8) cost 20 milliseconds and more.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator

from nova_container import errors

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
_ERROR, _DONE, _OVERRUN = 2, 3, 4

_REQUEST, _ACK = 0x001, 0x004
DUMP, REPLACE, EXCL, CREATE = 0x300, 0x100, 0x200, 0x400

_SOL_NETLINK, _CAP_ACK, _EXT_ACK, _STRICT = 270, 10, 11, 12
_ACK_CAPPED, _ACK_TLVS, _ATTR_MSG = 0x100, 0x200, 1
_ROUTE = 0
_NESTED, _TYPE_MASK = 0x8000, 0x3fff
_HEADER = struct.Struct('=LHHLL')
_RECEIVE_BYTES = 1 << 18
_TIMEOUT_S = 10.0


class Exists(errors.LinkFailed):
    """The link, address or route is there already."""


class Missing(errors.LinkFailed):
    """There is no such link, address, route or namespace."""


class Full(errors.LinkFailed):
    """A bridge has as many ports as Linux takes."""


_BY_NUMBER: dict[int, type[errors.LinkFailed]] = {
    errno.EEXIST: Exists, errno.ENODEV: Missing, errno.ESRCH: Missing, errno.ENOENT: Missing,
    errno.EADDRNOTAVAIL: Missing, errno.EXFULL: Full,
}


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = len(payload) + 4
    return struct.pack('=HH', length, kind) + payload + b'\0' * (-length % 4)


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | _NESTED, b''.join(inner))


def text(kind: int, value: str) -> bytes:
    """An attribute that holds a string ended by zero."""
    return attribute(kind, value.encode() + b'\0')


def number(kind: int, value: int) -> bytes:
    """An attribute that holds 32 bits."""
    return attribute(kind, struct.pack('=L', value))


def attributes(data: bytes) -> dict[int, bytes]:
    """Payloads by kind; a later one of the same kind wins."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from('=HH', data, offset)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = data[offset + 4:offset + length]
        offset += (length + 3) & ~3
    return found


class Connection:
    """A routing socket into one network namespace. One thread at a time."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        """:param sock: an AF_NETLINK socket opened in the namespace wanted; None opens one here."""
        self._sock = sock or open_socket()
        self._sequence = 0

    def close(self) -> None:
        self._sock.close()

    def request(self, kind: int, body: bytes, flags: int = 0, *, what: str) -> list[bytes]:
        """Send one message and return the bodies of the answers.

        :param what: what was tried, for the text of the error: "make link eth0".
        :raises LinkFailed: with the kernel's words; Exists and Missing where those are the reason.
        """
        self._sequence += 1
        if flags & DUMP != DUMP:
            flags |= _ACK
        length = _HEADER.size + len(body)
        try:
            self._sock.send(_HEADER.pack(length, kind, flags | _REQUEST, self._sequence, 0) + body)
            return list(self._answers(what))
        except OSError as error:
            raise errors.LinkFailed(f'Cannot {what}: {error.strerror or error}') from error

    def _answers(self, what: str) -> Iterator[bytes]:
        while True:
            data = self._sock.recv(_RECEIVE_BYTES)
            offset = 0
            while offset + _HEADER.size <= len(data):
                length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
                body = data[offset + _HEADER.size:offset + length]
                offset += (length + 3) & ~3
                if sequence != self._sequence:
                    continue                            # the rest of an answer that was given up
                if kind == _ERROR:
                    _check(body, flags, what)
                    return
                if kind == _DONE:
                    return
                if kind == _OVERRUN:
                    raise errors.LinkFailed(f'Cannot {what}: the kernel dropped part of the answer')
                yield body


def open_socket(protocol: int = _ROUTE) -> socket.socket:
    """A routing socket (or one of another netlink protocol) into the calling thread's network namespace.

    :raises OSError: the kernel refuses.
    """
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    sock.settimeout(_TIMEOUT_S)
    for option in (_CAP_ACK, _EXT_ACK, _STRICT):
        sock.setsockopt(_SOL_NETLINK, option, 1)
    return sock


def _check(body: bytes, flags: int, what: str) -> None:
    code = -int(struct.unpack_from('=l', body)[0])
    if code == 0:
        return
    words = os.strerror(code)
    if flags & _ACK_TLVS:
        start = 4 + _HEADER.size if flags & _ACK_CAPPED else 4 + int(struct.unpack_from('=L', body, 4)[0])
        said = attributes(body[start:]).get(_ATTR_MSG, b'').rstrip(b'\0').decode(errors='replace')
        words = f'{words} ({said})' if said else words
    raise _BY_NUMBER.get(code, errors.LinkFailed)(f'Cannot {what}: {words}')
