# SPDX-License-Identifier: Apache-2.0
"""Tar headers, written so that equal entries give equal bytes: ustar, with a PAX header for what does not fit."""

from nova_container.image.tar_header import BLOCK
from nova_container.image.tar_reader import Entry

END = bytes(2 * BLOCK)
_MAX_OCTAL_11, _MAX_OCTAL_7 = (1 << 33) - 1, (1 << 21) - 1


def header(entry: Entry) -> bytes:
    """Return the header blocks of an entry; ``entry.size`` bytes of data and :func:`padding` follow.

    For a sparse file ``entry.name`` and sizes are those of GNU's PAX format 1.0, map included in the data.
    """
    records = _pax_records(entry)
    if not records:
        return _ustar(entry)
    content = b''.join(_record(key, value) for key, value in sorted(records.items()))
    extra = Entry(b'PaxHeaders/' + _basename(entry.name), b'x', 0o644, 0, 0, 0, size=len(content))
    return _ustar(extra) + content + padding(len(content)) + _ustar(entry)


def padding(size: int) -> bytes:
    """Return the zeros that follow size bytes of data."""
    return bytes(-size % BLOCK)


def sparse_map(segments: tuple[tuple[int, int], ...]) -> bytes:
    """Return the map that stands before the data of a sparse file, in whole blocks."""
    numbers = [len(segments), *(number for segment in segments for number in segment)]
    content = b''.join(b'%d\n' % number for number in numbers)
    return content + padding(len(content))


def _pax_records(entry: Entry) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {b'SCHILY.xattr.' + name: value for name, value in entry.xattrs.items()}
    if entry.segments is not None:
        records |= {b'GNU.sparse.major': b'1', b'GNU.sparse.minor': b'0', b'GNU.sparse.name': entry.name,
                    b'GNU.sparse.realsize': b'%d' % entry.real_size}
    if len(entry.name) > 100 or not entry.name.isascii():
        records[b'path'] = entry.name
    if len(entry.link) > 100 or not entry.link.isascii():
        records[b'linkpath'] = entry.link
    if entry.size > _MAX_OCTAL_11:
        records[b'size'] = b'%d' % entry.size
    for key, value in ((b'uid', entry.uid), (b'gid', entry.gid)):
        if value > _MAX_OCTAL_7:
            records[key] = b'%d' % value
    if entry.mtime_ns % 10**9 or not 0 <= entry.mtime_ns < (_MAX_OCTAL_11 + 1) * 10**9:
        records[b'mtime'] = _time(entry.mtime_ns)
    return records


def _time(nanoseconds: int) -> bytes:
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    text = f'{"-" if nanoseconds < 0 else ""}{seconds}.{fraction:09}'
    return text.rstrip('0').rstrip('.').encode()


def _record(key: bytes, value: bytes) -> bytes:
    rest = b' ' + key + b'=' + value + b'\n'
    length = len(rest) + len(str(len(rest)))
    if len(rest) + len(str(length)) != length:
        length += 1
    return b'%d' % length + rest


def _ustar(entry: Entry) -> bytes:
    seconds = entry.mtime_ns // 10**9
    fields = (
        entry.name[:100].ljust(100, b'\0'), b'%07o\0' % (entry.mode & 0o7777), _octal(entry.uid, 7, _MAX_OCTAL_7),
        _octal(entry.gid, 7, _MAX_OCTAL_7), _octal(entry.size, 11, _MAX_OCTAL_11), _octal(seconds, 11, _MAX_OCTAL_11),
        b' ' * 8, entry.kind, entry.link[:100].ljust(100, b'\0'), b'ustar\x0000', bytes(64),
        _octal(entry.device[0], 7, _MAX_OCTAL_7), _octal(entry.device[1], 7, _MAX_OCTAL_7))
    block = b''.join(fields).ljust(BLOCK, b'\0')
    return block[:148] + b'%06o\0 ' % sum(block) + block[156:]


def _octal(value: int, width: int, most: int) -> bytes:
    """Return the number, or zero if it does not fit and stands in the PAX header."""
    return b'%0*o\0' % (width, value if 0 <= value <= most else 0)


def _basename(name: bytes) -> bytes:
    return (name.rstrip(b'/').rpartition(b'/')[2] or b'root')[:80]


