# SPDX-License-Identifier: Apache-2.0
"""One blob on its way into a file: verified, and taken up where it broke off."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import urllib3

from nova_container import errors
from nova_container.image import digest as digests
from nova_container.image.manifest import Descriptor
from nova_container.registry import wire
from nova_container.registry.client import Repository

_CHUNK = 1 << 20
_FROM = re.compile(r'bytes (\d+)-')


class GivenUp(Exception):
    """Nobody waits for the work any more."""


class Halt:
    """Ends work in other threads: what they wait for on the network is shut down."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[object, Callable[[], object]] = {}

    def end(self) -> None:
        self._ended.set()
        with self._lock:
            for shut in self._open.values():
                shut()

    def check(self) -> None:
        """:raises GivenUp: it was ended."""
        if self._ended.is_set():
            raise GivenUp

    def wait(self, seconds: float) -> None:
        """Wait, less if it is ended."""
        self._ended.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def watching(self, shut: Callable[[], object]) -> Iterator[None]:
        """Have ``shut`` called if it is ended within the block, which that must wake. :raises GivenUp:"""
        key = object()
        with self._lock:
            self._open[key] = shut
        try:
            if self._ended.is_set():
                shut()
                raise GivenUp
            yield
        finally:
            with self._lock:
                self._open.pop(key)


def _shut(response: urllib3.BaseHTTPResponse) -> None:
    try:
        response.shutdown()
    except (ValueError, OSError):  # it ended meanwhile
        return


class Download:
    """Fetches a blob. ``position`` is how many bytes of it are there."""

    def __init__(self, repository: Repository, blob: Descriptor, path: Path, halt: Halt,
                 tell: Callable[[int], None]) -> None:
        self._repository, self._blob, self._path = repository, blob, path
        self._halt, self._tell = halt, tell
        self.position = 0

    def run(self) -> None:
        """Fetch all of it into the file, which is there afterwards, verified, or not at all.

        :raises DigestMismatch: other bytes came.  :raises Unavailable: it broke off too often.
        """
        try:
            with open(self._path, 'xb', buffering=0) as file:
                found = self._fill(file)
            if found != self._blob.digest:
                raise errors.DigestMismatch(f'The blob {self._blob.digest}', self._blob.digest, found)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise

    def _fill(self, file: BinaryIO) -> str:
        settings, failures = self._repository.registry.settings, 0
        self._hash = hashlib.new(digests.algorithm_of(self._blob.digest))
        while self.position < self._blob.size:
            before = self.position
            try:
                self._take(file)
            except errors.Unavailable:
                self._halt.check()
                failures = 1 if self.position > before else failures + 1
                if failures >= settings.attempts:
                    raise
                self._halt.wait(settings.backoff_s * 2 ** (failures - 1))
        return f'{digests.algorithm_of(self._blob.digest)}:{self._hash.hexdigest()}'

    def _take(self, file: BinaryIO) -> None:
        """Read one answer as far as it goes. :raises Unavailable: it ended before the blob did."""
        response = self._repository.blob(self._blob.digest, start=self.position)
        try:
            if not self._continues(response):
                self._start_over(file)
            with self._halt.watching(lambda: _shut(response)), wire.reachable(self._repository.name):
                for chunk in response.stream(_CHUNK, decode_content=False):
                    self._add(file, chunk)
            if self.position < self._blob.size:
                raise errors.Unavailable(f'The blob {self._blob.digest} ended after {self.position} bytes')
            response.release_conn()
        finally:
            response.close()

    def _add(self, file: BinaryIO, chunk: bytes) -> None:
        self._halt.check()
        if self.position + len(chunk) > self._blob.size:
            raise errors.Corrupt(f'The blob {self._blob.digest} is longer than the {self._blob.size} bytes promised')
        self._hash.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[file.write(view):]
        self.position += len(chunk)
        self._tell(self.position)

    def _continues(self, response: urllib3.BaseHTTPResponse) -> bool:
        if not self.position:
            return response.status == 200 or self._starts_at(response) == 0
        return response.status == 206 and self._starts_at(response) == self.position

    @staticmethod
    def _starts_at(response: urllib3.BaseHTTPResponse) -> int | None:
        match = _FROM.match(response.headers.get('Content-Range', ''))
        return int(match[1]) if match else None

    def _start_over(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        self.position = 0
        self._hash = hashlib.new(digests.algorithm_of(self._blob.digest))
