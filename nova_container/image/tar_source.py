# SPDX-License-Identifier: Apache-2.0
"""The bytes of a tar, read once from front to back: hashed, counted, and never for longer than allowed."""

import hashlib
import time
from collections.abc import Iterator

from nova_container.errors import Corrupt, Exhausted, UnacceptableImage
from nova_container.image.digest import Readable

_CHUNK = 1 << 20


class ByteSource:
    """A buffered, hashing reader.

    :param stream: the uncompressed tar.
    :param max_bytes: the most it may hold.
    :param deadline_s: seconds from now in which it must be read.
    :param hashing: compute :attr:`digest`.

    :ivar size_bytes: what has been read from the stream.
    """

    def __init__(self, stream: Readable, max_bytes: int, deadline_s: float, *, hashing: bool = True) -> None:
        self._stream, self._max = stream, max_bytes
        self._deadline, self._allowed_s = time.monotonic() + deadline_s, deadline_s
        self._buffer, self._position = b'', 0
        self._hash, self._hashing = hashlib.sha256(), hashing
        self.size_bytes = 0

    @property
    def digest(self) -> str:
        """The digest of what has been read from the stream: the diff_id after :meth:`drain`."""
        return 'sha256:' + self._hash.hexdigest()

    def check_time(self) -> None:
        """Check the deadline.

        :raises Exhausted: it has passed.
        """
        if time.monotonic() > self._deadline:
            raise Exhausted(f'Reading the archive took longer than {self._allowed_s:g} s')

    def take(self, size: int) -> bytes:
        """Return exactly size bytes.

        :raises Corrupt: the stream ends before.
        """
        end = self._position + size
        if end <= len(self._buffer):
            taken = self._buffer[self._position:end]
            self._position = end
            return taken
        return b''.join(bytes(piece) for piece in self.pieces(size))

    def at_end(self) -> bool:
        """Say whether nothing is left."""
        return self._position == len(self._buffer) and not self._refill()

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Give exactly size bytes as views, each valid until the next is asked for.

        :raises Corrupt: the stream ends before.
        """
        while size:
            if self._position == len(self._buffer) and not self._refill():
                raise Corrupt('The archive is cut short')
            start = self._position
            self._position = min(start + size, len(self._buffer))
            size -= self._position - start
            yield memoryview(self._buffer)[start:self._position]

    def skip(self, size: int) -> None:
        """Read past exactly size bytes.

        :raises Corrupt: the stream ends before.
        """
        if self._position + size <= len(self._buffer):
            self._position += size
            return
        for _ in self.pieces(size):
            pass

    def drain(self) -> None:
        """Read to the end, so that the digest covers all."""
        self._position = len(self._buffer)
        while self._refill():
            self._position = len(self._buffer)

    def _refill(self) -> bool:
        self.check_time()
        self._buffer, self._position = self._stream.read(_CHUNK), 0
        self.size_bytes += len(self._buffer)
        if self.size_bytes > self._max:
            raise UnacceptableImage(f'The archive unpacks to more than the allowed {self._max} bytes')
        if self._hashing:
            self._hash.update(self._buffer)
        return bool(self._buffer)
