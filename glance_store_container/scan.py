# SPDX-License-Identifier: Apache-2.0
"""An image archive taken apart while it streams: what stays between the files, and the files.

Every byte that is read ends in exactly one piece, so the pieces in order are the archive. Where the archive does
anything that those of container tools do not, ``Odd`` is raised, and the pieces so far with the rest of the stream are
still the whole.
"""

import dataclasses
import os
import posixpath

from glance_store_container.staging import Stage
from nova_container import errors
from nova_container.image import digest as digests
from nova_container.image import loaded, tar_header
from nova_container.image.stored import Piece
from nova_container.image.tar_header import BLOCK

INLINE_BYTES = 64 << 10
MAX_LITERAL_BYTES = 8 << 20
MAX_BLOBS = 1000
_MAX_META_BYTES = 1 << 20
_ZEROS = bytes(BLOCK)
_REGULAR, _META, _WITHOUT_DATA = (b'0', b'\0'), (b'x', b'L', b'K'), (b'1', b'2', b'3', b'4', b'5', b'6')


class Odd(Exception):
    """This is no archive that can be taken apart; says why."""


@dataclasses.dataclass
class Entry:
    """A file of the archive by the digest of its content, or a link by its target."""

    name: str
    digest: str = ''
    target: str = ''


class Scan:
    """The pieces of a stream.

    :ivar literals: what stays between the blobs, at most MAX_LITERAL_BYTES.
    :ivar documents: small files by digest; they are part of the literals.
    """

    def __init__(self, source: digests.Readable, stage: Stage) -> None:
        self._source, self._stage = source, stage
        self.pieces: list[Piece] = []
        self.literals = bytearray()
        self.documents: dict[str, bytes] = {}
        self.entries: list[Entry] = []
        self._long: dict[str, bytes] = {}

    def run(self) -> None:
        """Read the stream to its end. :raises Odd:"""
        while block := self._take(BLOCK):
            if len(block) < BLOCK:
                raise Odd('it ends within a header')
            if block == _ZEROS:
                self._finish()
                return
            self._entry(_header(block))

    def _entry(self, header: tar_header.RawHeader) -> None:
        if header.kind in _META:
            self._read_meta(header)
        elif header.kind in _REGULAR:
            self._file(self._name(header), self._size(header))
            self._long = {}
        elif header.kind in _WITHOUT_DATA and not self._size(header):
            self._add_link(header)
            self._long = {}
        else:
            raise Odd(f'it has an entry of type {header.kind!r}')

    def _read_meta(self, header: tar_header.RawHeader) -> None:
        """Take in the long name of the entry that follows."""
        if header.size > _MAX_META_BYTES:
            raise Odd('it has a header that is too long')
        content = self._take_padded(header.size)
        if header.kind != b'x':
            self._long['path' if header.kind == b'L' else 'linkpath'] = tar_header.text(content)
            return
        try:
            for key, value in tar_header.pax_records(content):
                if key.startswith(b'GNU.sparse'):
                    raise Odd('it has a sparse file')
                self._long[key.decode('ascii', 'replace')] = value
        except errors.UnacceptableImage as error:
            raise Odd(str(error)) from error

    def _name(self, header: tar_header.RawHeader) -> str:
        return os.fsdecode(self._long.get('path') or header.name)

    def _size(self, header: tar_header.RawHeader) -> int:
        try:
            return tar_header.decimal(self._long['size']) if self._long.get('size') else header.size
        except errors.UnacceptableImage as error:
            raise Odd(str(error)) from error

    def _add_link(self, header: tar_header.RawHeader) -> None:
        if header.kind in b'12':
            target = os.fsdecode(self._long.get('linkpath') or header.link)
            base = posixpath.dirname(self._name(header)) if header.kind == b'2' else ''
            self.entries.append(Entry(self._name(header), target=posixpath.join(base, target)))

    def _file(self, name: str, size: int) -> None:
        if size >= INLINE_BYTES:
            digest = self._blob(name, size)
            self._take(-size % BLOCK)
        else:
            content = self._take_padded(size)
            digest = digests.of_bytes(content)
            self.documents[digest] = content
        self.entries.append(Entry(name, digest))

    def _blob(self, name: str, size: int) -> str:
        if sum(1 for piece in self.pieces if piece.digest) >= MAX_BLOBS:
            raise Odd(f'it has more than {MAX_BLOBS} files')
        stream = _Part(self._source, size)
        digest, taken = self._stage.put(stream, _hint(name))
        self.pieces.append(Piece(taken, digest))
        if taken < size:
            raise Odd('it ends within a file')
        return digest

    def _finish(self) -> None:
        """What follows the end of a tar are zeros, to fill a record."""
        for _ in range(_MAX_META_BYTES // BLOCK):
            block = self._take(BLOCK)
            if not block:
                return
            if block.strip(b'\0'):
                raise Odd('there is data after its end')
        raise Odd('it has too many zeros at its end')

    def _take_padded(self, size: int) -> bytes:
        content = self._take(size + -size % BLOCK)
        if len(content) < size:
            raise Odd('it ends within a file')
        return content[:size]

    def _take(self, size: int) -> bytes:
        """Read so many bytes, fewer at the end, as a literal."""
        content = read_fully(self._source, size)
        if self.pieces and not self.pieces[-1].digest:
            self.pieces[-1] = Piece(self.pieces[-1].size + len(content))
        elif content:
            self.pieces.append(Piece(len(content)))
        self.literals += content
        if len(self.literals) > MAX_LITERAL_BYTES:
            raise Odd('it has too many small files')
        return content


def read_fully(source: digests.Readable, size: int) -> bytes:
    """So many bytes, fewer only at the end."""
    parts = []
    while size and (chunk := source.read(size)):
        parts.append(chunk)
        size -= len(chunk)
    return parts[0] if len(parts) == 1 else b''.join(parts)


class _Part:
    """The next bytes of a stream as one of their own."""

    def __init__(self, source: digests.Readable, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int, /) -> bytes:
        chunk = self._source.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk


def _header(block: bytes) -> tar_header.RawHeader:
    try:
        return tar_header.decode(block)
    except errors.UnacceptableImage as error:
        raise Odd(str(error)) from error


def _hint(name: str) -> str:
    digest = loaded.named_digest(name)
    return digest if digest and digests.algorithm_of(digest) == 'sha256' else ''
