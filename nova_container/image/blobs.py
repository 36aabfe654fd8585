# SPDX-License-Identifier: Apache-2.0
"""A directory of content named by digest: ``root/sha256/<hex>``, written whole or not at all.

What comes from one archive is collected in a :class:`Staging` first, which no other reader sees, and is then kept
blob by blob: a load that fails has nothing to undo in the store, and two loads of one image do not disturb each other.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from nova_container.errors import BlobNotFound, DigestMismatch
from nova_container.image import digest as digests

_CHUNK = 1 << 20
_INCOMING = 'incoming'


class BlobStore:
    """Content-addressed storage below one directory, which only its owner can enter.

    :param root: made if missing, mode 0700.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._incoming = self.root / _INCOMING
        for directory in (self.root, self._incoming, *(self.root / name for name in ('sha256', 'sha512'))):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, stream: digests.Readable, expected_digest: str | None = None,
            limit: int = 1 << 50) -> tuple[str, int]:
        """Store the stream and return its digest and size in bytes. Storing again what is there is silent.

        :param limit: the most bytes accepted.
        :raises DigestMismatch: it is not what was expected; nothing is stored.
        :raises UnacceptableImage: it is longer than the limit; nothing is stored.
        """
        with self.staging() as staged:
            digest = staged.put(stream, expected_digest, limit)
            staged.keep({digest})
            return digest, staged.size(digest)

    def adopt(self, file: Path, digest: str) -> None:
        """Take over a file of the same file system that is verified and on disk; silent if the blob is there."""
        if not self.has(digest):
            self._settle(file, digest)

    def path(self, digest: str) -> Path:
        """Return where the blob is, or would be.

        :raises InvalidReference: the digest is malformed.
        """
        return self.root / digests.algorithm_of(digest) / digests.hex_of(digest)

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; the caller closes it.

        :raises BlobNotFound: there is none.
        """
        try:
            return open(self.path(digest), 'rb')
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def size(self, digest: str) -> int:
        """Return the size in bytes.

        :raises BlobNotFound: there is none.
        """
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def has(self, digest: str) -> bool:
        """Say whether the blob is there."""
        return self.path(digest).is_file()

    def remove(self, digest: str) -> None:
        """Remove the blob. Silent if there is none."""
        self.path(digest).unlink(missing_ok=True)

    def all(self) -> tuple[str, ...]:
        """Return the digests of all blobs, sorted."""
        return tuple(sorted(f'{name}:{file.name}' for name in ('sha256', 'sha512')
                            for file in (self.root / name).iterdir()))

    def discard_incoming(self) -> None:
        """Remove what an interrupted write left. Call it when the store has just been opened by its one owner."""
        for left in self._incoming.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    @contextlib.contextmanager
    def staging(self) -> 'Iterator[Staging]':
        """Give a private place on the same file system for blobs not yet accepted; it vanishes at the end."""
        directory = tempfile.mkdtemp(dir=self._incoming)
        try:
            yield Staging(self, Path(directory))
        finally:
            shutil.rmtree(directory)

    def _settle(self, file: Path, digest: str) -> None:
        place = self.path(digest)
        os.rename(file, place)
        directory = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class Staging:
    """Blobs on their way into a store. Made by :meth:`BlobStore.staging`."""

    def __init__(self, store: BlobStore, directory: Path) -> None:
        self._store, self._directory = store, directory
        self._sizes: dict[str, int] = {}

    def put(self, stream: digests.Readable, expected_digest: str | None, limit: int) -> str:
        """Write the stream here and return its digest.

        :raises DigestMismatch: it is not what was expected.
        :raises UnacceptableImage: it is longer than the limit.
        """
        algorithm = digests.algorithm_of(expected_digest) if expected_digest else 'sha256'
        reader = digests.DigestReader(stream, limit, algorithm)
        incoming = self._directory / 'incoming'
        with open(incoming, 'wb') as file:
            while chunk := reader.read(_CHUNK):
                file.write(chunk)
        if expected_digest not in (None, reader.digest):
            raise DigestMismatch('The blob', str(expected_digest), reader.digest)
        os.rename(incoming, self._path(reader.digest))
        self._sizes[reader.digest] = reader.size_bytes
        return reader.digest

    def size(self, digest: str) -> int:
        """Return the size in bytes of a blob that is staged.

        :raises BlobNotFound: it is not.
        """
        if digest not in self._sizes:
            raise BlobNotFound(digest)
        return self._sizes[digest]

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob that is staged; the caller closes it.

        :raises BlobNotFound: it is not.
        """
        self.size(digest)
        return open(self._path(digest), 'rb')

    def keep(self, digests_to_keep: set[str]) -> None:
        """Move these blobs into the store, each whole; those the store has already are left alone."""
        for digest in sorted(digests_to_keep):
            if not self._store.has(digest):
                with open(self._path(digest), 'rb') as file:
                    os.fsync(file.fileno())
                self._store._settle(self._path(digest), digest)

    def _path(self, digest: str) -> Path:
        return self._directory / digest.replace(':', '-')
