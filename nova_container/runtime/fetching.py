# SPDX-License-Identifier: Apache-2.0
"""Layers fetched from a registry and unpacked as they come, several at a time, beside what others see."""

import concurrent.futures
import dataclasses
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from nova_container.host import files
from nova_container.image import manifest
from nova_container.image.manifest import Descriptor
from nova_container.registry import Repository
from nova_container.registry.download import Download, GivenUp
from nova_container.runtime.images import LayerRecord
from nova_container.runtime.layers import LayerStore, Unpacked
from nova_container.runtime.telling import Board


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A layer to fetch."""

    blob: Descriptor
    diff_id: str

    @property
    def shown(self) -> str:
        """Its name in progress lines: the first digits of its blob's digest, as in Docker."""
        return self.blob.digest.partition(':')[2][:12]


@dataclasses.dataclass(frozen=True, slots=True)
class Fetched:
    """A layer that is here, verified, unpacked and on disk, but not yet in the stores."""

    blob_path: Path
    record: LayerRecord
    unpacked: Unpacked


class Fetching:
    """Fetches layers of one repository into a folder, which is the caller's to remove."""

    def __init__(self, layers: LayerStore, repository: Repository, folder: Path, board: Board) -> None:
        self._layers, self._repository = layers, repository
        self._folder, self._board = folder, board

    def run(self, wanted: Sequence[Wanted]) -> dict[str, Fetched]:
        """All of them, by diff_id. The first failure ends the others and is raised."""
        for layer in wanted:
            self._board.say('Pulling fs layer', layer.shown)
        downloads = self._repository.registry.settings.downloads
        for layer in wanted[downloads:]:
            self._board.say('Waiting', layer.shown)
        with ThreadPoolExecutor(downloads, 'download') as down, ThreadPoolExecutor(os.cpu_count(), 'unpack') as out:
            self._unpackers, self._lock = out, threading.Lock()
            fetched = [down.submit(self._fetch, layer) for layer in wanted]
            try:
                unpacked = [self._first_failure(fetched, index) for index in range(len(fetched))]
                made = {layer.diff_id: future.result() for layer, future in zip(wanted, unpacked, strict=True)}
            except BaseException:
                self._board.halt.end()
                raise
        if made:
            files.sync_filesystem(self._folder)
        for layer in wanted:
            self._board.say('Pull complete', layer.shown)
        return made

    @staticmethod
    def _first_failure(futures: 'list[Future[Future[Fetched]]]', index: int) -> 'Future[Fetched]':
        """The result of one, unless any has failed by then: that is raised at once, whichever it is."""
        while not futures[index].done():
            concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED, timeout=0.2)
            for future in futures:
                if future.done() and (error := future.exception()) and not isinstance(error, GivenUp):
                    raise error
        return futures[index].result()

    def _fetch(self, layer: Wanted) -> 'Future[Fetched]':
        path = self._folder / layer.blob.digest.replace(':', '-')
        size, shown = layer.blob.size, layer.shown
        Download(self._repository, layer.blob, path, self._board.halt,
                 lambda position: self._board.count('Downloading', shown, position, size)).run()
        self._board.say('Verifying Checksum', shown)
        self._board.say('Download complete', shown)
        return self._unpackers.submit(self._unpack, layer, path)

    def _unpack(self, layer: Wanted, path: Path) -> Fetched:
        def tell(position: int) -> None:
            self._board.halt.check()
            self._board.count('Extracting', layer.shown, min(position, layer.blob.size), layer.blob.size)

        tell(0)
        with path.open('rb') as file:
            media_type = manifest.layer_type(file)
        unpacked = self._layers.unpack_aside(layer.diff_id, path, self._folder, tell)
        record = LayerRecord(blob_digest=layer.blob.digest, size=layer.blob.size, diff_id=layer.diff_id,
                             media_type=media_type)
        return Fetched(path, record, unpacked)
