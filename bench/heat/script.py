# SPDX-License-Identifier: Apache-2.0
"""The engine of the minicloud by the docker SDK from one thread, as a script would make the same containers."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker

from bench.contender import BenchFailed

LABEL = 'bench.heat'


class Script:
    """Containers of one image, made and removed one after the other. Close it when done: it removes what it made."""

    def __init__(self, variables: Mapping[str, str], archive: Callable[[], Path], image: str) -> None:
        """:param archive: makes the image, which is loaded unless it is there, and removed again then."""
        if 'MINICLOUD_ENGINE' not in variables:
            raise BenchFailed('The minicloud has no engine of ours: its nova-compute uses another driver')
        self._client = docker.APIClient(variables['MINICLOUD_ENGINE'], version='auto', timeout=120)
        self._image = image
        self._was_there = self._has_image()
        if not self._was_there:
            with archive().open('rb') as content:
                for _ in self._client.load_image(content):
                    pass

    def __enter__(self) -> 'Script':
        return self

    def __exit__(self, *_: object) -> None:
        for container in self._client.containers(all=True, filters={'label': LABEL}):
            self._client.remove_container(container['Id'], force=True, v=True)
        if not self._was_there:
            with contextlib.suppress(docker.errors.NotFound):
                self._client.remove_image(self._image, force=True)
        self._client.close()

    def create(self, count: int) -> tuple[list[str], float]:
        """Create and start so many; their ids and the seconds."""
        began, made = time.perf_counter(), []
        for number in range(count):
            answer = self._client.create_container(
                self._image, name=f'bench-{os.getpid()}-{number}', labels={LABEL: ''})
            made.append(str(answer['Id']))
            self._client.start(made[-1])
        return made, time.perf_counter() - began

    def delete(self, made: list[str]) -> float:
        """Stop and remove them as Heat does; the seconds."""
        began = time.perf_counter()
        for container in made:
            self._client.stop(container)
            self._client.remove_container(container, v=True)
        return time.perf_counter() - began

    def running(self) -> int:
        """How many containers run."""
        return len(self._client.containers())

    @contextlib.contextmanager
    def nothing_left(self) -> Iterator[None]:
        """:raises BenchFailed: after the block there are other containers than before."""
        before = self._ids()
        yield
        if left := self._ids() ^ before:
            raise BenchFailed(f'{len(left)} containers were left, or are gone: {", ".join(sorted(left))[:200]}')

    def _ids(self) -> set[str]:
        return {str(row['Id']) for row in self._client.containers(all=True)}

    def _has_image(self) -> bool:
        try:
            self._client.inspect_image(self._image)
        except docker.errors.NotFound:
            return False
        return True
