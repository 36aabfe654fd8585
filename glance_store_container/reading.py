# SPDX-License-Identifier: Apache-2.0
"""The bytes of an image put together again, all of them or a range."""

from collections.abc import Iterator

from glance_store_container.backend import Backend
from nova_container import errors
from nova_container.image.stored import Place


class Reading:
    """An image that is read.

    :raises ImageNotFound: there is none at the place.  :raises BlobNotFound: part of it is lost.
    """

    def __init__(self, backend: Backend, place: Place) -> None:
        self._backend = backend
        self._record = backend.record(place)
        self._recipe = backend.recipe(self._record)
        self.size = self._recipe.size

    def chunks(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """So many bytes from the offset on, fewer if the image ends.

        :raises BlobNotFound: part of it is lost: found before the first byte is given, where that is cheap.
        """
        self._check_present()
        return self._chunks(offset or 0, self.size if length is None else length)

    def _check_present(self) -> None:
        for digest in {piece.digest for piece in self._recipe.pieces} - {''}:
            if not self._backend.has(digest):
                raise errors.BlobNotFound(digest)

    def _chunks(self, offset: int, length: int) -> Iterator[bytes]:
        for digest, start, size in self._parts(offset, length):
            yield from self._backend.read(digest, self._record.blobs[digest], start, size)

    def _parts(self, offset: int, length: int) -> Iterator[tuple[str, int, int]]:
        """What to read: of which blob, from where, how many bytes."""
        end = min(offset + length, self.size)
        position = literals = 0
        for piece in self._recipe.pieces:
            begin = 0 if piece.digest else literals
            low, high = max(offset, position), min(end, position + piece.size)
            if low < high:
                yield piece.digest or self._recipe.literals, begin + low - position, high - low
            position += piece.size
            literals += 0 if piece.digest else piece.size
