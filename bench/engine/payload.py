# SPDX-License-Identifier: Apache-2.0
"""Images of a wanted size for a bench: layers of many files, half of them random, half of them text."""

import dataclasses
import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path

from isal import igzip

MIB = 1 << 20
_TEXT = b'a line of text that many files of an image have in one way or another, number %06d\n'


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """An image in pieces: ``config`` as bytes, layers compressed and plain by path, with their digests."""

    config: bytes
    layers: tuple[Path, ...]
    plain: tuple[Path, ...]
    digests: tuple[str, ...]

    @property
    def plain_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.plain)


def make(folder: Path, name: str, layer_mib: Sequence[int]) -> Payload:
    """Write the layers of an image to files in ``folder``; the same name gives the same bytes."""
    layers, plain, digests, diff_ids = [], [], [], []
    for number, size_mib in enumerate(layer_mib):
        path = folder / f'{name}-{number}.tar'
        path.write_bytes(_layer(random.Random(f'{name}-{number}'), number, size_mib * MIB))
        packed = path.with_suffix('.tgz')
        packed.write_bytes(igzip.compress(path.read_bytes(), compresslevel=1, mtime=0))
        plain.append(path)
        layers.append(packed)
        diff_ids.append(_digest(path))
        digests.append(_digest(packed))
    created = '2026-01-01T00:00:00Z'
    config = json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'created': created, 'config': {'Cmd': ['/bin/true']},
        'rootfs': {'type': 'layers', 'diff_ids': diff_ids},
        'history': [{'created': created, 'created_by': 'bench'} for _ in layers]}).encode()
    return Payload(config, tuple(layers), tuple(plain), tuple(digests))


def archive(payload: Payload, path: Path, name: str) -> None:
    """Write what ``docker save`` gives of the image."""
    names = [f'{number}/layer.tar' for number in range(len(payload.plain))]
    with tarfile.open(path, 'w') as target:
        for inside, file in zip(names, payload.plain, strict=True):
            target.add(file, inside)
        config = f'{hashlib.sha256(payload.config).hexdigest()}.json'
        manifest = json.dumps([{'Config': config, 'RepoTags': [name], 'Layers': names}]).encode()
        for inside, content in ((config, payload.config), ('manifest.json', manifest)):
            _add(target, inside, content)


def context(files: dict[str, bytes]) -> bytes:
    """A build context, compressed as the docker command sends it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as target:
        for name, content in files.items():
            _add(target, name, content)
    return gzip.compress(buffer.getvalue(), mtime=0)


def _layer(source: random.Random, number: int, size: int) -> bytes:
    buffer = io.BytesIO()
    text = b''.join(_TEXT % line for line in range(MIB // 64))
    with tarfile.open(fileobj=buffer, mode='w') as target:
        written = 0
        while written < size:
            length = min(size - written, int(4096 * 2 ** source.uniform(0, 9)))
            content = source.randbytes(length) if source.random() < 0.5 else (text * (length // len(text) + 1))[:length]
            _add(target, f'usr/share/layer{number}/{written % 16}/{written}', content)
            written += length
    return buffer.getvalue()


def _add(target: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    target.addfile(entry, io.BytesIO(content))


def _digest(path: Path) -> str:
    with path.open('rb') as file:
        return f'sha256:{hashlib.file_digest(file, "sha256").hexdigest()}'
