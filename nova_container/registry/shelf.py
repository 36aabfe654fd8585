# SPDX-License-Identifier: Apache-2.0
"""The images of a container store of Glance in a repository, by their tags.

``<image id>`` is the record of an image (``nova_container.image.stored``), and setting it is what keeps the image;
``<image id>.<hex>`` is the same record again, and tells without a further request that it needs the manifest
``image-<hex>``, by which equal images are pulled. Deleting a record's manifest takes both tags with it.
``snapshot-<image id>`` is what an engine has just sent, until its record stands; later it is left over.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator

from nova_container import errors
from nova_container.image import digest as digests
from nova_container.image.manifest import OCI_MANIFEST
from nova_container.image.stored import Place, Record, tag_of_image
from nova_container.registry.client import Repository

_RECORD = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_USE = re.compile(rf'({_RECORD.pattern})\.([0-9a-f]{{64}})')
_IMAGE = re.compile(r'image-([0-9a-f]{64})')
_SNAPSHOT = re.compile(rf'snapshot-{_RECORD.pattern}')


def tag_of_snapshot(image_id: str) -> str:
    """The tag under which an engine sends an image that is to get a record."""
    return f'snapshot-{image_id}'


class Shelf:
    """One repository, whose blobs others bring."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def keep(self, record: Record, manifest: bytes) -> Place:
        """Keep an image all of whose blobs are there, whole or not at all.

        :param manifest: by which it is pulled, b'' if it cannot be.
        """
        content = record.to_json()
        place = Place(record.image_id, digests.of_bytes(content))
        self._repository.put_manifest(place.image_id, content, OCI_MANIFEST)
        try:
            self.link(place, content, manifest)
        except BaseException:
            with contextlib.suppress(errors.ContainerError):
                self._repository.delete_manifest(place.record)
            raise
        return place

    def link(self, place: Place, record: bytes, manifest: bytes) -> None:
        """Say that the image needs its manifest, then have it there: a collection removes only what nobody needs."""
        if manifest:
            digest = digests.of_bytes(manifest)
            self._repository.put_manifest(_use(place, digest), record, OCI_MANIFEST)
            self._repository.put_manifest(tag_of_image(digest), manifest, OCI_MANIFEST)

    def is_linked(self, place: Place, manifest: str, tags: set[str]) -> bool:
        """Whether the tags that ``link`` sets are among these."""
        return {_use(place, manifest), tag_of_image(manifest)} <= tags

    def remove(self, place: Place, manifest: str) -> None:
        """Remove an image, and the manifest by which it is pulled if no other image needs that."""
        self._repository.delete_manifest(place.record)
        if manifest and not any(tag.endswith(f'.{digests.hex_of(manifest)}') for tag in self._repository.tags()):
            self._repository.delete_manifest(manifest)

    def places(self) -> list[Place]:
        """All images."""
        found = ((tag, self.digest_of(tag)) for tag in self._repository.tags() if _RECORD.fullmatch(tag))
        return [Place(tag, digest) for tag, digest in found if digest]

    def discard_left(self) -> Iterator[str]:
        """Remove manifests that no image needs; gives what was done, as sentences.

        One that an engine sent a moment ago may be among them: its blobs stay, and they are what its record needs.
        """
        tags = sorted(self._repository.tags())
        used = _used(tags)
        for tag in tags:
            match = _IMAGE.fullmatch(tag)
            if match and match[1] not in used:
                self._repository.delete_manifest(f'sha256:{match[1]}')
                yield f'removed the manifest {tag}, which no image needs'
        for tag in filter(_SNAPSHOT.fullmatch, tags):
            digest = self.digest_of(tag)
            if digest and digests.hex_of(digest) not in _used(self._repository.tags()):  # it may have its record by now
                self._repository.delete_manifest(digest)
                yield f'removed the manifest {tag}, which was sent for a snapshot'

    def digest_of(self, tag: str) -> str:
        """The digest of what a tag stands for; '' if nothing."""
        try:
            return self._repository.manifest(tag)[1]
        except errors.NotFound:
            return ''


def _used(tags: Iterable[str]) -> set[str]:
    """The hex digits of the manifests that records say they need."""
    return {match[2] for tag in tags if (match := _USE.fullmatch(tag))}


def _use(place: Place, manifest: str) -> str:
    return f'{place.image_id}.{digests.hex_of(manifest)}'
