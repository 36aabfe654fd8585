# SPDX-License-Identifier: Apache-2.0
"""The cloud as a user reaches it: the ``openstack`` client for what is done, the API for waiting."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import openstack
from openstack import exceptions

from tools.demo.steps import StepFailed, expect, wait_for

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HOME = Path(os.environ.get('MINICLOUD_HOME', TOP / '.minicloud'))


class Cloud:
    """The demo project of the minicloud."""

    def __init__(self) -> None:
        self._environment = {**os.environ, 'OS_CLOUD': 'minicloud', 'PATH': f'{BIN}:{os.environ["PATH"]}',
                             'OS_CLIENT_CONFIG_FILE': str(HOME / 'clouds.yaml')}
        os.environ['OS_CLIENT_CONFIG_FILE'] = str(HOME / 'clouds.yaml')
        self._connection = openstack.connect(cloud='minicloud')
        self.key = HOME / 'keys' / 'demo'

    def openstack(self, *arguments: str) -> str:
        """Run the ``openstack`` client. :raises StepFailed: it ended with an error."""
        ended = subprocess.run([str(BIN / 'openstack'), *arguments], env=self._environment, capture_output=True,
                               text=True, timeout=300, check=False)
        if ended.returncode:
            raise StepFailed(f'openstack {" ".join(arguments)} said: {ended.stderr.strip()[-500:]}')
        return ended.stdout

    def show(self, *arguments: str) -> Any:
        """Run the ``openstack`` client and return what it tells as JSON."""
        return json.loads(self.openstack(*arguments, '-f', 'json'))

    def server(self, name: str) -> Any:
        """A server by name, as the API tells it now; None if there is none."""
        found = self._connection.compute.find_server(name, ignore_missing=True)
        try:
            return found and self._connection.compute.get_server(found.id)
        except exceptions.NotFoundException:  # it went meanwhile
            return None

    def await_status(self, name: str, status: str, timeout_s: float = 120.0) -> Any:
        """The server, once it has that status and no task. :raises StepFailed: with its fault."""
        def reached() -> Any:
            server = self.server(name)
            if server is not None and server.status == 'ERROR' and status != 'ERROR':
                raise StepFailed(f'Server {name} is in ERROR: {(server.fault or {}).get("message", "no fault told")}')
            return server if server is not None and server.status == status and not server.task_state else None

        return wait_for(f'server {name} is {status}', reached, timeout_s)

    def await_gone(self, name: str) -> None:
        """Wait until there is no server of that name."""
        wait_for(f'server {name} is gone', lambda: self.server(name) is None)

    def await_image(self, name: str) -> Any:
        """An image, once it is active."""
        return wait_for(f'image {name} is active', lambda: next(
            (image for image in self._connection.image.images(name=name) if image.status == 'active'), None), 300)

    def stack(self, name: str) -> Any:
        """A stack by name, as the API tells it now; None if there is none."""
        found = self._connection.orchestration.find_stack(name, ignore_missing=True)
        return None if found is None or found.status == 'DELETE_COMPLETE' else found

    def await_stack(self, name: str, status: str, timeout_s: float = 240.0) -> dict[str, Any]:
        """The outputs of a stack, once it has that status. :raises StepFailed: with its reason."""
        def reached() -> Any:
            found = self.stack(name)
            if found is not None and found.status.endswith('FAILED') and (
                    'ROLLBACK' not in status or found.status.startswith('ROLLBACK')):
                raise StepFailed(f'Stack {name} is {found.status}: {found.status_reason}')
            return found if found is not None and found.status == status else None

        found: Any = wait_for(f'stack {name} is {status}', reached, timeout_s, 0.3)
        return {one['output_key']: one.get('output_value') for one in found.outputs or ()}

    def await_stack_gone(self, name: str) -> None:
        """Wait until there is no stack of that name."""
        wait_for(f'stack {name} is gone', lambda: self.stack(name) is None, 120, 0.3)

    def engine_container(self, container: str) -> Any:
        """What the engine tells of a container; None if there is none."""
        engine = docker.APIClient(base_url=f'unix://{HOME / "run" / "engine.sock"}')
        try:
            return engine.inspect_container(container)
        except docker.errors.NotFound:
            return None
        finally:
            engine.close()

    def connect_floating_ip(self, server: str) -> str:
        """Give the server a floating IP and return it."""
        address = str(self.show('floating', 'ip', 'create', 'public')['floating_ip_address'])
        self.openstack('server', 'add', 'floating', 'ip', server, address)
        return address

    def ssh(self, address: str, command: str) -> str:
        """Run a command in a server by ssh. :raises StepFailed: it ended with an error."""
        ended = self._ssh(address, command)
        expect(ended.returncode == 0, f'ssh to {address} ended with {ended.returncode}: {ended.stderr.strip()[-300:]}')
        return ended.stdout

    def await_ssh(self, address: str) -> None:
        """Wait until ssh lets us in."""
        wait_for(f'ssh to {address} answers', lambda: self._ssh(address, 'true').returncode == 0, 90, 0.5)

    def _ssh(self, address: str, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ['ssh', '-i', str(self.key), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
             '-o', 'ConnectTimeout=5', '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', f'root@{address}', command],
            capture_output=True, text=True, timeout=60, check=False)


def http_get(address: str, timeout_s: float = 2.0, port: int = 80) -> str | None:
    """The page at a port; None if nothing answers."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.request('GET', '/')
        return connection.getresponse().read().decode('utf-8', 'replace')
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
