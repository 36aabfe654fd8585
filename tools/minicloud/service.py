# SPDX-License-Identifier: Apache-2.0
"""A service of the cloud as a value, and its start and stop."""

import dataclasses
import pathlib
import sys
import threading
import time

from tools.minicloud import errors
from tools.minicloud import forks
from tools.minicloud import instance
from tools.minicloud import probes
from tools.minicloud import processes
from tools.minicloud import program as programs
from tools.minicloud import records

CHECKOUT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Command:
    """A service that is an executable."""

    argv: tuple[str, ...]
    env: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Service:
    """What to run, what must be done before, and when it is ready."""

    name: str
    launch: Command | programs.Program
    ready: probes.Probe
    needs: tuple[str, ...] = ()
    port_name: str | None = None
    grace_s: float = 5
    patience_s: float = 90


def replace(service: Service, **changes) -> Service:
    """Return the service with some fields changed."""
    return dataclasses.replace(service, **changes)


def log_path(cloud: instance.Instance, name: str) -> pathlib.Path:
    """Return where the output of a service goes."""
    return cloud.path('logs', f'{name}.log')


def records_folder(cloud: instance.Instance) -> pathlib.Path:
    """Return where the pid records are."""
    return cloud.path('run', 'pids')


def start(cloud: instance.Instance, service: Service,
          nurseries: forks.Nurseries | None = None) -> records.Record:
    """Start a service and record it; a fork if there are nurseries."""
    log = log_path(cloud, service.name)
    if isinstance(service.launch, Command):
        pid = processes.start(service.launch.argv, home=cloud.home, log=log,
                              env=service.launch.env)
    elif nurseries:
        pid = nurseries.spawn(service.launch, log)
    else:
        pid = processes.start(_interpreter(service.launch), home=cloud.home,
                              log=log, env={'PYTHONPATH': str(CHECKOUT)})
    record = records.describe(service.name, pid, log, _port(cloud, service))
    records.save(records_folder(cloud), record)
    return record


def wait_ready(cloud: instance.Instance, service: Service,
               record: records.Record, cancelled: threading.Event) -> None:
    """Return once the service serves.

    Raises ServiceDied with the end of its log, or NotReady after its time.
    """
    deadline = time.monotonic() + service.patience_s
    while not service.ready(cloud):
        if not record.is_alive():
            raise errors.ServiceDied(
                f'{service.name} died. The end of {record.log}:\n'
                + log_end(pathlib.Path(record.log)))
        if time.monotonic() > deadline:
            raise errors.NotReady(
                f'{service.name} runs but was not ready in '
                f'{service.patience_s:.0f} s. The end of {record.log}:\n'
                + log_end(pathlib.Path(record.log)))
        if cancelled.wait(0.1):
            raise errors.NotReady(f'{service.name} was given up.')


def stop(cloud: instance.Instance, record: records.Record,
         grace_s: float) -> None:
    """End a service and what it forked in its session; forget it."""
    if record.is_alive():
        processes.stop([record.pid], grace_s)
    processes.stop(processes.session_of(cloud.home, record.pid), 1)
    records.remove(records_folder(cloud), record.name)


def log_end(path: pathlib.Path, lines: int = 20) -> str:
    """Return the last lines of a log."""
    try:
        text = path.read_text(errors='replace')
    except FileNotFoundError:
        return '(there is no log)'
    return '\n'.join(text.splitlines()[-lines:])


def _port(cloud: instance.Instance, service: Service) -> int | None:
    return cloud.ports.port(service.port_name) if service.port_name else None


def _interpreter(program: programs.Program) -> tuple[str, ...]:
    return (sys.executable, '-m', 'tools.minicloud.program',
            program.to_json())
