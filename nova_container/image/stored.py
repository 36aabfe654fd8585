# SPDX-License-Identifier: Apache-2.0
"""How an image lies in a container store of Glance: a *record* that says of which blobs its bytes are made.

Glance knows an image by a URI, ``container://<image id>/<hex>``, where the hex names the sha256 digest of the record's
manifest. It names no host and no path, so it cannot lead anywhere but into the store that an operator configured; and
it cannot be guessed, for each record holds a random number.

A record is an OCI manifest of its own (artifact type ``ARTIFACT``), so that a registry keeps what it refers to. Its
config is the *recipe*, a JSON document::

    {"version": 1, "image": "<image id>", "nonce": "<hex>", "size": 123, "created": 1790000000,
     "manifest": "sha256:..." or "", "literals": "sha256:..." or "",
     "pieces": [[512, ""], [1048576, "sha256:..."], [1024, ""]]}

The image is its pieces in order: the whole of a blob, or, where there is no digest, the next bytes of the blob
``literals``. ``manifest`` is the digest of an ordinary OCI manifest of the same repository by which the image can be
pulled (its configuration and layers are blobs of the record too); '' if the data is no image, or several.
"""

import dataclasses
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from nova_container.errors import Corrupt, InvalidRequest, UnacceptableImage
from nova_container.image import digest as digests
from nova_container.image import document
from nova_container.image.manifest import OCI_MANIFEST

SCHEME = 'container'
ARTIFACT = 'application/vnd.nova-container.glance-image.v1+json'
RECIPE = 'application/vnd.nova-container.glance-recipe.v1+json'
PIECE = 'application/octet-stream'
MAX_PIECES = 4096

_IMAGE_ID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_URI = re.compile(rf'{SCHEME}://({_IMAGE_ID.pattern})/([0-9a-f]{{64}})')


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where an image is: its Glance id, and the digest of its record's manifest."""

    image_id: str
    record: str

    @classmethod
    def parse(cls, uri: str) -> 'Place':
        """Read a URI. :raises InvalidRequest: it is not of the one form there is."""
        match = _URI.fullmatch(uri)
        if match is None:
            raise InvalidRequest(f'{uri[:200]!r} is no location of a container store: those are written by the store '
                                 f'itself, as {SCHEME}://<image id>/<64 hexadecimal digits>')
        return cls(match[1], f'sha256:{match[2]}')

    @property
    def uri(self) -> str:
        return f'{SCHEME}://{self.image_id}/{digests.hex_of(self.record)}'


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """``size`` bytes: the blob of the digest, or the next of the literals if it is ''."""

    size: int
    digest: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """Of what an image is made. ``created`` is in seconds since 1970."""

    image_id: str
    size: int
    pieces: tuple[Piece, ...]
    literals: str = ''
    manifest: str = ''
    nonce: str = dataclasses.field(default_factory=lambda: secrets.token_hex(16))
    created: int = dataclasses.field(default_factory=lambda: int(time.time()))

    def to_json(self) -> bytes:
        return document.encode({
            'version': 1, 'image': self.image_id, 'nonce': self.nonce, 'size': self.size, 'created': self.created,
            'manifest': self.manifest, 'literals': self.literals,
            'pieces': [[piece.size, piece.digest] for piece in self.pieces]})

    @classmethod
    def parse(cls, content: bytes) -> 'Recipe':
        """Read a recipe. :raises Corrupt: it is none."""
        try:
            fields = document.decode_object(content, 'recipe')
            pieces = tuple(Piece(_size(size), digest and digests.parse(digest)) for size, digest in fields['pieces'])
            found = cls(check_image_id(fields['image']), _size(fields['size']), pieces, _digest(fields['literals']),
                        _digest(fields['manifest']), document.as_text(fields['nonce'], 'nonce'),
                        _size(fields['created']))
        except (UnacceptableImage, InvalidRequest, KeyError, TypeError, ValueError) as error:
            raise Corrupt(f'The recipe of an image in the store cannot be read: {error}') from error
        if fields.get('version') != 1 or sum(piece.size for piece in pieces) != found.size:
            raise Corrupt('The recipe of an image in the store is of another version, or its sizes do not add up')
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """The manifest of a record: its recipe's digest and size, and of all other blobs the digests with their sizes."""

    image_id: str
    recipe: str
    recipe_size: int
    blobs: Mapping[str, int]

    @classmethod
    def of(cls, recipe: Recipe, blobs: Mapping[str, int]) -> 'Record':
        content = recipe.to_json()
        return cls(recipe.image_id, digests.of_bytes(content), len(content), blobs)

    @property
    def all_blobs(self) -> dict[str, int]:
        """Digests and sizes of the recipe and all that it needs."""
        return {self.recipe: self.recipe_size, **self.blobs}

    def to_json(self) -> bytes:
        return document.encode({
            'schemaVersion': 2, 'mediaType': OCI_MANIFEST, 'artifactType': ARTIFACT,
            'config': {'mediaType': RECIPE, 'digest': self.recipe, 'size': self.recipe_size},
            'layers': [{'mediaType': PIECE, 'digest': digest, 'size': size} for digest, size in self.blobs.items()],
            'annotations': {'org.opencontainers.image.ref.name': self.image_id}})

    @classmethod
    def parse(cls, content: bytes) -> 'Record':
        """Read the manifest of a record. :raises Corrupt: it is none."""
        try:
            fields = document.decode_object(content, 'record')
            if fields['artifactType'] != ARTIFACT:
                raise Corrupt('The manifest is not that of an image of Glance')
            listed = [(digests.parse(one['digest']), _size(one['size'])) for one in fields['layers']]
            return cls(check_image_id(fields['annotations']['org.opencontainers.image.ref.name']),
                       digests.parse(fields['config']['digest']), _size(fields['config']['size']), dict(listed))
        except (UnacceptableImage, InvalidRequest, KeyError, TypeError, ValueError) as error:
            raise Corrupt(f'The record of an image in the store cannot be read: {error!r}') from error


def check_image_id(text: str) -> str:
    """Return the id of an image if it is a UUID. :raises InvalidRequest: it is not."""
    if not isinstance(text, str) or not _IMAGE_ID.fullmatch(text):
        raise InvalidRequest(f'{str(text)[:100]!r} is no image id: it must be a UUID in lower case')
    return text


def tag_of_image(manifest: str) -> str:
    """The tag that keeps the manifest by which an image is pulled. It is made of the digest: equal images share it."""
    return f'image-{digests.hex_of(manifest)}'


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 62:
        raise ValueError(f'{str(value)[:40]!r} is no size')
    return value


def _digest(value: Any) -> str:
    return value and digests.parse(value)
