# SPDX-License-Identifier: Apache-2.0
"""dockerd in a bench: a private one, through its unix socket, with its default bridge."""

from pathlib import Path

from bench import memory
from bench.api import Api
from bench.contender import Contender, Started
from bench.daemons import Daemon, find


class Dockerd(Contender):
    """dockerd and the containerd that it starts."""

    name = 'dockerd'

    def __init__(self, workspace: Path) -> None:
        super().__init__(workspace)
        self.api = Api(self.volatile / 'docker.sock')
        self._daemon: Daemon | None = None

    def up(self, archive: Path) -> None:
        self.folder.mkdir()
        self.volatile.mkdir()
        self._daemon = Daemon(
            [find('dockerd'), f'--data-root={self.folder}/data', f'--exec-root={self.volatile}/exec',
             f'--host=unix://{self.volatile}/docker.sock', f'--pidfile={self.volatile}/pid', '--bip=10.213.0.1/16',
             f'--cgroup-parent=/{self.group}'],
            self.folder / 'output', self.volatile / 'docker.sock')
        self._daemon.await_socket()
        self.api.load(archive)

    def version(self) -> str:
        version = self.api.client.version()
        parts = {part['Name']: part['Version'].partition('~')[0] for part in version['Components']}
        return f'dockerd {version["Version"]}, containerd {parts.get("containerd")}, runc {parts.get("runc")}'

    def run(self, name: str) -> Started:
        container_id = self.api.create(name)
        self.api.client.start(container_id)
        return Started(name, container_id, self.folder / 'data/containers' / container_id / f'{container_id}-json.log')

    def is_running(self, started: Started) -> bool:
        return self.api.is_running(started.id)

    def remove(self, started: Started) -> None:
        self.api.remove(started.id)

    def names(self) -> set[str]:
        return self.api.names()

    def daemon_pids(self) -> list[int]:
        monitors = set(memory.monitors(f'{self.volatile}/'))
        serving = [self._daemon.pid] if self._daemon else []
        return serving + [pid for pid in memory.having(f'{self.volatile}/exec/containerd')
                          if pid not in monitors and pid not in serving]

    def down(self) -> None:
        if self._daemon:
            self.api.remove_all()
            self._daemon.stop(60)
