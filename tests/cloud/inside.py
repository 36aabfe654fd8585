# SPDX-License-Identifier: Apache-2.0
"""Into the containers: commands by the Docker API of the engine, as ``docker exec`` has it."""

import pathlib
import re
from typing import Any

import docker

from tests.cloud.project import wait_for


class Containers:
    """The containers of the host, each by the id of its server."""

    def __init__(self, socket: pathlib.Path) -> None:
        self.client = docker.DockerClient(base_url=f'unix://{socket}', timeout=30)

    def run(self, server_id: str, *command: str, user: str = '') -> str:
        """What a command in the server prints. :raises AssertionError: it failed."""
        code, text = self.tried(server_id, *command, user=user)
        assert code == 0, f'{" ".join(command)} ended with {code}: {text}'
        return text

    def sh(self, server_id: str, script: str) -> str:
        """What a shell script in the server prints. :raises AssertionError: it failed."""
        return self.run(server_id, 'sh', '-c', script)

    def tried(self, server_id: str, *command: str, user: str = '') -> tuple[int, str]:
        """Exit code and output, errors too."""
        api = self.client.api
        started = api.exec_create(server_id, list(command), user=user)['Id']
        output = api.exec_start(started)
        ended = wait_for('exec has ended', lambda: (  # the output may end a moment before the process is known to have
            not (found := api.exec_inspect(started))['Running'] and found), 10, 0.02)
        return int(ended['ExitCode']), output.decode(errors='replace')

    def inspect(self, server_id: str) -> dict[str, Any]:
        """What Docker tells of it."""
        return dict(self.client.api.inspect_container(server_id))

    def pid(self, server_id: str) -> int:
        """The first process, as the host numbers it."""
        return int(self.inspect(server_id)['State']['Pid'])

    def addresses(self, server_id: str) -> dict[str, list[str]]:
        """IPv4 addresses with their length, by interface."""
        found: dict[str, list[str]] = {}
        for line in self.run(server_id, 'busybox', 'ip', '-o', '-4', 'addr', 'show').splitlines():
            name, address = re.match(r'\d+: (\S+)\s+inet (\S+)', line).groups()  # type: ignore[union-attr]
            if name != 'lo':
                found.setdefault(name, []).append(address)
        return found

    def metadata(self, server_id: str, path: str, *headers: str) -> str:
        """The answer of the metadata service, status line and all."""
        lines = ''.join(f'{one}\\r\\n' for one in (f'GET {path} HTTP/1.0', 'Host: 169.254.169.254', *headers, ''))
        return self.sh(server_id, f"printf '{lines}' | timeout 10 busybox nc -w 5 169.254.169.254 80")
