# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.store``: images that share a base, and snapshots, in the container store of the minicloud.

Needs root.
"""

import argparse
import dataclasses
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import figures, minicloud, program, snapshots, store_folder, table
from bench.contender import BenchFailed
from bench.glance import Glance
from bench.store_folder import StoreFolder
from nova_container.image.archive import total_size, write_archive
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from nova_container.image.loaded import LoadedImage, LoadedLayer
from nova_container.image.manifest import OCI_LAYER

_MB = 1_000_000
_BOTH = ('layers', 'local')


@dataclasses.dataclass(slots=True)
class Results:
    """Bytes and seconds. ``kept`` is what the store grew by with each image, ``written`` what was written there."""

    size: int = 0
    kept: list[int] = dataclasses.field(default_factory=list)
    written: list[int] = dataclasses.field(default_factory=list)
    upload_s: dict[str, list[float]] = dataclasses.field(default_factory=lambda: {store: [] for store in _BOTH})
    download_s: dict[str, list[float]] = dataclasses.field(default_factory=lambda: {store: [] for store in _BOTH})
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
    left: int = 0
    moved: snapshots.Results | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """0 whatever the figures are; 1 with a sentence on standard error if something did not run."""
    parser = argparse.ArgumentParser(prog='python -m bench.store', description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=5, help='images that share the base (5)')
    parser.add_argument('--base-mb', type=int, default=200, help='MB of the base (200)')
    parser.add_argument('--own-mb', type=int, default=2, help='MB that each image adds (2)')
    parser.add_argument('--rounds', type=int, default=5, help='snapshots for each of both stores (5)')
    parser.add_argument('--container-mb', type=int, default=400, help='MB of the container that is snapshotted (400)')
    arguments = parser.parse_args(argv)

    def act() -> None:
        _tell('the minicloud is looked up, and brought up if it is down')
        with minicloud.running() as variables, tempfile.TemporaryDirectory() as folder:
            with Glance(variables) as glance:
                found = _measure(glance, Path(folder), arguments, store_folder.home_of(variables))
            found.moved = snapshots.measure(variables, Path(folder), arguments.rounds, arguments.container_mb, _tell)
            report(found)

    return program.ended('bench.store', act)


def _measure(glance: Glance, folder: Path, arguments: argparse.Namespace, home: Path) -> Results:
    found, blobs = Results(), BlobStore(folder)
    base, store = _layer(blobs, arguments.base_mb, 'base'), store_folder.of_minicloud(home)['layers']
    store.collect()
    empty = store.size()
    for number in range(arguments.images):
        image = _image(base, _layer(blobs, arguments.own_mb, f'own {number}'), blobs)
        found.size = total_size([image], blobs)
        for which in _BOTH:
            _one(glance, which, image, blobs, found, store)
        _tell(f'image {number + 1} of {arguments.images}: {found.size / _MB:.0f} MB, the store grew by '
              f'{found.kept[-1] / _MB:.1f} MB')
    glance.delete_all()
    store.collect()
    found.left = store.size() - empty
    return found


def _one(glance: Glance, which: str, image: LoadedImage, blobs: BlobStore, found: Results, store: StoreFolder) -> None:
    """Upload to one of the stores, and download again."""
    with glance.memory_peak() as peak, store.watched() as watched:
        made, seconds = glance.upload(which, write_archive([image], blobs))
    found.upload_s[which].append(seconds)
    if which == 'layers':
        found.kept.append(watched.grown)
        found.written.append(watched.written)
    digest, seconds = glance.download(made)
    found.download_s[which].append(seconds)
    if digest != _sha256(write_archive([image], blobs)):
        raise BenchFailed(f'The image came back from the store {which} with other bytes')
    found.memory[which] = max(found.memory.get(which, 0), peak.bytes)


def _image(base: LoadedLayer, own: LoadedLayer, blobs: BlobStore) -> LoadedImage:
    config = ImageConfig('amd64', 'linux', {'Cmd': ['true']}, (base.diff_id, own.diff_id))
    content = config.to_json()
    return LoadedImage(config, f'sha256:{hashlib.sha256(content).hexdigest()}', content, (base, own))


def _layer(blobs: BlobStore, megabytes: int, seed: str) -> LoadedLayer:
    """Bytes that do not repeat: the store looks at layers no closer."""
    digest, size = blobs.put(_Noise(megabytes * _MB, seed))
    return LoadedLayer(digest, size, OCI_LAYER, digest)


class _Noise:
    def __init__(self, size: int, seed: str) -> None:
        self._left, self._seed, self._number = size, seed, 0

    def read(self, size: int, /) -> bytes:
        self._number += 1
        chunk = hashlib.shake_128(f'{self._seed} {self._number}'.encode()).digest(min(size, self._left))
        self._left -= len(chunk)
        return chunk


def _sha256(chunks: Iterator[bytes]) -> str:
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


def report(found: Results) -> None:
    """Print the tables and the line of pairs."""
    share, last = sum(found.kept) / found.size, 100 * found.written[-1] / found.size
    values: dict[str, float] = {
        'images': len(found.kept), 'image_mb': found.size / _MB, 'kept_over_one': share,
        'last_written_percent': last, 'left_bytes': found.left,
        **{f'{what}_s_{store}': figures.median(series[store][1:] or series[store]) for store in _BOTH
           for what, series in (('upload', found.upload_s), ('download', found.download_s))},
        **{f'memory_mb_{store}': found.memory[store] / _MB for store in _BOTH},
        **(found.moved.values() if found.moved else {})}
    print('\n' + table.render(
        ('of an image whose base is there, median', 'container store', 'file store'),
        [[f'{what}, s', *(f'{values[f"{what}_s_{store}"]:.2f}' for store in _BOTH)] for what in ('upload', 'download')]
        + [['glance-api: most memory above rest, MB', *(f'{values[f"memory_mb_{store}"]:.0f}' for store in _BOTH)]]))
    if found.moved:
        print('\n' + found.moved.table())
    print('\n' + table.render(('target', 'measured', 'wanted', ''), [
        figures.Target(f'{len(found.kept)} images, of the bytes of one', share, 1.2, False).cells(),
        figures.Target('the last one, written into the store', last, 10, False, ' %').cells(),
        figures.Target('memory above rest', values['memory_mb_layers'], 100, False, ' MB').cells(),
        figures.Target('bytes left when all are deleted', found.left, 0, False).cells(),
        *(target.cells() for target in (found.moved.targets() if found.moved else ()))]))
    print('\n' + figures.pairs(values))


def _tell(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
