# SPDX-License-Identifier: Apache-2.0
"""The minicloud as its operator has it: services to kill and restart, logs, the switch, namespaces."""

import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

from nova_container.runtime.settings import Settings
from tools.minicloud import instance, openvswitch, records, service, status

TOP = pathlib.Path(__file__).resolve().parents[2]
LOG_START = re.compile(r'^\d{4}-\d\d-\d\d ')


class Host:
    """The one compute host, and what runs on it."""

    def __init__(self) -> None:
        cloud = instance.load(instance.find_home())
        assert cloud is not None, 'there is no minicloud yet'
        self._cloud = cloud
        self.name = cloud.host
        self.image_store = cloud.image_store
        self.home = cloud.home
        self.engine_socket = cloud.path('run', 'engine.sock')
        self.settings = Settings(state_dir=cloud.path('data', 'engine'), run_dir=cloud.path('run', 'engine'))
        self.clouds_yaml = cloud.path('clouds.yaml')
        self.key = cloud.path('keys', 'demo')

    def pid(self, name: str) -> int:
        """The process of a service."""
        record = records.load(service.records_folder(self._cloud), name)
        assert record is not None and record.is_alive(), f'{name} does not run'
        return record.pid

    def kill(self, name: str) -> None:
        """``kill -9`` a service, and nothing else."""
        self.send(name, signal.SIGKILL)

    def send(self, name: str, number: signal.Signals) -> None:
        """Signal a service."""
        record = records.load(service.records_folder(self._cloud), name)
        assert record is not None and record.is_alive(), f'{name} does not run'
        record.send(number)

    def restart(self, name: str) -> None:
        """Start a service anew and wait until it is ready."""
        minicloud('restart', name)

    def restart_the_dead(self) -> None:
        """Start what does not run, as an init system would."""
        for line in status.lines(self._cloud):
            if line.state != 'running':
                self.restart(line.service)

    def log(self, name: str) -> pathlib.Path:
        """The log file of a service."""
        return service.log_path(self._cloud, name)

    def log_since(self, name: str, offset: int) -> str:
        """What a service logged after ``offset`` bytes."""
        with self.log(name).open('rb') as log:
            log.seek(offset)
            return log.read().decode(errors='replace')

    def switch_ports(self) -> list[str]:
        """Interfaces of the private Open vSwitch."""
        return openvswitch.port_names(self._cloud)

    def in_router(self, *argv: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace of the router, where every fixed IP is a neighbour."""
        return subprocess.run(self.router_argv(*argv), capture_output=True, text=True, timeout=timeout_s, check=False)

    def router_argv(self, *argv: str) -> list[str]:
        """The command line that runs ``argv`` in the namespace of ``router1``."""
        return ['ip', 'netns', 'exec', f'qrouter-{self.router_id}', *argv]

    router_id = ''


def minicloud(*arguments: str, timeout_s: float = 300) -> str:
    """Run the ``minicloud`` command. :raises AssertionError: it failed."""
    done = subprocess.run([sys.executable, '-m', 'tools.minicloud', *arguments], cwd=TOP, capture_output=True,
                          text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f'minicloud {" ".join(arguments)}: {done.stdout[-1500:]}{done.stderr[-1500:]}'
    return done.stdout


def is_up() -> bool:
    """Whether every service runs."""
    cloud = instance.load(instance.find_home())
    return cloud is not None and all(line.state == 'running' for line in status.lines(cloud))


def entries(log: str) -> Iterator[str]:
    """The entries of a log, each with the lines that belong to it (a traceback has the same time in every line)."""
    entry: list[str] = []
    for line in log.splitlines():
        if entry and LOG_START.match(line) and line[:23] != entry[0][:23]:
            yield '\n'.join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield '\n'.join(entry)


def is_root() -> bool:
    """Whether a minicloud may be run at all."""
    return os.geteuid() == 0
