# SPDX-License-Identifier: Apache-2.0
"""One tar header block and the records of a PAX header, decoded strictly.

Formats: POSIX.1-2001 pax, ustar, GNU tar and old V7. Where they leave a choice, Go's archive/tar decides, because
Docker reads layers with it and the two must see the same files.
"""

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from nova_container.errors import UnacceptableImage

BLOCK = 512
MAX_ID = (1 << 32) - 2
MAX_SECONDS = (1 << 33) - 1

_LAYOUT = struct.Struct('100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x')
_OCTAL = re.compile(rb'[0-7]*')
_DECIMAL = re.compile(rb'[0-9]{1,18}')
_TIME = re.compile(rb'(-?)([0-9]{1,18})(?:\.([0-9]*))?')


class RawHeader(NamedTuple):
    """The fields of a block as they stand there; names are bytes, numbers are decoded."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    kind: bytes
    link: bytes
    major: int
    minor: int


def decode(block: bytes) -> RawHeader:
    """Decode a block of 512 bytes.

    :raises UnacceptableImage: the checksum or a number is wrong, as in anything that is not a tar.
    """
    (name, mode, uid, gid, size, mtime, checksum, kind, link, magic,
     _user, _group, major, minor, prefix) = _LAYOUT.unpack(block)
    if number(checksum) != sum(block) - sum(checksum) + 8 * 32:
        raise UnacceptableImage('This is not a tar: the checksum of a header is wrong')
    name = text(name)
    if magic[:6] == b'ustar\0' and prefix[0]:
        name = text(prefix) + b'/' + name
    is_device = kind in b'34'
    return RawHeader(name, number(mode) & 0o7777, number(uid), number(gid), natural(number(size)), number(mtime), kind,
                     text(link), number(major) if is_device else 0, number(minor) if is_device else 0)


def text(field: bytes) -> bytes:
    """Return the field up to its first NUL."""
    return field.partition(b'\0')[0]


def number(field: bytes) -> int:
    """Decode an octal or a base-256 (GNU) number.

    :raises UnacceptableImage: it is neither.
    """
    if field[0] & 0x80:
        value = int.from_bytes(field, 'big') & ~(0x80 << 8 * (len(field) - 1))
        # Two's complement: 0xff leads a negative number (GNU tar, extended numeric format).
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.strip(b' \0')
    if not _OCTAL.fullmatch(digits):
        raise UnacceptableImage('This is not a tar: a number of a header is not octal')
    return int(digits or b'0', 8)


def natural(value: int) -> int:
    """Return the value if it can be a size.

    :raises UnacceptableImage: it is negative or above 2**62.
    """
    if not 0 <= value < 1 << 62:
        raise UnacceptableImage('A tar header has an impossible size')
    return value


def decimal(value: bytes) -> int:
    """Decode the decimal number of a PAX record.

    :raises UnacceptableImage: it is not made of 1 to 18 digits.
    """
    if not _DECIMAL.fullmatch(value):
        raise UnacceptableImage(f'A tar header has the impossible number {value[:40]!r}')
    return int(value)


def time_ns(value: bytes) -> int:
    """Decode a PAX time, ``-?seconds[.fraction]``, to nanoseconds since 1970.

    :raises UnacceptableImage: it is no time.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        raise UnacceptableImage(f'A tar header has the impossible time {value[:40]!r}')
    nanoseconds = int(match[2]) * 10**9 + int((match[3] or b'')[:9].ljust(9, b'0'))
    return -nanoseconds if match[1] else nanoseconds


def clamp_time(nanoseconds: int) -> int:
    """Return the nearest time that file systems can store: 1901 to 2242, nanoseconds."""
    return max(-(1 << 31) * 10**9, min(nanoseconds, MAX_SECONDS * 10**9))


def pax_records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the key and value of each ``length key=value`` record in order.

    :raises UnacceptableImage: a record is malformed.
    """
    position = 0
    while position < len(content):
        digits, space, _ = content[position:position + 20].partition(b' ')
        end = position + (int(digits) if space and _DECIMAL.fullmatch(digits) else 0)
        start = position + len(digits) + 1
        if not start < end <= len(content) or content[end - 1:end] != b'\n':
            raise UnacceptableImage('A tar has a malformed PAX header')
        key, equals, value = content[start:end - 1].partition(b'=')
        if not key or not equals:
            raise UnacceptableImage('A tar has a malformed PAX record')
        yield key, value
        position = end


def xattr_of(key: bytes, value: bytes) -> tuple[bytes, bytes] | None:
    """Return name and value if the PAX record holds an extended attribute.

    :raises UnacceptableImage: libarchive's base64 is malformed.
    """
    if key.startswith(b'SCHILY.xattr.'):
        return key[13:], value
    if key.startswith(b'LIBARCHIVE.xattr.'):
        try:
            return unquote_to_bytes(key[17:]), base64.b64decode(value + b'=' * (-len(value) % 4), validate=True)
        except binascii.Error as error:
            raise UnacceptableImage('A tar has a malformed extended attribute') from error
    return None
