# SPDX-License-Identifier: Apache-2.0
"""Image archives that are ``docker save`` and OCI layout at once, as Docker 25 and later write them.

Documents come first, then the blobs by digest, all owned by root and dated 1970: equal images give equal bytes.
Docker 20.10, podman and skopeo read it (they want manifest.json), as do OCI tools (they want index.json).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from nova_container.errors import Corrupt
from nova_container.image import digest as digests
from nova_container.image import docker_save, document, manifest, oci_layout, reference, tar_reader, tar_writer
from nova_container.image.blobs import BlobStore
from nova_container.image.loaded import LoadedImage
from nova_container.image.manifest import Descriptor, Index, Manifest
from nova_container.image.tar_reader import Entry

_CHUNK = 1 << 20


def write_archive(images: Sequence[LoadedImage], blobs: BlobStore) -> Iterator[bytes]:
    """Give the archive of the images piece by piece; memory is bounded by one piece (1 MiB) and the documents.

    :raises BlobNotFound: a layer is not in the store.
    :raises Corrupt: a layer in the store has changed its size.
    """
    for stretch in outline(images):
        if isinstance(stretch, Stretch):
            yield from _blob(blobs, stretch.digest, stretch.size)
        else:
            yield stretch


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """Where in an archive the whole of a blob lies, which is not needed to say so."""

    digest: str
    size: int


def outline(images: Sequence[LoadedImage]) -> Iterator[bytes | Stretch]:
    """Give the archive of the images in order: what is between the blobs of layers, and which blob comes where."""
    for part in _parts(images):
        yield tar_writer.header(part.entry)
        yield Stretch(part.digest, part.entry.size) if part.content is None else part.content
        yield tar_writer.padding(part.entry.size)
    yield tar_writer.END


def total_size(images: Sequence[LoadedImage], blobs: BlobStore) -> int:
    """Return the exact length in bytes of what :func:`write_archive` gives.

    :raises BlobNotFound: a layer is not in the store.
    """
    total = len(tar_writer.END)
    for part in _parts(images):
        if part.content is None:
            blobs.size(part.digest)
        size = part.entry.size
        total += len(tar_writer.header(part.entry)) + size + len(tar_writer.padding(size))
    return total


@dataclasses.dataclass(frozen=True)
class _Part:
    """One file of the archive: a document that is at hand, or a blob of the store."""

    entry: Entry
    digest: str = ''
    content: bytes | None = None


def _parts(images: Sequence[LoadedImage]) -> Iterator[_Part]:
    documents = {image.config_digest: image.config_bytes for image in images}
    sizes = {layer.blob_digest: layer.size for image in images for layer in image.layers}
    listed: list[Descriptor] = []
    for image in images:
        content = manifest_of(image).to_json()
        documents[digests.of_bytes(content)] = content
        listed += _descriptors(image, content)
    yield _document('oci-layout', oci_layout.LAYOUT)
    yield _document(oci_layout.NAME, Index(tuple(listed)).to_json())
    yield _document(docker_save.NAME, document.encode([_docker_listing(image) for image in images]))
    folders = dict.fromkeys(f'blobs/{digest.partition(":")[0]}/' for digest in sorted(documents | sizes))
    for folder in ('blobs/', *folders):
        yield _Part(Entry(folder.encode(), tar_reader.DIRECTORY, 0o755, 0, 0, 0), content=b'')
    for digest in sorted(documents.keys() | sizes.keys()):
        if digest in documents:
            yield _document(_path(digest), documents[digest])
        else:
            yield _Part(_file(_path(digest), sizes[digest]), digest=digest)


def manifest_of(image: LoadedImage) -> Manifest:
    """The manifest that names the blobs of an image as they are in its archive."""
    return Manifest(Descriptor(manifest.OCI_CONFIG, image.config_digest, len(image.config_bytes)),
                    tuple(Descriptor(layer.media_type, layer.blob_digest, layer.size) for layer in image.layers))


def _descriptors(image: LoadedImage, content: bytes) -> list[Descriptor]:
    """Return one descriptor of the manifest for each name of the image, or one without a name."""
    platform = {'architecture': image.config.architecture, 'os': image.config.os}
    found = []
    for name in image.references or ('',):
        parsed = reference.parse(name) if name else None
        annotations = {oci_layout.FULL_NAME: str(parsed), oci_layout.REFERENCE_NAME: parsed.tag or ''} if parsed else {}
        found.append(Descriptor(manifest.OCI_MANIFEST, digests.of_bytes(content), len(content), annotations, platform))
    return found


def _docker_listing(image: LoadedImage) -> dict[str, Any]:
    return {'Config': _path(image.config_digest), 'RepoTags': list(image.references),
            'Layers': [_path(layer.blob_digest) for layer in image.layers]}


def _path(digest: str) -> str:
    return f'blobs/{digests.algorithm_of(digest)}/{digests.hex_of(digest)}'


def _document(name: str, content: bytes) -> _Part:
    return _Part(_file(name, len(content)), content=content)


def _file(name: str, size: int) -> Entry:
    return Entry(name.encode(), tar_reader.REGULAR, 0o444, 0, 0, 0, size=size, real_size=size)


def _blob(blobs: BlobStore, digest: str, size: int) -> Iterator[bytes]:
    left = size
    with blobs.open(digest) as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
    if left:
        raise Corrupt(f'The blob {digest} in the store has changed its size')
