# SPDX-License-Identifier: Apache-2.0
"""Images whose blobs are in a store, and the index of names of the archive they come from."""

import dataclasses
import posixpath
import re
from typing import IO, Protocol

from nova_container.errors import DigestMismatch, UnacceptableImage
from nova_container.image import document, manifest
from nova_container.image import digest as digests
from nova_container.image.config import ImageConfig

_BLOB_NAME = re.compile(r'blobs/(sha256|sha512)/([0-9a-f]{64}|[0-9a-f]{128})')
_MAX_HOPS = 8


def named_digest(name: str) -> str | None:
    """The digest that a name in an OCI layout says its file has, if it says one.

    :raises InvalidReference: it says one that cannot be.
    """
    match = _BLOB_NAME.fullmatch(posixpath.normpath('/' + name)[1:])
    return digests.parse(f'{match[1]}:{match[2]}') if match else None


class StagedBlobs(Protocol):
    """Blobs that came with an archive."""

    def put(self, stream: digests.Readable, expected_digest: str | None, limit: int) -> str: ...

    def size(self, digest: str) -> int: ...

    def open(self, digest: str) -> IO[bytes]: ...


@dataclasses.dataclass(frozen=True)
class LoadedLayer:
    """One layer of an image in a store: the digest and size in bytes of its blob, and the digest of its plain tar.

    The diff_id of a compressed layer is what the configuration claims: unpacking verifies it.
    """

    blob_digest: str
    size: int
    media_type: str
    diff_id: str


@dataclasses.dataclass(frozen=True)
class LoadedImage:
    """One image of an archive: its layers bottom first, its references in familiar form (``busybox:latest``)."""

    config: ImageConfig
    config_digest: str
    config_bytes: bytes
    layers: tuple[LoadedLayer, ...]
    references: tuple[str, ...] = ()


class Names:
    """What the names of an archive stand for: keys of blobs, never paths."""

    def __init__(self, staged: StagedBlobs) -> None:
        self.staged = staged
        self._digests: dict[str, str] = {}
        self._links: dict[str, str] = {}

    def add_file(self, name: str, stream: digests.Readable, limit: int) -> None:
        """Stage the content of a file; under ``blobs/`` it must match its name.

        :raises DigestMismatch: it does not.
        :raises UnacceptableImage: the name was seen before.
        """
        key = self._new_key(name)
        self._digests[key] = self.staged.put(stream, named_digest(key), limit)

    def add_known(self, name: str, digest: str) -> None:
        """Remember a file whose content is staged already; under ``blobs/`` it must match its name.

        :raises DigestMismatch: it does not.
        :raises UnacceptableImage: the name was seen before.
        """
        key = self._new_key(name)
        if named_digest(key) not in (None, digest):
            raise DigestMismatch(f'The file {key[:200]!r}', str(named_digest(key)), digest)
        self._digests[key] = digest

    def _new_key(self, name: str) -> str:
        key = posixpath.normpath('/' + name)[1:]
        if key in self._digests or key in self._links:
            raise UnacceptableImage(f'The archive has two entries of the name {key[:200]!r}')
        return key

    def add_link(self, name: str, target: str) -> None:
        """Remember that one name means another, as old Docker wrote for a layer that two images share."""
        self._links[posixpath.normpath('/' + name)[1:]] = posixpath.normpath('/' + target)[1:]

    def digest(self, name: str) -> str | None:
        """Return the digest of the content under the name, or none."""
        key = posixpath.normpath('/' + name)[1:]
        for _ in range(_MAX_HOPS):
            if key in self._digests:
                return self._digests[key]
            key = self._links.get(key, '')
        return None

    def document(self, digest: str, what: str) -> bytes:
        """Return a document of at most 4 MiB.

        :raises UnacceptableImage: it is larger.
        :raises BlobNotFound: it is not in the archive.
        """
        size = self.staged.size(digest)
        if size > document.MAX_DOCUMENT_BYTES:
            raise UnacceptableImage(f'The {what} is {size} bytes long, more than {document.MAX_DOCUMENT_BYTES}')
        with self.staged.open(digest) as file:
            return file.read()

    def layer(self, digest: str, diff_id: str) -> LoadedLayer:
        """Return the layer; one that is not compressed is verified at once.

        :raises DigestMismatch: it is not what the configuration claims.
        """
        with self.staged.open(digest) as file:
            media_type = manifest.layer_type(file)
        same_kind = digests.algorithm_of(digest) == digests.algorithm_of(diff_id)
        if media_type == manifest.OCI_LAYER and same_kind and digest != diff_id:
            raise DigestMismatch('The uncompressed layer', diff_id, digest)
        return LoadedLayer(digest, self.staged.size(digest), media_type, diff_id)
