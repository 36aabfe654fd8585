# SPDX-License-Identifier: Apache-2.0
"""The data of an image on its way in: counted, and hashed as Glance wants it."""

import concurrent.futures
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import glance_store
from glance_store.common import utils


class Intake:
    """A stream of the bytes that Glance gives.

    The two hashes are made at the same time: together they take longer than all else.

    :param promised: how many there should be; 0 if that is not known.
    """

    def __init__(self, source: Any, promised: int | None, algorithm: str, verifier: Any = None) -> None:
        self._read: Callable[[int], bytes] = source.read if hasattr(source, 'read') else _reader(iter(source))
        self._promised, self._verifier = promised or 0, verifier
        self._checksum: hashlib._Hash = utils.get_hasher('md5', False)
        self._multihash: hashlib._Hash = utils.get_hasher(algorithm, False)
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self.size = 0

    def __enter__(self) -> 'Intake':
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, none at the end. :raises Invalid: there are more than were promised."""
        chunk = self._read(size)
        if not chunk:
            return b''
        self.size += len(chunk)
        if self._promised and self.size > self._promised:
            raise glance_store.Invalid(f'Size exceeds: expected {self._promised} bytes, got {self.size} bytes')
        other = self._thread.submit(self._multihash.update, chunk)
        self._checksum.update(chunk)
        other.result()
        if self._verifier:
            self._verifier.update(chunk)
        return chunk

    def check_whole(self) -> None:
        """:raises Invalid: there are fewer bytes than were promised."""
        if self._promised and self.size != self._promised:
            raise glance_store.Invalid(f'Size mismatch: expected {self._promised} bytes, got {self.size} bytes')

    @property
    def checksum(self) -> str:
        return self._checksum.hexdigest()

    @property
    def multihash(self) -> str:
        return self._multihash.hexdigest()


def _reader(chunks: Iterator[bytes]) -> Callable[[int], bytes]:
    """Read from an iterator of bytes; each read takes from one of them."""
    rest = b''

    def read(size: int) -> bytes:
        nonlocal rest
        while not rest:
            found = next(chunks, None)
            if found is None:
                return b''
            rest = found
        taken, rest = rest[:size], rest[size:]
        return taken

    return read
