# SPDX-License-Identifier: Apache-2.0
"""Content digests: the only names of content that reach a path.

A digest is text, ``sha256:<64 lowercase hex>`` or ``sha512:<128 lowercase hex>`` (OCI image-spec, descriptor.md).
Nothing builds a path from a digest that has not been through :func:`parse`.
"""

import hashlib
import io
import re
from typing import Protocol

from nova_container.errors import InvalidReference, UnacceptableImage

_FORMS = {'sha256': re.compile(r'[0-9a-f]{64}'), 'sha512': re.compile(r'[0-9a-f]{128}')}


class Readable(Protocol):
    """What streams of bytes are read through: ``read(n)`` gives at most n bytes, none at the end."""

    def read(self, size: int, /) -> bytes: ...


def parse(text: object) -> str:
    """Return the digest unchanged if it is well formed.

    :raises InvalidReference: it is not ``sha256:`` and 64 (``sha512:`` and 128) lowercase hexadecimal digits.
    """
    if isinstance(text, str):
        algorithm, _, value = text.partition(':')
        form = _FORMS.get(algorithm)
        if form is not None and form.fullmatch(value):
            return text
    raise InvalidReference(f'Malformed digest {str(text)[:100]!r}: write sha256: and 64 lowercase hexadecimal digits')


def algorithm_of(digest: str) -> str:
    """Return ``sha256`` or ``sha512``.

    :raises InvalidReference: the digest is malformed.
    """
    return parse(digest).partition(':')[0]


def hex_of(digest: str) -> str:
    """Return the hexadecimal part.

    :raises InvalidReference: the digest is malformed.
    """
    return parse(digest).partition(':')[2]


def of_bytes(content: bytes) -> str:
    """Return the sha256 digest of the content."""
    return 'sha256:' + hashlib.sha256(content).hexdigest()


class DigestReader(io.RawIOBase):
    """A stream that hashes what is read through it and stops a stream that is too long.

    :param source: anything with ``read(n)``.
    :param limit_bytes: the most that may be read; one byte more raises UnacceptableImage.
    :param algorithm: ``sha256`` or ``sha512``.
    """

    def __init__(self, source: Readable, limit_bytes: int, algorithm: str = 'sha256') -> None:
        super().__init__()
        self._source, self._limit, self._algorithm = source, limit_bytes, algorithm
        self._hash = hashlib.new(algorithm)
        self.size_bytes = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most size bytes; all that is left if size is negative.

        :raises UnacceptableImage: there is more than the limit.
        """
        if size < 0:
            return b''.join(iter(lambda: self.read(1 << 20), b''))
        chunk = self._source.read(size)
        self.size_bytes += len(chunk)
        if self.size_bytes > self._limit:
            raise UnacceptableImage(f'The stream is longer than {self._limit} bytes')
        self._hash.update(chunk)
        return chunk

    def readinto(self, buffer: 'memoryview') -> int:  # type: ignore[override]
        """Fill the buffer as far as one read goes and return the number of bytes."""
        chunk = self.read(len(buffer))
        buffer[:len(chunk)] = chunk
        return len(chunk)

    @property
    def digest(self) -> str:
        """The digest of what has been read so far."""
        return f'{self._algorithm}:{self._hash.hexdigest()}'
