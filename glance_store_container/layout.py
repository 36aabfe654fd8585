# SPDX-License-Identifier: Apache-2.0
"""Images in a directory that is an OCI layout (image-spec, image-layout.md), which any OCI tool reads.

``index.json`` lists the record of each image under its Glance id, and the manifest by which it can be pulled under
``image-<digest>``; it is replaced whole, under a lock, and is the one truth: an image is kept once it is listed, and
gone once it is not. Blobs come before that and go after it, so an end at any moment leaves only blobs that nobody
lists, for the next collection. Works on a directory that several hosts share if its locks and links do (NFS 4).
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from glance_store_container.backend import Backend, Collected
from glance_store_container.incoming import Incoming
from glance_store_container.packaging import Package
from glance_store_container.staging import Stage
from nova_container import errors
from nova_container.host import files
from nova_container.image import digest as digests
from nova_container.image import manifest, oci_layout
from nova_container.image.stored import ARTIFACT, Place, Record, tag_of_image

LOG = logging.getLogger(__name__)
_CHUNK = 1 << 20


class Layout(Backend):
    """An OCI layout.

    :param root: made if missing, mode 0700.
    :param capacity_bytes: the most bytes that blobs may take; 0 is no limit.
    :param read_only: nothing is ever written, so it may be on a file system that is mounted so.
    """

    def __init__(self, root: Path, capacity_bytes: int = 0, *, read_only: bool = False) -> None:
        self.root, self._capacity = root, capacity_bytes
        self._blobs, self._index_file = root / 'blobs/sha256', root / 'index.json'
        self._incoming = Incoming(root / 'incoming')
        if not read_only:
            self._prepare()

    def _prepare(self) -> None:
        for folder in (self.root, self.root / 'blobs', self._blobs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.prepare()
        with files.locked(self.root / 'lock'):
            if not self._index_file.exists():
                files.write_atomically(self.root / oci_layout.LAYOUT_NAME, oci_layout.LAYOUT)
                self._write_index({})

    def staging(self) -> AbstractContextManager[Stage]:
        return self._incoming.stage(self._borrow)

    def keep(self, package: Package) -> Place:
        stage, record = package.stage, package.record
        content = record.to_json()
        place = Place(record.image_id, stage.put_bytes(content))
        stage.sync()
        with files.locked(self.root / 'lock'):
            index = self._index()
            if place.image_id in index:
                raise errors.AlreadyExists(f'The image {place.image_id} is in the store already')
            wanted = (*record.all_blobs, place.record)
            self._check_room(stage, wanted)
            for digest in wanted:
                self._settle(stage, digest)
            files.sync_directory(self._blobs)
            index[place.image_id] = _descriptor(place.image_id, place.record, len(content))
            if package.manifest:
                tag = tag_of_image(package.manifest)
                index[tag] = _descriptor(tag, package.manifest, stage.size(package.manifest))
            self._write_index(index)
        return place

    def remove(self, place: Place) -> None:
        with files.locked(self.root / 'lock'):
            index = self._index()
            if index.get(place.image_id, {}).get('digest') != place.record:
                raise errors.ImageNotFound(place.image_id)
            try:
                gone = {place.record, *Record.parse(self.document(place.record)).all_blobs}
            except (errors.NotFound, errors.Corrupt):
                gone = {place.record}
            del index[place.image_id]
            needed = self._needed(index)
            self._write_index(_without_unneeded(index, needed))
            for digest in gone - needed:
                self._path(digest).unlink(missing_ok=True)

    def document(self, digest: str) -> bytes:
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise errors.ImageNotFound(digest) from None
        if digests.of_bytes(content) != digest:
            raise errors.DigestMismatch('A record in the store', digest, digests.of_bytes(content))
        return content

    def read(self, digest: str, size: int, start: int, length: int) -> Iterator[bytes]:
        try:
            file = open(self._path(digest), 'rb')  # noqa: SIM115 - closed by the generator
        except FileNotFoundError:
            raise errors.BlobNotFound(digest) from None
        return self._pieces(file, digest, size, start, length)

    def has(self, digest: str) -> bool:
        return self._path(digest).is_file()

    def places(self) -> list[Place]:
        return [Place(tag, entry['digest']) for tag, entry in self._index().items() if _is_record(entry)]

    def collect(self, unknown: Collection[Place] = ()) -> Collected:
        found = Collected()
        for place in unknown:
            with contextlib.suppress(errors.ImageNotFound):
                self.remove(place)
                found.done.append(f'removed the image {place.image_id}, which is not known')
        found.done += [f'removed what is left of {name}' for name in self._incoming.discard_left()]
        with files.locked(self.root / 'lock'):
            for left in self.root.glob('.*.json.*'):
                left.unlink()
                found.done.append(f'removed {left.name}')
            index = self._index()
            needed = self._needed(index)
            kept = _without_unneeded(index, needed)
            if kept != index:
                self._write_index(kept)
                found.done += [f'removed the tag {tag}' for tag in index.keys() - kept.keys()]
            for path in sorted(self._blobs.iterdir()):
                if f'sha256:{path.name}' not in needed:
                    found.freed_bytes += path.stat().st_size
                    path.unlink()
                    found.done.append(f'removed the blob {path.name}, which no image needs')
        return found

    def _needed(self, index: dict[str, Any]) -> set[str]:
        """All blobs that the images of an index need. :raises Corrupt: a record cannot be read, so nobody knows."""
        needed: set[str] = set()
        for tag, entry in index.items():
            if _is_record(entry):
                try:
                    needed.update((entry['digest'], *Record.parse(self.document(entry['digest'])).all_blobs))
                except errors.ContainerError as error:
                    raise errors.Corrupt(f'The record of the image {tag} is damaged, so nothing is removed: delete '
                                         f'that image first, or restore the record: {error}') from error
        return needed

    def _check_room(self, stage: Stage, wanted: Collection[str]) -> None:
        if self._capacity:
            used = sum(path.stat().st_size for path in self._blobs.iterdir())
            more = sum(stage.size(digest) for digest in wanted if not self.has(digest))
            if used + more > self._capacity:
                raise errors.Exhausted(f'The store may hold {self._capacity} bytes, has {used}, and the image needs '
                                       f'{more} more: raise container_store_capacity_gb or delete images')

    def _settle(self, stage: Stage, digest: str) -> None:
        """A blob written anew replaces one that was damaged."""
        if digest in stage.own:
            os.replace(stage.path(digest), self._path(digest))
        elif not self.has(digest):
            os.link(stage.path(digest), self._path(digest))

    def _borrow(self, digest: str, path: Path) -> bool:
        try:
            os.link(self._path(digest), path)
        except FileNotFoundError:
            return False
        return True

    def _path(self, digest: str) -> Path:
        return self._blobs / digests.hex_of(digest)

    @staticmethod
    def _pieces(file: Any, digest: str, size: int, start: int, length: int) -> Iterator[bytes]:
        with file:
            file.seek(start)
            hashed = hashlib.sha256() if (start, length) == (0, size) else None
            while length:
                chunk = file.read(min(length, _CHUNK))
                if not chunk:
                    raise errors.Corrupt(f'The blob {digest} in the store is cut short')
                length -= len(chunk)
                if hashed is not None:
                    hashed.update(chunk)
                    if not length and f'sha256:{hashed.hexdigest()}' != digest:
                        raise errors.DigestMismatch('A blob in the store', digest, f'sha256:{hashed.hexdigest()}')
                yield chunk

    def _index(self) -> dict[str, Any]:
        """The entries by their tags. :raises Corrupt: the index cannot be read."""
        try:
            listed = json.loads(self._index_file.read_bytes())['manifests']
            return {entry['annotations'][oci_layout.REFERENCE_NAME]: entry for entry in listed}
        except (ValueError, KeyError, TypeError) as error:
            raise errors.Corrupt(f'{self._index_file} cannot be read: {error!r}') from error

    def _write_index(self, index: dict[str, Any]) -> None:
        files.write_atomically(self._index_file, json.dumps(
            {'schemaVersion': 2, 'mediaType': manifest.OCI_INDEX, 'manifests': list(index.values())}).encode())


def _descriptor(tag: str, digest: str, size: int) -> dict[str, Any]:
    entry = {'mediaType': manifest.OCI_MANIFEST, 'digest': digest, 'size': size,
             'annotations': {oci_layout.REFERENCE_NAME: tag}}
    return entry if tag == tag_of_image(digest) else {**entry, 'artifactType': ARTIFACT}


def _is_record(entry: dict[str, Any]) -> bool:
    return bool(entry.get('artifactType') == ARTIFACT)


def _without_unneeded(index: dict[str, Any], needed: set[str]) -> dict[str, Any]:
    return {tag: entry for tag, entry in index.items() if _is_record(entry) or entry['digest'] in needed}
