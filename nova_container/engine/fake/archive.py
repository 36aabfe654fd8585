# SPDX-License-Identifier: Apache-2.0
"""Image archives, read and written with the stdlib: docker-save and OCI layout."""

import dataclasses
import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from nova_container import errors

_CONFIG_NAME = re.compile(r'(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?')
_REFERENCE_NAMES = ('io.containerd.image.name', 'org.opencontainers.image.ref.name')


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """One image as an archive holds it: the bytes of its configuration, and its layers unpacked to tars."""

    config: bytes
    layers: tuple[bytes, ...]
    references: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return digest(self.config)

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.config)
        return parsed


def digest(content: bytes) -> str:
    return f'sha256:{hashlib.sha256(content).hexdigest()}'


def read(archive: BinaryIO) -> tuple[Content, ...]:
    """All images of an archive, verified. :raises UnacceptableImage: :raises DigestMismatch:"""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive.read()), mode='r:*') as entries:
            members = {entry.name.removeprefix('./'): entries.extractfile(entry) for entry in entries}
            blobs = {name: member.read() for name, member in members.items() if member is not None}
        return tuple(_read_one(blobs, *named) for named in _named(blobs))
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError, zlib.error) as error:
        raise errors.UnacceptableImage(f'not an image archive: {error}') from error


def _named(blobs: Mapping[str, bytes]) -> Iterable[tuple[str, list[str], list[str]]]:
    """Each image's configuration, layers and references, by the names of their files."""
    if 'manifest.json' in blobs:
        for row in json.loads(blobs['manifest.json']):
            yield row['Config'], row['Layers'], row.get('RepoTags') or []
        return
    for row in json.loads(blobs['index.json'])['manifests']:
        manifest = json.loads(_checked(blobs, row['digest']))
        names = row.get('annotations') or {}
        yield (_blob_name(manifest['config']['digest']), [_blob_name(layer['digest']) for layer in manifest['layers']],
               [names[key] for key in _REFERENCE_NAMES if ':' in names.get(key, '')][:1])


def _read_one(blobs: Mapping[str, bytes], config_name: str, layer_names: list[str], references: list[str]) -> Content:
    config = blobs[config_name]
    named = _CONFIG_NAME.fullmatch(config_name)
    if named is not None and digest(config) != f'sha256:{named[1]}':
        raise errors.DigestMismatch('the configuration', f'sha256:{named[1]}', digest(config))
    diff_ids = json.loads(config)['rootfs']['diff_ids']
    if len(diff_ids) != len(layer_names):
        raise errors.UnacceptableImage(f'{len(layer_names)} layers, but {len(diff_ids)} diff_ids')
    layers = tuple(_unpacked(blobs[name]) for name in layer_names)
    for layer, diff_id in zip(layers, diff_ids, strict=True):
        if digest(layer) != diff_id:
            raise errors.DigestMismatch('a layer', diff_id, digest(layer))
    return Content(config, layers, tuple(references))


def _unpacked(layer: bytes) -> bytes:
    return gzip.decompress(layer) if layer.startswith(b'\x1f\x8b') else layer


def _checked(blobs: Mapping[str, bytes], expected: str) -> bytes:
    blob = blobs[_blob_name(expected)]
    if digest(blob) != expected:
        raise errors.DigestMismatch('a manifest', expected, digest(blob))
    return blob


def _blob_name(of_digest: str) -> str:
    return f'blobs/{of_digest.replace(":", "/", 1)}'


def write(contents: Iterable[Content]) -> bytes:
    """An archive of these images, docker-save and OCI layout at once."""
    files: dict[str, bytes] = {'oci-layout': b'{"imageLayoutVersion": "1.0.0"}'}
    rows, manifests = [], []

    def keep(blob: bytes, media_type: str) -> dict[str, object]:
        files[_blob_name(digest(blob))] = blob
        return {'mediaType': f'application/vnd.oci.image.{media_type}', 'digest': digest(blob), 'size': len(blob)}

    for content in contents:
        rows.append({'Config': _blob_name(content.id), 'RepoTags': list(content.references) or None,
                     'Layers': [_blob_name(digest(layer)) for layer in content.layers]})
        manifests += _descriptors(content, keep)
    files['index.json'] = json.dumps({'schemaVersion': 2, 'manifests': manifests}).encode()
    files['manifest.json'] = json.dumps(rows).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, blob in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(blob)
            archive.addfile(entry, io.BytesIO(blob))
    return buffer.getvalue()


def _descriptors(content: Content, keep: Callable[[bytes, str], dict[str, object]]) -> list[dict[str, object]]:
    """The rows of ``index.json`` for one image: one for each name."""
    manifest = json.dumps({'schemaVersion': 2, 'config': keep(content.config, 'config.v1+json'),
                           'layers': [keep(layer, 'layer.v1.tar') for layer in content.layers]}).encode()
    row = keep(manifest, 'manifest.v1+json')
    return [{**row, 'annotations': {_REFERENCE_NAMES[0]: name}} for name in content.references] or [row]
