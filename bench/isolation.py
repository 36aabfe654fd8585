# SPDX-License-Identifier: Apache-2.0
"""Network and mount namespaces of a bench's own, so that bridges, firewall rules and mounts of all engines end with it.

A mark in the environment tells that we are inside. dockerd sets the policy of the FORWARD chain and podman's
plug-ins add rules to it; outside, these would stay, and would change the network of this machine.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import memory
from bench.contender import BenchFailed
from bench.daemons import command, find

_MARK = 'NOVA_CONTAINER_BENCH_INSIDE'
_CGROUPS = Path('/sys/fs/cgroup')


def enter(module: str) -> None:
    """Become ``python -m module`` with the same arguments in namespaces of its own, unless this is it.

    :raises BenchFailed: not root.
    """
    if os.environ.get(_MARK) == module:
        command(['ip', 'link', 'set', 'lo', 'up'])
        return
    if os.geteuid():
        raise BenchFailed('Containers need namespaces and mounts: run it as root')
    argv = [find('unshare'), '--net', '--mount', '--propagation', 'slave', sys.executable, '-m', module, *sys.argv[1:]]
    sys.stdout.flush()
    os.execve(argv[0], argv, {**os.environ, _MARK: module})


@contextlib.contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """An empty folder with ``run`` in memory; gone after the block, with processes, mounts and groups that name it."""
    folder.mkdir(mode=0o755)
    try:
        (folder / 'run').mkdir()
        command(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'bench', f'{folder}/run'])
        yield folder
    finally:
        sweep(folder)


def sweep(folder: Path) -> None:
    """End processes whose command line names the folder, unmount below it, remove its groups and itself."""
    for _ in range(3):
        for pid in memory.having(f'{folder}/'):
            if pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for line in reversed(Path('/proc/self/mountinfo').read_text().splitlines()):
        target = line.split()[4]
        if target.startswith(f'{folder}/'):
            with contextlib.suppress(BenchFailed):
                command(['umount', '--lazy', target])
    remove_groups(folder.name)
    shutil.rmtree(folder, ignore_errors=True)


def remove_groups(name: str) -> None:
    """Kill what is in the control groups of that name, in every hierarchy, and remove them."""
    for top in [_CGROUPS / name, *_CGROUPS.glob(f'*/{name}')]:
        for group in [*sorted(top.rglob('*/'), reverse=True), top]:
            with contextlib.suppress(OSError):
                for pid in (group / 'cgroup.procs').read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                _remove_group(group)


def _remove_group(group: Path) -> None:
    for _ in range(50):
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.01)
