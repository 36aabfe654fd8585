# SPDX-License-Identifier: Apache-2.0
"""Blobs on their way into a store, in a folder of their own that vanishes at the end.

What the store has already is borrowed (a hard link) rather than written again: it then outlives even a removal that
happens meanwhile. A file that says which blob it is (``blobs/sha256/...``) is compared with the store's while it
streams, so nothing is written unless it differs, and a blob of the store that was damaged is found and replaced.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from nova_container import errors
from nova_container.image import digest as digests

CHUNK = 1 << 20


class Stage:
    """A folder of blobs.

    :param borrow: makes a link of the store's blob of that digest at a path and says True, or False if it has none.
    :ivar blobs: digests with sizes of what was put here.
    :ivar own: those of them that were written here.
    """

    def __init__(self, folder: Path, borrow: Callable[[str, Path], bool]) -> None:
        self.folder, self._borrow = folder, borrow
        self.blobs: dict[str, int] = {}
        self.own: set[str] = set()

    def path(self, digest: str) -> Path:
        return self.folder / digest.replace(':', '-')

    def put(self, stream: digests.Readable, hint: str = '') -> tuple[str, int]:
        """Take in a stream and return its digest and size.

        :param hint: the digest that it is likely to have.
        """
        incoming = self.folder / 'incoming'
        with contextlib.closing(_Sink(incoming, self._borrowed(hint))) as sink:
            while chunk := stream.read(CHUNK):
                sink.write(chunk)
            sink.finish(hint)
        if sink.is_written:
            self._settle(incoming, sink.digest, hint)
        self.blobs[sink.digest] = sink.size
        return sink.digest, sink.size

    def put_bytes(self, content: bytes) -> str:
        return self.put(io.BytesIO(content))[0]

    def size(self, digest: str) -> int:
        """:raises BlobNotFound: it is not here."""
        if digest not in self.blobs:
            raise errors.BlobNotFound(digest)
        return self.blobs[digest]

    def open(self, digest: str) -> IO[bytes]:
        """:raises BlobNotFound: it is not here."""
        self.size(digest)
        return open(self.path(digest), 'rb')

    def drop(self, digest: str) -> None:
        """Forget a blob."""
        del self.blobs[digest]
        self.own.discard(digest)
        self.path(digest).unlink()

    def sync(self) -> None:
        """Have what was written here on disk."""
        for digest in sorted(self.own):
            with open(self.path(digest), 'rb') as file:
                os.fsync(file.fileno())

    def _borrowed(self, hint: str) -> BinaryIO | None:
        if not hint or not (self.path(hint).exists() or self._borrow(hint, self.path(hint))):
            return None
        return open(self.path(hint), 'rb')

    def _settle(self, incoming: Path, digest: str, hint: str) -> None:
        differs = digest == hint and self.path(digest).exists()
        if not differs and (self.path(digest).exists() or self._borrow(digest, self.path(digest))):
            incoming.unlink()
            return
        os.replace(incoming, self.path(digest))
        self.own.add(digest)


class _Sink:
    """Takes bytes, and writes them only from where they differ from a file that is known."""

    def __init__(self, path: Path, known: BinaryIO | None) -> None:
        self._path, self._known = path, known
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f'sha256:{self._hash.hexdigest()}'

    @property
    def is_written(self) -> bool:
        return self._file is not None

    def write(self, chunk: bytes) -> None:
        if self._known is not None and self._known.read(len(chunk)) != chunk:
            self._differ()
        self._hash.update(chunk)
        self.size += len(chunk)
        if self._known is None:
            self._opened().write(chunk)

    def finish(self, hint: str) -> None:
        if self._known is not None and (self._known.read(1) or self.digest != hint):
            self._differ()
        if self._known is None:
            self._opened().flush()

    def close(self) -> None:
        for file in (self._known, self._file):
            if file is not None:
                file.close()

    def _differ(self) -> None:
        """Write what was the same so far."""
        known, self._known = self._known, None
        assert known is not None
        with known:
            known.seek(0)
            left, file = self.size, self._opened()
            while left:
                left -= file.write(known.read(min(left, CHUNK)))

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = open(self._path, 'wb')  # noqa: SIM115 - closed by close()
        return self._file
