# SPDX-License-Identifier: Apache-2.0
"""Our engine in a bench: its daemon through its unix socket, wired as nova-compute wires it."""

import sys
from pathlib import Path

from bench import memory
from bench.api import Api
from bench.contender import Contender, Started
from bench.daemons import Daemon
from bench.wiring import Bridge

_TOP = Path(__file__).resolve().parents[1]
_CONFIG = """[engine]
state_dir = {folder}/state
run_dir = {run}
socket = {run}/engine.sock
log_file = {folder}/engine.log
"""


class Builtin(Contender):
    """nova-container-engine, created and started by the Docker API."""

    name = 'ours'

    def __init__(self, workspace: Path) -> None:
        super().__init__(workspace)
        self.api = Api(self.volatile / 'engine.sock')
        self._bridge = Bridge()
        self._daemon: Daemon | None = None
        self._ports: dict[str, str] = {}

    def up(self, archive: Path) -> None:
        self.folder.mkdir()
        config = self.folder / 'engine.conf'
        config.write_text(_CONFIG.format(folder=self.folder, run=self.volatile))
        self._bridge.make()
        self._daemon = Daemon([sys.executable, '-m', 'nova_container.cmd.engine', f'--config-file={config}'],
                              self.folder / 'output', self.volatile / 'engine.sock', cwd=_TOP)
        self._daemon.await_socket()
        self.api.load(archive)

    def version(self) -> str:
        info = self.api.client.version()
        parts = [f'{part["Name"]} {part["Version"]}' for part in info.get('Components', ())]
        return ', '.join(parts) or str(info['Version'])

    def run(self, name: str) -> Started:
        container_id = self.api.create(name, network_mode='none')
        settings = self.api.client.inspect_container(container_id)['NetworkSettings']
        self._ports[container_id] = self._bridge.plug(Path(settings['SandboxKey']))
        self.api.client.start(container_id)
        return Started(name, container_id, self.folder / 'state/containers' / container_id[:16] / 'log/log')

    def is_running(self, started: Started) -> bool:
        return self.api.is_running(started.id)

    def remove(self, started: Started) -> None:
        self.api.remove(started.id)
        self._bridge.unplug(self._ports.pop(started.id))  # gone with the namespace; deleting it first costs 17 ms more

    def names(self) -> set[str]:
        return self.api.names()

    def daemon_pids(self) -> list[int]:
        """The daemon and its fork server, while that lives."""
        return [self._daemon.pid, *memory.children(self._daemon.pid)] if self._daemon else []

    def down(self) -> None:
        if self._daemon:
            self.api.remove_all()
            self._daemon.stop()
