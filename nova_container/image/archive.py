# SPDX-License-Identifier: Apache-2.0
"""Image archives: ``docker save`` and OCI layout, read into a blob store and written from it.

Reading streams: each file of the archive becomes a blob of a private staging place, its name only a key; nothing is
extracted by path. When all is verified, the blobs of the images are kept and the rest vanishes. Writing streams too,
see ``archive_writer.py``, whose functions are offered here.
"""

import dataclasses
import os
import posixpath
from typing import IO

from nova_container.errors import BlobNotFound, UnacceptableImage
from nova_container.image import docker_save, oci_layout, sniff, tar_reader
from nova_container.image.archive_writer import total_size, write_archive
from nova_container.image.blobs import BlobStore
from nova_container.image.compression import Decompressed, Peeked
from nova_container.image.digest import Readable
from nova_container.image.loaded import LoadedImage, LoadedLayer, Names
from nova_container.image.tar_reader import TarReader
from nova_container.image.tar_source import ByteSource

__all__ = ['ArchiveContents', 'ArchiveLimits', 'LoadedImage', 'LoadedLayer', 'read_archive', 'total_size',
           'write_archive']


@dataclasses.dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may need: bytes uncompressed as a whole (layers as they are inside), entries, seconds."""

    max_bytes: int = 64 << 30
    max_entries: int = 20_000
    deadline_s: float = 3600.0


@dataclasses.dataclass(frozen=True)
class ArchiveContents:
    """The images of an archive, in its order."""

    images: tuple[LoadedImage, ...]


def read_archive(source: str | os.PathLike[str] | IO[bytes], blobs: BlobStore, *,
                 limits: ArchiveLimits | None = None, architecture: str | None = None) -> ArchiveContents:
    """Read an archive into the store: all blobs of its images, verified, or none.

    :param source: a path, or a stream that is read once from front to back.
    :param architecture: which image of an index is taken (``amd64``); this machine's if not given.
    :raises UnacceptableImage: not an archive (the sentence says what it is), or a rule or limit is broken.
    :raises DigestMismatch: a part is not what its name or descriptor says.
    :raises Corrupt: it is damaged or cut short.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, 'rb') as file:
            return read_archive(file, blobs, limits=limits, architecture=architecture)
    with blobs.staging() as staged:
        names = Names(staged)
        _stage(source, names, limits or ArchiveLimits())
        images = _images(names, architecture or oci_layout.host_architecture())
        wanted = {image.config_digest for image in images}
        wanted.update(layer.blob_digest for image in images for layer in image.layers)
        staged.keep(wanted)
    return ArchiveContents(images)


def _stage(source: Readable, names: Names, limits: ArchiveLimits) -> None:
    plain = Peeked(Decompressed(source, limits.max_bytes))
    sniff.check_is_tar(plain.head)
    reader = TarReader(ByteSource(plain, limits.max_bytes, limits.deadline_s, hashing=False), limits.max_entries)
    for entry in reader:
        name, link = os.fsdecode(entry.name), os.fsdecode(entry.link)
        if entry.kind == tar_reader.REGULAR and entry.segments is None:
            names.add_file(name, _EntryStream(reader), limits.max_bytes)
        elif entry.kind == tar_reader.SYMLINK:
            names.add_link(name, posixpath.join(posixpath.dirname(name), link))
        elif entry.kind == tar_reader.HARDLINK:
            names.add_link(name, link)


def _images(names: Names, architecture: str) -> tuple[LoadedImage, ...]:
    """Return the images; manifest.json goes before index.json, as in Docker, where an archive has both."""
    try:
        if (listing := names.digest(docker_save.NAME)) is not None:
            return docker_save.images(names, listing)
        if (index := names.digest(oci_layout.NAME)) is not None:
            return oci_layout.Layout(names, architecture).images(index)
    except BlobNotFound as error:
        raise UnacceptableImage(f'The archive is not complete. {error}') from error
    raise UnacceptableImage(f'Found a tar without manifest.json and index.json, expected {sniff.ACCEPTED}')


class _EntryStream:
    """The data of the present entry as a stream."""

    def __init__(self, reader: TarReader) -> None:
        self._pieces = reader.data()
        self._rest = memoryview(b'')

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, memoryview(b''))
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
