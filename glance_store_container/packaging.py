# SPDX-License-Identifier: Apache-2.0
"""From the bytes of an image to blobs and the recipe that makes them again.

A plain archive of container images (docker save, OCI layout) becomes its layers, its documents and what is between
them. Anything else is one blob, and so is an archive that is compressed as a whole: what a compressor wrote can only be
made again by the same compressor in the same version, which a store may not count on for years.
"""

import dataclasses
import io
from collections.abc import Iterator
from typing import IO

from glance_store_container import scan
from glance_store_container.scan import Scan
from glance_store_container.staging import Stage
from nova_container import errors
from nova_container.image import archive_writer, compression, docker_save, oci_layout
from nova_container.image import digest as digests
from nova_container.image.loaded import LoadedImage, Names
from nova_container.image.stored import Piece, Recipe, Record


@dataclasses.dataclass(frozen=True)
class Package:
    """An image ready to be kept: all blobs of the record are on the stage; ``manifest`` is '' or that of the image."""

    stage: Stage
    recipe: Recipe
    record: Record

    @property
    def manifest(self) -> str:
        return self.recipe.manifest


def pack(image_id: str, source: digests.Readable, stage: Stage) -> Package:
    """Read a stream to its end and take it apart."""
    peeked = compression.Peeked(source)
    taken = Scan(peeked, stage)
    try:
        if compression.detect(peeked.head) != 'none':
            raise scan.Odd('it is compressed')
        taken.run()
        images = _images(taken, stage)
    except (scan.Odd, errors.ContainerError):
        return _whole(image_id, taken, peeked, stage)
    found = _needed(images, taken, stage) if len(images) == 1 else {}
    literals = stage.put_bytes(bytes(taken.literals)) if taken.literals else ''
    recipe = Recipe(image_id, sum(piece.size for piece in taken.pieces), tuple(taken.pieces), literals,
                    _manifest(images[0], stage) if len(images) == 1 else '')
    wanted = (*(piece.digest for piece in taken.pieces), *found, literals, recipe.manifest)
    return _package(recipe, stage, [digest for digest in dict.fromkeys(wanted) if digest])


def _package(recipe: Recipe, stage: Stage, wanted: list[str]) -> Package:
    record = Record.of(recipe, {digest: stage.size(digest) for digest in wanted})
    stage.put_bytes(recipe.to_json())
    return Package(stage, recipe, record)


def _whole(image_id: str, taken: Scan, rest: digests.Readable, stage: Stage) -> Package:
    digest, size = stage.put(_Joined(_pieces(taken, rest, stage)))
    if not size:
        return _package(Recipe(image_id, 0, ()), stage, [])
    return _package(Recipe(image_id, size, (Piece(size, digest),)), stage, [digest])


def _pieces(taken: Scan, rest: digests.Readable, stage: Stage) -> Iterator[bytes]:
    """What was taken apart, put together; each blob goes when nothing after it needs it."""
    position = 0
    later = [piece.digest for piece in taken.pieces]
    for number, piece in enumerate(taken.pieces):
        if not piece.digest:
            yield bytes(taken.literals[position:position + piece.size])
            position += piece.size
            continue
        with stage.open(piece.digest) as file:
            while chunk := file.read(1 << 20):
                yield chunk
        if piece.digest not in later[number + 1:]:
            stage.drop(piece.digest)
    while chunk := rest.read(1 << 20):
        yield chunk


class _Joined:
    """A stream of chunks; each read gives one."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, _size: int, /) -> bytes:
        return next(self._chunks, b'')


def _images(taken: Scan, stage: Stage) -> list[LoadedImage]:
    """The images that the archive lists, for whichever machine. :raises Odd: none  :raises ContainerError:"""
    names = Names(_Seen(taken, stage))
    for entry in taken.entries:
        if entry.target:
            names.add_link(entry.name, entry.target)
        else:
            names.add_known(entry.name, entry.digest)
    if (listing := names.digest(docker_save.NAME)) is not None:
        return list(docker_save.images(names, listing))
    index = names.digest(oci_layout.NAME)
    if index is None:
        raise scan.Odd('it has neither manifest.json nor index.json')
    found: dict[str, LoadedImage] = {}
    for architecture in oci_layout.architectures():
        try:
            images = oci_layout.Layout(names, architecture).images(index)
        except errors.UnacceptableImage:
            continue
        found.update((image.config_digest, image) for image in images)
    if not found:
        raise scan.Odd('it has no image')
    return list(found.values())


def _needed(images: list[LoadedImage], taken: Scan, stage: Stage) -> list[str]:
    """Make blobs of the documents by which the image is pulled; returns their digests."""
    image = images[0]
    parts = [image.config_digest, *(layer.blob_digest for layer in image.layers)]
    return [stage.put_bytes(taken.documents[digest]) if digest in taken.documents else digest for digest in parts]


def _manifest(image: LoadedImage, stage: Stage) -> str:
    return stage.put_bytes(archive_writer.manifest_of(image).to_json())


class _Seen:
    """The files of the archive, large and small, as ``Names`` wants them."""

    def __init__(self, taken: Scan, stage: Stage) -> None:
        self._documents, self._stage = taken.documents, stage

    def put(self, stream: digests.Readable, expected_digest: str | None, limit: int) -> str:
        raise errors.Unsupported('Everything is here already')

    def size(self, digest: str) -> int:
        return len(self._documents[digest]) if digest in self._documents else self._stage.size(digest)

    def open(self, digest: str) -> IO[bytes]:
        return io.BytesIO(self._documents[digest]) if digest in self._documents else self._stage.open(digest)
