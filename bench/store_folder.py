# SPDX-License-Identifier: Apache-2.0
"""The folders in which the minicloud keeps images: what they grow by, and what is written there on the way."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.contender import BenchFailed

_BLOB = re.compile(r'"GET /v2/glance/blobs/\S+ HTTP/1.1" 20[06] (\d+) ')


@dataclasses.dataclass(slots=True)
class Watched:
    """What a folder grew by; ``written`` counts what was written on the way too, and did not stay."""

    grown: int = 0
    written: int = 0


class StoreFolder:
    """Where a store keeps images.

    :param incoming: where data lies that is on its way in.
    :param collect: has the store drop what it needs no more, if it does not do that by itself.
    """

    def __init__(self, root: Path, incoming: Path | None = None, collect: Callable[[], object] = lambda: None) -> None:
        self._root, self._incoming, self.collect = root, incoming or root / 'incoming', collect

    def size(self) -> int:
        """The bytes of all files, their links counted once."""
        return sum(self._sizes(self._root).values())

    @contextlib.contextmanager
    def watched(self) -> Iterator[Watched]:
        """Follow the folder within the block, looking every 5 ms at what is on its way in."""
        found, ended, seen = Watched(), threading.Event(), {}
        known, before = self._sizes(self._root), self._sizes(self._incoming)

        def look() -> None:
            while not ended.wait(0.005):
                for inode, size in self._sizes(self._incoming).items():
                    if inode not in known and size != before.get(inode):
                        seen[inode] = max(size, seen.get(inode, 0))

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield found
        finally:
            ended.set()
            watcher.join()
        after = self._sizes(self._root)
        found.grown = sum(after.values()) - sum(known.values())
        for inode in after.keys() - known.keys():
            seen[inode] = max(after[inode], seen.get(inode, 0))
        found.written = sum(seen.values())

    @staticmethod
    def _sizes(folder: Path) -> dict[int, int]:
        found = {}
        for place, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    told = os.stat(os.path.join(place, name))
                    found[told.st_ino] = told.st_size
        return found


def home_of(variables: Mapping[str, str]) -> Path:
    """The folder of the minicloud."""
    return Path(variables['OS_CLIENT_CONFIG_FILE']).parent


def of_minicloud(home: Path) -> dict[str, StoreFolder]:
    """Both stores of Glance by their ids: the container store with the back end it has, and the file store.

    Of a registry only the blobs count; it frees them when it is told to, while nothing is uploaded.
    """
    found = {'local': StoreFolder(home / 'data/glance/images')}
    if is_in_registry(home):
        data, config = home / 'data/registry/docker/registry/v2', home / 'etc/registry/config.yml'
        found['layers'] = StoreFolder(data / 'blobs', data / 'repositories/glance/_uploads', lambda: subprocess.run(
            ['docker-registry', 'garbage-collect', str(config)], check=True, capture_output=True, timeout=120))
    else:
        found['layers'] = StoreFolder(home / 'data/glance/layers')
        if not (home / 'data/glance/layers').is_dir():
            raise BenchFailed(f'The minicloud in {home} has no container store: wipe it and bring it up again')
    return found


def is_in_registry(home: Path) -> bool:
    """Whether the container store keeps its blobs in a registry."""
    return bool(json.loads((home / 'instance.json').read_text()).get('image_store') == 'registry')


@contextlib.contextmanager
def fetched(home: Path) -> Iterator[list[int]]:
    """The bytes of each blob that anybody fetched from the registry within the block, by its log."""
    log, found = home / 'logs/registry.log', list[int]()
    before = log.stat().st_size
    yield found
    with log.open('rb') as file:
        file.seek(before)
        found += map(int, _BLOB.findall(file.read().decode(errors='replace')))
