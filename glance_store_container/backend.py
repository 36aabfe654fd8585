# SPDX-License-Identifier: Apache-2.0
"""What a place that keeps images promises, be it a directory or a registry."""

import abc
import dataclasses
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager

from glance_store_container.packaging import Package
from glance_store_container.staging import Stage
from nova_container import errors
from nova_container.image import digest as digests
from nova_container.image.stored import Place, Recipe, Record


@dataclasses.dataclass
class Collected:
    """What a garbage collection did: sentences, and the bytes it freed as far as that is known."""

    done: list[str] = dataclasses.field(default_factory=list)
    freed_bytes: int = 0


class Backend(abc.ABC):
    """Keeps images. All methods may be called from many threads and processes at once."""

    @abc.abstractmethod
    def staging(self) -> AbstractContextManager[Stage]:
        """A stage for one upload, gone with all on it at the end."""

    @abc.abstractmethod
    def keep(self, package: Package) -> Place:
        """Keep an image, whole or not at all.

        :raises AlreadyExists: there is an image of that id.  :raises Exhausted: there is no room.
        """

    @abc.abstractmethod
    def remove(self, place: Place) -> None:
        """Remove an image, and of its blobs those that no other image needs. :raises ImageNotFound:"""

    @abc.abstractmethod
    def document(self, digest: str) -> bytes:
        """The manifest of a record, verified. :raises ImageNotFound:"""

    @abc.abstractmethod
    def read(self, digest: str, size: int, start: int, length: int) -> Iterator[bytes]:
        """Part of a blob; one that is read whole is verified before its last bytes are given.

        :raises BlobNotFound: :raises Corrupt: it is not what its digest says.
        """

    @abc.abstractmethod
    def has(self, digest: str) -> bool:
        """Whether a blob is there."""

    @abc.abstractmethod
    def places(self) -> list[Place]:
        """All images that are kept."""

    @abc.abstractmethod
    def collect(self, unknown: Collection[Place] = ()) -> Collected:
        """Remove what no image needs, and images that nobody knows; repair what an end in mid-act left.

        :param unknown: images to remove.
        """

    def record(self, place: Place) -> Record:
        """The record of an image. :raises ImageNotFound: there is none, or it is another image's."""
        found = Record.parse(self.document(place.record))
        if found.image_id != place.image_id:
            raise errors.ImageNotFound(place.image_id)
        return found

    def recipe(self, record: Record) -> Recipe:
        """The recipe that a record names. :raises Corrupt:"""
        content = b''.join(self.read(record.recipe, record.recipe_size, 0, record.recipe_size))
        found = Recipe.parse(content)
        needed = {piece.digest for piece in found.pieces if piece.digest} | ({found.literals} - {''})
        if digests.of_bytes(content) != record.recipe or not needed <= record.blobs.keys():
            raise errors.Corrupt(f'The record of the image {record.image_id} does not agree with its recipe')
        return found

    def problems(self, place: Place, *, deep: bool) -> list[str]:
        """What is wrong with an image, as sentences.

        :param deep: read every blob; otherwise only see that it is there.
        """
        try:
            record = self.record(place)
            self.recipe(record)
        except errors.ContainerError as error:
            return [f'{place.image_id}: {error}']
        found = []
        for digest, size in record.all_blobs.items():
            try:
                if not self.has(digest):
                    raise errors.BlobNotFound(digest)
                for _ in self.read(digest, size, 0, size) if deep else ():
                    pass
            except errors.ContainerError as error:
                found.append(f'{place.image_id}: {error}')
        return found
