# SPDX-License-Identifier: Apache-2.0
"""What a bench asks of each engine: come up, make a container run, remove it, tell of its memory, go away."""

import abc
import dataclasses
import time
from pathlib import Path

WORD = 'bench-up'
"""The first thing that every container says."""
SCRIPT = f'echo {WORD}; ip -o -4 addr show dev eth0; exec sleep 1000000'
COMMAND = ['sh', '-c', SCRIPT]
IMAGE = 'localhost/bench:1'


class BenchFailed(Exception):
    """Something did not run, so there is no figure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """A container that runs: its name, its id, and the file its output goes to."""

    name: str
    id: str
    log: Path


class Contender(abc.ABC):
    """An engine of the same image, network and command as the others.

    ``folder`` is its own, on disk, and ``volatile`` another, in memory, as /run is. :param workspace: holds both.
    """

    name: str

    def __init__(self, workspace: Path) -> None:
        self.folder = workspace / self.name
        self.volatile = workspace / 'run' / self.name
        self.group = workspace.name

    @abc.abstractmethod
    def up(self, archive: Path) -> None:
        """Start it and load the image. :raises BenchFailed:"""

    @abc.abstractmethod
    def version(self) -> str:
        """What it is, for the table."""

    @abc.abstractmethod
    def run(self, name: str) -> Started:
        """Create a container with an address of its own and start it; it is running on return."""

    @abc.abstractmethod
    def is_running(self, started: Started) -> bool:
        """Whether the engine says that it runs."""

    @abc.abstractmethod
    def remove(self, started: Started) -> None:
        """Kill and remove it; it is gone on return."""

    @abc.abstractmethod
    def names(self) -> set[str]:
        """Every container it has."""

    @abc.abstractmethod
    def daemon_pids(self) -> list[int]:
        """The processes that serve all containers; empty if it needs none."""

    @abc.abstractmethod
    def down(self) -> None:
        """Remove what is left and stop. Repeatable, and after a failed ``up`` too."""


def await_word(started: Started, timeout_s: float = 20.0) -> float:
    """Wait for the first output of a container; when it was seen, by ``time.perf_counter``.

    :raises BenchFailed: it does not come.
    """
    deadline = time.perf_counter() + timeout_s
    while WORD not in _said(started):
        if time.perf_counter() > deadline:
            raise BenchFailed(f'Container {started.name} said nothing within {timeout_s:g} s')
        time.sleep(0.001)
    return time.perf_counter()


def check_address(started: Started, timeout_s: float = 20.0) -> None:
    """Wait until the container has told the address it has. :raises BenchFailed: it has none."""
    deadline = time.perf_counter() + timeout_s
    while 'inet 10.' not in _said(started):
        if time.perf_counter() > deadline:
            raise BenchFailed(f'Container {started.name} has no address: {_said(started)[-200:]}')
        time.sleep(0.002)


def _said(started: Started) -> str:
    try:
        return started.log.read_text(errors='replace')
    except FileNotFoundError:
        return ''
