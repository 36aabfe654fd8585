# SPDX-License-Identifier: Apache-2.0
"""Descriptors, manifests and indexes (OCI image-spec 1.1 and Docker schema 2), read within limits.

``ImageConfig`` lives in ``config.py`` and is offered here too, for these are read together.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from nova_container.errors import UnacceptableImage
from nova_container.image import digest as digests
from nova_container.image import compression, document
from nova_container.image.config import MAX_LAYERS, ImageConfig

__all__ = ['MAX_MANIFESTS', 'Descriptor', 'ImageConfig', 'Index', 'Manifest', 'check_agreement', 'parse_either']

OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
OCI_LAYER_GZIP = f'{OCI_LAYER}+gzip'
DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
MAX_MANIFESTS = 100


@dataclasses.dataclass(frozen=True)
class Descriptor:
    """A pointer to content: what it is, its digest and its exact size in bytes. ``urls`` are never followed."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    platform: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, value: Any) -> 'Descriptor':
        """Read a descriptor.

        :raises UnacceptableImage: size is missing or no natural number.
        :raises InvalidReference: the digest is missing or malformed.
        """
        fields = document.as_object(value, 'descriptor')
        size = fields.get('size')
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
            raise UnacceptableImage(f'A descriptor needs a size in bytes, found {str(size)[:40]!r}')
        return cls(document.as_text(fields.get('mediaType'), 'mediaType'), digests.parse(fields.get('digest')), size,
                   document.as_object(fields.get('annotations'), 'annotations'),
                   document.as_object(fields.get('platform'), 'platform'))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in a document, without the empty ones."""
        fields: dict[str, Any] = {'mediaType': self.media_type, 'digest': self.digest, 'size': self.size}
        optional = {'annotations': dict(self.annotations), 'platform': dict(self.platform)}
        return fields | {name: value for name, value in optional.items() if value}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """One image for one platform: its configuration and its layers, bottom first (at most 500)."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = OCI_MANIFEST

    @classmethod
    def parse(cls, content: bytes) -> 'Manifest':
        """Read a manifest.

        :raises UnacceptableImage: a rule or limit is broken, or it is an index.
        :raises InvalidReference: a digest is malformed.
        """
        found = parse_either(content)
        if not isinstance(found, cls):
            raise UnacceptableImage('Expected a manifest, found an index')
        return found

    def to_json(self) -> bytes:
        """Return the document; equal manifests give equal bytes."""
        return document.encode({'schemaVersion': 2, 'mediaType': self.media_type, 'config': self.config.to_dict(),
                                'layers': [layer.to_dict() for layer in self.layers]})


@dataclasses.dataclass(frozen=True)
class Index:
    """A list of manifests (at most 100), for several platforms or several images."""

    manifests: tuple[Descriptor, ...]
    media_type: str = OCI_INDEX

    @classmethod
    def parse(cls, content: bytes) -> 'Index':
        """Read an index.

        :raises UnacceptableImage: a rule or limit is broken, or it is a manifest.
        :raises InvalidReference: a digest is malformed.
        """
        found = parse_either(content)
        if not isinstance(found, cls):
            raise UnacceptableImage('Expected an index, found a manifest')
        return found

    def to_json(self) -> bytes:
        """Return the document; equal indexes give equal bytes."""
        return document.encode({'schemaVersion': 2, 'mediaType': self.media_type,
                                'manifests': [one.to_dict() for one in self.manifests]})


def layer_type(layer: digests.Readable) -> str:
    """The media type of a layer, told by its first bytes. :raises UnacceptableImage: compressed with xz or bzip2."""
    packed = compression.detect(layer.read(compression.HEAD_BYTES))
    if packed in ('xz', 'bzip2'):
        raise UnacceptableImage(f'A layer is compressed with {packed}: layers may be plain, gzip or zstd')
    return OCI_LAYER if packed == 'none' else f'{OCI_LAYER}+{packed}'


def parse_either(content: bytes) -> Manifest | Index:
    """Read a document that is a manifest or an index, told apart by its fields, never by the name it came under.

    :raises UnacceptableImage: it is both or neither (CVE-2021-41190), or a rule or limit is broken.
    :raises InvalidReference: a digest is malformed.
    """
    fields = document.decode_object(content, 'manifest')
    if fields.get('schemaVersion') != 2:
        raise UnacceptableImage(f'The manifest has schemaVersion {str(fields.get("schemaVersion"))[:20]!r}, 2 is read')
    is_index, is_manifest = 'manifests' in fields, 'layers' in fields or 'config' in fields
    if is_index == is_manifest:
        raise UnacceptableImage('The manifest is ambiguous: it must have either manifests or config and layers')
    media_type = document.as_text(fields.get('mediaType'), 'mediaType')
    if is_index:
        return Index(_descriptors(fields['manifests'], 'manifests', MAX_MANIFESTS), media_type or OCI_INDEX)
    if 'config' not in fields or 'layers' not in fields:
        raise UnacceptableImage('The manifest needs both config and layers')
    return Manifest(Descriptor.parse(fields['config']), _descriptors(fields['layers'], 'layers', MAX_LAYERS),
                    media_type or OCI_MANIFEST)


def check_agreement(layers: int, config: ImageConfig) -> None:
    """Check that there are as many layers as diff_ids.

    :raises UnacceptableImage: there are not.
    """
    if layers != len(config.diff_ids):
        raise UnacceptableImage(f'The manifest lists {layers} layers, the configuration {len(config.diff_ids)}')


def _descriptors(value: Any, what: str, most: int) -> tuple[Descriptor, ...]:
    listed: Iterable[Any] = document.as_list(value, what)
    found = tuple(listed)
    if len(found) > most:
        raise UnacceptableImage(f'The manifest has {len(found)} {what}, more than {most}')
    return tuple(Descriptor.parse(one) for one in found)
