# SPDX-License-Identifier: Apache-2.0
"""Tars to mutate: contexts, trees, images as ``docker save`` and OCI write them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from random import Random

_KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
_TARGETS = ('f', '/etc/passwd', '../../../../etc/passwd', '.', '..', '/', '', 'd/../../x', 'a' * 300)


def of(files: Mapping[str, bytes]) -> bytes:
    """A tar of regular files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as target:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tree(random: Random, entries: int = 12) -> bytes:
    """A tar of odd names, links and kinds."""
    buffer = io.BytesIO()
    form = random.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=buffer, mode='w', format=form) as target:
        for _ in range(random.randrange(1, entries)):
            entry = tarfile.TarInfo(random.choice((
                'f', 'd', 'd/f', './d', '../f', '/abs', 'd/../f', '.wh.f', 'd/.wh..wh..opq', '.wh..', 'x' * 90,
                'etc/passwd', 'dev/null', 'proc/self', 'é' * 20, 'd/' * 40 + 'f', '.')))
            entry.type, entry.linkname = random.choice(_KINDS), random.choice(_TARGETS)[:99]
            entry.mode, entry.uid = random.choice((0o644, 0o7777, 0)), random.choice((0, 1000, 2097151))
            if form == tarfile.PAX_FORMAT and random.random() < 0.3:
                entry.pax_headers = {random.choice((
                    'SCHILY.xattr.user.a', 'SCHILY.xattr.trusted.overlay.opaque', 'SCHILY.xattr.security.capability',
                    'GNU.sparse.major', 'GNU.sparse.map', 'size', 'path', 'mtime')): random.choice((
                        'y', '1', '0,1', '-5', '99999999999999999999', '../x'))}
            content = random.randbytes(random.randrange(2000)) if entry.type == tarfile.REGTYPE else b''
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def saved(layers: list[bytes], *, name: str = 'fuzz:1', oci: bool = False) -> bytes:
    """An archive of an image."""
    config = json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'created': '2026-01-01T00:00:00Z', 'config': {'Cmd': ['sh']},
        'rootfs': {'type': 'layers', 'diff_ids': [_digest(layer) for layer in layers]},
        'history': [{'created_by': 'fuzz'} for _ in layers]}).encode()
    if oci:
        return _oci(layers, config, name)
    names = [f'{number}/layer.tar' for number in range(len(layers))]
    manifest = json.dumps([{'Config': 'config.json', 'RepoTags': [name], 'Layers': names}]).encode()
    return of({**dict(zip(names, layers, strict=True)), 'config.json': config, 'manifest.json': manifest})


def _oci(layers: list[bytes], config: bytes, name: str) -> bytes:
    media = 'application/vnd.oci.image'
    manifest = json.dumps({
        'schemaVersion': 2, 'config': _described(f'{media}.config.v1+json', config),
        'layers': [_described(f'{media}.layer.v1.tar', layer) for layer in layers]}).encode()
    index = json.dumps({'schemaVersion': 2, 'manifests': [
        _described(f'{media}.manifest.v1+json', manifest) | {
            'annotations': {'org.opencontainers.image.ref.name': name}}]}).encode()
    blobs = {f'blobs/sha256/{_digest(blob)[7:]}': blob for blob in (*layers, config, manifest)}
    return of({'oci-layout': b'{"imageLayoutVersion": "1.0.0"}', 'index.json': index, **blobs})


def _described(kind: str, blob: bytes) -> dict[str, object]:
    return {'mediaType': kind, 'digest': _digest(blob), 'size': len(blob)}


def _digest(content: bytes) -> str:
    return f'sha256:{hashlib.sha256(content).hexdigest()}'
