# SPDX-License-Identifier: Apache-2.0
"""Compressed streams, told apart by their first bytes and read within limits of output and memory."""

import bz2
import io
import lzma
import re
from collections.abc import Callable
from typing import Any, cast

import zstandard
from isal import igzip, isal_zlib

from nova_container.errors import Corrupt, UnacceptableImage
from nova_container.image.digest import Readable

MAX_WINDOW_BYTES = 128 << 20
MAX_XZ_MEMORY_BYTES = 256 << 20
HEAD_BYTES = 512
_CHUNK = 256 << 10



class _BrokenBzip2(Exception):
    """The bz2 module raises OSError, which a read of the source may too."""


_DAMAGES = (EOFError, cast(type[Exception], isal_zlib.error), igzip.BadGzipFile, zstandard.ZstdError, lzma.LZMAError,
            _BrokenBzip2)
_BZIP2 = re.compile(rb'BZh[1-9](?:1AY&SY|\x17rE8P\x90)')  # a level, then a block or the end: names may begin with BZh
_MAGIC = ((b'\x1f\x8b', 'gzip'), (b'\x28\xb5\x2f\xfd', 'zstd'), (b'\xfd7zXZ\x00', 'xz'))


def detect(head: bytes) -> str:
    """Name the compression that the first bytes show: ``gzip``, ``zstd``, ``xz``, ``bzip2`` or ``none``."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if _BZIP2.match(head):
        return 'bzip2'
    # A zstd stream may begin with a skippable frame (RFC 8878, 3.1.2).
    if len(head) >= 4 and head[1:4] == b'\x2a\x4d\x18' and head[0] >> 4 == 5:
        return 'zstd'
    return 'none'


class Peeked(io.RawIOBase):
    """A stream with its first bytes read ahead.

    :ivar head: the first bytes, at most 512.
    """

    def __init__(self, source: Readable) -> None:
        super().__init__()
        self._source = source
        head = b''
        while len(head) < HEAD_BYTES and (chunk := source.read(HEAD_BYTES - len(head))):
            head += chunk
        self.head = self._ahead = head

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most size bytes, none at the end."""
        if self._ahead:
            chunk, self._ahead = self._ahead[:size], self._ahead[size:]
            return chunk
        return self._source.read(size)

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one read goes and return the number of bytes."""
        chunk = self.read(len(buffer))
        buffer[:len(chunk)] = chunk
        return len(chunk)


class Decompressed:
    """A stream of what a compressed (or plain) stream holds.

    A zstd stream that is cut short looks like a shorter one (the library cannot tell): what is read from it needs an
    end or a digest of its own, as tars and layers have.

    :param source: the stream, compressed or not; never closed here.
    :param limit_bytes: the most output given; a byte more raises UnacceptableImage.

    :ivar compression: what was detected.
    :ivar head: the first bytes (at most 512) of the source.
    """

    def __init__(self, source: Readable, limit_bytes: int) -> None:
        raw = Peeked(source)
        self.head = raw.head
        self.compression = detect(raw.head)
        self._left, self._limit = limit_bytes, limit_bytes
        with _as_ours(self.compression):
            self._read = _OPENERS[self.compression](raw)

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, none at the end.

        :raises UnacceptableImage: more than the limit came out, or reading needs too much memory.
        :raises Corrupt: the compressed bytes are damaged or cut short.
        """
        with _as_ours(self.compression):
            chunk = self._read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise UnacceptableImage(f'The stream unpacks to more than the allowed {self._limit} bytes')
        return chunk


class GzipWriter:
    """Compress to gzip, level 1, by isal; equal input in equal pieces gives equal bytes.

    :param write: where the compressed bytes go.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._compress = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)

    def write(self, chunk: bytes) -> int:
        """Compress a piece and return its length."""
        if out := self._compress.compress(chunk):
            self._write(out)
        return len(chunk)

    def close(self) -> None:
        """Write what is left. Nothing may be written afterwards."""
        self._write(self._compress.flush())


class _as_ours:
    """Turn what the decompressors raise into our errors; a class because a generator is slow once for each read."""

    def __init__(self, compression: str) -> None:
        self._compression = compression

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _DAMAGES):
            # The lzma module has one class for both, so only the text tells them apart.
            if isinstance(error, lzma.LZMAError) and 'limit' in str(error).lower():
                raise UnacceptableImage('The xz stream needs too much memory to unpack') from error
            raise Corrupt(f'The {self._compression} stream is damaged: {str(error)[:200]}') from error


def _open_gzip(raw: Peeked) -> Callable[[int], bytes]:
    return cast(Callable[[int], bytes], igzip.open(cast(Any, raw), 'rb').read1)  # type: ignore[no-untyped-call]


def _open_zstd(raw: Peeked) -> Callable[[int], bytes]:
    if detect(raw.head) == 'zstd' and raw.head.startswith(_MAGIC[1][0]):
        window = zstandard.get_frame_parameters(raw.head).window_size
        if window > MAX_WINDOW_BYTES:
            raise UnacceptableImage(f'The zstd stream needs a window of {window} bytes, {MAX_WINDOW_BYTES} is allowed')
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    stream = decompressor.stream_reader(cast(Any, raw), read_size=_CHUNK, read_across_frames=True, closefd=False)
    return stream.read


def _open_xz(raw: Peeked) -> Callable[[int], bytes]:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY_BYTES)

    def read(size: int) -> bytes:
        while not decompressor.eof:
            fed = raw.read(_CHUNK) if decompressor.needs_input else b''
            if decompressor.needs_input and not fed:
                raise EOFError('it ends too early')
            if out := decompressor.decompress(fed, size):
                return out
        return b''

    return read


def _open_bzip2(raw: Peeked) -> Callable[[int], bytes]:
    decompressor = bz2.BZ2Decompressor()

    def read(size: int) -> bytes:
        nonlocal decompressor
        while True:
            is_hungry = decompressor.eof or decompressor.needs_input
            fed = decompressor.unused_data or (raw.read(_CHUNK) if is_hungry else b'')
            if decompressor.eof:  # others may follow
                if not fed:
                    return b''
                decompressor = bz2.BZ2Decompressor()
            elif is_hungry and not fed:
                raise EOFError('it ends too early')
            try:
                out = decompressor.decompress(fed, size)
            except OSError as error:
                raise _BrokenBzip2(str(error)) from error
            if out:
                return out

    return read


_OPENERS: dict[str, Callable[[Peeked], Callable[[int], bytes]]] = {
    'gzip': _open_gzip, 'zstd': _open_zstd, 'xz': _open_xz, 'bzip2': _open_bzip2,
    'none': lambda raw: raw.read}
