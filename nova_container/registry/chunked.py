# SPDX-License-Identifier: Apache-2.0
"""A file sent to a registry in chunks, taken up where it broke off (distribution-spec, "Pushing a blob in chunks")."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors
from nova_container.registry.client import Repository

_PIECE = 1 << 20
_RANGE = re.compile(r'(?:bytes=)?0-(\d+)')


class ChunkedUpload:
    """Sends one file as a blob.

    :param digest: what it is known to have.
    """

    def __init__(self, repository: Repository, path: Path, digest: str, chunk_bytes: int) -> None:
        self._repository, self._path, self._digest = repository, path, digest
        self._chunk_bytes, self._size = chunk_bytes, path.stat().st_size

    def run(self) -> None:
        """:raises Unavailable: it broke off too often.  :raises DigestMismatch: the registry got other bytes."""
        settings, failures, position, location = self._repository.registry.settings, 0, 0, ''
        while True:
            try:
                if not location:
                    location, position = self._begin(), 0
                while position < self._size or not self._size:
                    location = self._send(location, position)
                    position = min(position + self._chunk_bytes, self._size)
                    failures = 0
                    if not self._size:
                        break
                self._repository.end_upload(location, self._digest)
                return
            except (errors.Unavailable, errors.InvalidRequest, errors.NotFound):
                failures += 1
                if failures >= settings.attempts:
                    raise
                time.sleep(settings.backoff_s * 2 ** (failures - 1))
                location, position = self._resume(location)

    def _begin(self) -> str:
        location = self._repository.begin_upload()
        if location is None:
            raise errors.Corrupt('The registry took a blob that was not offered')
        return location

    def _send(self, location: str, position: int) -> str:
        size = min(self._chunk_bytes, self._size - position)
        return self._repository.send_chunk(location, lambda: self._pieces(position, size), position, size)

    def _resume(self, location: str) -> tuple[str, int]:
        """Where to go on, and with which byte; '' to begin anew, as the registry may have dropped all."""
        try:
            found, received = self._repository.upload_status(location) if location else ('', '')
        except errors.ContainerError:
            return '', 0
        match = _RANGE.fullmatch(received)
        last = int(match[1]) if match else 0
        # An upload of nothing and one of one byte are both told as 0-0.
        return (found, last + 1) if 0 < last < self._size else ('', 0)

    def _pieces(self, position: int, size: int) -> Iterator[bytes]:
        with open(self._path, 'rb') as file:
            file.seek(position, os.SEEK_SET)
            while size and (piece := file.read(min(size, _PIECE))):
                size -= len(piece)
                yield piece
