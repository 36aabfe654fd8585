# SPDX-License-Identifier: Apache-2.0
"""Images in a repository of an OCI registry.

Tags say what is there, see ``nova_container.registry.shelf``: nova-compute keeps snapshots there by the same code.

Blobs are freed by the registry's own collection (``docker-registry garbage-collect``), for which the manifests are the
roots: the API does not list blobs. Everything that stands between an upload's first byte and its tag is such a blob.
"""

import concurrent.futures
import contextlib
import hashlib
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from glance_store_container.backend import Backend, Collected
from glance_store_container.incoming import Incoming
from glance_store_container.packaging import Package
from glance_store_container.staging import Stage
from nova_container import errors
from nova_container.engine.registry import Credentials
from nova_container.image.stored import Place
from nova_container.registry import Registry, RegistrySettings, Repository, wire
from nova_container.registry.chunked import ChunkedUpload
from nova_container.registry.shelf import Shelf

_CHUNK = 1 << 20


class Remote(Backend):
    """A repository.

    :param spool: directory for what is on its way to the registry; made if missing.
    """

    def __init__(self, domain: str, path: str, settings: RegistrySettings, credentials: Credentials | None,
                 spool: Path, chunk_bytes: int) -> None:
        self.domain, self.path = domain, path
        self._settings, self._credentials = settings, credentials
        self._incoming, self._chunk_bytes = Incoming(spool), chunk_bytes
        self._lock = threading.Lock()
        self._opened: tuple[int, Repository] | None = None
        self._incoming.prepare()

    def staging(self) -> AbstractContextManager[Stage]:
        self._incoming.discard_left()
        return self._incoming.stage(lambda digest, path: False)

    def keep(self, package: Package) -> Place:
        repository, record = self._repository(), package.record
        shelf = Shelf(repository)
        there = shelf.digest_of(record.image_id)
        if there and not self._discard_unfinished(shelf, Place(record.image_id, there)):
            raise errors.AlreadyExists(f'The image {record.image_id} is in the registry already')
        self._send(repository, package)
        return shelf.keep(record, self._content(package.manifest, record.blobs.get(package.manifest, 0)))

    def remove(self, place: Place) -> None:
        self.document(place.record)
        Shelf(self._repository()).remove(place, self._manifest_of(place))

    def document(self, digest: str) -> bytes:
        return self._repository().manifest(digest)[0]

    def read(self, digest: str, size: int, start: int, length: int) -> Iterator[bytes]:
        hashed = hashlib.sha256() if (start, length) == (0, size) else None
        for chunk in self._chunks(digest, start, length):
            length -= len(chunk)
            if hashed is not None:
                hashed.update(chunk)
                if not length and f'sha256:{hashed.hexdigest()}' != digest:
                    raise errors.DigestMismatch('A blob of the registry', digest, f'sha256:{hashed.hexdigest()}')
            yield chunk

    def has(self, digest: str) -> bool:
        return self._repository().has_blob(digest)

    def places(self) -> list[Place]:
        return Shelf(self._repository()).places()

    def collect(self, unknown: Collection[Place] = ()) -> Collected:
        found, repository = Collected(), self._repository()
        found.done += [f'removed what is left of {name}' for name in self._incoming.discard_left()]
        for place in unknown:
            with contextlib.suppress(errors.NotFound):
                self.remove(place)
                found.done.append(f'removed the image {place.image_id}, which is not known')
        tags = set(repository.tags())
        for place in self.places():
            self._repair(Shelf(repository), place, tags, found)
        found.done += Shelf(repository).discard_left()
        return found

    def _repair(self, shelf: Shelf, place: Place, tags: set[str], found: Collected) -> None:
        """Give an image the tags that an upload which ended early did not."""
        try:
            manifest = self._manifest_of(place)
        except errors.Corrupt as error:
            found.done.append(f'cannot read the image {place.image_id}: {error}')
            return
        if manifest and not shelf.is_linked(place, manifest, tags):
            content = self._content(manifest, self.record(place).blobs[manifest])
            shelf.link(place, self.document(place.record), content)
            found.done.append(f'tagged the manifest of the image {place.image_id} again')

    def _manifest_of(self, place: Place) -> str:
        return self.recipe(self.record(place)).manifest

    def _content(self, manifest: str, size: int) -> bytes:
        return b''.join(self.read(manifest, size, 0, size)) if manifest else b''

    def _discard_unfinished(self, shelf: Shelf, place: Place) -> bool:
        """Remove an image whose upload failed and could not be taken back, as the registry had gone; False if whole."""
        manifest = self._manifest_of(place)
        if not manifest or shelf.is_linked(place, manifest, set(self._repository().tags())):
            return False
        self.remove(place)
        return True

    def _send(self, repository: Repository, package: Package) -> None:
        """Bring all blobs that the registry does not have, some at the same time."""
        def send(digest: str) -> None:
            if not repository.has_blob(digest):
                ChunkedUpload(repository, package.stage.path(digest), digest, self._chunk_bytes).run()

        with concurrent.futures.ThreadPoolExecutor(self._settings.uploads) as pool:
            sent = [pool.submit(send, digest) for digest in package.record.all_blobs]
            try:
                for one in concurrent.futures.as_completed(sent):
                    one.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _chunks(self, digest: str, start: int, length: int) -> Iterator[bytes]:
        """Read, and take up again what breaks off."""
        failures = 0
        while length:
            before = length
            try:
                for chunk in self._answer(digest, start, length):
                    start, length = start + len(chunk), length - len(chunk)
                    yield chunk
                if length:
                    raise errors.Unavailable(f'The blob {digest} of {self.domain} broke off')
            except errors.Unavailable:
                failures = 1 if length < before else failures + 1
                if failures >= self._settings.attempts:
                    raise
                threading.Event().wait(self._settings.backoff_s * 2 ** (failures - 1))

    def _answer(self, digest: str, start: int, length: int) -> Iterator[bytes]:
        try:
            response = self._repository().blob(digest, start=start)
        except errors.NotFound:
            raise errors.BlobNotFound(digest) from None
        skip = start if response.status == 200 else 0
        try:
            chunks = response.stream(_CHUNK, decode_content=False)
            while length:
                with wire.reachable(self.domain):
                    chunk = next(chunks, b'')
                if not chunk:
                    return
                skip, chunk = max(0, skip - len(chunk)), chunk[skip:][:length]
                length -= len(chunk)
                if chunk:
                    yield chunk
        finally:
            response.close()

    def _repository(self) -> Repository:
        """The repository, by a connection of this process."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                registry = Registry.connect(self.domain, self._settings, self._credentials)
                self._opened = os.getpid(), registry.repository(self.path, writing=True)
            return self._opened[1]
