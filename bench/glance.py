# SPDX-License-Identifier: Apache-2.0
"""Glance of the minicloud: images uploaded and downloaded by its API, and its memory."""

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import openstack

from bench import minicloud
from bench.contender import BenchFailed

_CHUNK = 1 << 20


@dataclasses.dataclass(slots=True)
class Peak:
    """The most memory, in bytes, above what there was before."""

    bytes: int = 0


class Glance:
    """The images of the demo project. Close it when done: it deletes what it made."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._connection = openstack.connection.Connection(config=openstack.config.OpenStackConfig(
            config_files=[variables['OS_CLIENT_CONFIG_FILE']]).get_one(variables['OS_CLOUD']))
        self._images = self._connection.image
        self._made: list[str] = []
        self._process = Path('/proc', str(_pid('glance')))

    def __enter__(self) -> 'Glance':
        return self

    def __exit__(self, *_: object) -> None:
        self.delete_all()
        self._connection.close()

    def upload(self, store: str, chunks: Iterator[bytes]) -> tuple[str, float]:
        """Make an image of the bytes in a store; its id and the seconds."""
        answer = self._images.post('/images', json={'name': 'bench-store', 'container_format': 'docker',
                                                    'disk_format': 'raw'})
        image = answer.json()['id']
        self._made.append(image)
        began = time.perf_counter()
        answer = self._images.put(f'/images/{image}/file', data=chunks, headers={
            'Content-Type': 'application/octet-stream', 'X-Image-Meta-Store': store})
        seconds = time.perf_counter() - began
        if answer.status_code != 204:
            raise BenchFailed(f'Glance refused an image: {answer.status_code} {answer.text[:300]}')
        if self._images.get(f'/images/{image}').json().get('stores') != store:
            raise BenchFailed(f'The image is not in the store {store}')
        return image, seconds

    def download(self, image: str) -> tuple[str, float]:
        """Read an image; the sha256 of its bytes in hex, and the seconds."""
        began, hashed = time.perf_counter(), hashlib.sha256()
        for chunk in self._images.get(f'/images/{image}/file', stream=True).iter_content(_CHUNK):
            hashed.update(chunk)
        return hashed.hexdigest(), time.perf_counter() - began

    def delete_all(self) -> None:
        while self._made:
            self._images.delete_image(self._made.pop())

    @contextlib.contextmanager
    def memory_peak(self) -> Iterator[Peak]:
        """The most resident memory of glance-api within the block (proc(5): clear_refs 5, VmHWM)."""
        peak = Peak()
        (self._process / 'clear_refs').write_text('5')
        before = self._status('VmRSS')
        yield peak
        peak.bytes = max(0, self._status('VmHWM') - before)

    def _status(self, field: str) -> int:
        for line in (self._process / 'status').read_text().splitlines():
            if line.startswith(f'{field}:'):
                return int(line.split()[1]) * 1024
        raise BenchFailed(f'glance-api has no {field}')


def _pid(service: str) -> int:
    return next(int(one['pid']) for one in json.loads(minicloud.status()) if one['service'] == service)
