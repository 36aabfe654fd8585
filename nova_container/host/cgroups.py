# SPDX-License-Identifier: Apache-2.0
"""Control groups of both versions: where one is, freeze, kill, read, remove. Limits are set by the OCI runtime."""

import contextlib
import dataclasses
import errno
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors

ROOT = Path('/sys/fs/cgroup')


def version(root: Path = ROOT) -> int:
    """2 where the unified hierarchy is mounted at the root; else 1, hybrid included."""
    return 2 if (root / 'cgroup.controllers').exists() else 1


@dataclasses.dataclass(frozen=True, slots=True)
class Cgroup:
    """One group by its path below each hierarchy, for example ``/nova-container/<id>``."""

    path: str
    version: int
    root: Path = ROOT

    def folder(self, controller: str) -> Path:
        """Its folder in the hierarchy of a controller (version 2 has one for all)."""
        if self.version == 2:
            return self.root / self.path.lstrip('/')
        return self.root / controller / self.path.lstrip('/')

    def folders(self) -> Iterator[Path]:
        """Its folder in every hierarchy that has one."""
        if self.version == 2:
            yield self.folder('')
            return
        for hierarchy in sorted(self.root.iterdir()):
            if not hierarchy.is_symlink() and (folder := hierarchy / self.path.lstrip('/')).is_dir():
                yield folder

    def read(self, controller: str, name: str) -> str:
        """A control file; '' if it is not there."""
        try:
            return (self.folder(controller) / name).read_text('ascii')
        except OSError:
            return ''

    def pids(self) -> list[int]:
        """Every process in it, groups below included."""
        found: list[int] = []
        for directory, _, _ in os.walk(self.folder('pids')):
            with contextlib.suppress(OSError):
                found += map(int, Path(directory, 'cgroup.procs').read_text('ascii').split())
        return found

    def limit_pids(self, count: int) -> None:
        """Make the group where processes are counted, and let it and those below have no more than ``count``.

        Silent where the kernel, or the group above, does not count them.
        """
        with contextlib.suppress(OSError):
            self.folder('pids').mkdir(parents=True, exist_ok=True)
            (self.folder('pids') / 'pids.max').write_text(str(count))

    def freeze(self, timeout_s: float = 10.0) -> None:
        """Stop every process, and wait until all are. :raises HostFailure: they did not stop in time."""
        self._set_frozen(True, timeout_s)

    def thaw(self, timeout_s: float = 10.0) -> None:
        """Let every process go on. Silent if the group is gone, or goes meanwhile."""
        try:
            self._set_frozen(False, timeout_s)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise

    def frozen(self) -> bool:
        """Whether it is frozen."""
        if self.version == 2:
            return 'frozen 1' in self.read('', 'cgroup.events')
        return self.read('freezer', 'freezer.state').strip() == 'FROZEN'

    def _set_frozen(self, wanted: bool, timeout_s: float) -> None:
        name, text = ('cgroup.freeze', str(int(wanted))) if self.version == 2 else (
            'freezer.state', 'FROZEN' if wanted else 'THAWED')
        deadline, pause_s = time.monotonic() + timeout_s, 0.0005
        (self.folder('freezer') / name).write_text(text)
        while self.frozen() != wanted:
            if time.monotonic() > deadline:
                (self.folder('freezer') / name).write_text('0' if self.version == 2 else 'THAWED')
                raise errors.HostFailure(f'The processes of {self.path} did not freeze within {timeout_s:g} s')
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.05)
            (self.folder('freezer') / name).write_text(text)

    def kill(self) -> None:
        """Send SIGKILL to every process in it."""
        if self.version == 2 and (killer := self.folder('') / 'cgroup.kill').exists():
            killer.write_text('1')
            return
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove(self, timeout_s: float = 5.0) -> None:
        """Kill what is left in it and remove it everywhere; silent if there is none.

        :raises HostFailure: something in it does not die.
        """
        deadline = time.monotonic() + timeout_s
        for folder in list(self.folders()):
            while not _remove_folders(folder):
                if time.monotonic() > deadline:
                    raise errors.HostFailure(f'{folder} still holds processes after {timeout_s:g} s')
                self.thaw()
                self.kill()
                time.sleep(0.005)


def _remove_folders(folder: Path) -> bool:
    """Remove a group's folder and those below; False while one is in use."""
    for directory, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def expect_move(cgroup_version: int, root: Path = ROOT) -> None:
    """Have the kernel ready for a move of processes between groups, without waiting until it is.

    The first move after some 20 ms without one waits for an RCU grace period, 5 to 20 ms (Linux 6.18: the writer's side
    of ``cgroup_threadgroup_rwsem``); those that follow at once do not. So one that changes nothing goes ahead, beside
    what else there is to do. Without effect where cgroups are mounted with ``favordynmods``.
    """
    threading.Thread(target=move_to_where_it_is, args=(cgroup_version, root), daemon=True,
                     name='cgroup-move').start()


def move_to_where_it_is(cgroup_version: int, root: Path = ROOT) -> None:
    """A move of this process that changes nothing; silent where its group is not seen."""
    controllers, below = ('', root) if cgroup_version == 2 else ('pids', root / 'pids')
    with contextlib.suppress(OSError, StopIteration):
        lines = (line.split(':', 2) for line in Path('/proc/self/cgroup').read_text('ascii').splitlines())
        own = next(path for _, names, path in lines if names == controllers)
        with open(below / own.lstrip('/') / 'cgroup.procs', 'r+', encoding='ascii') as members:
            members.write('0')


def usable(what: str, root: Path = ROOT) -> str:
    """The ``cpus`` or ``mems`` (memory nodes) that groups can be bound to, such as ``0-3``; '' if it cannot be told."""
    for file in (root / f'cpuset.{what}.effective', root / 'cpuset' / f'cpuset.{what}'):
        with contextlib.suppress(OSError):
            return file.read_text('ascii').strip()
    return ''


def limits_swap(root: Path = ROOT) -> bool:
    """Whether groups can have a limit of swap, which the kernel may be told not to count."""
    if version(root) == 1:
        return (root / 'memory' / 'memory.memsw.limit_in_bytes').exists()
    return any(root.glob('*/memory.swap.max'))


def lacks_weights(root: Path = ROOT) -> bool:
    """Whether groups certainly have no weight of block I/O as OCI runtimes set it.

    Of version 1, every group has it where its scheduler is (CFQ, until Linux 5.0); the root of version 2 does not tell.
    """
    return version(root) == 1 and not (root / 'blkio' / 'blkio.weight').exists()


def has_realtime(root: Path = ROOT) -> bool:
    """Whether groups have a share of real-time scheduling (version 1, CONFIG_RT_GROUP_SCHED)."""
    return (root / 'cpu' / 'cpu.rt_runtime_us').exists()


def allow_realtime(parent: str, share: float, root: Path = ROOT) -> None:
    """Have ``parent``, and those above it, hold real-time scheduling for groups below: all there is, or this share.

    :raises HostFailure: other groups have taken too much.
    """
    folder = root / 'cpu'
    most = int((folder / 'cpu.rt_runtime_us').read_text('ascii'))
    for part in parent.strip('/').split('/'):
        folder /= part
        folder.mkdir(exist_ok=True)
        least = round(share * int((folder / 'cpu.rt_period_us').read_text('ascii')))
        if not any(_set_realtime(folder / 'cpu.rt_runtime_us', runtime_us) for runtime_us in (most, least)):
            raise errors.HostFailure(f'{folder} cannot have {share:.1%} of real-time scheduling: other groups have it')


def _set_realtime(limit: Path, runtime_us: int) -> bool:
    """Whether it is that much now, or more."""
    try:
        if int(limit.read_text('ascii')) < runtime_us:
            limit.write_text(str(runtime_us))
    except OSError:
        return False
    return True


def remove_if_empty(parent: str, root: Path = ROOT) -> None:
    """Remove a group that has no groups and no processes; silent otherwise."""
    for folder in list(Cgroup(parent, version(root), root).folders()):
        with contextlib.suppress(OSError):
            folder.rmdir()


def children(parent: str, root: Path = ROOT) -> set[str]:
    """Names of the groups directly below ``parent`` in any hierarchy."""
    found: set[str] = set()
    for folder in Cgroup(parent, version(root), root).folders():
        if folder.is_dir():
            found.update(entry.name for entry in folder.iterdir() if entry.is_dir())
    return found
