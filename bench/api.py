# SPDX-License-Identifier: Apache-2.0
"""The Docker Engine API by the docker SDK: the same client for our engine and for dockerd."""

import threading
from pathlib import Path

import docker
import requests

from bench.contender import COMMAND, IMAGE, BenchFailed


class Api:
    """One connection a thread."""

    def __init__(self, sock: Path) -> None:
        self.sock = sock
        self._url = f'unix://{sock}'
        self._local = threading.local()

    @property
    def client(self) -> docker.APIClient:
        """The calling thread's own client."""
        if not hasattr(self._local, 'client'):
            self._local.client = docker.APIClient(self._url, version='auto', timeout=120)
        return self._local.client

    def load(self, archive: Path) -> None:
        """Load the image of the bench. :raises BenchFailed: it is not there afterwards."""
        with archive.open('rb') as content:
            for line in self.client.load_image(content):
                if 'error' in line:
                    raise BenchFailed(f'The image was refused: {line["error"]}')
        self.client.inspect_image(IMAGE)

    def create(self, name: str, **host_config: object) -> str:
        """Create a container of the bench and return its id."""
        client = self.client
        answer = client.create_container(IMAGE, COMMAND, name=name,
                                         host_config=client.create_host_config(**host_config))
        return str(answer['Id'])

    def remove(self, container: str) -> None:
        """Kill and remove."""
        self.client.remove_container(container, force=True, v=True)

    def is_running(self, container: str) -> bool:
        """Whether it has state running."""
        return str(self.client.inspect_container(container)['State']['Status']) == 'running'

    def names(self) -> set[str]:
        """Every container."""
        return {name.lstrip('/') for row in self.client.containers(all=True) for name in row['Names']}

    def remove_all(self) -> None:
        """Kill and remove every container, as far as the engine answers."""
        try:
            for name in self.names():
                self.remove(name)
        except (docker.errors.DockerException, requests.RequestException, OSError):
            return
