# SPDX-License-Identifier: Apache-2.0
"""Servers through the API, as a user has them, each action timed by polling until it is done."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import openstack
from openstack import exceptions

from bench.contender import BenchFailed

_POLL_S = 0.05
_TIMEOUT_S = 300.0
_IMAGE, _FLAVOR, _NETWORK = 'demo-httpd', 'c1.tiny', 'private'


class Cloud:
    """The demo project of the minicloud. Close it when done: it deletes what it made."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._connection = openstack.connection.Connection(config=openstack.config.OpenStackConfig(
            config_files=[variables['OS_CLIENT_CONFIG_FILE']]).get_one(variables['OS_CLOUD']))
        self._compute, self._images = self._connection.compute, self._connection.image
        self._image = self._found(self._images.find_image(_IMAGE), f'image {_IMAGE}').id
        self._flavor = self._found(self._compute.find_flavor(_FLAVOR), f'flavor {_FLAVOR}').id
        self._network = self._found(self._connection.network.find_network(_NETWORK), f'network {_NETWORK}').id
        self._servers: set[str] = set()
        self._snapshots: set[str] = set()

    def __enter__(self) -> 'Cloud':
        return self

    def __exit__(self, *_: object) -> None:
        for server in list(self._servers):
            self.delete(server)
        self.delete_snapshots()
        self._connection.close()

    @staticmethod
    def _found(resource: Any, what: str) -> Any:
        if resource is None:
            raise BenchFailed(f'The minicloud has no {what}')
        return resource

    def boot(self, name: str, image: str | None = None) -> tuple[str, float]:
        """Make a server and wait until it is ACTIVE; its uuid and the seconds.

        :param image: its id; demo-httpd if None.
        :raises ServerFailed: it ended in ERROR; it is deleted.
        """
        began = time.perf_counter()
        server = self._compute.create_server(name=name, image_id=image or self._image, flavor_id=self._flavor,
                                             networks=[{'uuid': self._network}])
        self._servers.add(server.id)
        try:
            self._await(f'server {name} is ACTIVE', lambda: self._is_idle(server.id))
        except ServerFailed:
            self.delete(server.id)
            raise
        return server.id, time.perf_counter() - began

    def reboot(self, server: str) -> float:
        """Reboot it softly; the seconds until it is ACTIVE again."""
        began = time.perf_counter()
        self._compute.reboot_server(server, 'SOFT')
        self._await('the server is back', lambda: self._is_idle(server))
        return time.perf_counter() - began

    def snapshot(self, server: str, name: str) -> float:
        """Make an image of it; the seconds until the image is active and the server free."""
        began = time.perf_counter()
        image = self._compute.create_server_image(server, name).id
        self._snapshots.add(image)
        self._await('the image is active',
                    lambda: self._images.get_image(image).status == 'active' and self._is_idle(server))
        return time.perf_counter() - began

    def delete_snapshots(self) -> None:
        """Delete the images of all snapshots so far."""
        while self._snapshots:
            self._images.delete_image(self._snapshots.pop(), ignore_missing=True)

    def delete(self, server: str) -> float:
        """Delete it; the seconds until it is gone."""
        began = time.perf_counter()
        self._compute.delete_server(server, ignore_missing=True)
        self._await('the server is gone', lambda: self._is_gone(server))
        self._servers.discard(server)
        return time.perf_counter() - began

    def _is_idle(self, server: str) -> bool:
        """Whether it is ACTIVE and nothing is under way. :raises ServerFailed: it is in ERROR."""
        found = self._compute.get_server(server)
        if found.status == 'ERROR':
            raise ServerFailed(str((found.fault or {}).get('message', 'no fault is told')))
        return found.status == 'ACTIVE' and not found.task_state

    def _is_gone(self, server: str) -> bool:
        try:
            self._compute.get_server(server)
        except exceptions.NotFoundException:
            return True
        return False

    @staticmethod
    def _await(what: str, reached: Callable[[], bool]) -> None:
        deadline = time.perf_counter() + _TIMEOUT_S
        while not reached():
            if time.perf_counter() > deadline:
                raise BenchFailed(f'It took over {_TIMEOUT_S:g} s until {what}')
            time.sleep(_POLL_S)


class ServerFailed(Exception):
    """A server ended in ERROR, for the reason given."""
