# SPDX-License-Identifier: Apache-2.0
"""The entries of a tar, in order, from a stream that is read once.

The parser is our own because Python's tarfile reads itself into loops and confusion on hostile input
(CVE-2025-8194, CVE-2025-13462), and because names must stay bytes.
"""

import dataclasses
from collections.abc import Iterator

from nova_container.errors import Corrupt, UnacceptableImage
from nova_container.image import tar_header, tar_sparse
from nova_container.image.tar_header import BLOCK
from nova_container.image.tar_source import ByteSource

MAX_META_BYTES = 1 << 20

REGULAR, HARDLINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO = b'0', b'1', b'2', b'3', b'4', b'5', b'6'
_WITHOUT_DATA = frozenset((HARDLINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO))
_META = frozenset((b'x', b'g', b'L', b'K', b'V'))
_KINDS = {b'\0': REGULAR, b'7': REGULAR, b'S': REGULAR} | {kind: kind for kind in (REGULAR, *_WITHOUT_DATA)}
_ZEROS = bytes(BLOCK)


@dataclasses.dataclass(slots=True)
class Entry:
    """One file of a tar.

    :ivar kind: REGULAR, HARDLINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY or FIFO.
    :ivar size: bytes of data that follow in the stream.
    :ivar real_size: size of the file when unpacked: more than size if sparse.
    :ivar segments: offset and length of each stored piece of a sparse file, else none.
    :ivar mtime_ns: nanoseconds since 1970.
    """

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    real_size: int = 0
    link: bytes = b''
    device: tuple[int, int] = (0, 0)
    xattrs: dict[bytes, bytes] = dataclasses.field(default_factory=dict)
    segments: tar_sparse.Segments | None = None

    @property
    def shown(self) -> str:
        """The name for a sentence: printable and short."""
        return repr(self.name[:200])[1:]


class TarReader:
    """Iterate over the entries; read the data of each with :meth:`data` before asking for the next, or not at all.

    :param max_entries: the most headers accepted, the invisible ones included.
    """

    def __init__(self, source: ByteSource, max_entries: int) -> None:
        self._source, self._max_entries = source, max_entries
        self._unread = self._padding = 0
        self.headers = 0

    def __iter__(self) -> Iterator[Entry]:
        """Give the entries; read the stream to its end after the last.

        :raises UnacceptableImage: not a tar, or a limit is broken.
        :raises Corrupt: the stream is cut short or empty.
        """
        if self._source.at_end():
            raise Corrupt('The archive is empty')
        while (block := self._next_header()) is not None:
            entry = self._entry(block)
            if entry is not None:
                yield entry
                self._source.skip(self._unread + self._padding)
                self._unread = self._padding = 0
        self._source.drain()

    def data(self) -> Iterator[memoryview]:
        """Give the stored data of the present entry."""
        for piece in self._source.pieces(self._unread):
            self._unread -= len(piece)
            yield piece

    def _next_header(self) -> bytes | None:
        if self._source.at_end():
            return None
        block = self._source.take(BLOCK)
        if block == _ZEROS:
            if not self._source.at_end() and self._source.take(BLOCK) != _ZEROS:
                raise UnacceptableImage('This is not a tar: there is data after its end')
            return None
        self.headers += 1
        if self.headers > self._max_entries:
            raise UnacceptableImage(f'The archive has more than {self._max_entries} entries')
        return block

    def _entry(self, block: bytes | None) -> Entry | None:
        """Read the headers up to and including that of the next file."""
        records: list[tuple[bytes, bytes]] = []
        long: dict[bytes, bytes] = {}
        while block is not None:
            header = tar_header.decode(block)
            if header.kind not in _META:
                return self._file(block, header, records, long)
            content = self._meta(header.size)
            if header.kind == b'x':
                records = list(tar_header.pax_records(content))
            elif header.kind in b'LK':
                long[header.kind] = tar_header.text(content)
            block = self._next_header()
        return None

    def _meta(self, size: int) -> bytes:
        if size > MAX_META_BYTES:
            raise UnacceptableImage(f'A header of the archive is longer than {MAX_META_BYTES} bytes')
        content = self._source.take(size)
        self._source.skip(-size % BLOCK)
        return content

    def _file(self, block: bytes, header: tar_header.RawHeader, records: list[tuple[bytes, bytes]],
              long: dict[bytes, bytes]) -> Entry:
        if header.kind not in _KINDS:
            raise UnacceptableImage(f'The archive has an entry of unknown type {header.kind!r}')
        fields = dict(records)
        size = tar_header.decimal(fields[b'size']) if fields.get(b'size') else header.size
        stored = 0 if header.kind in _WITHOUT_DATA else size
        self._unread, self._padding = stored, -stored % BLOCK
        entry = Entry(
            name=fields.get(b'path') or header.name, kind=_KINDS[header.kind], mode=header.mode,
            uid=_number(fields, b'uid', header.uid), gid=_number(fields, b'gid', header.gid),
            mtime_ns=tar_header.time_ns(fields[b'mtime']) if fields.get(b'mtime') else header.mtime * 10**9,
            size=stored, real_size=stored, link=long.get(b'K') or fields.get(b'linkpath') or header.link,
            device=(header.major, header.minor))
        if records:
            entry.xattrs = dict(found for key, value in records if (found := tar_header.xattr_of(key, value)))
        self._apply_sparse(entry, block, header, records, fields)
        entry.name = long.get(b'L') or entry.name
        if header.kind == b'\0' and entry.name.endswith(b'/'):
            entry.kind = DIRECTORY
        return _checked(entry)

    def _apply_sparse(self, entry: Entry, block: bytes, header: tar_header.RawHeader,
                      records: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> None:
        if header.kind == b'S':
            entry.real_size, entry.segments = tar_sparse.old_gnu(block, self._source)
        elif fields.get(b'GNU.sparse.major') == b'1' and fields.get(b'GNU.sparse.minor') == b'0':
            entry.real_size = tar_header.decimal(fields.get(b'GNU.sparse.realsize', b''))
            taken, entry.segments = tar_sparse.pax_1(self._source, entry.size)
            entry.size -= taken
            self._unread = entry.size
        elif b'GNU.sparse.size' in fields or b'GNU.sparse.map' in fields:
            entry.real_size = tar_header.decimal(fields.get(b'GNU.sparse.size', b''))
            entry.segments = tar_sparse.pax_0(records, fields)
        else:
            return
        entry.name = fields.get(b'GNU.sparse.name') or entry.name
        tar_sparse.check(entry.segments, entry.real_size, entry.size)


def _number(fields: dict[bytes, bytes], key: bytes, otherwise: int) -> int:
    return tar_header.decimal(fields[key]) if fields.get(key) else otherwise


def _checked(entry: Entry) -> Entry:
    if b'\0' in entry.name or b'\0' in entry.link:
        raise UnacceptableImage(f'The entry {entry.shown} has a NUL in its name')
    if not (0 <= entry.uid <= tar_header.MAX_ID and 0 <= entry.gid <= tar_header.MAX_ID):
        raise UnacceptableImage(f'The entry {entry.shown} has an impossible owner')
    entry.mtime_ns = tar_header.clamp_time(entry.mtime_ns)
    return entry
