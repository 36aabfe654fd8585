# SPDX-License-Identifier: Apache-2.0
"""Snapshots and boots through Nova: by their layers into the container store, and whole into Glance's file store.

The minicloud is configured for either in turns, and glance-api and nova-compute are started anew with it.
"""

import contextlib
import dataclasses
import hashlib
import io
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker

from bench import figures, minicloud, store_folder, table
from bench.cloud import Cloud
from bench.contender import BenchFailed
from bench.glance import Glance
from nova_container.image.archive import write_archive
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from nova_container.image.loaded import LoadedImage, LoadedLayer
from nova_container.image.manifest import OCI_LAYER
from tests.fixtures import busybox_image

_MB = 1_000_000
_BOTH = ('layers', 'local')
_FILE_STORE = {'etc/glance/glance-api.conf': '[glance_store]\ndefault_backend = local\n',
               'etc/nova/nova-compute.conf': '[container]\nsnapshot_layers = False\n'}
_LIMIT_MB = 5


@dataclasses.dataclass(slots=True)
class Results:
    """Of each store the seconds and the bytes it grew by, a snapshot each; what a boot fetched, -1 if unknown."""

    container_mb: int
    snapshot_s: dict[str, list[float]] = dataclasses.field(default_factory=lambda: {store: [] for store in _BOTH})
    stored: dict[str, list[int]] = dataclasses.field(default_factory=lambda: {store: [] for store in _BOTH})
    image_bytes: int = 0
    fetched: int = -1
    boot_s: float = 0.0

    def values(self) -> dict[str, float]:
        """Names and figures of the line of pairs."""
        return {**{f'snapshot_s_{store}': figures.median(self.snapshot_s[store]) for store in _BOTH},
                **{f'snapshot_stored_mb_{store}': figures.median(self.stored[store]) / _MB for store in _BOTH},
                'boot_image_mb': self.image_bytes / _MB, 'boot_fetched_mb': self.fetched / _MB, 'boot_s': self.boot_s}

    def table(self) -> str:
        """The rows of a snapshot."""
        values = self.values()
        rows = [[what, *(f'{values[f"{name}_{store}"]:.2f}' for store in _BOTH)] for what, name in (
            ('server image create to ACTIVE, s', 'snapshot_s'), ('stored, MB', 'snapshot_stored_mb'))]
        head = f'of a container of {self.container_mb} MB that changed 1 MB, median of {len(self.snapshot_s["local"])}'
        return table.render((head, 'container store', 'file store'), rows)

    def targets(self) -> list[figures.Target]:
        """What is wanted of them."""
        values = self.values()
        found = [
            figures.Target('a snapshot stores', values['snapshot_stored_mb_layers'], _LIMIT_MB, False, ' MB'),
            figures.Target('a snapshot takes, of the time with the file store',
                           100 * values['snapshot_s_layers'] / values['snapshot_s_local'], 33.3, False, ' %')]
        if self.fetched >= 0:
            found.append(figures.Target('boot, base cached: fetched of its image',
                                        100 * self.fetched / self.image_bytes, 10, False, ' %'))
        return found


def measure(variables: Mapping[str, str], folder: Path, rounds: int, container_mb: int,
            tell: Callable[[str], None]) -> Results:
    """Snapshot one server again and again, each store in turns, and boot a second image of the same base."""
    found, blobs, home = Results(container_mb), BlobStore(folder), store_folder.home_of(variables)
    base = (_layer(blobs, busybox_image.base_layer()),
            _layer(blobs, busybox_image.layer({'/srv/filling': secrets.token_bytes(container_mb * _MB)})))
    images = [_image(blobs, *base), _image(blobs, *base, _layer(blobs, busybox_image.layer({
        '/srv/own': secrets.token_bytes(2 * _MB)})))]
    with Glance(variables) as glance, Cloud(variables) as cloud, _configured(home) as choose, \
            contextlib.closing(docker.APIClient(variables['MINICLOUD_ENGINE'], timeout=60)) as engine:
        made = [glance.upload('layers', write_archive([image], blobs))[0] for image in images]
        server, small = cloud.boot('bench-snapshot', made[0])[0], cloud.boot('bench-warm-up')[0]
        _boot_on_it(cloud, home, made[1], found, sum(layer.size for layer in images[1].layers))
        for number in range(rounds):
            for store in _BOTH if number % 2 else _BOTH[::-1]:
                choose(store)
                cloud.snapshot(small, 'bench-warm-up')
                _change(engine, server)
                _one(cloud, home, server, store, found)
            tell(f'snapshot {number + 1} of {rounds}: ' + ', '.join(
                f'{store} {found.snapshot_s[store][-1]:.2f} s {found.stored[store][-1] / _MB:.1f} MB'
                for store in _BOTH))
    return found


def _boot_on_it(cloud: Cloud, home: Path, image: str, found: Results, size: int) -> None:
    with store_folder.fetched(home) if store_folder.is_in_registry(home) else contextlib.nullcontext([]) as fetched:
        server, found.boot_s = cloud.boot('bench-base-cached', image)
    cloud.delete(server)
    found.image_bytes, found.fetched = size, sum(fetched) if fetched else -1


def _one(cloud: Cloud, home: Path, server: str, store: str, found: Results) -> None:
    cloud.delete_snapshots()
    folder = store_folder.of_minicloud(home)[store]
    before = folder.size()
    found.snapshot_s[store].append(cloud.snapshot(server, f'bench-{store}'))
    found.stored[store].append(folder.size() - before)
    cloud.delete_snapshots()


def _change(engine: docker.APIClient, server: str) -> None:
    """Have one megabyte of the server changed, the same each time."""
    command = ['dd', 'if=/dev/urandom', 'of=/root/changed', 'bs=1000000', 'count=1']
    started = engine.exec_create(server, command)['Id']
    engine.exec_start(started)
    if engine.exec_inspect(started)['ExitCode']:
        raise BenchFailed('The server could not write the megabyte that is to be in its snapshot')


@contextlib.contextmanager
def _configured(home: Path) -> Iterator[Callable[[str], None]]:
    """What sets the store that snapshots go to, by the way that belongs to it; at the end it is as it was."""
    texts = {home / name: (home / name).read_text() for name in _FILE_STORE}
    present = 'layers'

    def choose(store: str) -> None:
        nonlocal present
        if store == present:
            return
        for name, more in _FILE_STORE.items():
            (home / name).write_text(texts[home / name] + (more if store == 'local' else ''))
        for service in ('glance', 'nova-compute'):
            minicloud.restart(service)
        present = store
        time.sleep(2)

    try:
        yield choose
    finally:
        choose('layers')


def _image(blobs: BlobStore, *layers: LoadedLayer) -> LoadedImage:
    config = ImageConfig('amd64', 'linux', {'Cmd': ['/bin/sleep', '100000']}, tuple(layer.diff_id for layer in layers))
    content = config.to_json()
    return LoadedImage(config, f'sha256:{hashlib.sha256(content).hexdigest()}', content, layers)


def _layer(blobs: BlobStore, content: bytes) -> LoadedLayer:
    digest, size = blobs.put(io.BytesIO(content))
    return LoadedLayer(digest, size, OCI_LAYER, digest)
