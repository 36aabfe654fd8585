# SPDX-License-Identifier: Apache-2.0
"""DNS messages (RFC 1035), as far as a resolver needs them that answers for a few names and passes on the rest."""

import dataclasses
import ipaddress
import struct
from collections.abc import Sequence

A, PTR, AAAA, ANY = 1, 12, 28, 255
IN = 1
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
TTL_S = 600
"""Docker's: 600 s."""

_HEADER = struct.Struct('!HHHHHH')
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_WANTED, _RECURSION_HERE = 0x8000, 0x400, 0x200, 0x100, 0x80
_OPCODE = 0x7800
_LONGEST_NAME, _LONGEST_LABEL = 255, 63
_POINTER = 0xc00c  # to the name of the question, which follows the header
UDP_BYTES = 512


class Malformed(ValueError):
    """What came is no query with one question."""


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """One question. ``name`` is in lower case without the last dot; ``end`` is where the question ends in ``raw``."""

    raw: bytes
    id: int
    name: str
    kind: int
    end: int
    udp_bytes: int = UDP_BYTES


def parse(message: bytes) -> Query:
    """:raises Malformed: not a standard query with one question."""
    if len(message) < _HEADER.size:
        raise Malformed('too short')
    number, flags, questions, answers, _, more = _HEADER.unpack_from(message)
    if flags & (_RESPONSE | _OPCODE) or questions != 1 or answers:
        raise Malformed('not a query with one question')
    name, offset = _name(message, _HEADER.size)
    if offset + 4 > len(message):
        raise Malformed('the question ends early')
    kind, cls = struct.unpack_from('!HH', message, offset)
    if cls not in (IN, ANY):
        raise Malformed('not of the internet')
    return Query(message, number, name, kind, offset + 4, _udp_bytes(message, offset + 4) if more == 1 else UDP_BYTES)


def _name(message: bytes, offset: int) -> tuple[str, int]:
    """A name without pointers, which have no place in a first question."""
    labels: list[str] = []
    start = offset
    while True:
        if offset >= len(message):
            raise Malformed('a name ends early')
        length = message[offset]
        offset += 1
        if length == 0:
            return '.'.join(labels).lower(), offset
        if length > _LONGEST_LABEL or offset + length > len(message) or offset + length - start > _LONGEST_NAME:
            raise Malformed('a name is too long')
        labels.append(message[offset:offset + length].decode('latin-1'))
        offset += length


def _udp_bytes(message: bytes, offset: int) -> int:
    """What the sender takes in one datagram, if it says so (EDNS, RFC 6891)."""
    if len(message) >= offset + 11 and message[offset:offset + 3] == b'\0\0\x29':
        return max(UDP_BYTES, min(int(struct.unpack_from('!H', message, offset + 3)[0]), 4096))
    return UDP_BYTES


def of_addresses(query: Query, addresses: Sequence[str], *, udp: bool) -> bytes:
    """The answer with those addresses that are of the kind asked for, maybe none."""
    wanted = {A: 4, AAAA: 16}.get(query.kind)
    packed = [ipaddress.ip_address(address).packed for address in addresses]
    records = [_record(A if len(data) == 4 else AAAA, data) for data in packed
               if len(data) == wanted or query.kind == ANY]
    return _answer(query, records, udp=udp)


def of_name(query: Query, name: str, *, udp: bool) -> bytes:
    """The answer to a question for the name of an address."""
    data = b''.join(bytes([len(label)]) + label.encode('latin-1') for label in name.split('.')) + b'\0'
    return _answer(query, [_record(PTR, data)], udp=udp)


def refusal(query: Query, code: int) -> bytes:
    """The answer that there is none."""
    return _header(query, 0, code) + query.raw[_HEADER.size:query.end]


def _answer(query: Query, records: Sequence[bytes], *, udp: bool) -> bytes:
    """As many records as go into a datagram; fewer than all are marked so that the client asks by TCP."""
    room = (query.udp_bytes if udp else 65535) - query.end
    fitting: list[bytes] = []
    for record in records:
        if sum(map(len, fitting)) + len(record) > room:
            break
        fitting.append(record)
    cut = _TRUNCATED if len(fitting) < len(records) else 0
    return b''.join((_header(query, len(fitting), NO_ERROR, cut), query.raw[_HEADER.size:query.end], *fitting))


def _header(query: Query, answers: int, code: int, more: int = 0) -> bytes:
    wanted = struct.unpack_from('!H', query.raw, 2)[0] & _RECURSION_WANTED
    authority = 0 if code == SERVER_FAILURE else _AUTHORITATIVE
    return _HEADER.pack(query.id, _RESPONSE | wanted | authority | _RECURSION_HERE | more | code, 1, answers, 0, 0)


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack('!HHHLH', _POINTER, kind, IN, TTL_S, len(data)) + data


def reversed_address(name: str) -> str | None:
    """The address that a name below in-addr.arpa or ip6.arpa is for."""
    labels = name.split('.')
    try:
        if labels[-2:] == ['in-addr', 'arpa'] and len(labels) == 6:
            return str(ipaddress.IPv4Address('.'.join(reversed(labels[:4]))))
        if labels[-2:] == ['ip6', 'arpa'] and len(labels) == 34:
            digits = ''.join(reversed(labels[:32]))
            return str(ipaddress.IPv6Address(int(digits, 16)))
    except ValueError:
        pass
    return None


def is_answer(message: bytes, query: Query) -> bool:
    """Whether a message answers this very question."""
    return (len(message) >= query.end and message[:2] == query.raw[:2] and bool(message[2] & 0x80)
            and message[_HEADER.size:query.end].lower() == query.raw[_HEADER.size:query.end].lower())
